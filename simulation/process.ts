/** A process: its roles, made of the code that runs in production, with the world behind links. */
import { EgressMetrics } from '../egress/metrics.js';
import { MemoryFanout } from '../egress/fanout/memory.js';
import { Hub } from '../egress/sockets/hub.js';
import { LogRecovery } from '../egress/sockets/log-recovery.js';
import { logTopics } from '../egress/log-topics.js';
import { OutcomeDecoder } from '../egress/outcomes/outcome-decoder.js';
import { RepliesReader } from '../egress/outcomes/replies-reader.js';
import { Subscription, type Outlet } from '../egress/sockets/subscription.js';
import type { Acceptor } from '../ingress/acceptance/acceptor.js';
import { createAcceptor } from '../ingress/acceptance/create.js';
import type { Submission } from '../ingress/acceptance/submission.js';
import { conversationKey, DEFAULT_TENANT } from '../platform/conversation-key.js';
import { createLogger, type Logger } from '../platform/observability/logger.js';
import { createMetrics } from '../platform/observability/metrics.js';
import { partitionOf } from '../platform/partitioner.js';
import { ulidMaker } from '../platform/random.js';
import { createEffects } from '../processors/effects/index.js';
import { HttpActions } from '../processors/effects/http/index.js';
import { ActionSecrets } from '../platform/outbound/action-secrets.js';
import { createRunner } from '../processors/runner.js';
import type { EffectRunner } from '../processors/runner/effects.js';
import type { StageRunner } from '../processors/runner/stage-runner.js';
import type { Stage } from '../processors/stage.js';
import { groupName } from '../topology/topology.js';
import { Dice } from './dice.js';
import { Gate, ProcessClock } from './gate.js';
import { Link, SERVERS, type Server } from './link.js';
import { SESSION_MILLIS } from './member.js';
import { STAGES, type Role, type SimulatedStage } from './plan.js';
import { ProcessLog } from './process-log.js';
import { remoteIndex, RemoteFanout, remoteOutbox, remoteState } from './process-stores.js';
import { troubled } from './stages.js';
import type { World } from './world.js';

/** How long a stage may try, milliseconds. */
const BUDGET = 4000;

export class SimulatedProcess {
  readonly gate = new Gate();
  readonly clock: ProcessClock;
  readonly newId: () => string;
  private readonly links = new Map<Server, Link>();
  private readonly dice: Dice;
  private readonly log: ProcessLog;
  private readonly logger: Logger;
  private readonly fanout: RemoteFanout;
  private acceptor: Acceptor | undefined;
  private runners: StageRunner[] = [];
  private reader: RepliesReader | undefined;
  private hub: Hub | undefined;
  private readonly gone: (() => void)[] = [];
  private started = false;
  private outages = 0;
  private closing: Promise<void> | undefined;

  /** @param onDeath called once, when it has ended, in order or not */
  constructor(private readonly world: World, readonly name: string, readonly roles: readonly Role[], private readonly onDeath: (process: SimulatedProcess) => void) {
    const { clock, plan, trace, broker } = world;
    this.dice = new Dice(plan.seed, `process ${name}`);
    this.clock = new ProcessClock(clock, this.gate, this.dice.between(-plan.skew, plan.skew));
    this.newId = ulidMaker(this.clock, this.dice.random);
    for (const server of SERVERS) {
      const parts = { clock, gate: this.gate, dice: this.dice, trace, name, server, weather: () => world.weather(), down: () => world.down.has(server) };
      this.links.set(server, new Link(parts));
    }
    this.log = new ProcessLog({ broker, link: this.link('log'), gate: this.gate, clock: this.clock, dice: this.dice, appender: world.sabotage.appender });
    this.logger = createLogger({ level: trace.keeps ? 'info' : 'silent' }, { write: (line) => { this.logged(line); } });
    this.fanout = new RemoteFanout(new MemoryFanout(world.bus), this.link('bus'));
  }

  link(server: Server): Link { return this.links.get(server) as Link; }

  get takesMessages(): boolean { return this.acceptor !== undefined && this.gate.alive && this.closing === undefined; }
  get serves(): boolean { return this.hub !== undefined && this.gate.alive && this.closing === undefined; }

  /** Starts every role; one that fails to start ends the process, as it would end a program. */
  async start(): Promise<void> {
    this.world.trace.add(this.name, `starts: ${this.roles.join(' ')}`);
    try {
      if (this.roles.includes('ingress')) await this.startIngress();
      for (const stage of STAGES) if (this.roles.includes(stage)) await this.startStage(stage);
      if (this.roles.includes('egress')) await this.startEgress();
      this.started = true;
    } catch (error) {
      this.die(`cannot start: ${String((error as { code?: unknown }).code)}`);
    }
  }

  submit(submission: Submission): void { this.acceptor?.submit(submission); }

  follow(conversationId: string, after: string | undefined, outlet: Outlet): Subscription {
    const hub = this.hub as Hub;
    const key = conversationKey(DEFAULT_TENANT, conversationId);
    const subscription = new Subscription(hub, outlet, key, conversationId, partitionOf(key, hub.topics.partitions));
    void subscription.start(after);
    return subscription;
  }

