/** What the checker says: which promise was broken, where, and how. */
export const INVARIANTS = {
  'accepted once': 'every accepted message stands in messages.v1 exactly once, where its acceptance says',
  'refused never': 'a message that was refused as not written is not in messages.v1',
  'accepted in order': 'a message that was sent after another was accepted stands behind it',
  'one answer': 'a request is answered once',
  'one outcome': 'every message has exactly one outcome: a reply or an open dead letter',
  'nothing unasked': 'there is no understanding, reply or dead letter without its message',
  'answered in order': 'replies of a conversation stand in the order of its messages',
  'function of the input': 'what is written follows from the messages before it, whatever happened on the way',
  'state once': 'the state reflects every message once, in the topic and in the store',
  'timer once': 'a timer that is due comes once, unless it was taken back, as a message of its conversation; none is lost',
  'timer in time': 'a timer comes not before its time, the earliest first, and not when its cancel is read',
  'effect once': 'what a bot asks of a server is asked under one key, whoever asks; what was recorded is what the server did',
  'commit behind work': 'a committed offset never passes a record that is not finished',
  'counted once': 'counts add up to the replies',
  'delivered once': 'a subscriber gets every outcome once and in order from its position on, or is told that it cannot',
  'drained': 'once nothing fails any more, everything that was accepted is answered, committed and delivered',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  readonly invariant: Invariant;
  readonly detail: string;
  /** Where: positions, or topic/partition@offset. */
  readonly positions: readonly string[];
}

export type Report = (invariant: Invariant, detail: string, ...positions: string[]) => void;
