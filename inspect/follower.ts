/**
 * Follows conversations as their records are committed, for all viewers of a process together: one round of looking at the
 * ends of the topics, whoever looks; only the partitions of conversations that are looked at are read, and without a viewer
 * nothing happens at all.
 */
import type { Clock, Timer } from '../platform/clock.js';
import { toConfabError, type ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import type { Codec } from '../schemas/codec.js';
import { STORY_TOPICS, type StoryTopic } from './record-view.js';
import { belongs, inOrder } from './story.js';
import { partitionOfKey, storyBounds, type StoryTopics, type TopicBounds } from './story-topics.js';
import { hopOf, type Hop } from './story-tracker.js';

export interface Viewer {
  /** Records of the conversation in the order of their causes. */
  records(hops: readonly Hop[]): void;
  /** The log cannot be read now; it is tried again. */
  failed(error: ConfabError): void;
}

export interface Watch {
  /** The viewer gets what lies beyond; what lies before is the story. */
  readonly bounds: TopicBounds;
  close(): void;
}

export interface FollowerOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly topics: StoryTopics;
  readonly clock: Clock;
  readonly pollMillis: number;
}

const RETRY_MILLIS = 1_000;

interface Watched { readonly key: string; readonly partition: number; readonly viewer: Viewer }

export class Follower {
  private readonly watched = new Set<Watched>();
  /** What has been delivered of each partition that somebody looks at. */
  private readonly next = new Map<number, Map<StoryTopic, number>>();
  private timer: Timer | undefined;
  private round: Promise<void> | undefined;

  constructor(private readonly options: FollowerOptions) {}

  get viewers(): number { return this.watched.size; }

  /** @throws CONFAB_LOG_UNAVAILABLE */
  async watch(key: string, viewer: Viewer): Promise<Watch> {
    const { log, topics } = this.options;
    const partition = partitionOfKey(topics, key);
    const bounds = await storyBounds(log, topics);
    // A round that is under way would move the ends between what is read here and what it delivers.
    while (this.round !== undefined) await this.round;
    const known = this.next.get(partition);
    const ends = known ?? new Map([...bounds].map(([topic, all]) => [topic, all[partition]?.end ?? 0]));
    this.next.set(partition, ends);
    const entry: Watched = { key, partition, viewer };
    this.watched.add(entry);
    this.plan(this.options.pollMillis);
    const start = new Map([...bounds].map(([topic, all]) => [topic, all.map((one, number) => (number === partition ? { start: one.start, end: ends.get(topic) ?? one.end } : one))]));
    return { bounds: start, close: () => { this.leave(entry); } };
  }

  private leave(entry: Watched): void {
    this.watched.delete(entry);
    if (![...this.watched].some(({ partition }) => partition === entry.partition)) this.next.delete(entry.partition);
    if (this.watched.size > 0) return;
    this.timer?.cancel();
    this.timer = undefined;
  }

  private plan(millis: number): void {
    if (this.watched.size === 0) return;
    this.timer ??= this.options.clock.after(millis, () => {
      this.timer = undefined;
      let wait = this.options.pollMillis;
      this.round = this.look().catch((thrown: unknown) => {
        wait = RETRY_MILLIS;
        const error = toConfabError(thrown, 'CONFAB_LOG_UNAVAILABLE');
        for (const { viewer } of [...this.watched]) viewer.failed(error);
      }).finally(() => { this.round = undefined; this.plan(wait); });
    });
  }

  private async look(): Promise<void> {
    const bounds = await storyBounds(this.options.log, this.options.topics);
    for (const [partition, done] of [...this.next]) {
      const reached = new Map([...bounds].map(([topic, all]) => [topic, all[partition]?.end ?? 0]));
      const hops = await this.readPartition(partition, done, reached);
      // Moved only now: a round that failed half-way is done again as a whole.
      for (const [topic, end] of reached) done.set(topic, Math.max(end, done.get(topic) ?? 0));
      for (const { key, viewer, partition: its } of [...this.watched]) {
        const own = its === partition ? hops.get(key) : undefined;
        if (own !== undefined) viewer.records(inOrder(own));
      }
    }
  }

  private async readPartition(partition: number, done: ReadonlyMap<StoryTopic, number>, reached: ReadonlyMap<StoryTopic, number>): Promise<Map<string, Hop[]>> {
    const { log, codec, topics } = this.options;
    const keys = [...new Set([...this.watched].filter((entry) => entry.partition === partition).map(({ key }) => key))];
    const hops = new Map<string, Hop[]>();
    for (const topic of STORY_TOPICS) {
      const [from, to] = [done.get(topic) ?? 0, reached.get(topic) ?? 0];
      if (from >= to) continue;
      for await (const { records } of log.read(topics.fullName(topic), partition, from, to)) {
        for (const record of records) {
          const key = keys.find((one) => belongs(topic, record.key, one));
          if (key === undefined) continue;
          const hop = await hopOf(codec, topics.epoch, topic, partition, record);
          hops.set(key, [...hops.get(key) ?? [], hop]);
        }
      }
    }
    return hops;
  }
}
