/** What senders were told: every request with its answer, in the order in which they happened. */
import type { Accepted } from '../../ingress/acceptance/submission.js';
import type { ErrorCode } from '../../platform/errors.js';
import type { Report } from './violation.js';

export interface Attempt {
  readonly conversation: string;
  readonly messageId: string;
  readonly process: string;
  readonly key: string | undefined;
  /** Hash of the body, with a key. */
  readonly body: string | undefined;
  /** When it was handed to the process, in the order of all that happened. */
  readonly submitted: number;
  answered: number | undefined;
  accepted: Accepted | undefined;
  refused: ErrorCode | undefined;
}

export class Ledger {
  readonly attempts: Attempt[] = [];
  private sequence = 0;

  constructor(private readonly report: Report) {}

  begin(attempt: Pick<Attempt, 'conversation' | 'messageId' | 'process' | 'key' | 'body'>): Attempt {
    const begun: Attempt = { ...attempt, submitted: this.sequence += 1, answered: undefined, accepted: undefined, refused: undefined };
    this.attempts.push(begun);
    return begun;
  }

  answer(attempt: Attempt, refused: ErrorCode | undefined, accepted: Accepted | undefined): void {
    if (attempt.answered !== undefined) this.report('one answer', `message ${attempt.messageId} was answered twice`, accepted?.position ?? attempt.messageId);
    attempt.answered = this.sequence += 1;
    attempt.refused = refused;
    attempt.accepted = accepted;
  }

  get accepted(): number { return this.attempts.filter(({ accepted }) => accepted?.duplicate === false).length; }
}
