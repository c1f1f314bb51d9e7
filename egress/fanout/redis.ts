/**
 * Fan-out by Redis's sharded publish and subscribe: one channel a conversation, in the slot of its partition, so that a node
 * gets only what its sockets want and a cluster carries each announcement on one shard. Calls of one turn of the event loop
 * travel together: subscriptions by one SSUBSCRIBE a partition, announcements by one script a batch. What a node announces
 * goes to its own sockets at once, and what comes back of it is passed over.
 */
import { keyOfChannel, liveChannel } from '../../platform/live-bus/live-channel.js';
import type { RedisClient, RedisConnection, Subscriber } from '../../platform/redis/redis.js';
import { Echoes } from './echoes.js';
import type { Announcement, Fanout, FanoutListener } from './fanout.js';

/** A script publishes at most this many: it holds up the server for well under 2 ms. */
const CHUNK = 200;

const ANNOUNCE = `
for i = 1, #KEYS do redis.call('SPUBLISH', KEYS[i], ARGV[i]) end
return 0`;

interface Scripts { confabAnnounce(keys: number, ...args: string[]): Promise<number> }

interface Turn { readonly keys: Set<string>; readonly done: Promise<void> }

export class RedisFanout implements Fanout {
  readonly kind = 'redis';
  private readonly scripts: Scripts;
  private readonly prefix: string;
  private readonly subscriber: Subscriber;
  private readonly turns = new Map<number, Turn>();
  /** Keys that are subscribed, or are going to be, by partition. */
  private readonly wanted = new Map<number, Set<string>>();
  private readonly echoes = new Echoes();
  private listener: FanoutListener | undefined;
  private arrived: Announcement[] = [];
  private closed = false;

  constructor(private readonly redis: RedisConnection, options: { readonly prefix?: string } = {}) {
    this.prefix = options.prefix ?? '';
    redis.client.defineCommand('confabAnnounce', { lua: ANNOUNCE });
    this.scripts = redis.client as unknown as Scripts;
    this.subscriber = redis.subscriber({ wanted: () => this.channels(), lapsed: () => { this.lapsed(); } });
    this.subscriber.on('smessage', (channel: string, message: string) => { this.receive(channel, message); });
  }

  listen(listener: FanoutListener): void { this.listener = listener; }

  subscribe(partition: number, key: string): Promise<void> {
    let turn = this.turns.get(partition);
    if (!turn) {
      const keys = new Set<string>();
      turn = { keys, done: Promise.resolve().then(() => this.subscribeAll(partition, keys)) };
      this.turns.set(partition, turn);
    }
    turn.keys.add(key);
    const wanted = this.wanted.get(partition);
    if (wanted) wanted.add(key); else this.wanted.set(partition, new Set([key]));
    return turn.done;
  }

  unsubscribe(partition: number, key: string): void {
    this.wanted.get(partition)?.delete(key);
    if (this.turns.get(partition)?.keys.delete(key)) return;
    // What still arrives finds no socket. A failure means that the connection is gone, and the subscription with it.
    this.subscriber.sunsubscribe(this.channel(partition, key)).catch(() => { /* see above */ });
  }

  async announce(partition: number, announcements: readonly Announcement[]): Promise<void> {
    const calls: Promise<unknown>[] = [];
    for (let at = 0; at < announcements.length; at += CHUNK) {
      const part = announcements.slice(at, at + CHUNK);
      const channels = part.map(({ key }) => this.channel(partition, key));
      calls.push(this.redis.call<unknown>('CONFAB_STATE_UNAVAILABLE', (client) => (this.redis.clustered
        ? publish(client, channels, part)
        : this.scripts.confabAnnounce(part.length, ...channels, ...part.map(format)))));
    }
    this.handOwn(partition, announcements);
    await Promise.allSettled(calls);
    await Promise.all(calls);
  }

  /** The short way. What has no place goes the long one: sockets could not tell that they have it already. */
  private handOwn(partition: number, announcements: readonly Announcement[]): void {
    const wanted = this.wanted.get(partition);
    if (wanted === undefined || wanted.size === 0 || this.closed) return;
    const own = announcements.filter(({ key, position }) => position !== '' && wanted.has(key));
    for (const { key, position } of own) this.echoes.expect(key, position);
    if (own.length > 0) this.listener?.announced(own);
  }

  private lapsed(): void {
    this.echoes.forget();
    if (!this.closed) this.listener?.lapsed();
  }

  /** The connection belongs to whoever made it. */
  async close(): Promise<void> {
    this.closed = true;
    this.subscriber.disconnect();
  }

  /** What is wanted, a group for each slot. */
  private *channels(): Generator<readonly string[]> {
    for (const [partition, keys] of this.wanted) if (keys.size > 0) yield [...keys].map((key) => this.channel(partition, key));
  }

  private channel(partition: number, key: string): string { return liveChannel(this.prefix, partition, key); }

  private async subscribeAll(partition: number, keys: Set<string>): Promise<void> {
    this.turns.delete(partition);
    if (keys.size === 0) return;
    try {
      await this.subscriber.ssubscribe(...[...keys].map((key) => this.channel(partition, key)));
    } catch (thrown) {
      throw this.redis.translate('CONFAB_STATE_UNAVAILABLE', thrown);
    }
  }

  /** Messages of one read from the network are handed on together. */
  private receive(channel: string, message: string): void {
    const key = keyOfChannel(channel);
    if (this.echoes.take(key, positionIn(message))) return;
    if (this.arrived.length === 0) queueMicrotask(() => { this.handOn(); });
    this.arrived.push(parse(key, message));
  }

  private handOn(): void {
    const announcements = this.arrived;
    this.arrived = [];
    if (!this.closed) this.listener?.announced(announcements);
  }
}

/**
 * In a cluster without a script: its channels would count as keys that are not there, and while their slot moves such a
 * request goes to the new home, where nobody has subscribed yet. SPUBLISH itself stays where the subscribers are.
 */
async function publish(client: RedisClient, channels: readonly string[], announcements: readonly Announcement[]): Promise<void> {
  const results = await client.pipeline(announcements.map((announcement, i) => ['spublish', channels[i] ?? '', format(announcement)])).exec();
  const failure = results?.find(([error]) => error !== null)?.[0];
  if (failure instanceof Error) throw failure;
}

/** `<late><timestamp> <position> <prev>\n<frame>`; prev: '' nothing before, '?' not known. */
function format({ position, prev, late, timestamp, frame }: Announcement): string {
  return `${late ? 'L' : '-'}${timestamp} ${position} ${prev === null ? '' : prev ?? '?'}\n${frame}`;
}

function positionIn(message: string): string {
  const first = message.indexOf(' ') + 1;
  return message.slice(first, message.indexOf(' ', first));
}

function parse(key: string, message: string): Announcement {
  const line = message.indexOf('\n');
  const first = message.indexOf(' ');
  const second = message.indexOf(' ', first + 1);
  const prev = message.slice(second + 1, line);
  return {
    key, position: message.slice(first + 1, second), prev: prev === '' ? null : prev === '?' ? undefined : prev,
    late: message.startsWith('L'), timestamp: Number(message.slice(1, first)), frame: message.slice(line + 1),
  };
}
