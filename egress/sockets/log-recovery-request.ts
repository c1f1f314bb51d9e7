/** What one subscription asks of the log, and what is found for it. */
import type { Outcome } from '../outcomes/outcome.js';

/** Acknowledged offsets may be this far beyond the end that readers see, while a transaction is open before them. */
const UNSEEN = 10_000;

export interface Recovered {
  /** After the position that was asked for, in order. */
  readonly outcomes: readonly Outcome[];
  /** There are more: ask again after the last one. */
  readonly more: boolean;
  /** What came after the position can no longer be had (or the position is not of this log). */
  readonly lost: boolean;
}

/** What is asked for. */
export interface Wanted {
  readonly partition: number;
  readonly key: string;
  readonly after: string;
  /** Default: all that stand after the position. */
  readonly since?: Since;
  readonly cancelled: () => boolean;
}

/** Offsets: outcomes whose records stand before them are left out. */
export interface Since { readonly replies: number; readonly letters: number }

export interface Request extends Wanted {
  /** Of the position, in messages.v1. */
  readonly offset: number;
  readonly replies: Outcome[];
  readonly letters: Outcome[];
  bytes: number;
  /** Its share is full, and there is more after the last of the replies. */
  more: boolean;
  /** A pass has gone without it. */
  passedOver: boolean;
  resolve(recovered: Recovered): void;
  reject(error: unknown): void;
}

export interface Span { readonly start: number; readonly end: number }
/** Of one partition. */
export interface Bounds { readonly messages: Span; readonly replies: Span; readonly letters: Span }

export const LOST: Recovered = { outcomes: [], more: false, lost: true };
/** For who is gone. */
export const UNWANTED: Recovered = { outcomes: [], more: false, lost: false };

export function isLost({ offset, since }: Request, { messages, replies, letters }: Bounds): boolean {
  if (since !== undefined) return since.replies < replies.start || since.letters < letters.start;
  // Beyond the end: a log that was put back. Before the start: what followed may have been removed with it.
  return offset > messages.end + UNSEEN || offset < messages.start;
}

/** `share`: characters of frames that its answer may hold. */
export function keep(request: Request, outcome: Outcome, share: number): void {
  if (request.more || request.bytes > share) { request.more = true; return; }
  request.replies.push(outcome);
  request.bytes += outcome.frame.length;
}

export function finish({ replies, letters, more }: Request): Recovered {
  const last = !more ? undefined : replies[replies.length - 1]?.position ?? '';
  const all = last === undefined ? [...replies, ...letters] : [...replies, ...letters.filter((letter) => letter.position <= last)];
  all.sort((a, b) => (a.position < b.position ? -1 : a.position > b.position ? 1 : 0));
  return { outcomes: all.filter((outcome, i) => i === 0 || outcome.position !== all[i - 1]?.position), more, lost: false };
}
