/**
 * The one writer of a partition of dead-letters.v1 among operators: a member of the group `confab.dead-letters`.
 *
 * What it commits is checked against the generation of the group, so only the owner of a partition closes its letters. Who
 * takes a partition over first ends what the last owner left open (its name stands in the metadata of the committed
 * offset), then writes its own name: nothing of the former can appear after that, and what it did can be read.
 */
import type { Clock } from '../../platform/clock.js';
import { ConfabError, toConfabError } from '../../platform/errors.js';
import type { Assignment, EventLog, GroupListener, GroupMember } from '../../platform/event-log/event-log.js';

export interface LetterOwnerOptions {
  readonly log: EventLog;
  readonly group: string;
  /** Full name of dead-letters.v1. */
  readonly topic: string;
  /** Names this process in commits: a ULID. */
  readonly instance: string;
  readonly clock: Clock;
}

/** The form that all groups of the pipeline use: `1;<instance>;…`. */
const OWNER = /^1;([0-9A-Z]{26});/;

export class LetterOwner {
  private member: GroupMember | undefined;
  private assignment: Assignment | undefined;
  private fault: ConfabError | undefined;
  private fatal = false;
  private readonly waiting = new Set<() => void>();

  private constructor(private readonly options: LetterOwnerOptions) {}

  /** Joins; resolves before the member has its share. */
  static async join(options: LetterOwnerOptions): Promise<LetterOwner> {
    const owner = new LetterOwner(options);
    const listener: GroupListener = {
      assigned: (assignment) => owner.assigned(assignment),
      records: () => undefined,
      revoking: () => { owner.assignment = undefined; return Promise.resolve(); },
      failed: (error, fatal) => { owner.failed(error, fatal); },
    };
    owner.member = await options.log.join({ group: options.group, topics: [options.topic] }, listener);
    return owner;
  }

  /**
   * The member's share, taken over; waits for it.
   * @throws CONFAB_LETTERS_BUSY it did not get one in time; what the log refuses for good
   */
  async share(millis: number): Promise<Assignment> {
    const { clock } = this.options;
    const end = clock.monotonic() + millis;
    while (this.assignment === undefined) {
      if (this.fatal && this.fault) throw this.fault;
      const left = end - clock.monotonic();
      if (left <= 0) throw new ConfabError('CONFAB_LETTERS_BUSY', { detail: this.fault === undefined ? 'The group gave out no partitions in time.' : `${this.fault.code}: ${this.fault.detail}` });
      await this.changed(left);
    }
    return this.assignment;
  }

  /** The name that commits carry. */
  get instance(): string { return this.options.instance; }

  async close(): Promise<void> {
    await this.member?.close();
  }

  private async assigned(assignment: Assignment): Promise<void> {
    const { instance } = this.options;
    const owners = new Set((await assignment.committed({ stable: false })).flatMap(({ metadata }) => OWNER.exec(metadata)?.[1] ?? []));
    owners.delete(instance);
    for (const owner of owners) await assignment.fence(owner);
    await assignment.committed({ stable: true });
    const offsets = (await assignment.bounds()).map(({ topic, partition, end }) => ({ topic, partition, offset: end, metadata: `1;${instance};` }));
    if (offsets.length > 0) await assignment.commit(instance, { records: [], offsets });
    if (assignment.signal.aborted) throw new ConfabError('CONFAB_FENCED', { detail: `generation ${assignment.generation} has ended` });
    this.assignment = assignment;
    this.wake();
  }

  private failed(error: unknown, fatal: boolean): void {
    this.assignment = undefined;
    this.fault = toConfabError(error);
    // No repeat mends a missing right or topic.
    this.fatal = fatal || !this.fault.retryable && this.fault.code !== 'CONFAB_FENCED';
    this.wake();
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private changed(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.options.clock.after(millis, () => { done(); });
      const done = (): void => { timer.cancel(); this.waiting.delete(done); resolve(); };
      this.waiting.add(done);
    });
  }
}
