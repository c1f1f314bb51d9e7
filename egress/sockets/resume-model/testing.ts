/**
 * For tests only: nodes of egress over one log, devices that follow conversations, and the reference that every frame is held
 * against. A device owes nothing to the code under test but positions: it knows how far it has everything (`cursor`), and the
 * reference knows what comes next.
 */
import fc from 'fast-check';
import { ManualClock } from '../../../platform/clock-manual.js';
import type { ConfabError } from '../../../platform/errors.js';
import { MemoryEventLog } from '../../../platform/event-log/memory.js';
import { silentLogger } from '../../../platform/observability/logger.js';
import { createMetrics } from '../../../platform/observability/metrics.js';
import { parsePosition } from '../../../platform/position.js';
import { seededRandom } from '../../../platform/random.js';
import { topology } from '../../../topology/topology.js';
import type { Announcement, Fanout, FanoutListener } from '../../fanout/fanout.js';
import { Hub } from '../hub.js';
import { LogRecovery } from '../log-recovery.js';
import { EgressMetrics } from '../../metrics.js';
import { OutcomeDecoder } from '../../outcomes/outcome-decoder.js';
import type { Outbox } from '../../outbox/outbox.js';
import { RepliesReader } from '../../outcomes/replies-reader.js';
import { Subscription, type Outlet } from '../subscription.js';
import { Scene } from '../../testing.js';

export const OUTBOX_MILLIS = 20_000;
export const RETENTION_MILLIS = 120_000;
const CONVERSATIONS = ['c0', 'c1'] as const;
const DEVICES = 4;
const NODES = 2;

export const OPERATIONS = ['talk', 'talk', 'talk', 'cut', 'cut', 'fresh', 'again', 'epoch', 'leave', 'kill', 'start', 'flush', 'lose', 'hear', 'age', 'retain', 'turns', 'turns', 'tick'] as const;
export interface Step { readonly does: (typeof OPERATIONS)[number]; readonly a: number; readonly b: number }
export const steps = fc.array(fc.record({ does: fc.constantFrom(...OPERATIONS), a: fc.nat(7), b: fc.nat(1_023) }), { minLength: 8, maxLength: 45 });

/** What the world stands on. */
export interface Ground {
  readonly scene: Scene;
  readonly clock: ManualClock;
  readonly log: MemoryEventLog;
  readonly outbox: Outbox;
  readonly flush: () => Promise<void> | void;
  /** A fan-out for a new node. */
  readonly fanout: () => Fanout;
  /** Lets what is under way go on for a while. */
  readonly turns: (count: number) => Promise<void>;
}

/** Announces, and hears nothing while it is deaf. */
class DeafFanout implements Fanout {
  readonly kind: Fanout['kind'];
  deaf = false;
  private listener: FanoutListener | undefined;

  constructor(private readonly fanout: Fanout) { this.kind = fanout.kind; }

  listen(listener: FanoutListener): void {
    this.listener = listener;
    this.fanout.listen({ announced: (list) => { if (!this.deaf) listener.announced(list); }, lapsed: () => { this.lapse(); } });
  }

  /** What a lost connection does. */
  lapse(): void {
    this.deaf = false;
    this.listener?.lapsed();
  }

  subscribe(partition: number, key: string): Promise<void> { return this.fanout.subscribe(partition, key); }
  unsubscribe(partition: number, key: string): void { this.fanout.unsubscribe(partition, key); }
  announce(partition: number, announcements: readonly Announcement[]): Promise<void> { return this.fanout.announce(partition, announcements); }
  close(): Promise<void> { return this.fanout.close(); }
}

/** What every ground has: topics that forget. */
export async function newLog(partitions: number): Promise<Pick<Ground, 'clock' | 'log' | 'scene'>> {
  const clock = new ManualClock();
  const log = new MemoryEventLog({ clock, random: seededRandom(7) });
  for (const name of Object.keys(topology.topics)) await log.admin.createTopic({ name, partitions, config: { 'retention.ms': String(RETENTION_MILLIS) } });
  return { clock, log, scene: await Scene.over(log, clock, partitions) };
}

/** A socket of a device on a conversation. */
class Device implements Outlet {
  readonly behind = false;
  open = false;
  node = -1;
  /** Up to here it has everything, or was told that it cannot have it. undefined: it has asked for nothing. */
  cursor: string | undefined;
  subscription: Subscription | undefined;
  /** Outcomes up to this were there when "from now on" began. */
  private excused = '';
  private asked: string | undefined;
  private isReady = false;
  private told = false;

  constructor(private readonly world: World, readonly id: string, readonly conversation: (typeof CONVERSATIONS)[number]) {}

