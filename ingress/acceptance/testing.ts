/** For tests only: nodes that share a log and a claim index, with a fault at any step. */
import type { Clock } from '../../platform/clock.js';
import type { ConfabError } from '../../platform/errors.js';
import type { Appender, EventLog } from '../../platform/event-log/event-log.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { seededRandom, ulidMaker, systemRandom } from '../../platform/random.js';
import type { Message } from '../../schemas/types.js';
import { codec } from '../testing.js';
import type { Acceptor, AcceptorLimits } from './acceptor.js';
import type { ClaimIndex } from './claim-index/claim-index.js';
import { createAcceptor } from './create.js';
import { bodyHash, keyHash } from './hashes.js';
import type { Accepted, Submission } from './submission.js';

/** Where a node dies: from then on it neither writes to the log or the index nor answers. */
export type Step = 'before claim' | 'after claim' | 'after append' | 'never';

/** Never settles: what a dead process does. */
const dead = <T>(): Promise<T> => new Promise<T>(() => undefined);

export interface NodeOptions {
  readonly clock: Clock;
  readonly log: EventLog;
  readonly index?: (epoch: string, keepMillis: number) => ClaimIndex;
  readonly diesAt?: Step;
  /** Replaces the appender. */
  readonly appender?: (real: Appender) => Appender;
  readonly limits?: Partial<AcceptorLimits>;
  readonly keepMillis?: number;
}

export interface Result { readonly accepted?: Accepted; readonly code?: string; readonly error?: ConfabError }

export class Node {
  private readonly nextId: () => string;
  private constructor(readonly acceptor: Acceptor, clock: Clock) { this.nextId = ulidMaker(clock, systemRandom); }

  static async start(options: NodeOptions): Promise<Node> {
    const { clock, diesAt = 'never' } = options;
    const log = Object.create(options.log, { appender: { value: async () => wrapAppender(options, diesAt, await options.log.appender()) } }) as EventLog;
    const { index } = options;
    const acceptor = await createAcceptor({
      log, codec, clock, random: seededRandom(3), logger: silentLogger, metrics: createMetrics(), prefix: '',
      ...(index ? { index: (epoch: string, keep: number) => wrapIndex(index(epoch, keep), diesAt) } : {}),
      ...(options.limits ? { limits: options.limits } : {}), ...(options.keepMillis === undefined ? {} : { keepMillis: options.keepMillis }),
    });
    return new Node(acceptor, clock);
  }

  /** A request; resolves with what the client hears. */
  send(text: string, key?: string, conversationId = 'c1'): Promise<Result> {
    return new Promise((resolve) => {
      const done = (error: ConfabError | undefined, accepted: Accepted | undefined): void => { resolve(accepted ? { accepted } : { code: error?.code ?? '', ...(error ? { error } : {}) }); };
      try {
        this.acceptor.submit(submission(this.nextId(), conversationId, text, key, done));
      } catch (error) {
        done(error as ConfabError, undefined);
      }
    });
  }
}

/** A message as its route hands it over. */
export function submission(messageId: string, conversationId: string, text: string, key: string | undefined, done: Submission['done']): Submission {
  const message: Message = {
    kind: 'text', messageId, botId: 'b', channel: 'api', accountId: null, userId: 'u', author: { type: 'person', name: null }, text, payload: null, replyId: null,
    locale: null, attributes: {}, sentAt: null, retryOf: null,
    idempotencyKeyHash: key === undefined ? null : keyHash('default', conversationId, key), bodyHash: key === undefined ? null : bodyHash({ text }),
  };
  return { tenant: 'default', conversationId, message, traceparent: undefined, done };
}

function wrapAppender(options: NodeOptions, diesAt: Step, real: Appender): Appender {
  const appender = options.appender?.(real) ?? real;
  return {
    append: async (records) => {
      if (diesAt === 'after claim') return dead();
      const offsets = await appender.append(records);
      return diesAt === 'after append' ? dead() : offsets;
    },
    close: () => appender.close(),
  };
}

function wrapIndex(index: ClaimIndex, diesAt: Step): ClaimIndex {
  if (diesAt === 'never') return index;
  return {
    kind: index.kind,
    claim: (partition, requests) => (diesAt === 'before claim' ? dead() : index.claim(partition, requests)),
    confirm: () => dead(), release: () => dead(),
    read: (partition, keys) => index.read(partition, keys),
    beginRebuild: (partition, owner) => index.beginRebuild(partition, owner),
    fill: (partition, owner, entries) => index.fill(partition, owner, entries),
    finishRebuild: (partition, owner) => index.finishRebuild(partition, owner),
    close: () => index.close(),
  };
}
