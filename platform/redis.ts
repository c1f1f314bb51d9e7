/**
 * The one place that opens connections to Redis: a server, Sentinel or Cluster, plain or TLS.
 *
 * A command is tried once and within `commandTimeoutMillis`: nothing is queued while the connection is away and nothing is
 * sent again after it was lost, so a dead Redis is a coded error at once or in two seconds, never a hang, and a command
 * that was given up is not carried out later. Reconnecting goes on in the background with a bounded back-off.
 * Errors name host and port; user names, passwords, command arguments and keys never appear in them.
 */
import { Cluster, Redis, type ClusterOptions, type RedisOptions as ClientOptions } from 'ioredis';
import type { Random } from './random.js';
import { ConfabError, type ErrorCode } from './errors.js';
import type { Logger } from './observability/logger.js';

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
}

/** Who subscribes, and so knows what is to be subscribed again when the connection was lost. */
export interface SubscriptionOwner {
  /** Every channel that is wanted now, in groups of one slot. */
  wanted(): Iterable<readonly string[]>;
  /** All of them are subscribed again; messages may have been missed until now. */
  lapsed(): void;
}

/** A connection and what its users share. Adapters take one and never make or close it. */
export interface RedisConnection {
  readonly client: RedisClient;
  /** Runs commands; what fails becomes a ConfabError with `code`, without secrets. */
  call<T>(code: ErrorCode, work: (client: RedisClient) => Promise<T>): Promise<T>;
  /** A connection of its own for sharded publish and subscribe; closed together with this one. */
  subscriber(owner: SubscriptionOwner): RedisClient;
  /** Any error of the client as a ConfabError without secrets. */
  translate(code: ErrorCode, thrown: unknown): ConfabError;
  /** @throws CONFAB_STATE_UNAVAILABLE it does not answer; CONFAB_REDIS_EVICTS a server may evict keys */
  check(): Promise<void>;
  /** Time of the server, milliseconds since the epoch. @throws CONFAB_STATE_UNAVAILABLE */
  time(): Promise<number>;
  close(): Promise<void>;
}

const BACKOFF_MILLIS = 2_000;
const NOT_CONNECTED = /^(Connection is closed|Stream isn't writeable|Cluster isn't ready|Reached the max retries|Failed to refresh slots cache|no connection in time)/;

interface Node { host: string; port: number; username?: string; password?: string; db: number; secure: boolean }