  begin(node: number, after: string | undefined): void {
    this.open = true;
    this.node = node;
    this.asked = after;
    this.isReady = false;
    this.told = false;
    this.excused = '';
    const { hub } = this.world.nodes[node] as Node;
    this.subscription = new Subscription(hub, this, `default/${this.conversation}`, this.conversation, this.world.ground.scene.partition(`default/${this.conversation}`));
    void this.subscription.start(after);
  }

  end(): void {
    this.open = false;
    this.subscription?.close();
    this.subscription = undefined;
  }

  room(): undefined { return undefined; }
  turn<T>(work: () => Promise<T>): Promise<T> { return work(); }
  deliverLossy(): boolean { return true; }

  deliver(text: string): void {
    if (!this.open) return;
    const frame = JSON.parse(text) as { type: string; position: string; recovered?: boolean };
    if (frame.type === 'recovering') return;
    if (frame.type === 'ready') this.ready(frame.position, frame.recovered === true);
    else this.outcome(frame.position);
  }

  error(error: ConfabError): void {
    if (error.code !== 'CONFAB_POSITION_INVALID') return;
    this.told = true;
    if (this.cursor !== undefined && !this.world.isGone(this.cursor)) this.world.fault(`${this.id} was told that what follows ${this.cursor} is gone, and it is not`);
  }

  private ready(position: string, recovered: boolean): void {
    if (this.isReady) this.world.fault(`${this.id} was ready twice`);
    this.isReady = true;
    const { asked } = this;
    if (!recovered && asked !== undefined && asked.startsWith(this.world.epoch) && !this.world.isGone(asked)) this.world.fault(`${this.id} was refused ${asked}, which can be had`);
    if (recovered && asked !== undefined && (position !== asked || !asked.startsWith(this.world.epoch))) this.world.fault(`${this.id} asked for ${asked} and was ready at ${position}`);
    if (asked !== undefined && recovered) return;
    this.cursor = position;
    this.excused = this.world.newest(this.conversation);
  }

  private outcome(position: string): void {
    if (!this.isReady) this.world.fault(`${this.id} got ${position} before it was ready`);
    const cursor = this.cursor ?? '';
    // From before "now": read again after a loss, it may come or not.
    if (position <= this.excused) { if (position > cursor) this.cursor = position; return; }
    if (position <= cursor) this.world.fault(`${this.id} got ${position} after ${cursor}: again, or out of order`);
    for (let next = this.world.after(this.conversation, cursor); next !== undefined && next < position; next = this.world.after(this.conversation, next)) {
      if (next > this.excused && !this.told) this.world.fault(`${this.id} missed ${next} between ${cursor} and ${position}`);
    }
    this.told = false;
    this.cursor = position;
  }
}

interface Node { hub: Hub; reader: RepliesReader; fanout: DeafFanout }

/** Plays steps, then lets everything be well and says what is not as it was promised. */
export class World {
  readonly nodes: (Node | undefined)[] = [];
  readonly faults: string[] = [];
  readonly devices: readonly Device[] = Array.from({ length: DEVICES }, (_, i) => new Device(this, `d${i}`, CONVERSATIONS[i < 3 ? 0 : 1]));
  /** Per conversation every outcome that was written, in order. */
  private readonly truth = new Map<string, string[]>(CONVERSATIONS.map((name) => [name, []]));
  private start = 0;

  constructor(readonly ground: Ground) {}

  get epoch(): string { return this.ground.scene.topics.epoch; }
  fault(text: string): void { this.faults.push(text); }
  newest(conversation: string): string { return this.truth.get(conversation)?.at(-1) ?? ''; }
  after(conversation: string, position: string): string | undefined { return this.truth.get(conversation)?.find((found) => found > position); }
  /** What followed may have been removed from the log. */
  isGone(position: string): boolean { return parsePosition(position).offset < this.start; }

  async play(list: readonly Step[]): Promise<string[]> {
    for (let node = 0; node < NODES; node += 1) await this.open(node);
    for (const device of this.devices) this.connect(device, 0, `${this.epoch}-000000000000-00`);
    for (const step of list) await this.step(step);
    await this.mend();
    for (const device of this.devices) {
      const missing = this.after(device.conversation, device.cursor ?? '');
      if (missing !== undefined) this.fault(`${device.id} never got ${missing}`);
      device.end();
    }
    for (const node of this.nodes) { await node?.reader.close(); await node?.fanout.close(); }
    return this.faults;
  }

