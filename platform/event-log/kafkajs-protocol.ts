/**
 * The only file that reaches into kafkajs (version pinned; kafkajs-protocol.test.ts pins what is relied on).
 *
 * kafkajs serves as transport: connections, TLS, SASL and its renewal, the queue of requests, knowledge of brokers.
 * What goes over these connections are the requests of `kafkajs/requests-*.ts`, among them versions that kafkajs lacks.
 * Relied on: a consumer hands its `cluster` to its assigners when it is made (documented); `cluster.connect`, `disconnect`,
 * `refreshMetadata`, `findBroker`, `brokerPool.findConnectedBroker`; `broker.nodeId`, `broker.connectionPool.getConnection(lane)`,
 * where lane 0 is for all requests but Fetch and lane 1 for Fetch; `connection.send({request, response, …})`; `pending` and
 * `scheduleCheckPendingRequests` of its request queue.
 */
import { createRequire } from 'node:module';
import type { Kafka } from 'kafkajs';
import { ConfabError } from '../errors.js';
import { reading, Writer, type WireRequest } from './kafkajs/wire.js';
import { Overdue, within } from './kafkajs/within.js';

interface Connection {
  send(request: {
    request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<{ buf: Buffer; buffer: Buffer }> };
    response: { decode(payload: Buffer): Promise<unknown>; parse(data: unknown): Promise<unknown> };
    requestTimeout: number | null;
    logResponseError: boolean;
  }): Promise<unknown>;
}

interface Broker {
  readonly nodeId: number | string | null;
  readonly connectionPool: { getConnection(lane: number): Promise<Connection> };
}

/** What is used of kafkajs's Cluster. */
export interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  findBroker(of: { nodeId: number }): Promise<Broker>;
  readonly brokerPool: { findConnectedBroker(): Promise<Broker> };
}

interface RequestQueue { readonly pending: readonly unknown[]; scheduleCheckPendingRequests: (this: RequestQueue) => void }
const { prototype: queue } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
const look = queue.scheduleCheckPendingRequests;
/**
 * kafkajs starts a timer after each answer, also when nothing waits: then for a time in the past, of which newer versions of
 * Node warn on stderr.
 */
queue.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(this: RequestQueue): void {
  if (this.pending.length > 0) look.call(this);
};

const FETCH = 1;
/**
 * What kafkajs leaves without an end has one here: its own time-outs stop with the connection, so that a request on one
 * that is being closed, and an attempt to connect that the other side ends, may never be answered.
 */
const ANSWER_MILLIS = { least: 5_000, grace: 2_000 };
const CONNECT_MILLIS = 10_000;

/** A cluster of its own: own connections, not yet opened. */
export function clusterOf(kafka: Kafka): Cluster {
  let found: Cluster | undefined;
  kafka.consumer({
    groupId: 'unused',
    partitionAssigners: [({ cluster }) => {
      found = cluster as unknown as Cluster;
      return { name: 'unused', version: 0, protocol: () => ({ name: 'unused', metadata: Buffer.alloc(0) }), assign: async () => [] };
    }],
  });
  if (!found) throw new Error('kafkajs did not hand its cluster to the assigner');
  return found;
}

/** A request that got no answer. */
export class NoAnswer extends Error {
  /** @param sent it may have reached the broker */
  constructor(readonly sent: boolean, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'NoAnswer';
  }
}

/** One set of connections. Requests to one broker are answered in the order they were sent, Fetch apart from the others. */
export class Network {
  private cluster: Cluster;
  private opening: Promise<void> | undefined;
  private readonly connecting = new Map<string, Promise<Connection>>();
  private closed = false;

  /** @param answerMillis the request time-out that `kafka` was made with */
  constructor(private readonly kafka: Kafka, private readonly answerMillis = ANSWER_MILLIS.least) { this.cluster = clusterOf(kafka); }

