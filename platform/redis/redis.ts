/**
 * The one place that opens connections to Redis: a server, Sentinel or Cluster, plain or TLS.
 *
 * A command is tried once and within `commandTimeoutMillis`: nothing is queued while the connection is away and nothing is
 * sent again after it was lost, so a dead Redis is a coded error at once or in two seconds, never a hang, and a command
 * that was given up is not carried out later. Reconnecting goes on in the background with a bounded back-off.
 * Errors name host and port; user names, passwords, command arguments and keys never appear in them.
 */
import { Cluster, type Redis } from 'ioredis';
import { systemClock, type Clock } from '../clock.js';
import type { Random } from '../random.js';
import { ConfabError, type ErrorCode } from '../errors.js';
import type { Logger } from '../observability/logger.js';
import { buildClient, buildNodeClient, parseRedisUrl, type ClientSettings, type RedisAddress } from './client.js';
import { ClusterSubscriber } from './cluster-subscriber.js';
import { serverSubscriber, type Subscriber, type SubscriptionOwner } from './subscriber.js';

export type RedisClient = Redis | Cluster;

export interface RedisOptions {
  /**
   * `redis://` or `rediss://[user:password@]host:port[/db]`. Cluster: any of its nodes. Sentinel: the sentinels; user and
   * password are then those of the data servers.
   */
  readonly urls: readonly string[];
  /** Default 'server'. */
  readonly mode?: 'server' | 'sentinel' | 'cluster';
  /** Name of the monitored group; Sentinel only. */
  readonly sentinelName?: string;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  /** Instead of the one in the URL. */
  readonly username?: string;
  readonly password?: string;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly serverName?: string };
  /** Shown by CLIENT LIST. */
  readonly name?: string;
  /** Default 1500. */
  readonly commandTimeoutMillis?: number;
  /** Default 1500. */
  readonly connectTimeoutMillis?: number;
}

export interface RedisDependencies {
  readonly logger: Logger;
  readonly random: Random;
  /** For the signs of life of subscriptions. Default: the system's. */
  readonly clock?: Clock;
}

/** A connection and what its users share. Adapters take one and never make or close it. */
export interface RedisConnection {
  readonly client: RedisClient;
  /** True on Redis Cluster. */
  readonly clustered: boolean;
  /** Runs commands; what fails becomes a ConfabError with `code`, without secrets. */
  call<T>(code: ErrorCode, work: (client: RedisClient) => Promise<T>): Promise<T>;
  /** Connections of their own for sharded publish and subscribe; closed together with this one. */
  subscriber(owner: SubscriptionOwner): Subscriber;
  /** Any error of the client as a ConfabError without secrets. */
  translate(code: ErrorCode, thrown: unknown): ConfabError;
  /** @throws CONFAB_STATE_UNAVAILABLE it does not answer; CONFAB_REDIS_EVICTS a server may evict keys */
  check(): Promise<void>;
  /** Time of the server, milliseconds since the epoch. @throws CONFAB_STATE_UNAVAILABLE */
  time(): Promise<number>;
  close(): Promise<void>;
}

export type { Subscriber, SubscriptionOwner } from './subscriber.js';

const BACKOFF_MILLIS = 2_000;
const NOT_CONNECTED = /^(Connection is closed|Stream isn't writeable|Cluster isn't ready|Reached the max retries|Failed to refresh slots cache|no connection in time)/;

/** Between two looks for where slots live that are made because commands are not answered. */
const LOOK_MILLIS = 500;

/** @throws CONFAB_CONFIG_INVALID; CONFAB_STATE_UNAVAILABLE when the first connection does not succeed in time */
export async function connectRedis(options: RedisOptions, dependencies: RedisDependencies): Promise<RedisConnection> {
  const nodes = options.urls.map(parseRedisUrl);
  if (nodes.length === 0) throw new ConfabError('CONFAB_CONFIG_INVALID', { detail: 'Redis needs at least one URL.' });
  const connection = new Connection(options, nodes, dependencies);
  try {
    await connection.open();
  } catch (thrown) {
    await connection.close();
    throw thrown;
  }
  return connection;
}

class Connection implements RedisConnection {
  readonly client: RedisClient;
  readonly clustered: boolean;
  private readonly subscribers: { disconnect(): void }[] = [];
  private readonly where: string;
  private readonly settings: ClientSettings;
  private readonly clock: Clock;
  private lookedAt = -Infinity;
  private closed = false;
  /** Why the connection is away. */
  private trouble: string | undefined;

  constructor(private readonly options: RedisOptions, private readonly nodes: readonly RedisAddress[], private readonly dependencies: RedisDependencies) {
    this.where = nodes.map((node) => `${node.host}:${node.port}`).join(', ');
    this.settings = { options, addresses: nodes, backOff: (times) => this.backOff(times) };
    this.clock = dependencies.clock ?? systemClock;
    this.client = buildClient(this.settings, false);
    this.clustered = this.client instanceof Cluster;
    if (this.client instanceof Cluster) connectNodes(this.client);
    this.watch(this.client);
  }