  private async step({ does, a, b }: Step): Promise<void> {
    const { ground } = this;
    const device = this.devices[a % DEVICES] as Device;
    switch (does) {
      case 'talk': await this.talk(CONVERSATIONS[b % 2] ?? 'c0', 1 + (a % 6), b); break;
      case 'cut': this.connect(device, b, device.cursor); break;
      case 'fresh': this.connect(device, b, undefined); break;
      case 'again': this.connect(device, b, `${this.epoch}-000000000000-00`); break;
      case 'epoch': this.connect(device, b, 'ffffffff-000000000007-01'); break;
      case 'leave': device.end(); break;
      case 'kill': await this.kill(b % NODES); break;
      case 'start': await this.open(b % NODES); break;
      case 'flush': await ground.flush(); break;
      case 'lose': for (const node of this.nodes) await this.deafen(node); break;
      case 'hear': for (const node of this.nodes) node?.fanout.lapse(); break;
      case 'age': await ground.clock.advance(OUTBOX_MILLIS + 1); break;
      case 'retain': await this.retain(); break;
      case 'turns': await ground.turns(1 + a); break;
      case 'tick': await ground.clock.advance(50 * (1 + a)); break;
    }
  }

  /** A device asks from its cursor, from elsewhere, or from now on; it forgets what it had. */
  private connect(device: Device, at: number, after: string | undefined): void {
    device.end();
    const alive = this.nodes.flatMap((node, place) => (node === undefined ? [] : [place]));
    const place = alive[at % Math.max(1, alive.length)];
    device.cursor = after;
    if (place !== undefined) device.begin(place, after);
  }

  private async talk(conversation: string, count: number, dice: number): Promise<void> {
    const { scene, turns } = this.ground;
    const truth = this.truth.get(conversation) ?? [];
    for (let i = 0; i < count; i += 1) {
      const kind = (dice + i * 5) % 11;
      const position = await scene.accept(conversation);
      // Known before it can arrive.
      truth.push(`${position.slice(0, -1)}1`);
      if (kind === 3) truth.push(`${position.slice(0, -1)}2`);
      if (kind < 2) await scene.giveUp(conversation, position);
      else await scene.answer(conversation, position, kind === 2 ? { parts: [], outcome: 'silent' } : kind === 3 ? { handoff: { to: 'person', reason: null, transcript: [] } } : {});
      if ((dice >> i) % 2 === 1) await turns(1);
    }
  }

  private async open(place: number): Promise<void> {
    if (this.nodes[place] !== undefined) return;
    const { scene: { topics, codec }, log, clock, outbox, fanout: make } = this.ground;
    const decoder = new OutcomeDecoder(codec, topics, silentLogger);
    const fanout = new DeafFanout(make());
    const hub = new Hub({ log, topics, outbox, fanout, recovery: new LogRecovery({ log, topics, decoder }), clock, logger: silentLogger, metrics: new EgressMetrics(createMetrics()) });
    const reader = new RepliesReader({ log, topics, group: 'g', instance: `i${place}`, decoder, outbox, fanout, clock, logger: silentLogger, holdMillis: 50, commitMillis: 300 });
    this.nodes[place] = { hub, reader, fanout };
    await reader.start();
  }

  private async kill(place: number): Promise<void> {
    const node = this.nodes[place];
    if (node === undefined) return;
    for (const device of this.devices) if (device.node === place) device.end();
    this.nodes[place] = undefined;
    await node.fanout.close();
    await node.reader.close();
  }

  /** The node hears nothing until a lapse is told; its sockets stay. */
  private async deafen(node: Node | undefined): Promise<void> {
    if (node !== undefined) node.fanout.deaf = true;
    await this.ground.turns(1);
  }

  private async retain(): Promise<void> {
    const { clock, log, scene } = this.ground;
    await clock.advance(RETENTION_MILLIS + 1_000);
    await log.maintain();
    const bounds = await log.admin.bounds(scene.topics.messages);
    this.start = Math.max(this.start, ...bounds.map(({ start }) => start));
  }

  private async mend(): Promise<void> {
    const { clock, turns } = this.ground;
    for (let place = 0; place < NODES; place += 1) await this.open(place);
    for (const device of this.devices) if (!device.open) this.connect(device, 1, device.cursor);
    await turns(4);
    await clock.advance(2_000);
    // A socket that is quiet learns of what it missed by what comes next.
    for (const conversation of CONVERSATIONS) await this.talk(conversation, 1, 4);
    for (let round = 0; round < 200; round += 1) {
      for (const node of this.nodes) node?.fanout.lapse();
      await turns(6);
      await clock.advance(1_000);
      if (this.devices.every((device) => this.after(device.conversation, device.cursor ?? '') === undefined)) return;
    }
  }
}
