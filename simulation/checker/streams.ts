/** What subscribers got against what they should have got. */
import { offsetOf, positionFor, type History } from './history.js';
import { BESIDE } from './outcomes.js';
import type { Report } from './violation.js';

/** One connection of a follower, from its place on. */
export interface Session {
  readonly process: string;
  /** Where it was asked to begin; undefined: from now on. */
  readonly after: string | undefined;
  ready: { readonly position: string; readonly recovered: boolean } | undefined;
  /** Positions of the frames, in the order in which they came. */
  readonly frames: { readonly position: string; readonly type: string; readonly inReplyTo: string | null }[];
}

export interface Followed {
  readonly conversation: string;
  /** It resumes before the oldest message that has no outcome: nothing may be missing in the end. */
  readonly careful: boolean;
  readonly sessions: readonly Session[];
}

interface Expected { readonly position: string; readonly type: string; readonly inReplyTo: string | null; readonly letter: boolean }

/** Outcomes of each conversation, in the order of their positions. */
export function expectedOutcomes(history: History, epoch: string): Map<string, Expected[]> {
  const all = new Map<string, Expected[]>();
  const add = (key: string | null, expected: Expected): void => {
    const name = (key ?? '').slice((key ?? '').indexOf('/') + 1);
    const found = all.get(name);
    if (found) found.push(expected); else all.set(name, [expected]);
  };
  for (const { record, value } of history.replies) {
    if (value === undefined) continue;
    const at = (index: number): string => positionFor(epoch, offsetOf(value.position), index);
    add(record.key, { position: at(1), type: value.parts.length > 0 ? 'reply' : 'outcome', inReplyTo: value.inReplyTo, letter: false });
    if (value.handoff !== null) add(record.key, { position: at(2), type: 'handoff', inReplyTo: null, letter: false });
  }
  for (const { record, value } of history.letters) {
    if (value === undefined || BESIDE.has(value.stage) || record.key === null) continue;
    const offset = value.position === null ? value.offset : offsetOf(value.position);
    add(record.key, { position: positionFor(epoch, offset, 1), type: 'outcome', inReplyTo: value.messageId, letter: true });
  }
  for (const list of all.values()) list.sort((a, b) => (a.position < b.position ? -1 : 1));
  return all;
}

export interface Streams {
  readonly followers: readonly Followed[];
  /** `<conversation> <position>` of messages whose acceptance is known. */
  readonly accepted: ReadonlySet<string>;
}

export function checkStreams({ followers, accepted }: Streams, history: History, epoch: string, report: Report): void {
  const all = expectedOutcomes(history, epoch);
  for (const follower of followers) {
    const expected = all.get(follower.conversation) ?? [];
    for (const session of follower.sessions) checkSession(session, follower, expected, session === follower.sessions.at(-1), report);
    if (follower.careful) checkWhole(follower, expected.filter(({ position }) => accepted.has(`${follower.conversation} ${position.slice(0, -2)}00`)), report);
  }
}

function checkSession(session: Session, { conversation }: Followed, expected: readonly Expected[], isLast: boolean, report: Report): void {
  const known = new Map(expected.map((each) => [each.position, each]));
  const told = (detail: string, ...positions: string[]): void => { report('delivered once', `${conversation} at ${session.process} after ${session.after ?? 'now'}: ${detail}`, ...positions); };
  const seen = new Set<string>();
  let highest: Expected | undefined;
  for (const { position, type, inReplyTo } of session.frames) {
    const outcome = known.get(position);
    if (outcome === undefined) { told('an outcome that is not in the log', position); continue; }
    if (outcome.type !== type || outcome.inReplyTo !== inReplyTo) told(`a ${type} where the log has a ${outcome.type}`, position);
    if (seen.has(position)) told('an outcome twice', position);
    seen.add(position);
    // A reply and a dead letter stand in two topics: one may come late, and is sent all the same.
    if (highest !== undefined && position < highest.position && !overtaken(outcome, seen, known)) told('an outcome after a later one', highest.position, position);
    if (highest === undefined || position > highest.position) highest = outcome;
  }
  checkGaps({ session, expected, seen, highest: highest?.position, isLast, told });
}

interface Got {
  readonly session: Session;
  readonly expected: readonly Expected[];
  readonly seen: ReadonlySet<string>;
  /** The newest that it got. */
  readonly highest: string | undefined;
  readonly isLast: boolean;
  readonly told: (detail: string, ...positions: string[]) => void;
}

/** From where it was told to begin, nothing is missing up to the newest that it got; up to the end when it is still there. */
function checkGaps({ session, expected, seen, highest, isLast, told }: Got): void {
  const known = new Map(expected.map((each) => [each.position, each]));
  const { ready, after } = session;
  if (ready === undefined) {
    if (isLast) told('it never became ready');
    return;
  }
  const from = after === undefined || !ready.recovered ? fromNow(ready.position, session.frames[0]?.position) : after;
  if (from === undefined) return;
  for (const outcome of expected) {
    if (outcome.position <= from || seen.has(outcome.position)) continue;
    if (highest !== undefined && outcome.position < highest ? overtaken(outcome, seen, known) : !isLast) continue;
    told('an outcome is missing', outcome.position);
  }
}

/**
 * Where "from now on" begins: behind the outcome that `ready` names. An outcome of an older message may come since (a dead
 * letter that was made late): it says nothing about those between, which came before. Where `ready` names a message (index
 * 00), nothing was known of the conversation, and it is a place behind which all that has no outcome yet stands: outcomes
 * that came before may stand behind it too.
 */
function fromNow(told: string, first: string | undefined): string | undefined {
  return told.endsWith('-00') && (first === undefined || first > told) ? first : told;
}

/**
 * One that stands later was sent before it, and one of the two is a dead letter: it is written as soon as a stage gives up,
 * by another stage and into another topic than the outcome of the message before.
 */
function overtaken(outcome: Expected, seen: ReadonlySet<string>, known: ReadonlyMap<string, Expected>): boolean {
  for (const position of seen) if (position > outcome.position && (outcome.letter || known.get(position)?.letter === true)) return true;
  return false;
}

function checkWhole(follower: Followed, expected: readonly Expected[], report: Report): void {
  const got = new Set(follower.sessions.flatMap(({ frames }) => frames.map(({ position }) => position)));
  for (const { position } of expected) if (!got.has(position)) report('delivered once', `${follower.conversation}: a careful subscriber never got an outcome`, position);
}
