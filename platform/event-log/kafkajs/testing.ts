/** For tests of the Kafka adapter only: a TCP proxy that loses what it is told to lose, and logs with names of their own. */
import net from 'node:net';
import { Kafka, logLevel } from 'kafkajs';
import { systemClock } from '../../clock.js';
import { silentLogger } from '../../observability/logger.js';
import { systemRandom, ulidMaker } from '../../random.js';
import { serviceAddress } from '../../testing.js';
import type { EventLog, TopicConfig } from '../event-log.js';
import { openKafkaLog, type KafkaLogOptions } from '../kafkajs.js';
import { NoAnswer, Network } from '../kafkajs-protocol.js';
import { Reader, Writer, type WireRequest } from './wire.js';

const ulid = ulidMaker(systemClock, systemRandom);

export interface TestContext { after(run: () => Promise<void> | void): void }

export const brokers = (): string[] => (serviceAddress('kafka') ?? '').split(',');
export const uniqueName = (what: string): string => `t-${ulid().toLowerCase()}-${what}`;

export async function openLog(t: TestContext, options: Partial<KafkaLogOptions> = {}): Promise<EventLog> {
  const log = await openKafkaLog({ brokers: brokers(), clientId: 'test', clock: systemClock, logger: silentLogger, ...options });
  t.after(() => log.close());
  return log;
}

export async function newTopic(t: TestContext, log: EventLog, partitions = 1, config: TopicConfig = {}): Promise<string> {
  const name = uniqueName('topic');
  await log.admin.createTopic({ name, partitions, config });
  t.after(async () => {
    const cleaner = await openKafkaLog({ brokers: brokers(), clientId: 'test', clock: systemClock, logger: silentLogger });
    await cleaner.admin.deleteTopic(name).catch(() => undefined);
    await cleaner.close();
  });
  return name;
}

/** Connections of its own, and a count of what was sent over them. */
export class CountingNetwork extends Network {
  readonly counts = new Map<string, number>();

  override async send<T>(node: number | 'any', request: WireRequest<T>): Promise<T> {
    this.counts.set(request.apiName, (this.counts.get(request.apiName) ?? 0) + 1);
    return super.send(node, request);
  }
}

/** What becomes of one request: refused with a code, carried out and answered with a code all the same, or without an answer. */
export interface Fault {
  readonly api: string;
  readonly carriedOut: boolean;
  /** undefined: there is no answer. */
  readonly code: number | undefined;
}

/** Real brokers, of whose answers one is exchanged now and then. */
export class FaultyNetwork extends CountingNetwork {
  private fault: Fault | undefined;

  /** For the next request of that name. */
  plan(fault: Fault): void { this.fault = fault; }

  /** The fault has happened. */
  get done(): boolean { return this.fault === undefined; }

  override async send<T>(node: number | 'any', request: WireRequest<T>): Promise<T> {
    const { fault } = this;
    if (fault?.api !== request.apiName) return super.send(node, request);
    this.fault = undefined;
    const answer = fault.carriedOut ? await super.send(node, request) : undefined;
    if (fault.code === undefined) throw new NoAnswer(fault.carriedOut, new Error('lost'));
    return withCode(request, answer, fault.code);
  }
}

function withCode<T>(request: WireRequest<T>, answer: T | undefined, code: number): T {
  const nobody = { topic: '', partition: 0, code };
  switch (request.apiName) {
    case 'Produce': return producedOf(request).map((each) => ({ ...each, code, baseOffset: -1, refused: [], message: null })) as T;
    case 'InitProducerId': return { code, producerId: -1, epoch: -1 } as T;
    case 'FindCoordinator': return { code, node: -1 } as T;
    case 'AddPartitionsToTxn': case 'TxnOffsetCommit': case 'OffsetCommit': return [nobody] as T;
    case 'AddOffsetsToTxn': case 'EndTxn': case 'Heartbeat': return code as T;
    case 'OffsetFetch': return { code, offsets: [] } as T;
    case 'JoinGroup': return { generation: -1, protocol: null, leader: '', members: [], member: '', ...answer, code } as T;
    case 'SyncGroup': return { assignment: Buffer.alloc(0), code } as T;
    default: throw new Error(`no answer is made up for ${request.apiName}`);
  }
}

/** The partitions that a Produce request is about. */
function producedOf(request: WireRequest<unknown>): { topic: string; partition: number }[] {
  const out = new Writer();
  request.encode(out);
  const input = new Reader(out.result);
  input.string();
  input.int16();
  input.int32();
  return input.array(() => {
    const topic = input.string() ?? '';
    return input.array(() => { const partition = input.int32(); input.data(); return { topic, partition }; });
  }).flat();
}

export function openFaulty(t: TestContext): FaultyNetwork {
  const network = new FaultyNetwork(new Kafka({ brokers: brokers(), clientId: 'test', logLevel: logLevel.NOTHING }));
  t.after(() => network.close());
  return network;
}

