/** A member's share for one generation of a Kafka group. */
import type { Clock } from '../../clock.js';
import { ConfabError, toConfabError } from '../../errors.js';
import type { AppendedOffsets, Assignment, CommitGroup, CommittedOffset, TopicPartition } from '../event-log.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { KafkaCode, refusal } from './codes.js';
import { boundsOf, byTopic, insist, type Coordinators, type Directory } from './directory.js';
import type { Fetcher } from './fetcher.js';
import { offsetFetch, type GroupPlace } from './requests-group.js';
import type { Transactions } from './transactions.js';

export interface AssignmentParts {
  readonly network: Network;
  readonly directory: Directory;
  readonly coordinators: Coordinators;
  readonly clock: Clock;
  readonly fetcher: Fetcher;
  readonly transactions: Transactions;
}

const PAUSE_MILLIS = { first: 5, most: 50 };
/** Transactions time out long before: one that is pending for so long has been forgotten by its coordinator. */
const UNSTABLE_MILLIS = 30_000;

export class KafkaAssignment implements Assignment {
  private readonly controller = new AbortController();

  constructor(
    private readonly place: GroupPlace, readonly partitions: readonly number[],
    private readonly share: readonly TopicPartition[], private readonly parts: AssignmentParts,
  ) {}

  get generation(): number { return this.place.generation; }
  get signal(): AbortSignal { return this.controller.signal; }

  async committed({ stable }: { stable: boolean }): Promise<CommittedOffset[]> {
    this.check();
    const { network, coordinators, clock } = this.parts;
    return this.current(fetchCommitted({ network, coordinators, clock }, this.place.group, this.share, stable, this.signal));
  }

  async fence(instance: string): Promise<void> {
    this.check();
    await this.current(this.parts.transactions.fence(instance));
  }

  async bounds(): Promise<(TopicPartition & { start: number; end: number })[]> {
    this.check();
    return this.current(insist(this.parts.clock, () => boundsOf(this.parts.network, this.parts.directory, this.share), this.signal));
  }

  async start(offsets: readonly (TopicPartition & { offset: number })[]): Promise<void> {
    const bounds = new Map((await this.bounds()).map((each) => [`${each.topic}/${each.partition}`, each]));
    this.check();
    for (const { topic, partition, offset } of offsets) {
      const found = bounds.get(`${topic}/${partition}`);
      if (!found) throw new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `${topic}/${partition} is not assigned` });
      // The broker itself judges what lies past the end: records of open transactions are there, though not committed.
      if (offset < found.start) throw new ConfabError('CONFAB_OFFSET_OUT_OF_RANGE', { detail: `${topic}/${partition}: ${offset} lies before ${found.start}, where the log starts` });
    }
    this.parts.fetcher.start(offsets);
  }

  pause(partitions: readonly TopicPartition[]): void { this.check(); this.parts.fetcher.pause(partitions); }
  resume(partitions: readonly TopicPartition[]): void { this.check(); this.parts.fetcher.resume(partitions); }

  async commit(instance: string, group: CommitGroup): Promise<AppendedOffsets> {
    this.check();
    return this.parts.transactions.commit(instance, this.place, group);
  }

  /** For the member: the generation is over. */
  end(): void {
    if (!this.signal.aborted) this.controller.abort(this.fenced());
  }

  private check(): void {
    if (this.signal.aborted) throw this.fenced();
  }

  /** An answer that comes after the generation has ended is of no use. */
  private async current<T>(work: Promise<T>): Promise<T> {
    try {
      const result = await work;
      this.check();
      return result;
    } catch (error) {
      this.check();
      throw error instanceof NoAnswer ? new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: error.message, cause: error }) : toConfabError(error);
    }
  }

  private fenced(): ConfabError {
    return new ConfabError('CONFAB_FENCED', { detail: `generation ${this.generation} of ${this.place.group} has ended` });
  }
}

interface CommittedParts { readonly network: Network; readonly coordinators: Coordinators; readonly clock: Clock }

/** Committed offsets of a group; `stable` waits while a transaction is pending on one of them. */
export async function fetchCommitted(parts: CommittedParts, group: string, partitions: readonly TopicPartition[], stable: boolean, signal?: AbortSignal): Promise<CommittedOffset[]> {
  if (partitions.length === 0) return [];
  const topics = byTopic(partitions, ({ partition }) => partition);
  const until = parts.clock.monotonic() + UNSTABLE_MILLIS;
  for (let pause = PAUSE_MILLIS.first; ; pause = Math.min(pause * 2, PAUSE_MILLIS.most)) {
    const offsets = await insist(parts.clock, () => ask(parts, group, topics, stable), signal);
    if (offsets) {
      const index = new Map(offsets.map((each) => [`${each.topic}/${each.partition}`, each]));
      return partitions.map(({ topic, partition }) => {
        const found = index.get(`${topic}/${partition}`);
        return { topic, partition, offset: found && found.offset >= 0 ? found.offset : null, metadata: found?.metadata ?? '' };
      });
    }
    if (parts.clock.monotonic() >= until) throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: `a transaction that is pending on the offsets of ${group} does not end` });
    await parts.clock.sleep(pause, signal);
  }
}

/** Undefined while a pending transaction makes the offsets unstable. */
async function ask({ network, coordinators }: CommittedParts, group: string, topics: Parameters<typeof offsetFetch>[1], stable: boolean): Promise<Awaited<ReturnType<typeof sendFetch>>['offsets'] | undefined> {
  const { code, offsets } = await sendFetch(network, coordinators, group, topics, stable);
  const bad = [code, ...offsets.map((each) => each.code)].find((each) => each !== KafkaCode.NONE);
  if (bad === undefined) return offsets;
  if (bad === KafkaCode.UNSTABLE_OFFSET_COMMIT) return undefined;
  coordinators.stale('group', group, bad);
  throw refusal(bad, `offsets of ${group}`);
}

async function sendFetch(network: Network, coordinators: Coordinators, group: string, topics: Parameters<typeof offsetFetch>[1], stable: boolean): Promise<{ code: number; offsets: readonly { topic: string; partition: number; offset: number; metadata: string; code: number }[] }> {
  try {
    return await network.send(await coordinators.node('group', group), offsetFetch(group, topics, stable));
  } catch (error) {
    coordinators.forget('group', group);
    throw error;
  }
}
