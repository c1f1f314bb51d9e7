/**
 * What was sent, accepted and answered in one conversation, and the verdict on it. It only writes down while the run goes
 * on, in the order of arrival; all judging is done in `verdict`, so that it does not matter whether a frame or the answer
 * to the POST comes first.
 */

/** A message counts as answered when its outcome comes within this time after acceptance. */
export const ANSWER_MILLIS = 30_000;

interface Sent {
  messageId: string;
  position: string;
  sentAt: number;
  acceptedAt: number;
}

interface Outcome {
  readonly inReplyTo: string;
  readonly position: string;
  readonly at: number;
}

export interface Verdict {
  accepted: number;
  /** Has its outcome within 30 s of acceptance. */
  answered: number;
  /** Has its outcome, but later than that. */
  late: number;
  /** Has no outcome. */
  lost: number;
  /** Outcomes beyond the first, and outcomes of messages that were never accepted. */
  duplicated: number;
  /** Messages accepted, or outcomes received, before an earlier one. */
  outOfOrder: number;
  /** Found in the events, though the socket did not bring it. */
  missedBySocket: number;
}

export const emptyVerdict = (): Verdict => ({ accepted: 0, answered: 0, late: 0, lost: 0, duplicated: 0, outOfOrder: 0, missedBySocket: 0 });

export class Ledger {
  /** Accepted messages in the order in which they were sent. */
  private readonly sent: Sent[] = [];
  private readonly byId = new Map<string, number>();
  private readonly outcomes: Outcome[] = [];
  private readonly answeredIds = new Set<string>();
  private stored: readonly Outcome[] | undefined;

  accepted(message: { readonly messageId: string; readonly position: string }, sentAt: number, acceptedAt: number): void {
    this.byId.set(message.messageId, this.sent.length);
    this.sent.push({ messageId: message.messageId, position: message.position, sentAt, acceptedAt });
  }

  /** An outcome as the socket brought it. */
  outcome(inReplyTo: string, position: string, at: number): void {
    this.outcomes.push({ inReplyTo, position, at });
    this.answeredIds.add(inReplyTo);
  }

  /** All outcomes of the conversation as the events have them. */
  events(outcomes: readonly Outcome[]): void { this.stored = outcomes; }

  isAnswered(messageId: string): boolean { return this.answeredIds.has(messageId); }

  /** Accepted messages whose outcome the socket has not brought. */
  get open(): number { return this.sent.filter(({ messageId }) => !this.answeredIds.has(messageId)).length; }

  /** Whether the socket brought something that the events should confirm. */
  get doubtful(): boolean { return this.open > 0 || this.outcomes.length !== this.sent.length; }

  /** From sending to the frame, for every message that the socket answered. */
  * latencies(): Iterable<number> {
    const seen = new Set<string>();
    for (const { inReplyTo, at } of this.outcomes) {
      const message = this.sent[this.byId.get(inReplyTo) ?? -1];
      if (message === undefined || seen.has(inReplyTo)) continue;
      seen.add(inReplyTo);
      yield at - message.sentAt;
    }
  }

  verdict(): Verdict {
    const verdict = emptyVerdict();
    verdict.accepted = this.sent.length;
    this.judgeOrder(verdict);
    const first = this.judgeOutcomes(this.outcomes, verdict);
    const stored = new Map<string, number[]>();
    for (const { inReplyTo, at } of this.stored ?? []) stored.set(inReplyTo, [...stored.get(inReplyTo) ?? [], at]);
    for (const { messageId, acceptedAt } of this.sent) {
      const times = stored.get(messageId) ?? [];
      // What the socket showed twice was counted there already.
      if (times.length > 1 && this.outcomes.filter(({ inReplyTo }) => inReplyTo === messageId).length < 2) verdict.duplicated += times.length - 1;
      const at = first.get(messageId) ?? times[0];
      if (!first.has(messageId) && at !== undefined) verdict.missedBySocket += 1;
      if (at === undefined) verdict.lost += 1;
      else if (at - acceptedAt <= ANSWER_MILLIS) verdict.answered += 1;
      else verdict.late += 1;
    }
    return verdict;
  }

  /** Messages must be accepted in the order in which they were sent. */
  private judgeOrder(verdict: Verdict): void {
    let highest = '';
    for (const { position } of this.sent) {
      if (position <= highest) verdict.outOfOrder += 1;
      else highest = position;
    }
  }

  private judgeOutcomes(outcomes: readonly Outcome[], verdict: Verdict): Map<string, number> {
    const first = new Map<string, number>();
    let highestTurn = -1;
    let highestPosition = '';
    for (const { inReplyTo, position, at } of outcomes) {
      const turn = this.byId.get(inReplyTo);
      if (turn === undefined || first.has(inReplyTo)) { verdict.duplicated += 1; continue; }
      first.set(inReplyTo, at);
      if (turn < highestTurn || position <= highestPosition) verdict.outOfOrder += 1;
      highestTurn = Math.max(highestTurn, turn);
      if (position > highestPosition) highestPosition = position;
    }
    return first;
  }
}
