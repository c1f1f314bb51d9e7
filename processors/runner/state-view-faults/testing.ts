/**
 * For tests only: people who talk with the example bot through the real runner on a durable log, over a state store that
 * something happens to, and what they must have been told in the end.
 */
import { join } from 'node:path';
import { systemClock } from '../../../platform/clock.js';
import { conversationKey, DEFAULT_TENANT } from '../../../platform/conversation-key.js';
import { openEmbeddedLog } from '../../../platform/event-log/embedded.js';
import type { EventLog } from '../../../platform/event-log/event-log.js';
import { silentLogger } from '../../../platform/observability/logger.js';
import { createMetrics } from '../../../platform/observability/metrics.js';
import { packageRoot } from '../../../platform/package-root.js';
import { partitionOf } from '../../../platform/partitioner.js';
import { systemRandom, ulidMaker } from '../../../platform/random.js';
import { MemoryStateStore } from '../../../platform/state/memory.js';
import type { StateStore } from '../../../platform/state/state-store.js';
import { eventually, scratchFolder } from '../../../platform/testing.js';
import { createLocalCodec } from '../../../schemas/codec-local.js';
import { ensureTopology } from '../../../topology/ensure.js';
import { topology, type TopicName } from '../../../topology/topology.js';
import { fixedBots, loadBots } from '../../bot/index.js';
import { stageFactories } from '../../index.js';
import { createRunner } from '../../runner.js';
import type { Stage } from '../../stage.js';

const PARTITIONS = 6;
const CONVERSATIONS = 48;
const TURNS = ['I want to change my delivery', 'PX123456789DE', 'friday', 'to my neighbour please', 'yes', 'where is my parcel', 'my parcel is damaged', 'it arrived broken and wet', 'hello', 'I want to talk to a person', 'no', 'tell me a joke'];
/** So few that nearly every state is read from the store. */
const CACHED = 6;
/** Messages of one conversation that are under way at once. */
const AHEAD = 2;
const PATIENCE = 120_000;

const codec = createLocalCodec();
const clock = systemClock;
const bots = fixedBots(await loadBots(join(packageRoot(), 'bots')));
const models = new Map<string, Buffer>();

/** What a conversation came to. */
export interface Story {
  /** Texts of the replies, in the order of the log, with the message that each answers. */
  readonly replies: { readonly to: string; readonly text: string }[];
  /** Slots and place in the flow, and how many inputs they reflect. */
  state: { turns: number; data: unknown } | undefined;
}

export class Traffic {
  readonly stories = new Map<string, Story>();
  private readonly sent = new Map<string, string[]>();
  private readonly read = new Map<number, number>();
  private readonly nextId = ulidMaker(clock, systemRandom);

  private constructor(private readonly log: EventLog, readonly store: StateStore, private readonly close: () => Promise<void>) {}

