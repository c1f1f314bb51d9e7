/** Clients of Redis as this program wants them: a server, Sentinel or Cluster, plain or TLS; a command is tried once. */
import { Cluster, Redis, type ClusterOptions, type RedisOptions as ClientOptions } from 'ioredis';
import { ConfabError } from '../errors.js';
import { gatherWrites } from './gather-writes.js';
import type { RedisClient, RedisOptions } from './redis.js';

export interface RedisAddress { host: string; port: number; username?: string; password?: string; db: number; secure: boolean }

/** How often a cluster is asked who answers for which slots, whatever the answers to commands say: a server that hangs says nothing. */
const SLOTS_MILLIS = 5_000;

/** @throws CONFAB_CONFIG_INVALID; the detail never shows the URL, which may hold a password */
export function parseRedisUrl(text: string): RedisAddress {
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

export interface ClientSettings {
  readonly options: RedisOptions;
  readonly addresses: readonly RedisAddress[];
  /** Milliseconds until the next try to connect; null: no more. */
  readonly backOff: (times: number) => number | null;
}

/** A client that does not connect before it is told to; `subscribes`: what is asked for while the connection is away waits for it. */
export function buildClient(settings: ClientSettings, subscribes: boolean): RedisClient {
  return gatherWrites(newClient(settings, subscribes));
}

function newClient(settings: ClientSettings, subscribes: boolean): RedisClient {
  const { options, addresses, backOff } = settings;
  const common = clientOptions(settings, subscribes);
  const [address] = addresses as [RedisAddress];
  switch (options.mode ?? 'server') {
    case 'server': return new Redis({ ...common, host: address.host, port: address.port, db: address.db });
    case 'sentinel': return new Redis({
      ...common, db: address.db,
      sentinels: addresses.map(({ host, port }) => ({ host, port })),
      ...(options.sentinelName === undefined ? {} : { name: options.sentinelName }),
      ...(options.sentinelUsername === undefined ? {} : { sentinelUsername: options.sentinelUsername }),
      ...(options.sentinelPassword === undefined ? {} : { sentinelPassword: options.sentinelPassword }),
      ...(common.tls === undefined ? {} : { sentinelTLS: common.tls, enableTLSForSentinelMode: true }),
      sentinelRetryStrategy: backOff,
    });
    case 'cluster': return buildCluster(settings, common);
  }
}

/** One connection to one node of a cluster, for subscriptions; it never connects again by itself. */
export function buildNodeClient(settings: ClientSettings, host: string, port: number): Redis {
  return gatherWrites(new Redis({ ...clientOptions(settings, true), host, port, retryStrategy: () => null }));
}

function buildCluster({ options, addresses, backOff }: ClientSettings, common: ClientOptions): Cluster {
  const { enableOfflineQueue: queue, retryStrategy: _retry, lazyConnect: _lazy, readOnly: _read, ...nodeOptions } = common;
  const cluster: ClusterOptions = {
    lazyConnect: true,
    enableOfflineQueue: queue ?? false,
    enableAutoPipelining: false,
    // Moves of slots and fail-overs are followed for about a second; the command's time-out is the bound.
    maxRedirections: 8, retryDelayOnFailover: 100, retryDelayOnClusterDown: 100, retryDelayOnTryAgain: 50,
    slotsRefreshTimeout: options.connectTimeoutMillis ?? 1_500,
    slotsRefreshInterval: SLOTS_MILLIS,
    clusterRetryStrategy: backOff,
    redisOptions: nodeOptions,
  };
  return new Cluster(addresses.map(({ host, port }) => ({ host, port })), cluster);
}

function clientOptions({ options, addresses, backOff }: ClientSettings, subscribes: boolean): ClientOptions {
  const [address] = addresses as [RedisAddress];
  const username = options.username ?? address.username;
  const password = options.password ?? address.password;
  const { ca, cert, key, serverName } = options.tls ?? {};
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(address.secure ? { tls: { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }), ...(serverName === undefined ? {} : { servername: serverName }) } } : {}),
    connectionName: options.name ?? 'confab',
    connectTimeout: options.connectTimeoutMillis ?? 1_500,
    commandTimeout: options.commandTimeoutMillis ?? 1_500,
    keepAlive: 10_000,
    lazyConnect: true,
    // A subscription asked for while the connection is away is kept for its return; commands are not.
    enableOfflineQueue: subscribes,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: subscribes ? null : 0,
    maxLoadingRetryTime: 1_000,
    retryStrategy: backOff,
    // A replica that was a master until now: connect again, to the new one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}
