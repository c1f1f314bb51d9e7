/** For tests only: a state topic with records, and a store as a server keeps it. */
import type { EventLog } from '../../platform/event-log/event-log.js';
import { systemClock } from '../../platform/clock.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import { MemoryStateStore } from '../../platform/state/memory.js';
import type { StateEntry } from '../../platform/state/state-store.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { topicName } from '../../topology/topology.js';
import type { RebuildParts } from './view.js';

export const TOPIC = 'dialogue-states.v1';

/** In memory, with the manners of a store that outlives the process. */
export class ServerStore extends MemoryStateStore {
  override readonly kind = 'redis' as never;
  /** Called before each write. */
  beforeWrite: ((count: number) => void) | undefined;
  private writes = 0;

  override write(...args: Parameters<MemoryStateStore['write']>): Promise<boolean> {
    this.writes += 1;
    this.beforeWrite?.(this.writes);
    return super.write(...args);
  }
}

export class StateScene {
  readonly codec = createLocalCodec();
  readonly store = new ServerStore();
  epoch = '';

  private constructor(readonly log: EventLog, readonly prefix: string) {}

  static async over(log: EventLog, options: { prefix?: string; partitions?: number } = {}): Promise<StateScene> {
    const scene = new StateScene(log, options.prefix ?? '');
    await log.admin.createTopic({ name: scene.topic, partitions: options.partitions ?? 2, config: { 'cleanup.policy': 'compact' } });
    scene.epoch = epochOf((await log.topic(scene.topic)).id);
    return scene;
  }

  get topic(): string { return topicName(this.prefix, TOPIC); }

  parts(more: Partial<RebuildParts> = {}): RebuildParts {
    return { log: this.log, codec: this.codec, clock: systemClock, prefix: this.prefix, state: this.store, ...more };
  }

  entry(key: string, turn: number, data = `turn ${turn}`): StateEntry {
    const reflects = formatPosition('00000001', turn, 0);
    return { key, reflects, value: this.codec.of('DialogueState').encode({ reflects, prev: null, botId: 'parcel', botVersion: '1', handedOff: false, turns: turn, data, history: null }) };
  }

  /** As a commit of the dialogue stage; the view is not written. */
  async append(partition: number, ...entries: readonly StateEntry[]): Promise<void> {
    const appender = await this.log.appender();
    await appender.append(entries.map(({ key, value }) => ({ topic: this.topic, partition, key, value, timestamp: systemClock.now() })));
    await appender.close();
  }

  /** What the view has of a key. */
  async held(partition: number, key: string): Promise<{ turns: number; data: unknown } | undefined> {
    const [entry] = (await this.store.read(this.topic, partition, [key])).entries;
    if (!entry?.value) return undefined;
    const { turns, data } = this.codec.of('DialogueState').decode(entry.value);
    return { turns, data };
  }

  async watermark(partition: number): Promise<number | undefined> {
    return (await this.store.read(this.topic, partition, [])).watermark?.offset;
  }
}
