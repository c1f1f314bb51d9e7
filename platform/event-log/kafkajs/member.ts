/**
 * A member of a Kafka group (classic protocol). One loop: join, hand over the assignment, live until the generation ends,
 * let the listener drain, join again. Heartbeats have a timer of their own and depend on no handler and no fetch.
 */
import type { Clock, Timer } from '../../clock.js';
import { ConfabError, toConfabError } from '../../errors.js';
import type { Logger } from '../../observability/logger.js';
import type { GroupListener, GroupMember, GroupOptions, TopicPartition } from '../event-log.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { KafkaAssignment } from './assignment.js';
import { codeName, KafkaCode, LOST_PLACE, refusal } from './codes.js';
import type { Coordinators, Directory } from './directory.js';
import { Fetcher } from './fetcher.js';
import type { KafkaMetrics } from './metrics.js';
import { decodeAssignment, encodeSubscription, heartbeat, joinGroup, leaveGroup, syncGroup, type GroupPlace, type Joined } from './requests-group.js';
import { assign, ASSIGNER, topicsOf } from './sticky.js';
import type { Transactions } from './transactions.js';

export interface MemberTimes {
  readonly sessionTimeoutMillis: number;
  readonly heartbeatMillis: number;
  readonly rebalanceTimeoutMillis: number;
}

export interface MemberParts {
  /** Join, heartbeats and fetches: a join holds up what is behind it on its connection. */
  readonly membership: Network;
  /** Commits, offsets, bounds. */
  readonly work: Network;
  readonly directory: Directory;
  readonly coordinators: Coordinators;
  readonly transactions: Transactions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: KafkaMetrics;
  readonly times: MemberTimes;
  readonly fetchBytes: number;
  readonly maxWaitMillis: number;
}

const DRAIN_MILLIS = 500;
const BATCH = { bytes: 1_048_576, records: 1_000 };
const RETRY_MILLIS = { first: 100, most: 1_000 };

type Ending = { readonly why: 'rebalance' | 'lost' | 'rejoin' | 'close' } | { readonly why: 'failed'; readonly error: ConfabError };

/** What goes on within one generation. */
interface Life {
  readonly assignment: KafkaAssignment;
  readonly fetcher: Fetcher;
  ready: boolean;
  end(ending: Ending): void;
}

