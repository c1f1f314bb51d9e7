/** Clients that follow conversations: they lose their connection at any moment, and resume from what they know. */
import type { Outlet } from '../egress/sockets/subscription.js';
import type { ConfabError } from '../platform/errors.js';
import { positionFor } from './checker/history.js';
import type { Ledger } from './checker/ledger.js';
import type { Followed, Session } from './checker/streams.js';
import type { Dice } from './dice.js';
import type { SimulatedProcess } from './process.js';
import type { World } from './world.js';

export interface FollowerParts {
  readonly world: World;
  readonly dice: Dice;
  readonly ledger: Ledger;
  /** Processes that serve streams now. */
  readonly servers: () => readonly SimulatedProcess[];
}

/** Without a word from the server a client gives a connection up. */
const READY_MILLIS = 12_000;
const RECONNECT = 400;

interface Frame { readonly type: string; readonly position?: string; readonly recovered?: boolean; readonly inReplyTo?: string | null; readonly retryAfterMs?: number }

export class Follower implements Followed {
  readonly sessions: Session[] = [];
  private readonly seen = new Set<string>();
  private last = '';
  private connection: Connection | undefined;

  constructor(private readonly parts: FollowerParts, readonly name: string, readonly conversation: string, readonly careful: boolean, private readonly fromStart: boolean) {}

  /** Connects, and again whenever it has to. */
  connect(): void {
    const { world, dice, servers } = this.parts;
    const candidates = servers();
    if (candidates.length === 0) { world.clock.after(RECONNECT, () => { this.connect(); }); return; }
    const process = dice.pick(candidates);
    const session: Session = { process: process.name, after: this.after(), ready: undefined, frames: [] };
    this.sessions.push(session);
    world.trace.add(this.name, `connects to ${process.name} after ${session.after ?? 'now'}`);
    const connection = new Connection(this.parts, process, this.conversation, session.after, {
      frame: (frame) => { this.take(session, connection, frame); },
      closed: () => { if (this.connection === connection) this.again(); },
    });
    this.connection = connection;
    connection.start();
    world.clock.after(READY_MILLIS, () => { if (this.connection === connection && session.ready === undefined) this.cut(); });
  }

  /** The connection breaks: what is under way to the client is lost. */
  cut(): void {
    const { connection } = this;
    this.connection = undefined;
    connection?.close();
    if (connection !== undefined) this.again();
  }

  private again(): void {
    this.connection = undefined;
    this.parts.world.clock.after(this.parts.dice.wait(RECONNECT), () => { if (this.connection === undefined) this.connect(); });
  }

  private take(session: Session, connection: Connection, frame: Frame): void {
    this.parts.world.trace.add(this.name, `gets ${frame.type} ${frame.position ?? ''}`);
    if (frame.type === 'ready') {
      session.ready = { position: frame.position ?? '', recovered: frame.recovered === true };
      if (this.last === '' || !session.ready.recovered) this.last = session.ready.position;
    } else if (frame.type === 'error') {
      // With a time to wait the subscription goes on by itself; else it is over.
      if (frame.retryAfterMs === undefined && this.connection === connection) this.cut();
    } else if (frame.type !== 'recovering' && frame.position !== undefined) {
      session.frames.push({ position: frame.position, type: frame.type, inReplyTo: frame.inReplyTo ?? null });
      this.seen.add(frame.position);
      if (frame.position > this.last) this.last = frame.position;
    }
  }

  private after(): string | undefined {
    const { world, dice, ledger } = this.parts;
    const start = positionFor(world.epoch, 0);
    if (this.last === '') return this.fromStart ? start : undefined;
    if (!this.careful) return dice.chance(0.2) ? dice.pick([start, this.last, ...this.seen]) : this.last;
    const open = ledger.attempts.filter(({ conversation, accepted }) => conversation === this.conversation && accepted !== undefined && !this.seen.has(`${accepted.position.slice(0, -1)}1`));
    return open.map(({ accepted }) => accepted?.position ?? '').reduce((oldest, each) => (each < oldest ? each : oldest), this.last);
  }
}

/** One socket: in order, with a way to go, cut at either end. */
class Connection implements Outlet {
  private alive = true;
  private subscription: { close(): void } | undefined;
  private due = 0;

  constructor(
    private readonly parts: FollowerParts, private readonly process: SimulatedProcess, private readonly conversation: string, private readonly after: string | undefined,
    private readonly events: { frame(frame: Frame): void; closed(): void },
  ) {}

  get id(): string { return `${this.conversation} at ${this.process.name}`; }
  get open(): boolean { return this.alive; }

  start(): void {
    this.way(() => {
      this.process.gate.enter(() => {
        if (!this.alive) return;
        if (!this.process.serves) { this.close(); this.way(() => { this.events.closed(); }); return; }
        this.process.whenGone(() => { if (this.alive) { this.alive = false; this.way(() => { this.events.closed(); }); } });
        this.subscription = this.process.follow(this.conversation, this.after, this);
      });
    });
  }

  close(): void {
    this.alive = false;
    this.way(() => { this.process.gate.enter(() => { this.subscription?.close(); }); });
  }

  deliver(frame: string): void {
    this.way(() => { if (this.alive) this.events.frame(JSON.parse(frame) as Frame); });
  }

  deliverLossy(frame: string): boolean {
    this.deliver(frame);
    return true;
  }

  get behind(): boolean { return false; }
  room(): undefined { return undefined; }

  async turn<T>(work: () => Promise<T>): Promise<T> {
    await this.process.clock.sleep(this.parts.dice.wait(1));
    return work();
  }

  error(error: ConfabError): void {
    this.deliver(JSON.stringify({ type: 'error', code: error.code, ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }) }));
  }

  private way(run: () => void): void {
    const { clock } = this.parts.world;
    const now = clock.monotonic();
    this.due = Math.max(this.due, now + this.parts.dice.wait(2));
    clock.after(this.due - now, run);
  }
}
