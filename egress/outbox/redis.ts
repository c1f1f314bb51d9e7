/**
 * Outbox in Redis 7: per conversation a stream (ids `<offset>-<index>`) and the newest position, in the slot of its partition
 * and under the epoch of positions, so that a log made anew does not meet ids that are higher than its own.
 * One script takes a batch; a stream answers whether an entry is a repeat, since it takes growing ids only.
 */
import type { RedisConnection } from '../../platform/redis/redis.js';
import type { Outcome } from '../outcomes/outcome.js';
import { assess, type Outbox, type OutboxEntry, type OutboxLimits, type OutboxRead, type Placed } from './outbox.js';

/** A script takes at most this many outcomes: it holds up the server for well under 3 ms. */
const CHUNK = 100;
const DAY = 86_400_000;
/** More than a stream ever holds. */
const ALL = 1_000_000;

// The newest position stands behind the first 16 digits of the server's replication id: a server that was started again, or that took
// over from another one, may lack what came last, and what it has follows on within itself all the same. So it counts as lost.
const KNOWN = `
local server = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)'):sub(1, 16)
local function known(key)
  local found = redis.call('GET', key)
  return found and found:sub(1, 16) == server and found:sub(17)
end
`;

// Keys in pairs (newest position, stream); arguments in fours (position, its id in the stream, prev, frame). '' as prev: nothing before; '?': not known.
// The newest position ends in '?' while of all that came since a loss dead letters only are known: it still compares as itself.
// Answers '=' + prev for a repeat, '+' + prev, '!' + prev (origin) for a new one, '!?' for a dead letter that may be late, 'L' for a late one.
const APPEND = `${KNOWN}
local answers = {}
for i = 1, #KEYS / 2 do
  local at, position, id, prev, frame = i * 2 - 1, ARGV[i * 4], ARGV[i * 4 + 1], ARGV[i * 4 + 2], ARGV[i * 4 + 3]
  local last = known(KEYS[at])
  -- The record names an earlier reply that is newer than all that is known: this was flushed, and then got an older outcome again.
  if last and position > last and prev ~= '' and prev ~= '?' and prev > last then last = false end
  local doubtful = last and last:sub(-1) == '?'
  if doubtful and position .. '?' > last then
    if prev == '?' then last = false else last = last:sub(1, -2) end
  end
  if last and position <= last then
    local found = redis.call('XRANGE', KEYS[at + 1], id, id)
    if #found == 1 then
      answers[i] = '=' .. found[1][2][2]
    else
      redis.call('UNLINK', KEYS[at + 1])
      answers[i] = 'L'
    end
  else
    local mark
    if last then mark = '+' .. last elseif prev == '' then mark = '+' else mark = '!' .. prev end
    -- A stream that outlived the newest position may know higher ids than it should: it is a leftover.
    if not last then redis.call('UNLINK', KEYS[at + 1]) end
    redis.call('XADD', KEYS[at + 1], 'MAXLEN', '~', ARGV[2], id, 'p', mark, 'f', frame)
    redis.call('PEXPIRE', KEYS[at + 1], ARGV[1])
    redis.call('SET', KEYS[at], server .. position .. (mark == '!?' and '?' or ''), 'PX', ARGV[3])
    answers[i] = mark
  end
end
return answers`;

const READ = `${KNOWN}
local last = known(KEYS[1])
if not last then return {} end
if ARGV[1] ~= '' and last <= ARGV[2] then return { last } end
return { last, redis.call('XRANGE', KEYS[2], ARGV[1] == '' and '-' or '(' .. ARGV[1], '+', 'COUNT', ARGV[3]) }`;

interface Scripts {
  confabOutboxAppend(keys: number, ...args: string[]): Promise<string[]>;
  confabOutboxRead(keys: number, ...args: string[]): Promise<[] | [string] | [string, [string, string[]][]]>;
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

  async append(partition: number, outcomes: readonly Outcome[]): Promise<readonly Placed[]> {
    const base = this.base(partition);
    const calls: Promise<string[]>[] = [];
    for (let at = 0; at < outcomes.length; at += CHUNK) {
      const part = outcomes.slice(at, at + CHUNK);
      const names: string[] = [];
      const args: string[] = [...this.limits];
      for (const { key, position, prev, frame } of part) {
        names.push(`${base}:${key}`, `${base}:${key}\0`);
        args.push(position, idOf(position), prev === null ? '' : prev ?? '?', frame);
      }
      calls.push(this.redis.call('CONFAB_STATE_UNAVAILABLE', () => this.scripts.confabOutboxAppend(names.length, ...names, ...args)));
    }
    await Promise.allSettled(calls);
    return (await Promise.all(calls)).flat().map((answer) => ({ prev: parseMark(answer).prev, late: answer === 'L' || answer.endsWith('!?') }));
  }

  async read(partition: number, key: string, after: string, limit = ALL): Promise<OutboxRead> {
    const base = this.base(partition);
    const id = after === '' ? '' : idOf(after);
    const [newest, found] = await this.redis.call('CONFAB_STATE_UNAVAILABLE', () => this.scripts.confabOutboxRead(2, `${base}:${key}`, `${base}:${key}\0`, id, after, String(limit)));
    const entries = (found ?? []).map(([entryId, fields]): OutboxEntry => ({ position: this.position(entryId), ...parseMark(fields[1] ?? ''), frame: fields[3] ?? '' }));
    const doubtful = newest?.endsWith('?') === true;
    return assess(entries, doubtful ? newest.slice(0, -1) : newest, after, doubtful);
  }

  /** The connection belongs to whoever made it. */
  async close(): Promise<void> { /* nothing of its own */ }

  private base(partition: number): string {
    return `${this.options.prefix ?? ''}{s${partition}}:out:${this.options.epoch}`;
  }

  private position(id: string): string {
    const cut = id.indexOf('-');
    return `${this.options.epoch}-${id.slice(0, cut).padStart(12, '0')}-${id.slice(cut + 1).padStart(2, '0')}`;
  }
}

/** Id in the stream: `<offset>-<index>`. */
const idOf = (position: string): string => `${Number(position.slice(9, 21))}-${Number(position.slice(22))}`;

function parseMark(mark: string): { prev: string | null | undefined; origin: boolean } {
  const text = mark.startsWith('=') ? mark.slice(1) : mark;
  if (text === 'L') return { prev: undefined, origin: false };
  const prev = text.slice(1);
  return { prev: prev === '' ? null : prev === '?' ? undefined : prev, origin: text.startsWith('!') };
}