  static async start(t: { after(run: () => void | Promise<void>): void }, store: StateStore): Promise<Traffic> {
    const log = await openEmbeddedLog({ folder: scratchFolder(t), clock, random: systemRandom, logger: silentLogger });
    await ensureTopology({ log, clock, topology, settings: { prefix: '', partitions: PARTITIONS }, apply: 'on-start', logger: silentLogger });
    const metrics = createMetrics();
    const runners = (['intent', 'dialogue'] as const).map((name) => createRunner(name, stageFactories[name]({ bots, models }) as Stage<typeof name>, {
      log, codec, state: store, clock, random: systemRandom, logger: silentLogger, metrics, prefix: '', cachedStates: CACHED,
      onFatal: (error) => { throw error; },
    }));
    const traffic = new Traffic(log, store, async () => { for (const runner of runners) await runner.close(); });
    t.after(async () => { await traffic.close(); await log.close(); });
    for (const runner of runners) await runner.start();
    traffic.countHeals = async () => Number(/confab_stage_state_heals_total\{[^}]*stage="dialogue"[^}]*\} (\d+)/.exec(await metrics.metrics())?.[1] ?? 0);
    return traffic;
  }

  private countHeals: () => Promise<number> = () => Promise.resolve(0);

  /** Times that the runner found its store behind. */
  healed(): Promise<number> { return this.countHeals(); }

  /** Everybody says `turns` things, each the next when the last but one was answered; resolves when all is answered. */
  async talk(turns: number, options: { readonly only?: (partition: number) => boolean } = {}): Promise<void> {
    const names = Array.from({ length: CONVERSATIONS }, (_, n) => `c${n}`).filter((name) => options.only?.(partitionFor(name)) ?? true);
    const goals = new Map(names.map((name) => [name, (this.sent.get(name)?.length ?? 0) + turns]));
    const appender = await this.log.appender();
    try {
      await eventually('everybody is answered', async () => {
        await this.look();
        const due = names.filter((name) => this.sentBy(name).length < (goals.get(name) ?? 0) && this.sentBy(name).length - this.story(name).replies.length < AHEAD);
        if (due.length > 0) await appender.append(due.map((name) => this.message(name)));
        return names.every((name) => this.story(name).replies.length >= (goals.get(name) ?? 0));
      }, PATIENCE);
    } finally {
      await appender.close();
    }
  }

  /** Ends the stages in order, and gives what everybody was told and what is remembered of them, by the log. */
  async end(): Promise<Map<string, Story>> {
    await this.close();
    await this.look();
    for (const [key, value] of await this.newestStates()) {
      const { turns, data } = codec.of('DialogueState').decode(value);
      this.story(key.slice(DEFAULT_TENANT.length + 1)).state = { turns, data: typeof data === 'string' ? withoutPlaces(JSON.parse(data)) : data };
    }
    return this.stories;
  }

  /** Conversations whose state in the store is not byte for byte the newest of the log. */
  async wrongInStore(): Promise<string[]> {
    const wrong: string[] = [];
    for (const [key, value] of await this.newestStates()) {
      const partition = partitionOf(key, PARTITIONS);
      const [entry] = (await this.store.read('dialogue-states.v1', partition, [key])).entries;
      if (entry?.value?.equals(value) !== true) wrong.push(`${key} ${partition} ${entry?.reflects ?? 'none'} ${codec.of('DialogueState').decode(value).reflects}`);
    }
    return wrong;
  }

  /** Messages whose replies are not exactly one each and in their order. */
  misanswered(): string[] {
    return [...this.sent].filter(([name, ids]) => ids.join() !== this.story(name).replies.map(({ to }) => to).join()).map(([name]) => name);
  }

  private story(name: string): Story {
    let story = this.stories.get(name);
    if (story === undefined) this.stories.set(name, story = { replies: [], state: undefined });
    return story;
  }

  private sentBy(name: string): string[] {
    let ids = this.sent.get(name);
    if (ids === undefined) this.sent.set(name, ids = []);
    return ids;
  }

  private message(name: string): { topic: string; key: string; value: Buffer; timestamp: number } {
    const ids = this.sentBy(name);
    const text = TURNS[(Number(name.slice(1)) + ids.length) % TURNS.length] ?? '';
    const messageId = this.nextId();
    ids.push(messageId);
    const value = codec.of('Message').encode({
      kind: 'text', messageId, botId: 'parcel', channel: 'api', accountId: null, userId: null, author: { type: 'person', name: null }, text, payload: null, replyId: null,
      locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
    });
    return { topic: 'messages.v1', key: conversationKey(DEFAULT_TENANT, name), value, timestamp: clock.now() };
  }

  /** Reads what has been answered since it was last looked. */
  private async look(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      for await (const batch of this.log.read('replies.v1', partition, this.read.get(partition) ?? 0)) {
        for (const { key, value } of batch.records) {
          if (key === null || value === null) continue;
          const { inReplyTo, parts } = codec.of('BotReply').decode(value);
          this.story(key.slice(DEFAULT_TENANT.length + 1)).replies.push({ to: inReplyTo ?? '', text: parts.map(({ text }) => (typeof text === 'string' ? text : '')).join('|') });
        }
        this.read.set(partition, batch.nextOffset);
      }
    }
  }

  private async newestStates(): Promise<Map<string, Buffer>> {
    const topic: TopicName = 'dialogue-states.v1';
    const newest = new Map<string, Buffer>();
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      for await (const batch of this.log.read(topic, partition, 0)) for (const { key, value } of batch.records) if (key !== null && value !== null) newest.set(key, value);
    }
    return newest;
  }
}

export const partitionFor = (name: string): number => partitionOf(conversationKey(DEFAULT_TENANT, name), PARTITIONS);
export const partitions: readonly number[] = Array.from({ length: PARTITIONS }, (_, partition) => partition);

/** What everybody is told and what is remembered, without ids: to compare two runs. */
export function told(stories: ReadonlyMap<string, Story>): Record<string, unknown> {
  return Object.fromEntries([...stories].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { replies, state }]) => [name, { texts: replies.map(({ text }) => text), state }]));
}

/** The same conversations over a store that nothing happens to. */
export async function toldInPeace(t: { after(run: () => void | Promise<void>): void }, turns: number): Promise<Record<string, unknown>> {
  const traffic = await Traffic.start(t, new MemoryStateStore());
  await traffic.talk(turns);
  return told(await traffic.end());
}

/** Positions and times differ from run to run. */
function withoutPlaces(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner: unknown) => {
    if (typeof inner === 'string') return /^[0-9a-f]{8}-\d{12}-\d{2}$/.test(inner) ? 'position' : inner;
    // The acceptance of the newest input (processors/dialogue/memory-form.ts).
    return key === 't' && typeof inner === 'number' ? 'time' : inner;
  })) as unknown;
}