/** @throws CONFAB_CONFIG_INVALID; CONFAB_STATE_UNAVAILABLE when the first connection does not succeed in time */
export async function connectRedis(options: RedisOptions, dependencies: RedisDependencies): Promise<RedisConnection> {
  const nodes = options.urls.map(parseUrl);
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

/** @throws CONFAB_CONFIG_INVALID; the detail never shows the URL, which may hold a password */
function parseUrl(text: string): Node {
  const invalid = (rule: string): ConfabError => new ConfabError('CONFAB_CONFIG_INVALID', { detail: `The URL of Redis is wrong: ${rule}.` });
  if (!URL.canParse(text)) throw invalid('it must look like redis://host:6379');
  const url = new URL(text);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') throw invalid('it must begin with redis:// or rediss://');
  const path = url.pathname.replace(/^\//, '');
  if (!/^\d{0,4}$/.test(path)) throw invalid('after the host comes nothing but the number of a database');
  return {
    host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
    port: url.port === '' ? 6379 : Number(url.port),
    ...(url.username === '' ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === '' ? {} : { password: decodeURIComponent(url.password) }),
    db: Number(path),
    secure: url.protocol === 'rediss:',
  };
}

class Connection implements RedisConnection {
  readonly client: RedisClient;
  private readonly subscribers: RedisClient[] = [];
  private readonly where: string;
  private closed = false;
  /** Why the connection is away. */
  private trouble: string | undefined;

  constructor(private readonly options: RedisOptions, private readonly nodes: readonly Node[], private readonly dependencies: RedisDependencies) {
    this.where = nodes.map((node) => `${node.host}:${node.port}`).join(', ');
    this.client = this.build(false);
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
      await Promise.race([this.client.connect().then(() => this.client.ping()), timeout]);
    } catch (thrown) {
      throw this.translate('CONFAB_STATE_UNAVAILABLE', thrown);
    }
  }

  async call<T>(code: ErrorCode, work: (client: RedisClient) => Promise<T>): Promise<T> {
    try {
      return await work(this.client);
    } catch (thrown) {
      throw this.translate(code, thrown);
    }
  }

  subscriber(owner: SubscriptionOwner): RedisClient {
    const client = this.build(true);
    this.watch(client);
    let first = true;
    const ready = (): void => {
      if (!first) {
        // A cluster client subscribes anew by itself.
        if (client instanceof Cluster) owner.lapsed();
        else void this.renew(client, owner);
      }
      first = false;
    };
    client.on(client instanceof Cluster ? 'subscribersReady' : 'ready', ready);
    client.connect().catch(() => { /* it goes on trying; commands on it report */ });
    this.subscribers.push(client);
    return client;
  }

  /**
   * Subscribes again what is wanted. The client could do that by itself, but it lets go of the promises (a failure would be an
   * error that nobody caught) and forgets what was not confirmed when the connection is lost once more.
   */
  private async renew(client: Redis, owner: SubscriptionOwner): Promise<void> {
    try {
      // All are written in this turn: what is unsubscribed later goes out after them.
      await Promise.all([...owner.wanted()].map((group) => client.ssubscribe(...group)));
      owner.lapsed();
    } catch {
      // Not all are: a new connection tries again.
      if (!this.closed && client.status === 'ready') client.disconnect(true);
    }
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

  private build(subscribes: boolean): RedisClient {
    const options = this.clientOptions(subscribes);
    const [node] = this.nodes as [Node];
    switch (this.options.mode ?? 'server') {
      case 'server': return new Redis({ ...options, host: node.host, port: node.port, db: node.db });
      case 'sentinel': return new Redis({
        ...options, db: node.db,
        sentinels: this.nodes.map(({ host, port }) => ({ host, port })),
        ...(this.options.sentinelName === undefined ? {} : { name: this.options.sentinelName }),
        ...(this.options.sentinelUsername === undefined ? {} : { sentinelUsername: this.options.sentinelUsername }),
        ...(this.options.sentinelPassword === undefined ? {} : { sentinelPassword: this.options.sentinelPassword }),
        ...(options.tls === undefined ? {} : { sentinelTLS: options.tls, enableTLSForSentinelMode: true }),
        sentinelRetryStrategy: (times) => this.backOff(times),
      });
      case 'cluster': return this.buildCluster(options);
    }
  }

  private buildCluster(options: ClientOptions): Cluster {
    const { enableOfflineQueue: queue, retryStrategy: _retry, lazyConnect: _lazy, readOnly: _read, ...nodeOptions } = options;
    const cluster: ClusterOptions = {
      shardedSubscribers: true,
      lazyConnect: true,
      enableOfflineQueue: queue ?? false,
      enableAutoPipelining: false,
      // Moves of slots and fail-overs are followed for about a second; the command's time-out is the bound.
      maxRedirections: 8, retryDelayOnFailover: 100, retryDelayOnClusterDown: 100, retryDelayOnTryAgain: 50,
      slotsRefreshTimeout: this.options.connectTimeoutMillis ?? 1_500,
      clusterRetryStrategy: (times) => this.backOff(times),
      redisOptions: nodeOptions,
    };
    return new Cluster(this.nodes.map(({ host, port }) => ({ host, port })), cluster);
  }

  private clientOptions(subscribes: boolean): ClientOptions {
    const [node] = this.nodes as [Node];
    const username = this.options.username ?? node.username;
    const password = this.options.password ?? node.password;
    const { ca, cert, key, serverName } = this.options.tls ?? {};
    return {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(node.secure ? { tls: { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }), ...(serverName === undefined ? {} : { servername: serverName }) } } : {}),
      connectionName: this.options.name ?? 'confab',
      connectTimeout: this.options.connectTimeoutMillis ?? 1_500,
      commandTimeout: this.options.commandTimeoutMillis ?? 1_500,
      keepAlive: 10_000,
      lazyConnect: true,
      // A subscription asked for while the connection is away is kept for its return; commands are not.
      enableOfflineQueue: subscribes,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: subscribes ? null : 0,
      maxLoadingRetryTime: 1_000,
      retryStrategy: (times) => this.backOff(times),
      // A replica that was a master until now: connect again, to the new one.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
    };
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

/** Of errors that wrap others (a cluster's "failed to refresh slots", retries used up), the one that says why. */
function deepest(error: Error): Error {
  const inner = (error as { lastNodeError?: unknown; previousErrors?: unknown[] }).lastNodeError ?? error.cause;
  return inner instanceof Error && inner !== error ? deepest(inner) : error;
}