export class KafkaMember implements GroupMember {
  private id = '';
  private generation = -1;
  private owned: readonly number[] = [];
  private life: Life | undefined;
  private living: Promise<unknown> = Promise.resolve();
  private failures = 0;
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: GroupOptions, private readonly listener: GroupListener, private readonly parts: MemberParts, private readonly onClose: () => void) {
    this.running = this.run();
  }

  async rejoin(): Promise<void> {
    if (this.stopping.signal.aborted) throw new ConfabError('CONFAB_CLOSED', { detail: `member of ${this.options.group}` });
    const { living } = this;
    this.life?.end({ why: 'rejoin' });
    await living;
  }

  close(): Promise<void> {
    this.closing ??= this.leaveForGood();
    return this.closing;
  }

  private async leaveForGood(): Promise<void> {
    const { living } = this;
    this.stopping.abort(new ConfabError('CONFAB_CLOSED', { detail: `member of ${this.options.group}` }));
    this.life?.end({ why: 'close' });
    await living;
    // Not over the connection that may be waiting for a join: leaving is what ends that wait.
    await this.leave();
    await this.running;
    // A join that had succeeded just before.
    await this.leave();
    await Promise.all([this.parts.membership.close(), this.parts.work.close()]);
    this.onClose();
  }

  private async run(): Promise<void> {
    const { clock, logger } = this.parts;
    while (!this.stopping.signal.aborted) {
      try {
        const place = await this.join();
        if (!this.stopping.signal.aborted) {
          const life = this.live(place.place, place.partitions, place.share);
          this.living = life.catch(() => undefined);
          await life;
        }
      } catch (error) {
        if (this.stopping.signal.aborted) break;
        const problem = error instanceof NoAnswer ? new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: error.message, cause: error }) : toConfabError(error);
        const wait = Math.min(RETRY_MILLIS.most, RETRY_MILLIS.first * 2 ** this.failures);
        this.failures += 1;
        logger.warn({ group: this.options.group, err: problem, wait }, 'no place in the group; it is tried again');
        this.tell(problem);
        await clock.sleep(wait, this.stopping.signal).catch(() => undefined);
      }
    }
  }

  private tell(error: ConfabError): void {
    try {
      this.listener.failed(error, false);
    } catch (thrown) {
      this.parts.logger.error({ err: thrown }, 'a listener failed');
    }
  }

  private async join(): Promise<{ place: GroupPlace; partitions: readonly number[]; share: readonly TopicPartition[] }> {
    const { group, topics } = this.options;
    const { membership, coordinators, times } = this.parts;
    for (;;) {
      this.stopping.signal.throwIfAborted();
      const node = await this.coordinator();
      const joined = await this.ask(() => membership.send(node, joinGroup({
        group, member: this.id, protocol: ASSIGNER, metadata: encodeSubscription({ topics, generation: this.generation, owned: this.owned }),
        sessionTimeoutMillis: times.sessionTimeoutMillis, rebalanceTimeoutMillis: times.rebalanceTimeoutMillis,
      })));
      if (joined.code === KafkaCode.MEMBER_ID_REQUIRED) { this.id = joined.member; continue; }
      if (joined.code === KafkaCode.UNKNOWN_MEMBER_ID) { this.id = ''; continue; }
      if (joined.code === KafkaCode.REBALANCE_IN_PROGRESS) continue;
      if (joined.code !== KafkaCode.NONE) { coordinators.stale('group', group, joined.code); throw refusal(joined.code, `joining ${group}`); }
      this.id = joined.member;
      const place = { group, generation: joined.generation, member: joined.member };
      const shares = joined.leader === joined.member ? await this.lead(joined) : [];
      const synced = await this.ask(() => membership.send(node, syncGroup(place, shares, times.rebalanceTimeoutMillis + 5_000)));
      if (synced.code === KafkaCode.REBALANCE_IN_PROGRESS || LOST_PLACE.has(synced.code)) continue;
      if (synced.code !== KafkaCode.NONE) { coordinators.stale('group', group, synced.code); throw refusal(synced.code, `joining ${group}`); }
      return { place, ...this.accept(place.generation, decodeAssignment(synced.assignment)) };
    }
  }

  private accept(generation: number, topics: ReturnType<typeof decodeAssignment>): { partitions: readonly number[]; share: readonly TopicPartition[] } {
    const share = this.options.topics.flatMap((topic) => (topics.find((each) => each.topic === topic)?.partitions ?? []).map((partition) => ({ topic, partition })));
    const partitions = [...new Set(share.map(({ partition }) => partition))].sort((a, b) => a - b);
    this.generation = generation;
    this.owned = partitions;
    return { partitions, share };
  }

  private async lead(joined: Joined): Promise<ReturnType<typeof assign>> {
    const { directory } = this.parts;
    const counts = new Map<string, number>();
    for (const topic of topicsOf(joined.members)) {
      directory.forget(topic);
      counts.set(topic, directory.spread(await directory.topic(topic)));
    }
    return assign(joined.members, (topic) => counts.get(topic) ?? 0);
  }

  private coordinator(): Promise<number> { return this.parts.coordinators.node('group', this.options.group); }

  private async ask<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      this.parts.coordinators.forget('group', this.options.group);
      throw error;
    }
  }

  private async live(place: GroupPlace, partitions: readonly number[], share: readonly TopicPartition[]): Promise<void> {
    const beating = new AbortController();
    const ended = new Promise<Ending>((resolve) => { this.life = this.begin(place, partitions, share, resolve); });
    const life = this.life as Life;
    const beats = this.beat(place, beating.signal, (ending) => { life.end(ending); });
    this.parts.logger.debug({ group: place.group, generation: place.generation, partitions }, 'assigned');
    this.parts.metrics.joined(place.group);
    const assigned = this.assigned(life);
    const ending = await ended;
    this.parts.logger.debug({ group: place.group, generation: place.generation, why: ending.why }, 'the generation ends');
    const stopped = life.fetcher.stop();
    if (life.ready && ending.why !== 'failed') {
      await this.drain();
      await this.bounded(this.parts.transactions.settle().catch((error: unknown) => { this.parts.logger.debug({ err: error }, 'markers'); }));
    }
    life.assignment.end();
    this.life = undefined;
    // `assigned` is told by the signal; the next event waits for it, though not for ever.
    await this.bounded(assigned);
    beating.abort();
    await Promise.all([beats, this.bounded(stopped)]);
    if (ending.why === 'failed' || ending.why === 'rejoin') await this.leave();
    if (ending.why === 'failed') throw ending.error;
    this.failures = 0;
  }

  private begin(place: GroupPlace, partitions: readonly number[], share: readonly TopicPartition[], end: (ending: Ending) => void): Life {
    const { membership, work, directory, coordinators, transactions, clock, fetchBytes, maxWaitMillis } = this.parts;
    const fetcher = new Fetcher({
      network: membership, directory, clock, maxWaitMillis, maxBytes: fetchBytes, gatherMillis: this.options.gatherMillis,
      maxBatchBytes: this.options.maxBatchBytes ?? BATCH.bytes, maxBatchRecords: this.options.maxBatchRecords ?? BATCH.records,
      records: (batch) => { this.listener.records(batch); },
      failed: (error) => { end({ why: 'failed', error }); },
    });
    const assignment = new KafkaAssignment(place, partitions, share, { network: work, directory, coordinators, clock, fetcher, transactions });
    return { assignment, fetcher, ready: false, end };
  }

  private async assigned(life: Life): Promise<void> {
    try {
      await this.listener.assigned(life.assignment);
      life.ready = true;
    } catch (error) {
      life.end({ why: 'failed', error: toConfabError(error) });
    }
  }

  private async drain(): Promise<void> {
    try {
      await this.bounded(this.listener.revoking());
    } catch (error) {
      this.tell(toConfabError(error));
    }
  }

  private async bounded(work: Promise<unknown>): Promise<void> {
    let timer: Timer | undefined;
    const enough = new Promise<void>((resolve) => { timer = this.parts.clock.after(this.options.drainMillis ?? DRAIN_MILLIS, resolve); });
    try { await Promise.race([work, enough]); } finally { timer?.cancel(); }
  }

  /** Until the signal. A coordinator that does not answer for a session's length has given the place away. */
  private async beat(place: GroupPlace, signal: AbortSignal, end: (ending: Ending) => void): Promise<void> {
    const { clock, membership, coordinators, times } = this.parts;
    let heard = clock.monotonic();
    // A connection that says nothing is given up while there is time to send another heartbeat over a new one.
    const patience = times.sessionTimeoutMillis / 3;
    while (!signal.aborted) {
      await clock.sleep(times.heartbeatMillis, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const code = await this.ask(async () => membership.send(await this.coordinator(), heartbeat(place, patience)));
        if (code === KafkaCode.NONE) heard = clock.monotonic();
        else if (code === KafkaCode.REBALANCE_IN_PROGRESS) { heard = clock.monotonic(); end({ why: 'rebalance' }); }
        else if (LOST_PLACE.has(code)) end({ why: 'lost' });
        else if (!coordinators.stale('group', place.group, code)) end({ why: 'failed', error: refusal(code, `heartbeat in ${place.group}`) });
      } catch (error) {
        if (!(error instanceof NoAnswer) && !(error instanceof ConfabError && error.retryable)) end({ why: 'failed', error: toConfabError(error) });
      }
      if (clock.monotonic() - heard > times.sessionTimeoutMillis) end({ why: 'lost' });
    }
  }

  /** The others need not wait for the session to time out. */
  private async leave(): Promise<void> {
    const { id } = this;
    if (id === '') return;
    this.id = '';
    try {
      const code = await this.parts.work.send(await this.coordinator(), leaveGroup(this.options.group, id));
      if (code !== KafkaCode.NONE) this.parts.logger.debug({ group: this.options.group, code: codeName(code) }, 'leaving the group');
    } catch (error) {
      this.parts.logger.debug({ group: this.options.group, err: error }, 'leaving the group');
    }
  }
}
