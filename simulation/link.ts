/**
 * The way from one process to one server: every request takes time, may be refused, lost on its way, lost on its way back,
 * or arrive long after its sender gave up. Requests of one link arrive in their order, but for those that come late.
 */
import type { Clock } from '../platform/clock.js';
import type { ConfabError } from '../platform/errors.js';
import type { Dice } from './dice.js';
import type { Gate } from './gate.js';
import type { Trace } from './trace.js';

/** `service`: the server that bots call. */
export type Server = 'log' | 'state' | 'index' | 'outbox' | 'bus' | 'service';
export const SERVERS: readonly Server[] = ['log', 'state', 'index', 'outbox', 'bus', 'service'];

/** What can become of a request. */
export type Fate = 'good' | 'refused' | 'lost' | 'unanswered' | 'late';

/** Probabilities of what is not good, over all requests of a link. */
export interface Weather {
  readonly refused: number;
  readonly lost: number;
  readonly unanswered: number;
  readonly late: number;
  /** Mean of the time of one way, milliseconds. */
  readonly hop: number;
}

export interface Failures {
  /** The server did nothing and says so. */
  readonly refused: () => ConfabError;
  /** No answer came: it may have been done, or be done yet. */
  readonly silent: () => ConfabError;
}

export interface LinkParts {
  readonly clock: Clock;
  readonly gate: Gate;
  readonly dice: Dice;
  readonly trace: Trace;
  readonly name: string;
  readonly server: Server;
  readonly weather: () => Weather;
  /** The server takes no requests from anybody. */
  readonly down: () => boolean;
}

/** How long a process waits for an answer. */
const TIMEOUT: Readonly<Record<Server, number>> = { log: 5000, state: 1000, index: 500, outbox: 1000, bus: 1000, service: 2000 };
/** How late a request may arrive at most, by a network that has kept it. */
const LATEST = 20_000;

export class Link {
  /** Nothing gets through, either way. */
  cut = false;
  private lastArrival = 0;
  private lastAnswer = 0;

  constructor(private readonly parts: LinkParts) {}

  /** False when the other side cannot be reached now. */
  get open(): boolean { return !this.cut && !this.parts.down(); }

  /** How likely an odd thing is, here and now. */
  get trouble(): number { return this.parts.weather().unanswered; }

  /** Has `work` done by the server. Never settles once the process is dead. */
  call<T>(what: string, work: () => Promise<T>, failures: Failures): Promise<T> {
    const { gate } = this.parts;
    return new Promise<T>((resolve, reject) => {
      if (!gate.alive) return;
      const fate = this.open ? this.fate() : 'lost';
      if (fate !== 'good') this.note(`${what}: ${fate}`);
      if (fate === 'refused') { this.answer(this.hop(), () => { reject(failures.refused()); }); return; }
      const pending = { settled: false };
      const timer = fate === 'good' ? undefined : this.parts.clock.after(TIMEOUT[this.parts.server], () => {
        pending.settled = true;
        gate.enter(() => { reject(failures.silent()); });
      });
      if (fate === 'lost') return;
      this.arrive(fate, () => {
        if (!this.open && fate !== 'late') { if (timer === undefined) this.silence(reject, failures, pending); return; }
        work().then(
          (value) => { if (fate === 'good') this.settle(pending, () => { resolve(value); }, () => { this.silence(reject, failures, pending); }); },
          (error: Error) => { if (fate === 'good') this.settle(pending, () => { reject(error); }, () => { this.silence(reject, failures, pending); }); },
        );
      });
    });
  }

  /** Sends something to the process, in order. */
  push(run: () => void): void {
    const { clock } = this.parts;
    const at = this.lastAnswer = Math.max(this.lastAnswer, clock.monotonic() + this.hop());
    clock.after(at - clock.monotonic(), () => { this.parts.gate.enter(run); });
  }

  hop(): number { return this.parts.dice.wait(this.parts.weather().hop); }

  private fate(): Fate {
    const { refused, lost, unanswered, late } = this.parts.weather();
    let left = this.parts.dice.random.float();
    for (const [fate, share] of [['refused', refused], ['lost', lost], ['unanswered', unanswered], ['late', late]] as const) {
      left -= share;
      if (left < 0) return fate;
    }
    return 'good';
  }

  private arrive(fate: Fate, run: () => void): void {
    const { clock, dice, gate, server } = this.parts;
    const now = clock.monotonic();
    let at = now + this.hop();
    if (fate === 'late') at = now + TIMEOUT[server] + dice.between(0, LATEST);
    else this.lastArrival = at = Math.max(at, this.lastArrival);
    // What a process had handed to its kernel when it was killed may still be sent.
    const survives = dice.chance(0.5);
    clock.after(at - now, () => { if (gate.alive || survives) run(); });
  }

  private settle(pending: { settled: boolean }, run: () => void, lost: () => void): void {
    this.answer(this.hop(), () => {
      if (pending.settled) return;
      pending.settled = true;
      run();
    }, lost);
  }

  /** An answer on its way back; a link that is cut meanwhile loses it. */
  private answer(hop: number, run: () => void, lost?: () => void): void {
    const { clock, server } = this.parts;
    let at = clock.monotonic() + hop;
    // One connection answers in order; a broker is asked over several.
    if (server !== 'log') this.lastAnswer = at = Math.max(at, this.lastAnswer);
    clock.after(at - clock.monotonic(), () => {
      if (this.cut && lost !== undefined) { lost(); return; }
      this.parts.gate.enter(run);
    });
  }

  private silence(reject: (error: Error) => void, failures: Failures, pending: { settled: boolean }): void {
    this.parts.clock.after(TIMEOUT[this.parts.server], () => {
      if (pending.settled) return;
      pending.settled = true;
      this.parts.gate.enter(() => { reject(failures.silent()); });
    });
  }

  private note(text: string): void { this.parts.trace.add(this.parts.name, `${this.parts.server} ${text}`); }
}