export function openNetwork(t: TestContext): CountingNetwork {
  const network = new CountingNetwork(new Kafka({ brokers: brokers(), clientId: 'test', logLevel: logLevel.NOTHING }));
  t.after(() => network.close());
  return network;
}

/** `pass`; `refuse` cuts all connections and takes no new ones; `hang` keeps them open and moves no byte. */
type Mode = 'pass' | 'refuse' | 'hang';

/** The kinds of the requests on a connection, however its bytes are cut into packets. */
class Requests {
  private rest = Buffer.alloc(0);
  private skip = 0;

  take(bytes: Buffer): number[] {
    const kinds: number[] = [];
    let all = this.rest.length > 0 ? Buffer.concat([this.rest, bytes]) : bytes;
    for (;;) {
      const passed = Math.min(this.skip, all.length);
      this.skip -= passed;
      all = all.subarray(passed);
      if (this.skip > 0 || all.length < 6) break;
      kinds.push(all.readInt16BE(4));
      this.skip = 4 + all.readInt32BE(0);
    }
    this.rest = Buffer.from(all);
    return kinds;
  }
}

interface Hold { readonly apiKey: number; readonly waiting: (() => void)[]; released: boolean; reach(): void }

export class Proxy {
  private mode: Mode = 'pass';
  private readonly holds: Hold[] = [];
  private readonly sockets = new Set<net.Socket>();
  private readonly held: (() => void)[] = [];
  private onRequest: ((apiKey: number) => boolean) | undefined;
  port = 0;

  private constructor(private readonly target: { host: string; port: number }) {}

  static async start(t: TestContext): Promise<Proxy> {
    const [host = '127.0.0.1', port = '9092'] = (brokers()[0] ?? '').split(':');
    const proxy = new Proxy({ host, port: Number(port) });
    const server = net.createServer((client) => { proxy.accept(client); });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    proxy.port = (server.address() as net.AddressInfo).port;
    t.after(async () => {
      for (const socket of proxy.sockets) socket.destroy();
      await new Promise((resolve) => { server.close(resolve); });
    });
    return proxy;
  }

  /** For `KafkaLogOptions.resolve`. */
  readonly resolve = (): { host: string; port: number } => ({ host: '127.0.0.1', port: this.port });

  set(mode: Mode): void {
    this.mode = mode;
    if (mode === 'refuse') for (const socket of this.sockets) socket.destroy();
    if (mode === 'pass') for (const run of this.held.splice(0)) run();
  }

  /** The answer to the next request of that kind is lost, with its connection. */
  cutAnswerTo(apiKey: number): Promise<void> {
    return new Promise((resolve) => {
      this.onRequest = (kind) => {
        if (kind !== apiKey) return false;
        this.onRequest = undefined;
        resolve();
        return true;
      };
    });
  }

  /** From the next request of that kind on, its connection stays open and gives no answer until `release`. */
  hold(apiKey: number): { reached: Promise<void>; release(): void } {
    let reached: () => void = () => undefined;
    const hold: Hold = { apiKey, waiting: [], released: false, reach: () => { reached(); } };
    this.holds.push(hold);
    return { reached: new Promise((resolve) => { reached = resolve; }), release: () => { hold.released = true; for (const run of hold.waiting.splice(0)) run(); } };
  }

  /** The connection that this request belongs to is held from now on. */
  private holdFor(kind: number): Hold | undefined {
    const found = this.holds.find(({ apiKey }) => apiKey === kind);
    if (found === undefined) return undefined;
    this.holds.splice(this.holds.indexOf(found), 1);
    found.reach();
    return found;
  }

  private accept(client: net.Socket): void {
    if (this.mode === 'refuse') { client.destroy(); return; }
    const upstream = net.connect(this.target);
    let lost = false;
    let hold: Hold | undefined;
    const requests = new Requests();
    const end = (): void => { client.destroy(); upstream.destroy(); this.sockets.delete(client); this.sockets.delete(upstream); };
    const move = (run: () => void): void => { if (this.mode === 'hang') this.held.push(run); else run(); };
    for (const socket of [client, upstream]) {
      this.sockets.add(socket);
      socket.setNoDelay(true).on('error', end).on('close', end);
    }
    client.on('data', (bytes: Buffer) => {
      for (const kind of requests.take(bytes)) {
        if (this.onRequest?.(kind) === true) lost = true;
        hold ??= this.holdFor(kind);
      }
      move(() => { upstream.write(bytes); });
    });
    upstream.on('data', (bytes: Buffer) => {
      if (lost) end();
      else if (hold?.released === false) hold.waiting.push(() => { client.write(bytes); });
      else move(() => { client.write(bytes); });
    });
  }
}
