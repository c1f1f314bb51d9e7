/** For tests only: an ingress on a log in memory. */
import type { FastifyInstance } from 'fastify';
import type { Authenticator, Principal } from '../platform/auth/auth.js';
import { authenticatorOff } from '../platform/auth/auth.js';
import { systemClock, type Clock } from '../platform/clock.js';
import { ConfabError } from '../platform/errors.js';
import type { EventLog, LogRecord } from '../platform/event-log/event-log.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import type { HttpServerOptions } from '../platform/http/server.js';
import { testServer } from '../platform/http/testing.js';
import { silentLogger } from '../platform/observability/logger.js';
import { createMetrics } from '../platform/observability/metrics.js';
import type { Tracer } from '../platform/observability/tracing.js';
import { seededRandom, systemRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { Message } from '../schemas/types.js';
import type { AcceptorLimits } from './acceptance/acceptor.js';
import type { Acceptor } from './acceptance/acceptor.js';
import { createAcceptor } from './acceptance/create.js';
import { ingressRoutes } from './server.js';

interface TestContext { after(run: () => void | Promise<void>): void }

export const PARTITIONS = 4;
export const codec = createLocalCodec();

/** A principal of scopes and conversations, by the name of the token. */
export type People = Readonly<Record<string, Partial<Omit<Principal, 'scopes' | 'conversations'>> & { scopes: readonly string[]; conversations?: readonly string[] }>>;

/** Tokens are names of people. */
export function authenticatorOf(people: People): Authenticator {
  return {
    required: true,
    authenticate: async (token) => {
      if (token === undefined) throw new ConfabError('CONFAB_TOKEN_MISSING');
      if (token === 'expired') throw new ConfabError('CONFAB_TOKEN_EXPIRED');
      const person = people[token];
      if (!person) throw new ConfabError('CONFAB_TOKEN_INVALID');
      return { tenant: 'default', subject: token, bot: undefined, expiresAt: undefined, ...person, scopes: new Set(person.scopes), conversations: new Set(person.conversations) };
    },
  };
}

export async function memoryLog(clock: Clock): Promise<MemoryEventLog> {
  const log = new MemoryEventLog({ clock, random: seededRandom(7) });
  await createMessages(log, 'messages.v1');
  return log;
}

export async function createMessages(log: EventLog, name: string): Promise<void> {
  await log.admin.createTopic({ name, partitions: PARTITIONS, config: { 'cleanup.policy': 'delete', 'retention.ms': '1209600000', 'message.timestamp.before.max.ms': '10000' } });
}

export interface TestIngress {
  readonly app: FastifyInstance;
  readonly log: EventLog;
  readonly acceptor: Acceptor;
  /** Every message of the log, by partition and offset. */
  messages(): Promise<(Message & { readonly key: string; readonly offset: number; readonly timestamp: number })[]>;
}

export interface TestIngressOptions extends Partial<HttpServerOptions> {
  readonly tracer?: Tracer;
  readonly people?: People;
  readonly log?: EventLog;
  readonly limits?: Partial<AcceptorLimits>;
  readonly socketInFlight?: number;
  /** Instead of the one that createAcceptor makes. */
  readonly acceptor?: Acceptor;
}

export async function testIngress(t: TestContext, options: TestIngressOptions = {}): Promise<TestIngress> {
  const clock = options.clock ?? systemClock;
  const log = options.log ?? await memoryLog(clock);
  const metrics = createMetrics();
  const acceptor = options.acceptor ?? await createAcceptor({
    log, codec, clock, random: systemRandom, logger: silentLogger, metrics, prefix: '', ...(options.limits ? { limits: options.limits } : {}),
  });
  const app = testServer(t, { clock, metrics, authenticator: options.people ? authenticatorOf(options.people) : authenticatorOff(), ...options });
  void app.register(ingressRoutes, {
    acceptor, clock, random: systemRandom, bots: { defaultBot: 'parcel' }, ...(options.socketInFlight === undefined ? {} : { socketInFlight: options.socketInFlight }), ...(options.tracer === undefined ? {} : { tracer: options.tracer }),
  });
  await app.ready();
  return { app, log, acceptor, messages: () => readMessages(log, 'messages.v1') };
}

export async function readMessages(log: EventLog, topic: string): Promise<(Message & { key: string; offset: number; timestamp: number })[]> {
  const found: (Message & { key: string; offset: number; timestamp: number })[] = [];
  const { partitions } = await log.topic(topic);
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const batch of log.read(topic, partition, 0)) found.push(...batch.records.map((record) => decode(record)));
  }
  return found;
}

function decode(record: LogRecord): Message & { key: string; offset: number; timestamp: number } {
  return { ...codec.of('Message').decode(record.value ?? Buffer.alloc(0)), key: record.key ?? '', offset: record.offset, timestamp: record.timestamp };
}
