/**
 * A dead letter as operators see it. Its id is its place in dead-letters.v1, `<partition>-<offset>`; it is open until another
 * record of the same partition closes it (`closes`), once and for good.
 */
import { ConfabError } from '../../platform/errors.js';
import type { DeadLetter } from '../../schemas/types.js';

export const STATUSES = ['open', 'retried', 'discarded'] as const;
export type LetterStatus = (typeof STATUSES)[number];
export type LetterAction = 'retry' | 'discard';
/** The status that an action leads to. */
export const STATUS_AFTER = { retry: 'retried', discard: 'discarded' } as const;

/** Letters of one request at most: it has to end before somebody loses patience. */
export const MOST_AT_ONCE = 100;

export const LETTER_ID_FORM = /^(\d{1,6})-(\d{1,15})$/;

export interface LetterPlace { readonly partition: number; readonly offset: number }

export function letterId({ partition, offset }: LetterPlace): string {
  return `${partition}-${offset}`;
}

/** @throws CONFAB_LETTER_UNKNOWN the text is not the id of a letter */
export function parseLetterId(text: string): LetterPlace {
  const match = LETTER_ID_FORM.exec(text);
  if (!match) throw new ConfabError('CONFAB_LETTER_UNKNOWN', { detail: `"${text.slice(0, 40)}" is no id of a dead letter; one looks like 3-1042.` });
  return { partition: Number(match[1]), offset: Number(match[2]) };
}

/** The record that closed a letter. */
export interface Closing { readonly status: 'retried' | 'discarded'; readonly at: number; readonly id: string }

export interface Letter {
  readonly place: LetterPlace;
  /** Key of the record, as it stands in dead-letters.v1. */
  readonly key: string | null;
  readonly record: DeadLetter;
  readonly closing: Closing | undefined;
}

export const statusOf = (letter: Letter): LetterStatus => letter.closing?.status ?? 'open';

/** What lists and answers show of a letter; times as in RFC 3339. */
export interface LetterView {
  readonly id: string;
  readonly status: LetterStatus;
  readonly stage: string;
  readonly phase: string;
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly attempts: number;
  readonly at: string;
  /** `<tenant>/<conversationId>`. */
  readonly conversation: string | null;
  readonly messageId: string | null;
  /** Position of the message. */
  readonly position: string | null;
  /** Where the record stands that the stage could not process. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly closedAt: string | null;
}

export function viewOf(letter: Letter): LetterView {
  const { stage, phase, errorCode, errorMessage, attempts, at, messageId, position, topic, partition, offset } = letter.record;
  return {
    id: letterId(letter.place), status: statusOf(letter), stage, phase, errorCode, errorMessage, attempts, at: new Date(at).toISOString(),
    conversation: letter.key, messageId, position, topic, partition, offset,
    closedAt: letter.closing === undefined ? null : new Date(letter.closing.at).toISOString(),
  };
}
