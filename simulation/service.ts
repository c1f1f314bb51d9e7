/**
 * The server that bots call, as it should be on the other side of an action: what comes with an `Idempotency-Key` is done once
 * for the key and answered alike for good; what comes without one is answered with a new number each time. It keeps books.
 */
import type { Clock } from '../platform/clock.js';
import { ConfabError } from '../platform/errors.js';
import type { OutboundAnswer, OutboundRequest } from '../platform/outbound/outbound-client.js';
import type { Dice } from './dice.js';
import type { Failures, Link } from './link.js';
import type { Plan } from './plan.js';
import type { Trace } from './trace.js';

/** An effect that was done here. */
export interface Entry {
  /** undefined: of a request without one, which only reads. */
  readonly key: string | undefined;
  readonly number: number;
  /** Path and body of the first request. */
  readonly asked: string;
  /** Processes that asked, each time. */
  readonly askers: string[];
}

export interface ServiceParts {
  readonly clock: Clock;
  readonly dice: Dice;
  readonly trace: Trace;
  readonly plan: Pick<Plan, 'effectMillis' | 'effectFailures'>;
  /** False once nothing fails any more. */
  readonly failing: () => boolean;
}

const unreachable = (): ConfabError => new ConfabError('CONFAB_ACTION_UNREACHABLE', { detail: 'simulated' });
const FAILURES: Failures = { refused: unreachable, silent: unreachable };

export class Service {
  readonly book: Entry[] = [];
  /** Requests under a known key that asked for something else. */
  readonly contradictions: { readonly key: string; readonly asked: string; readonly before: string }[] = [];
  private readonly byKey = new Map<string, Entry>();

  constructor(private readonly parts: ServiceParts) {}

  /** The way to it from one process. */
  through(link: Link, process: string): (request: OutboundRequest) => Promise<OutboundAnswer> {
    return (request) => link.call(`${request.method} ${request.url.pathname}`, () => this.handle(request, process), FAILURES);
  }

  /** Answers late, and now and then with an error: before the effect or after it. */
  private async handle(request: OutboundRequest, process: string): Promise<OutboundAnswer> {
    const { dice } = this.parts;
    await this.pause();
    if (this.fails()) return this.refuse();
    const entry = this.enter(request, process);
    await this.pause();
    // Done, and nobody is told: the same key must find it.
    if (this.fails()) return this.refuse();
    return answer(dice.chance(0.5) ? 200 : 201, JSON.stringify({ number: entry.number }));
  }

  private enter({ method, url, headers, body }: OutboundRequest, process: string): Entry {
    const key = headers['idempotency-key'];
    const asked = `${method} ${url.pathname} ${body ?? ''}`;
    const known = key === undefined ? undefined : this.byKey.get(key);
    if (known !== undefined) {
      if (known.asked !== asked) this.contradictions.push({ key: key ?? '', asked, before: known.asked });
      known.askers.push(process);
      this.parts.trace.add('service', `knows ${asked} as ${known.number}, says ${process}`);
      return known;
    }
    const entry: Entry = { key, number: this.book.length + 1, asked, askers: [process] };
    this.book.push(entry);
    if (key !== undefined) this.byKey.set(key, entry);
    this.parts.trace.add('service', `does ${asked} for ${process}: ${entry.number}`);
    return entry;
  }

  private pause(): Promise<void> { return this.parts.clock.sleep(this.parts.dice.wait(this.parts.plan.effectMillis)); }

  private fails(): boolean { return this.parts.failing() && this.parts.dice.chance(this.parts.plan.effectFailures / 2); }

  private refuse(): OutboundAnswer { return answer(this.parts.dice.pick([429, 500, 503]), 'busy'); }
}

function answer(status: number, body: string): OutboundAnswer { return { status, headers: {}, body: Buffer.from(body) }; }
