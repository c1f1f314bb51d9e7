/** For tests: what a broken pipeline would leave behind, planted in a sound history, and what an audit must say of it. */
import type { BotReply, DeadLetter } from '../../../schemas/types.js';
import type { FindingKind } from '../finding.js';
import type { Audited } from '../spans.js';
import type { History, Planned, PlannedMessage } from './history.js';

export interface Expected {
  readonly kind: FindingKind;
  readonly topic: Audited;
  /** Offset of the message that it is about. */
  readonly message?: number;
  /** Offset of the record: known once the history is written down. */
  readonly record?: Planned;
  /** What it also brings about and may be told: kinds. */
  readonly also?: readonly FindingKind[];
}

/** Plants itself; undefined when the history has no place for it. */
export type Defect = (history: History) => Expected | undefined;

export const copy = <T extends Planned>(planned: T): T => ({ ...planned, offset: -1 });
export const insertLater = (history: History, list: Planned[], after: Planned, record: Planned): void => {
  const at = list.indexOf(after) + 1;
  list.splice(at + Math.floor(history.random.float() * (list.length - at + 1)), 0, record);
};
export const offsetOf = (position: string): number => Number(position.slice(9, 21));
export const messageOf = (history: History, offset: number): PlannedMessage => history.messages.find((one) => one.offset === offset) as PlannedMessage;
export const keyOf = (history: History): string => history.pick(history.conversations).key;
export const replied = (history: History): Planned<BotReply> | undefined => history.replies.length === 0 ? undefined : history.pick(history.replies);

/** Two records of one conversation with only others between. */
export function neighbours<T extends Planned>(history: History, list: readonly T[]): [T, T] | undefined {
  for (let tries = 0; tries < 20; tries += 1) {
    const first = history.pick(list);
    const second = list.slice(list.indexOf(first) + 1).find(({ key }) => key === first.key);
    if (second !== undefined) return [first, second];
  }
  return undefined;
}

export function swap<T>(list: T[], one: T, other: T): void {
  const [a, b] = [list.indexOf(one), list.indexOf(other)];
  [list[a], list[b]] = [other, one];
}

/** A letter of a message that is open. */
export const openLetter = (history: History): Planned<DeadLetter> => history.letter(history.accept(keyOf(history)));
