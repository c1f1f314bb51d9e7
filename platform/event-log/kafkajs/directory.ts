/** What is known of topics and coordinators: looked up once, forgotten when an answer shows that it is stale. */
import type { Clock } from '../../clock.js';
import { ConfabError } from '../../errors.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { KafkaCode, refusal, STALE_COORDINATOR } from './codes.js';
import { EARLIEST, findCoordinator, LATEST, listOffsets, metadata, type ListedOffset, type PartitionOf, type TopicMetadata } from './requests-metadata.js';

export interface Topic {
  readonly name: string;
  /** 32 hex digits. */
  readonly id: string;
  readonly internal: boolean;
  /** Number of the leader of each partition; -1 while there is none. */
  readonly leaders: readonly number[];
  readonly replicas: number;
}

/** Leaders move rarely and answers tell it; this only finds partitions that were added. */
const MAX_AGE_MILLIS = 60_000;
/** While a partition has no leader: the election takes about that long at least. */
const LEADERLESS_MILLIS = 100;

export class Directory {
  private readonly known = new Map<string, { topic: Topic; until: number }>();
  private readonly asked = new Map<string, Promise<Topic>>();
  /** Partitions that a topic (by its id) had when it was first seen. */
  private readonly first = new Map<string, number>();
  private readonly told = new Set<string>();

  /** @param onGrown told once a number: the topic has got partitions since it was first seen */
  constructor(private readonly network: Network, private readonly clock: Clock, private readonly onGrown: (error: ConfabError) => void = () => undefined) {}

  /** @throws CONFAB_TOPIC_UNKNOWN, CONFAB_LOG_REFUSED, NoAnswer */
  async topic(name: string): Promise<Topic> {
    return this.cached(name) ?? this.ask(name);
  }

  cached(name: string): Topic | undefined {
    const found = this.known.get(name);
    return found !== undefined && found.until > this.clock.monotonic() ? found.topic : undefined;
  }

  forget(name: string): void { this.known.delete(name); }

  /**
   * The partitions over which keys are spread and members share: as many as there were when the topic was first seen. Were it
   * the number of now, a topic that is given more would scatter conversations over two partitions each, in silence.
   */
  spread({ id, leaders }: Topic): number { return this.first.get(id) ?? leaders.length; }

  async all(): Promise<Topic[]> {
    return (await this.network.send('any', metadata(null))).filter(({ code }) => code === KafkaCode.NONE).map((topic) => this.keep(topic));
  }

  /** Of each topic that exists. */
  async some(names: readonly string[]): Promise<Topic[]> {
    if (names.length === 0) return [];
    const found = await this.network.send('any', metadata(names));
    return found.filter(({ code }) => code !== KafkaCode.UNKNOWN_TOPIC_OR_PARTITION).map((topic) => this.keep(topic));
  }

  private ask(name: string): Promise<Topic> {
    let asked = this.asked.get(name);
    if (!asked) {
      asked = this.look(name).finally(() => { this.asked.delete(name); });
      this.asked.set(name, asked);
    }
    return asked;
  }

  private async look(name: string): Promise<Topic> {
    const [found] = await this.network.send('any', metadata([name]));
    if (!found) throw new ConfabError('CONFAB_TOPIC_UNKNOWN', { detail: name });
    return this.keep(found);
  }

  private keep(found: TopicMetadata): Topic {
    // A topic whose leaders are being elected is known all the same.
    if (found.code !== KafkaCode.NONE && found.code !== KafkaCode.LEADER_NOT_AVAILABLE) {
      this.known.delete(found.name);
      throw refusal(found.code, `topic ${found.name}`);
    }
    const leaders: number[] = Array.from({ length: found.partitions.length }, () => -1);
    for (const { partition, leader } of found.partitions) leaders[partition] = leader;
    const topic = { name: found.name, id: found.id, internal: found.internal, leaders, replicas: found.partitions[0]?.replicas ?? 0 };
    this.compare(topic);
    // Partitions that have a leader go on while another of the topic has none.
    this.known.set(found.name, { topic, until: this.clock.monotonic() + (leaders.includes(-1) ? LEADERLESS_MILLIS : MAX_AGE_MILLIS) });
    return topic;
  }

  private compare({ name, id, leaders }: Topic): void {
    const first = this.first.get(id);
    if (first === undefined) { this.first.set(id, leaders.length); return; }
    const told = `${id}/${leaders.length}`;
    if (leaders.length === first || this.told.has(told)) return;
    this.told.add(told);
    this.onGrown(new ConfabError('CONFAB_PARTITIONS_CHANGED', { detail: `${name} had ${first} partitions and has ${leaders.length} now` }));
  }
}

