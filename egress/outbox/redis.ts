/**
 * Outbox in Redis 7: per conversation a stream (ids `<offset>-<index>`) and the newest position, in the slot of its partition
 * and under the epoch of positions, so that a log made anew does not meet ids that are higher than its own.
 * One script takes a batch; a stream answers whether an entry is a repeat, since it takes growing ids only.
 */
import { ConfabError } from '../../platform/errors.js';
import type { RedisConnection } from '../../platform/redis/redis.js';
import type { Outcome } from '../outcomes/outcome.js';
import { assess, type Behind, type Outbox, type OutboxEntry, type OutboxLimits, type OutboxRead, type Placed } from './outbox.js';
import { APPEND, READ, REFUSED } from './redis-scripts.js';

/** A script takes at most this many outcomes: it holds up the server for well under 3 ms. */
const CHUNK = 100;
const DAY = 86_400_000;
/** More than a stream ever holds. */
const ALL = 1_000_000;
/** Digits of the life of a partition, before the position in its mark. */
const LIFE = 14;
/** Times that `behind` is asked for one batch: more than one only where the server loses everything again, or answers for seconds late. */
const ASKED = 3;

interface Scripts {
  confabOutboxAppend(keys: number, ...args: string[]): Promise<string[]>;
  /** Mark, newest place, entries. */
  confabOutboxRead(keys: number, ...args: string[]): Promise<[] | [string] | [string, string] | [string, string, [string, string[]][]]>;
}

export interface RedisOutboxOptions extends OutboxLimits {
  readonly prefix?: string;
  /** Of positions: `epochOf(id of messages.v1)`. */
  readonly epoch: string;
  /** How long the newest position of a conversation is known: the retention of replies.v1. Default 14 days. */
  readonly knownMillis?: number;
}

export class RedisOutbox implements Outbox {
  readonly kind = 'redis';
  private readonly scripts: Scripts;
  private readonly limits: readonly [string, string, string];

  constructor(private readonly redis: RedisConnection, private readonly options: RedisOutboxOptions) {
    this.limits = [String(options.maxAgeMillis ?? 3_600_000), String(options.maxEntries ?? 256), String(options.knownMillis ?? 14 * DAY)];
    redis.client.defineCommand('confabOutboxAppend', { lua: APPEND });
    redis.client.defineCommand('confabOutboxRead', { lua: READ });
    this.scripts = redis.client as unknown as Scripts;
  }

  async append(partition: number, outcomes: readonly Outcome[], behind: Behind): Promise<readonly Placed[]> {
    const placed: Placed[] = [];
    let end: readonly [place: string, asked: string] = ['', ''];
    for (let tries = 0; tries <= ASKED; tries += 1) {
      const answers = await this.appendAll(partition, outcomes.slice(placed.length), end);
      const refused = answers.findIndex((answer) => answer.startsWith(REFUSED));
      for (const answer of refused < 0 ? answers : answers.slice(0, refused)) placed.push(this.placed(answer));
      if (refused < 0) return placed;
      end = [placeOf(await behind()), answers[refused]?.slice(REFUSED.length) ?? ''];
    }
    throw new ConfabError('CONFAB_STATE_UNAVAILABLE', { detail: 'Redis forgot the outbox again and again.' });
  }

  async read(partition: number, key: string, after: string, limit = ALL): Promise<OutboxRead> {
    const base = this.base(partition);
    const id = after === '' ? '' : idOf(after);
    const names = [base, `${base}:${key}`, `${base}:${key}\0`];
    const [mark, newest, found] = await this.redis.call('CONFAB_STATE_UNAVAILABLE', () => this.scripts.confabOutboxRead(names.length, ...names, id, placeOf(after), String(limit)));
    const entries = (found ?? []).map(([entryId, fields]): OutboxEntry => {
      const { prev, origin } = this.parseMark(fields[1] ?? '');
      return { position: this.position(entryId), prev, origin, frame: fields[3] ?? '' };
    });
    const last = newest === undefined ? undefined : this.at(newest);
    return assess(entries, { last, since: mark === undefined ? undefined : this.at(mark.slice(LIFE)), mark }, after);
  }

  /** The connection belongs to whoever made it. */
  async close(): Promise<void> { /* nothing of its own */ }

  /** Answers of the script, one an outcome, or refusals; with no outcomes what it says of the partition. */
  private async appendAll(partition: number, outcomes: readonly Outcome[], end: readonly [string, string]): Promise<string[]> {
    const base = this.base(partition);
    const calls: Promise<string[]>[] = [];
    for (let at = 0; at === 0 || at < outcomes.length; at += CHUNK) {
      const part = outcomes.slice(at, at + CHUNK);
      const names: string[] = [base];
      const args: string[] = [...this.limits, ...end];
      for (const { key, position, prev, frame } of part) {
        names.push(`${base}:${key}`, `${base}:${key}\0`);
        args.push(placeOf(position), idOf(position), prev === null ? '' : prev ?? '?', frame);
      }
      calls.push(this.redis.call('CONFAB_STATE_UNAVAILABLE', () => this.scripts.confabOutboxAppend(names.length, ...names, ...args)));
    }
    await Promise.allSettled(calls);
    return (await Promise.all(calls)).flat();
  }

  private placed(answer: string): Placed {
    if (answer === 'L') return { prev: undefined, late: true };
    const mark = answer.startsWith('=') ? answer.slice(1) : answer;
    return { prev: this.parseMark(mark).prev, late: mark === '?' || mark === '~' };
  }

  /** What the script writes beside a frame, see there. */
  private parseMark(mark: string): { prev: string | null | undefined; origin: boolean } {
    const [kind, text] = [mark.slice(0, 1), mark.slice(1)];
    if (kind === '+') return { prev: this.at(text), origin: false };
    if (kind === '!') return { prev: text === '' ? null : text === '?' ? undefined : text, origin: true };
    return { prev: undefined, origin: kind === '?' };
  }

  private base(partition: number): string {
    return `${this.options.prefix ?? ''}{s${partition}}:out:${this.options.epoch}`;
  }

  private at(place: string): string { return `${this.options.epoch}-${place}`; }

  private position(id: string): string {
    const cut = id.indexOf('-');
    return this.at(`${id.slice(0, cut).padStart(12, '0')}-${id.slice(cut + 1).padStart(2, '0')}`);
  }
}

/** A position without its epoch, which is in the names of the keys; whatever is no position stays as it is. */
const placeOf = (position: string): string => (position.length === 24 ? position.slice(9) : position);

/** Id in the stream: `<offset>-<index>`. */
const idOf = (position: string): string => `${Number(position.slice(9, 21))}-${Number(position.slice(22))}`;