  /** Called when it ends, as its sockets are told. */
  whenGone(run: () => void): void { this.gone.push(run); }

  /** SIGKILL. */
  die(why: string): void {
    if (!this.gate.alive) return;
    this.world.trace.add(this.name, `dies: ${why}`);
    this.gate.kill();
    this.silent();
    void this.fanout.close();
    for (const run of this.gone.splice(0)) run();
    this.onDeath(this);
  }

  /** SIGSTOP. */
  stop(): void {
    this.world.trace.add(this.name, 'is stopped');
    this.gate.stop();
    this.silent();
  }

  /** SIGCONT. */
  async resume(): Promise<void> {
    this.world.trace.add(this.name, 'goes on');
    await this.gate.resume(() => this.world.turn());
    this.again();
  }

  cut(server: Server): void {
    this.world.trace.add(this.name, `is cut off from ${server}`);
    this.link(server).cut = true;
    if (server === 'log') this.silent();
  }

  mend(server: Server): void {
    this.link(server).cut = false;
    if (server === 'bus') this.fanout.lapse();
    if (server === 'log') this.again();
  }

  lapse(): void { this.fanout.lapse(); }

  /** Every member leaves and joins again, as after an error of the coordinator. */
  rebalance(): void {
    this.gate.enter(() => { for (const member of this.log.members) void member.lost(); });
  }

  /** SIGTERM: takes nothing any more, finishes what it has, hands over. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    if (!this.started) { this.die('before it had started'); return; }
    this.world.trace.add(this.name, 'shuts down');
    await this.acceptor?.drain();
    await this.reader?.close();
    await Promise.all(this.runners.map((runner) => runner.close()));
    await this.acceptor?.close();
    this.die('in order');
  }

  private async startIngress(): Promise<void> {
    const { world, log, clock, logger } = this;
    this.acceptor = await createAcceptor({
      log, codec: world.programme.codec, clock, logger, metrics: createMetrics(), prefix: '', random: this.dice.random,
      index: (_epoch, keepMillis) => remoteIndex(world.index(keepMillis), this.link('index')),
    });
  }

  private async startStage(name: SimulatedStage): Promise<void> {
    const { world, log, clock, logger } = this;
    const { programme, sabotage } = world;
    const stage = name === 'analytics' ? programme.analytics()
      : name === 'timers' ? sabotage.timers?.(programme.timers()) ?? programme.timers()
      : troubled(name, sabotage.stage?.(name, programme[name]) ?? programme[name], clock, () => this.dice.wait(500));
    const runner = createRunner(name, stage as unknown as Stage<typeof name>, {
      log, codec: programme.codec, state: remoteState(world.state, this.link('state')), clock, random: this.dice.random, logger, metrics: createMetrics(), prefix: '',
      ...(name === 'dialogue' ? { effects: this.effects() } : {}), budget: BUDGET, cachedStates: world.plan.cachedStates,
      onFatal: (error) => { this.die(`fatal: ${error.code}`); },
    });
    this.runners.push(runner);
    await runner.start();
  }

  /** Actions as they are; only the connection is simulated. */
  private effects(): EffectRunner {
    const { clock, logger, world } = this;
    const client = { request: world.service.through(this.link('service'), this.name) };
    const real = createEffects({ clock, logger, metrics: createMetrics(), http: () => new HttpActions({ client, clock, secrets: new ActionSecrets(() => undefined) }) });
    return world.sabotage.effects?.(real, this.name) ?? real;
  }

  private async startEgress(): Promise<void> {
    const { world, log, clock, logger, fanout } = this;
    const { codec } = world.programme;
    const topics = await logTopics(log, '');
    const decoder = new OutcomeDecoder(codec, topics, logger);
    const outbox = remoteOutbox(world.outbox, this.link('outbox'));
    this.hub = new Hub({ log, topics, outbox, fanout, recovery: new LogRecovery({ log, topics, decoder }), clock, logger, metrics: new EgressMetrics(createMetrics()) });
    this.reader = new RepliesReader({ log, topics, group: groupName('', 'egress'), instance: this.newId(), decoder, outbox, fanout, clock, logger });
    await this.reader.start();
  }

  /** The coordinator hears nothing of it from now on. */
  private silent(): void {
    const outage = this.outages += 1;
    this.world.clock.after(SESSION_MILLIS, () => {
      if (outage !== this.outages) return;
      for (const member of [...this.log.members]) member.expel();
      if (this.gate.running) this.heard();
    });
  }

  /** The coordinator hears of it again, if it does. */
  private again(): void {
    if (!this.gate.running || this.link('log').cut) return;
    this.outages += 1;
    this.heard();
  }

  /** It is told what has become of its places. */
  private heard(): void {
    for (const member of [...this.log.members]) if (!member.placed) void member.lost();
  }

  private logged(line: string): void {
    const { level, msg, err, stage } = JSON.parse(line) as { level: string; msg: string; stage?: string; err?: { code?: string; message?: string } };
    this.world.trace.note(this.name, `${level}: ${stage === undefined ? '' : `${stage}: `}${msg}${err === undefined ? '' : ` (${err.code ?? ''} ${err.message ?? ''})`}`);
  }
}