  async open(): Promise<void> {
    const limit = this.options.connectTimeoutMillis ?? 1_500;
    let give: (() => void) | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      // The signal's own timer never keeps the process alive and needs no clock: the wait is for another machine.
      // eslint-disable-next-line no-restricted-properties -- see above
      const signal = AbortSignal.timeout(limit + 400);
      give = () => { reject(new Error('no connection in time')); };
      signal.addEventListener('abort', give, { once: true });
    });
    try {
      await Promise.race([this.client.connect().then(() => this.greet()), timeout]);
    } catch (thrown) {
      throw this.translate('CONFAB_STATE_UNAVAILABLE', thrown);
    }
  }

  /** Resolves when the server answers; of a cluster, when every master does or is known to be away. */
  private async greet(): Promise<void> {
    if (this.client instanceof Cluster) await Promise.allSettled(this.client.nodes('master').map((node) => node.ping()));
    await this.client.ping();
  }

  async call<T>(code: ErrorCode, work: (client: RedisClient) => Promise<T>): Promise<T> {
    try {
      return await work(this.client);
    } catch (thrown) {
      if (this.client instanceof Cluster) this.lookForSlots(this.client);
      throw this.translate(code, thrown);
    }
  }

  subscriber(owner: SubscriptionOwner): Subscriber {
    const subscriber = this.client instanceof Cluster ? this.clusterSubscriber(this.client, owner) : this.serverSubscriber(owner);
    this.subscribers.push(subscriber);
    return subscriber;
  }

  private serverSubscriber(owner: SubscriptionOwner): Subscriber {
    const client = buildClient(this.settings, true) as Redis;
    this.watch(client);
    return serverSubscriber(client, owner, this.clock);
  }

  private clusterSubscriber(cluster: Cluster, owner: SubscriptionOwner): Subscriber {
    const open = (host: string, port: number): Redis => buildNodeClient(this.settings, host, port);
    return new ClusterSubscriber({ cluster, owner, open, clock: this.clock, backOff: (times) => this.backOff(times) });
  }

  /** A server that hangs answers nothing, not even that another one has taken its slots. */
  private lookForSlots(cluster: Cluster): void {
    const now = this.clock.monotonic();
    if (this.closed || cluster.status !== 'ready' || now - this.lookedAt < LOOK_MILLIS) return;
    this.lookedAt = now;
    cluster.refreshSlotsCache();
  }

  translate(code: ErrorCode, thrown: unknown): ConfabError {
    if (thrown instanceof ConfabError) return thrown;
    const said = this.scrub(thrown instanceof Error ? deepest(thrown).message : 'unknown error');
    // "Connection is closed" and its like say that, not why: the last failure to connect does.
    const reason = NOT_CONNECTED.test(said) && this.trouble !== undefined ? this.trouble : said;
    // The client's own error carries the command with its arguments: only its words go on.
    return new ConfabError(code, { detail: `Redis at ${this.where} failed: ${reason}`, cause: new Error(reason), retryAfterMs: 1_000 });
  }

  async check(): Promise<void> {
    const policies = await this.call('CONFAB_STATE_UNAVAILABLE', async (client) => {
      const servers = client instanceof Cluster ? client.nodes('master') : [client];
      return Promise.all(servers.map(async (server) => /^maxmemory_policy:(\S+)/m.exec(await server.info('memory'))?.[1]));
    });
    const bad = policies.find((policy) => policy !== undefined && policy !== 'noeviction');
    if (bad !== undefined) throw new ConfabError('CONFAB_REDIS_EVICTS', { detail: `maxmemory-policy is ${bad}; set it to noeviction: an evicted state would look like a new conversation.` });
  }

  async time(): Promise<number> {
    const [seconds, micros] = await this.call('CONFAB_STATE_UNAVAILABLE', (client) => (client instanceof Cluster ? (client.nodes('master')[0] ?? client) : client).time());
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    for (const client of this.subscribers) client.disconnect();
    if (this.client.status === 'ready') await this.client.quit().catch(() => { /* it is closed below */ });
    this.client.disconnect();
  }

  private backOff(times: number): number | null {
    if (this.closed) return null;
    return Math.min(BACKOFF_MILLIS, 50 * 2 ** Math.min(times, 6)) * (0.5 + this.dependencies.random.float() / 2);
  }

  private watch(client: RedisClient): void {
    let away = false;
    client.on('error', (thrown: unknown) => {
      const reason = this.scrub(thrown instanceof Error ? deepest(thrown).message : '');
      if (!NOT_CONNECTED.test(reason)) this.trouble = reason;
      if (away || this.closed) return;
      away = true;
      this.dependencies.logger.warn({ redis: this.where, reason }, 'redis is away');
    });
    client.on('ready', () => {
      if (away) this.dependencies.logger.info({ redis: this.where }, 'redis is back');
      away = false;
      this.trouble = undefined;
    });
  }

  /** First line of a message, short, without anything secret that it may repeat. */
  private scrub(message: string): string {
    let text = (message.split('\n', 1)[0] ?? '').slice(0, 200);
    const secrets = [this.options.password, this.options.sentinelPassword, ...this.nodes.map((node) => node.password)];
    for (const secret of secrets) if (secret !== undefined && secret !== '') text = text.replaceAll(secret, '…');
    return text;
  }
}

/**
 * Connects every node as soon as it is known. Else its first command would, and the next ones meanwhile be refused and tried again
 * at other nodes, out of their order. Not before the cluster is ready: it takes a node that is still connecting for a lost one.
 */
function connectNodes(cluster: Cluster): void {
  const connect = (node: Redis): void => { if (node.status === 'wait') node.connect().catch(() => { /* the cluster looks for another one */ }); };
  cluster.on('ready', () => { for (const node of cluster.nodes()) connect(node); });
  cluster.on('+node', (node: Redis) => { if (cluster.status === 'ready') connect(node); });
}

/** Of errors that wrap others (a cluster's "failed to refresh slots", retries used up), the one that says why. */
function deepest(error: Error): Error {
  const inner = (error as { lastNodeError?: unknown; previousErrors?: unknown[] }).lastNodeError ?? error.cause;
  return inner instanceof Error && inner !== error ? deepest(inner) : error;
}
