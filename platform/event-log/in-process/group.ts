/**
 * Consumer groups within one process. A change of members ends the generation for all: each is asked to drain, then the
 * next generation begins. Fencing: a commit is checked against its assignment at the moment it is put into a batch.
 */
import type { Clock } from '../../clock.js';
import { ConfabError, toConfabError } from '../../errors.js';
import type { GroupListener, GroupMember, GroupOptions } from '../event-log.js';
import { InProcessAssignment, type AssignmentLog } from './assignment.js';
import { assignSticky } from './sticky.js';

const DRAIN_MILLIS = 500;
const RETRY_MILLIS = { first: 100, most: 5_000 };

export interface GroupLog extends AssignmentLog {
  readonly clock: Clock;
  readonly schedule: (run: () => void) => void;
}

export class Group {
  private readonly members = new Set<Member>();
  private generation = 0;
  private wanted = false;
  private running = false;

  constructor(readonly name: string, private readonly log: GroupLog) {}

  get size(): number { return this.members.size; }
  reads(topic: string): boolean { return [...this.members].some((member) => member.options.topics.includes(topic)); }

  join(options: GroupOptions, listener: GroupListener): Member {
    const member = new Member(this, options, listener, this.log);
    this.members.add(member);
    this.rebalance();
    return member;
  }

  leave(member: Member): void {
    if (this.members.delete(member)) this.rebalance();
  }

  /** Ends the generation and begins the next one, soon; calls that come before it begins are served by it. */
  rebalance(): void {
    this.wanted = true;
    if (this.running) return;
    this.running = true;
    this.log.schedule(() => { void this.run(); });
  }

  private async run(): Promise<void> {
    while (this.wanted) {
      await Promise.all([...this.members].map((member) => member.drain()));
      this.wanted = false;
      this.generation += 1;
      const members = [...this.members];
      const partitions = Math.max(0, ...members.flatMap((member) => member.options.topics.map((topic) => this.log.partitionCount(topic))));
      const shares = assignSticky(members.map((member) => member.owned), partitions);
      members.forEach((member, index) => { member.begin(this.generation, shares[index] ?? []); });
    }
    this.running = false;
  }
}

/** A membership that can be ended from outside. */
export interface InProcessMember extends GroupMember {
  /** Puts the member out: its generation ends at once, it is not asked and not told but by the signal of its assignment. */
  expel(): void;
}

export class Member implements InProcessMember {
  /** Partition numbers of the last generation, for stickiness. */
  owned: readonly number[] = [];
  private current: InProcessAssignment | undefined;
  private draining: Promise<void> | undefined;
  private closed = false;
  private failures = 0;

  constructor(private readonly group: Group, readonly options: GroupOptions, private readonly listener: GroupListener, private readonly log: GroupLog) {}

  begin(generation: number, partitions: readonly number[]): void {
    if (this.closed) return;
    this.owned = partitions;
    const assignment = new InProcessAssignment(generation, partitions, this.options, this.log, {
      records: (batch) => { this.listener.records(batch); },
      broken: (error) => { this.fail(assignment, error); },
    });
    this.current = assignment;
    void this.run(assignment);
  }

  private async run(assignment: InProcessAssignment): Promise<void> {
    try {
      await this.listener.assigned(assignment);
      assignment.ready = true;
      this.failures = 0;
    } catch (error) {
      this.fail(assignment, toConfabError(error));
    }
  }

  /** Gives up the place in this generation and asks for another one after a while. */
  private fail(assignment: InProcessAssignment, error: ConfabError): void {
    if (assignment.ended) return;
    assignment.end();
    const wait = Math.min(RETRY_MILLIS.most, RETRY_MILLIS.first * 2 ** this.failures);
    this.failures += 1;
    this.listener.failed(error, false);
    this.log.clock.after(wait, () => { if (!this.closed && this.current === assignment) this.group.rebalance(); });
  }

  /** Ends the member's part in the generation: `revoking`, bounded, then the signal. One that is not ready has nothing to drain. */
  drain(): Promise<void> {
    const assignment = this.current;
    if (!assignment || assignment.ended) return this.draining ?? Promise.resolve();
    this.draining ??= this.revoke(assignment).finally(() => { this.draining = undefined; });
    return this.draining;
  }

  private async revoke(assignment: InProcessAssignment): Promise<void> {
    assignment.stopReading();
    if (assignment.ready) {
      let revoked: Promise<void>;
      try { revoked = this.listener.revoking(); } catch (error) { revoked = Promise.reject(toConfabError(error)); }
      await this.bounded(revoked.catch((error: unknown) => { this.listener.failed(toConfabError(error), false); }));
    }
    assignment.end();
  }

  private bounded(work: Promise<void>): Promise<void> {
    const done = new AbortController();
    const late = this.log.clock.sleep(this.options.drainMillis ?? DRAIN_MILLIS, done.signal).catch(() => undefined);
    return Promise.race([work, late]).finally(() => { done.abort(); });
  }

  async rejoin(): Promise<void> {
    if (this.closed) throw new ConfabError('CONFAB_CLOSED', { detail: `member of ${this.group.name}` });
    this.group.rebalance();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.drain();
    this.group.leave(this);
  }

  /** Ends the membership without asking: what a coordinator does to a member whose session has run out. */
  expel(): void {
    if (this.closed) return;
    this.closed = true;
    this.current?.end();
    this.group.leave(this);
  }
}