  /**
   * Sends to a broker by number, or to any.
   * @throws NoAnswer; CONFAB_CLOSED after `close`
   */
  async send<T>(node: number | 'any', request: WireRequest<T>): Promise<T> {
    const progress = { sent: false };
    let connection: Connection;
    const { cluster } = this;
    try {
      connection = await within(CONNECT_MILLIS, this.connection(node, request.apiKey === FETCH ? 1 : 0));
    } catch (error) {
      if (error instanceof ConfabError) throw error;
      if (error instanceof Overdue && this.cluster === cluster) this.renew();
      throw new NoAnswer(false, error);
    }
    try {
      const patience = request.giveUpMillis ?? Math.max(this.answerMillis, request.timeoutMillis ?? 0) + ANSWER_MILLIS.grace;
      return await within(patience, connection.send(translate(request, progress))) as T;
    } catch (error) {
      // A broker that is stopped but not gone keeps its connections open: do not ask on these again.
      const silent = error instanceof Overdue || (error instanceof Error && error.name === 'KafkaJSRequestTimeoutError');
      if (silent && this.cluster === cluster) this.renew();
      throw new NoAnswer(progress.sent, error);
    }
  }

  /** Drops all connections; the next request opens new ones. For when one no longer answers. */
  renew(): void {
    const old = this.cluster;
    if (this.closed) return;
    this.cluster = clusterOf(this.kafka);
    this.opening = undefined;
    this.connecting.clear();
    // Waits for requests that have no answer yet, at most their time-out: not for us to wait for.
    void old.disconnect().catch(() => undefined);
  }

  async close(): Promise<void> {
    this.closed = true;
    await within(CONNECT_MILLIS, (async () => { await this.opening?.catch(() => undefined); await this.cluster.disconnect(); })()).catch(() => undefined);
  }

  private async connection(node: number | 'any', lane: number): Promise<Connection> {
    // Whoever asks again and again in the background must hear that there is nobody to ask any more.
    if (this.closed) throw new ConfabError('CONFAB_CLOSED', { detail: 'the connections to Kafka' });
    const { cluster } = this;
    await (this.opening ??= this.open(cluster));
    const broker = node === 'any' ? await cluster.brokerPool.findConnectedBroker() : await findBroker(cluster, node);
    // kafkajs opens a second socket when two requests find the connection closed: share the opening.
    const key = `${broker.nodeId ?? 'seed'}/${lane}`;
    let connecting = this.connecting.get(key);
    if (!connecting) {
      connecting = broker.connectionPool.getConnection(lane);
      this.connecting.set(key, connecting);
      const done = (): void => { if (this.connecting.get(key) === connecting) this.connecting.delete(key); };
      connecting.then(done, done);
    }
    return connecting;
  }

  private async open(cluster: Cluster): Promise<void> {
    try {
      await cluster.connect();
      await cluster.refreshMetadata();
    } catch (error) {
      // Not on this one again: kafkajs takes a broker whose first answer (ApiVersions) was late for connected, and can never ask it anything.
      if (this.cluster === cluster) this.renew();
      throw error;
    }
  }
}

async function findBroker(cluster: Cluster, nodeId: number): Promise<Broker> {
  try {
    return await cluster.findBroker({ nodeId });
  } catch {
    // It has looked up the brokers anew; a broker that moved is found now.
    return cluster.findBroker({ nodeId });
  }
}

function translate<T>(request: WireRequest<T>, progress: { sent: boolean }): Parameters<Connection['send']>[0] {
  return {
    request: {
      apiKey: request.apiKey, apiVersion: request.version, apiName: request.apiName,
      encode: async () => {
        const out = new Writer();
        request.encode(out);
        progress.sent = true;
        return { buf: out.result, buffer: out.result };
      },
    },
    response: {
      decode: async (payload) => {
        return reading(payload, (input) => ({ data: request.decode(input), clientSideThrottleTime: input.throttleMillis }));
      },
      parse: async (decoded) => (decoded as { data: T }).data,
    },
    requestTimeout: request.timeoutMillis ?? null,
    // Error codes are the caller's to judge and to log: kafkajs would report each at ERROR.
    logResponseError: false,
  };
}
