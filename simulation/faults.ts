/** What goes wrong while a run lasts, and how it is mended in the end. */
import { conversationKey, DEFAULT_TENANT } from '../platform/conversation-key.js';
import type { Dice } from './dice.js';
import { SERVERS, type Server } from './link.js';
import type { FaultKind, Role } from './plan.js';
import { SimulatedProcess } from './process.js';
import type { World } from './world.js';

/** SIGTERM, then SIGKILL. */
const GRACE = 10_000;

export class Fleet {
  private readonly living: SimulatedProcess[] = [];
  /** Roles of processes that are to run. */
  private readonly wanted: (readonly Role[])[];
  readonly counts = new Map<FaultKind, number>();
  private started = 0;
  private healed = false;
  private restoreState: (() => void) | undefined;

  constructor(private readonly world: World, private readonly dice: Dice, private readonly conversations: readonly string[]) {
    this.wanted = [...world.plan.processes];
  }

  start(): void {
    for (const roles of this.wanted) this.spawn(roles);
    if (this.world.plan.faultEvery !== Infinity) this.next();
  }

  get takers(): readonly SimulatedProcess[] { return this.living.filter((process) => process.takesMessages); }
  get servers(): readonly SimulatedProcess[] { return this.living.filter((process) => process.serves); }

  /** From now on nothing fails. */
  async heal(): Promise<void> {
    const { world } = this;
    world.trace.add('world', 'heals');
    this.healed = true;
    world.faulty = false;
    world.slowMarkers = false;
    world.down.clear();
    for (const process of [...this.living]) {
      for (const server of SERVERS) if (process.link(server).cut) process.mend(server);
      if (!process.gate.running) await process.resume();
      process.lapse();
    }
  }

  private spawn(roles: readonly Role[]): void {
    const process = new SimulatedProcess(this.world, `p${this.started += 1}`, roles, (dead) => {
      this.living.splice(this.living.indexOf(dead), 1);
      if (this.wanted.includes(roles)) this.after(this.dice.between(100, 4000), () => { if (this.isMissing(roles)) this.spawn(roles); });
    });
    this.living.push(process);
    void process.start();
  }

  private isMissing(roles: readonly Role[]): boolean {
    return this.living.filter((process) => process.roles === roles).length < this.wanted.filter((each) => each === roles).length;
  }

  private next(): void {
    this.after(this.dice.wait(this.world.plan.faultEvery), () => {
      if (this.healed) return;
      const kind = this.dice.weighted(this.world.plan.faults);
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      this.strike(kind);
      this.next();
    });
  }

  private after(millis: number, run: () => void): void { this.world.clock.after(millis, run); }

  private strike(kind: FaultKind): void {
    const process = this.living.length === 0 ? undefined : this.dice.pick(this.living);
    if (process !== undefined) this.strikeProcess(kind, process);
    this.strikeServers(kind);
  }

  private strikeProcess(kind: FaultKind, process: SimulatedProcess): void {
    const { dice } = this;
    switch (kind) {
      case 'kill': process.die('killed'); break;
      case 'stop': this.pause(process, dice.between(50, 5000)); break;
      case 'long stop': this.pause(process, dice.between(6000, 30_000)); break;
      case 'restart': this.terminate(process); break;
      case 'rebalance': this.world.trace.add(process.name, 'leaves its groups and joins again'); process.rebalance(); break;
      case 'cut': this.cut(process, dice.pick(SERVERS), dice.wait(3000)); break;
      case 'bus lapse': process.lapse(); break;
      case 'clock jump': this.jump(process); break;
      case 'scale out': this.wanted.push(process.roles); this.spawn(process.roles); break;
      case 'scale in': this.scaleIn(process); break;
      default: break;
    }
  }

  private strikeServers(kind: FaultKind): void {
    const { world, dice } = this;
    switch (kind) {
      case 'server down': {
        const server = dice.pick(SERVERS);
        world.trace.add('world', `${server} is down`);
        world.down.add(server);
        this.after(dice.wait(3000), () => { world.down.delete(server); });
        break;
      }
      case 'abort': { const open = world.broker.someOpen(dice); if (open !== undefined) world.broker.abort(open, 'by the coordinator'); break; }
      case 'slow markers': world.slowMarkers = true; this.after(dice.wait(3000), () => { world.slowMarkers = false; }); break;
      case 'state flush': world.trace.add('world', 'the state store is flushed'); world.memory.flush(); break;
      case 'state rollback': this.rollBack(); break;
      case 'index flush': world.trace.add('world', 'the claim index is flushed'); world.claims.flush(); break;
      case 'outbox flush': world.trace.add('world', 'the outbox is flushed'); world.outboxes.flush(); break;
      case 'poison record': void this.poison(); break;
      default: break;
    }
  }

  private pause(process: SimulatedProcess, millis: number): void {
    if (!process.gate.running) return;
    process.stop();
    this.after(millis, () => { if (!this.healed && process.gate.alive) void process.resume(); });
  }

  private terminate(process: SimulatedProcess): void {
    process.gate.enter(() => { void process.close(); });
    this.after(GRACE, () => { process.die('did not end in time'); });
  }

  private cut(process: SimulatedProcess, server: Server, millis: number): void {
    if (process.link(server).cut) return;
    process.cut(server);
    this.after(millis, () => { if (process.gate.alive && process.link(server).cut) process.mend(server); });
  }

  /** Within what is allowed where messages are stamped; as far as it likes elsewhere. */
  private jump(process: SimulatedProcess): void {
    const { dice, world } = this;
    const stamps = process.roles.includes('ingress') || process.roles.includes('timers');
    process.clock.skew = stamps ? dice.between(-2000, 2000) : dice.between(-1, 1) * dice.pick([2000, 60_000, 4 * 3_600_000]);
    world.trace.add(process.name, `its clock is off by ${Math.round(process.clock.skew)} ms`);
  }

  private scaleIn(process: SimulatedProcess): void {
    const others = this.living.filter((other) => other.roles === process.roles);
    const index = this.wanted.indexOf(process.roles);
    if (others.length < 2 || index < 0 || this.wanted.filter((roles) => roles === process.roles).length < 2) return;
    this.wanted.splice(index, 1);
    this.terminate(process);
  }

  /** A copy is taken, and some time later the store is what it was then. */
  private rollBack(): void {
    const { world } = this;
    if (this.restoreState !== undefined) return;
    this.restoreState = world.memory.snapshot();
    this.after(this.dice.wait(3000), () => {
      world.trace.add('world', 'the state store is rolled back');
      this.restoreState?.();
      this.restoreState = undefined;
    });
  }

  /** Somebody else writes into a topic that a stage reads from: bytes that are no record of it. */
  private async poison(): Promise<void> {
    const { world, dice } = this;
    const topic = dice.chance(0.7) ? 'messages.v1' : 'timers.v1';
    // A compacted topic takes none without a key.
    const key = dice.chance(0.1) && topic === 'messages.v1' ? null : conversationKey(DEFAULT_TENANT, dice.pick(this.conversations));
    const value = dice.chance(0.2) ? null : dice.random.bytes(dice.whole(0, 60));
    world.trace.add('world', `a poison record is written to ${topic}`);
    await world.broker.append([{ topic, key, value, timestamp: Math.round(world.clock.now()), ...(key === null ? { partition: 0 } : {}) }]);
  }
}