/** Groups what concerns partitions by the broker that leads them, then by topic. -1: no leader now. */
export function byLeader<T extends { topic: string; partition: number }>(items: readonly T[], leaderOf: (item: T) => number): Map<number, T[]> {
  const nodes = new Map<number, T[]>();
  for (const item of items) {
    const node = leaderOf(item);
    const list = nodes.get(node);
    if (list) list.push(item);
    else nodes.set(node, [item]);
  }
  return nodes;
}

export function byTopic<T extends { topic: string }, P>(items: readonly T[], of: (item: T) => P): PartitionOf<P>[] {
  const topics = new Map<string, P[]>();
  for (const item of items) {
    const list = topics.get(item.topic);
    if (list) list.push(of(item));
    else topics.set(item.topic, [of(item)]);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}

const ATTEMPTS = 8;
const PAUSE_MILLIS = 50;

/** Repeats while answers are missing or say that somebody else is to be asked; for requests that may be repeated. */
export async function insist<T>(clock: Clock, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let left = ATTEMPTS; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      const again = error instanceof NoAnswer || (error instanceof ConfabError && error.retryable);
      if (!again || left <= 1 || signal?.aborted) throw error instanceof NoAnswer ? new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: error.message, cause: error }) : error;
    }
    await clock.sleep(PAUSE_MILLIS, signal);
  }
}

/** Coordinators of groups and transactional ids, remembered. */
export class Coordinators {
  private readonly nodes = new Map<string, number>();

  constructor(private readonly network: Network) {}

  async node(kind: 'group' | 'transaction', key: string): Promise<number> {
    const name = `${kind}/${key}`;
    const known = this.nodes.get(name);
    if (known !== undefined) return known;
    const { code, node } = await this.network.send('any', findCoordinator(kind, key));
    if (code !== KafkaCode.NONE) throw refusal(code, `coordinator of ${key}`);
    this.nodes.set(name, node);
    return node;
  }

  forget(kind: 'group' | 'transaction', key: string): void { this.nodes.delete(`${kind}/${key}`); }

  /** Forgets when the code or the missing answer says so; true then. */
  stale(kind: 'group' | 'transaction', key: string, code: number | NoAnswer): boolean {
    const stale = code instanceof NoAnswer || STALE_COORDINATOR.has(code);
    if (stale) this.forget(kind, key);
    return stale;
  }
}

/** Offsets by time; one request a broker. Throws on the first refusal, having forgotten the topic. */
export async function offsetsAt(network: Network, directory: Directory, wanted: readonly { topic: string; partition: number; timestamp: number }[], uncommitted = false): Promise<ListedOffset[]> {
  const topics = new Map<string, Topic>();
  for (const name of new Set(wanted.map(({ topic }) => topic))) topics.set(name, await directory.topic(name));
  const nodes = byLeader(wanted, ({ topic, partition }) => {
    const leader = topics.get(topic)?.leaders[partition];
    if (leader === undefined) throw new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `${topic}/${partition}` });
    return leader;
  });
  const answers = await Promise.all([...nodes].map(async ([node, items]) => {
    if (node < 0) return items.map(({ topic, partition }) => ({ topic, partition, code: KafkaCode.LEADER_NOT_AVAILABLE, offset: -1 }));
    return network.send(node, listOffsets(byTopic(items, ({ partition, timestamp }) => ({ partition, timestamp })), uncommitted));
  })).catch((error: unknown) => {
    for (const name of topics.keys()) directory.forget(name);
    throw error;
  });
  const found = answers.flat();
  for (const { topic, partition, code } of found) {
    if (code === KafkaCode.NONE) continue;
    directory.forget(topic);
    // Just created or just moved: the leader does not know yet that it is one.
    throw code === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION ? new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: `${topic}/${partition} has no leader yet` }) : refusal(code, `${topic}/${partition}`);
  }
  return found;
}

export interface Bounds { readonly topic: string; readonly partition: number; readonly start: number; readonly end: number }

/** Start, and end of what is committed, in the order asked. */
export async function boundsOf(network: Network, directory: Directory, partitions: readonly { topic: string; partition: number }[]): Promise<Bounds[]> {
  const ask = (timestamp: number): Promise<ListedOffset[]> => offsetsAt(network, directory, partitions.map(({ topic, partition }) => ({ topic, partition, timestamp })));
  // The start first: it only grows, so that start <= end holds.
  const starts = await ask(EARLIEST);
  const ends = await ask(LATEST);
  const index = (list: readonly ListedOffset[]): Map<string, number> => new Map(list.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
  const [start, end] = [index(starts), index(ends)];
  return partitions.map(({ topic, partition }) => ({
    topic, partition, start: start.get(`${topic}/${partition}`) ?? 0, end: end.get(`${topic}/${partition}`) ?? 0,
  }));
}
