/**
 * State store in Redis 7 (server, Sentinel or Cluster).
 *
 * Everything of one partition lies in one slot (hash tag `{s<partition>}`), so a read is one MGET and a write one script.
 * - `<prefix>{s3}:state:<view>` is the watermark: `<generation> <offset> <epoch>`, and between two scripts of one write
 *   ` <write>:<number of the last script>`: a server that was rolled back in the middle of a write refuses the rest of it.
 * - `<prefix>{s3}:state:<view>:<key>` is a value: generation (14 hex digits), length of `reflects` (one byte), `reflects`,
 *   `v` or `t` (tombstone), bytes.
 * A reset makes a new generation: values of older ones count as missing, so that forgetting a partition is one command and
 * not a search; they are overwritten by the rebuild or expire.
 */
import { systemRandom } from '../random.js';
import type { RedisConnection } from '../redis/redis.js';
import type { StateEntry, StateRead, StateStore, Watermark } from './state-store.js';

/** A script takes at most this many entries: it holds up the server for well under 2 ms. */
const WRITE_CHUNK = 200;
const READ_CHUNK = 1_000;
const GENERATION = 14;
const DAY = 86_400_000;

const WRITE = `
local mark = redis.call('GET', KEYS[1])
if not mark then return 0 end
local generation, offset, epoch, part = string.match(mark, '^(%x+) (%d+) (%S+)(.*)$')
if epoch ~= ARGV[1] or tonumber(offset) < tonumber(ARGV[3]) then return 0 end
if ARGV[5] ~= '' and part ~= ARGV[5] then return 0 end
local keep = ARGV[4]
for i = 2, #KEYS do
  local reflects = ARGV[i * 2 + 3]
  local old = redis.call('GETRANGE', KEYS[i], 0, 142)
  local write = true
  if #old > 15 and string.sub(old, 1, 14) == generation then
    write = string.sub(old, 16, 15 + string.byte(old, 15)) <= reflects
  end
  if write then
    redis.call('SET', KEYS[i], generation .. string.char(#reflects) .. reflects .. ARGV[i * 2 + 4], 'PX', keep)
  end
end
if tonumber(ARGV[2]) > tonumber(offset) then offset = ARGV[2] end
local now = generation .. ' ' .. offset .. ' ' .. epoch .. ARGV[6]
if now ~= mark then redis.call('SET', KEYS[1], now) end
return 1`;

// The generation is the server's time in microseconds: also after a loss of the watermark it is one that no value has.
const RESET = `
local mark = redis.call('GET', KEYS[1])
if mark and string.match(mark, '^%x+ %d+ (%S+)') == ARGV[1] then return 0 end
local now = redis.call('TIME')
redis.call('SET', KEYS[1], string.format('%014x', now[1] * 1000000 + now[2]) .. ' 0 ' .. ARGV[1])
return 1`;

interface Scripts {
  confabStateWrite(keys: number, ...args: (string | number | Buffer)[]): Promise<number>;
  confabStateReset(keys: number, ...args: string[]): Promise<number>;
}

export interface RedisStateOptions {
  readonly prefix?: string;
  /** How long a value is kept after its last change: the retention of the state topic. Default 90 days. */
  readonly keepMillis?: number;
}

export class RedisStateStore implements StateStore {
  readonly kind = 'redis';
  private readonly prefix: string;
  private readonly keep: string;
  private readonly scripts: Scripts;
  /** Tells the writes of more than one script apart, also those of other processes. */
  private readonly writer = systemRandom.bytes(6).toString('hex');
  private writes = 0;

  constructor(private readonly redis: RedisConnection, options: RedisStateOptions = {}) {
    this.prefix = options.prefix ?? '';
    this.keep = String(options.keepMillis ?? 90 * DAY);
    redis.client.defineCommand('confabStateWrite', { lua: WRITE });
    redis.client.defineCommand('confabStateReset', { lua: RESET });
    this.scripts = redis.client as unknown as Scripts;
  }

