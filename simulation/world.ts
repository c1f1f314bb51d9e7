/** What the processes of one run share: the true time, the cluster, the stores, and who watches. */
import { MemoryBus } from '../egress/fanout/memory.js';
import { MemoryOutbox } from '../egress/outbox/memory.js';
import type { Outbox } from '../egress/outbox/outbox.js';
import type { ClaimIndex } from '../ingress/acceptance/claim-index/claim-index.js';
import { MemoryClaimIndex, MemoryClaimStore } from '../ingress/acceptance/claim-index/memory.js';
import { ManualClock, settle } from '../platform/clock-manual.js';
import type { Appender } from '../platform/event-log/event-log.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { silentLogger } from '../platform/observability/logger.js';
import { epochOf } from '../platform/position.js';
import { MemoryStateStore } from '../platform/state/memory.js';
import type { StateStore } from '../platform/state/state-store.js';
import type { Bots } from '../processors/bot/index.js';
import type { AnyConversationStage, AnyPartitionStage } from '../processors/runner/any-stage.js';
import type { EffectRunner } from '../processors/runner/effects.js';
import type { Codec } from '../schemas/codec.js';
import { ensureTopology } from '../topology/ensure.js';
import { topology } from '../topology/topology.js';
import { Broker, type BrokerParts, type Observer } from './broker.js';
import { Dice } from './dice.js';
import { Gate, ProcessClock } from './gate.js';
import type { Server, Weather } from './link.js';
import type { Plan } from './plan.js';
import { Service } from './service.js';
import { Trace } from './trace.js';

/** What is made once for all runs: it holds nothing of any. */
export interface Programme {
  readonly codec: Codec;
  readonly bots: Bots;
  readonly intent: AnyConversationStage;
  readonly dialogue: AnyConversationStage;
  readonly timers: () => AnyPartitionStage;
  readonly analytics: () => AnyPartitionStage;
}

/** Exchanges a part for a faulty one, to see whether the checker finds it. */
export interface Sabotage {
  readonly broker?: (parts: BrokerParts) => Broker;
  readonly state?: (real: StateStore) => StateStore;
  readonly index?: (real: ClaimIndex) => ClaimIndex;
  readonly outbox?: (real: Outbox) => Outbox;
  readonly stage?: (name: 'intent' | 'dialogue', real: AnyConversationStage) => AnyConversationStage;
  readonly timers?: (real: AnyPartitionStage) => AnyPartitionStage;
  readonly effects?: (real: EffectRunner, process: string) => EffectRunner;
  readonly appender?: (real: Appender) => Appender;
}

const CALM: Weather = { refused: 0, lost: 0, unanswered: 0, late: 0, hop: 2 };

export class World {
  readonly clock = new ManualClock();
  readonly trace: Trace;
  readonly log: MemoryEventLog;
  readonly broker: Broker;
  readonly memory = new MemoryStateStore();
  readonly state: StateStore;
  readonly claims = new MemoryClaimStore();
  readonly outboxes: MemoryOutbox;
  readonly outbox: Outbox;
  readonly bus = new MemoryBus();
  readonly service: Service;
  readonly down = new Set<Server>();
  /** Redis has the time of a machine of its own. */
  private readonly storeClock: ProcessClock;
  epoch = '';
  /** Faults happen; afterwards everything works. */
  faulty = true;
  slowMarkers = false;

  private constructor(readonly plan: Plan, readonly programme: Programme, readonly sabotage: Sabotage, observer: Observer, keepTrace: boolean) {
    this.trace = new Trace(this.clock, keepTrace);
    const skews = new Dice(plan.seed, 'clocks of servers');
    const server = (): ProcessClock => new ProcessClock(this.clock, new Gate(), skews.between(-plan.skew, plan.skew) / 2);
    this.storeClock = server();
    this.log = new MemoryEventLog({ clock: server(), random: new Dice(plan.seed, 'log').random });
    const parts: BrokerParts = {
      log: this.log, clock: this.clock, dice: new Dice(plan.seed, 'broker'), trace: this.trace, observer,
      markerMillis: () => (this.slowMarkers ? 2000 : this.faulty ? plan.markerMillis : 1),
    };
    this.service = new Service({ clock: this.clock, dice: new Dice(plan.seed, 'service'), trace: this.trace, plan, failing: () => this.faulty });
    this.broker = sabotage.broker?.(parts) ?? new Broker(parts);
    this.state = sabotage.state?.(this.memory) ?? this.memory;
    this.outboxes = new MemoryOutbox({ clock: this.storeClock, maxEntries: plan.outboxEntries });
    this.outbox = sabotage.outbox?.(this.outboxes) ?? this.outboxes;
  }

  static async create(plan: Plan, programme: Programme, sabotage: Sabotage, observer: Observer, keepTrace: boolean): Promise<World> {
    const world = new World(plan, programme, sabotage, observer, keepTrace);
    const { log, clock } = world;
    await ensureTopology({ log, clock, topology, settings: { prefix: '', partitions: plan.partitions }, apply: 'on-start', logger: silentLogger });
    await log.admin.setTopicConfig('intents.v1', { 'max.message.bytes': String(plan.maxIntentBytes) });
    world.epoch = epochOf((await log.topic('messages.v1')).id);
    return world;
  }

  index(keepMillis: number): ClaimIndex {
    const index = new MemoryClaimIndex({ clock: this.storeClock, keepMillis, store: this.claims });
    return this.sabotage.index?.(index) ?? index;
  }

  weather(): Weather { return this.faulty ? this.plan.weather : CALM; }

  /** Lets happen what needs no time. */
  async turn(): Promise<void> { await settle(); }
}