  async read(view: string, partition: number, keys: readonly string[]): Promise<StateRead> {
    const base = this.base(view, partition);
    const mark = Buffer.from(base);
    const chunks: Promise<(Buffer | null)[]>[] = [];
    // Each chunk has the watermark too and is atomic by itself; the lowest watermark is true for all of them.
    for (let at = 0; at === 0 || at < keys.length; at += READ_CHUNK) {
      const names: (string | Buffer)[] = keys.slice(at, at + READ_CHUNK).map((key) => `${base}:${key}`);
      chunks.push(this.redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.mgetBuffer([mark, ...names])));
    }
    const answers = await Promise.all(chunks);
    const marks = answers.map((answer) => parseMark(answer[0]));
    const lowest = marks.some((found) => found?.generation !== marks[0]?.generation) ? undefined
      : marks.reduce((a, b) => (a === undefined || b === undefined || a.offset <= b.offset ? a : b));
    const entries = answers.flatMap((answer, chunk) => answer.slice(1).map((bytes, i) => parseEntry(keys[chunk * READ_CHUNK + i] ?? '', bytes, lowest?.generation)));
    return { entries, watermark: lowest === undefined ? undefined : { epoch: lowest.epoch, offset: lowest.offset } };
  }

  async write(view: string, partition: number, entries: readonly StateEntry[], watermark: Watermark, expected: number): Promise<boolean> {
    const base = this.base(view, partition);
    const calls: Promise<number>[] = [];
    const name = ` ${this.writer}.${this.writes += 1}`;
    for (let at = 0; at === 0 || at < entries.length; at += WRITE_CHUNK) {
      const part = entries.slice(at, at + WRITE_CHUNK);
      // Chunks are carried out in order, each only upon the one before; the last moves the watermark, so that it never runs
      // ahead of the values.
      const last = at + WRITE_CHUNK >= entries.length;
      const upon = at === 0 ? '' : `${name}:${at / WRITE_CHUNK}`;
      const args: (string | Buffer)[] = [watermark.epoch, String(last ? watermark.offset : 0), String(expected), this.keep, upon, last ? '' : `${name}:${at / WRITE_CHUNK + 1}`];
      for (const { reflects, value } of part) args.push(reflects, value === null ? 't' : Buffer.concat([VALUE, value]));
      const names = part.map(({ key }) => `${base}:${key}`);
      calls.push(this.redis.call('CONFAB_STATE_UNAVAILABLE', () => this.scripts.confabStateWrite(part.length + 1, base, ...names, ...args)));
    }
    return (await settled(calls)).every((answer) => answer === 1);
  }

  async reset(view: string, partition: number, epoch: string): Promise<void> {
    await this.redis.call('CONFAB_STATE_UNAVAILABLE', () => this.scripts.confabStateReset(1, this.base(view, partition), epoch));
  }

  check(): Promise<void> { return this.redis.check(); }

  /** The connection belongs to whoever made it. */
  async close(): Promise<void> { /* nothing of its own */ }

  private base(view: string, partition: number): string {
    return `${this.prefix}{s${partition}}:state:${view}`;
  }
}

const VALUE = Buffer.from('v');

function parseMark(bytes: Buffer | null | undefined): (Watermark & { generation: string }) | undefined {
  const match = /^([0-9a-f]+) (\d+) (\S+)/.exec(bytes?.toString('latin1') ?? '');
  return match ? { generation: match[1] ?? '', offset: Number(match[2]), epoch: match[3] ?? '' } : undefined;
}

function parseEntry(key: string, bytes: Buffer | null, generation: string | undefined): StateEntry | undefined {
  if (bytes === null || generation === undefined || bytes.length < GENERATION + 2) return undefined;
  if (bytes.toString('latin1', 0, GENERATION) !== generation) return undefined;
  const flag = GENERATION + 1 + (bytes[GENERATION] ?? 0);
  return { key, reflects: bytes.toString('latin1', GENERATION + 1, flag), value: bytes[flag] === 0x76 ? bytes.subarray(flag + 1) : null };
}

/** All results; the first failure only after every call has ended, so that nothing is under way when the caller hears of it. */
async function settled<T>(calls: Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}
