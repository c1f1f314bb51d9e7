/** Wires acceptance for a log: by the log's own transaction where it has the power `once`, else by the claim index. */
import type { Clock } from '../../platform/clock.js';
import { ConfabError } from '../../platform/errors.js';
import type { Appender, EventLog } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { epochOf } from '../../platform/position.js';
import { type Random, ulidMaker } from '../../platform/random.js';
import type { Codec } from '../../schemas/codec.js';
import { groupName, topicName } from '../../topology/topology.js';
import { acceptanceMetrics, type AcceptanceMetrics } from './acceptance-metrics.js';
import { Acceptor, type AcceptorLimits } from './acceptor.js';
import type { ClaimIndex } from './claim-index/claim-index.js';
import { LogReader } from './log-reader.js';
import type { Pending } from './pending.js';
import { Rebuilder } from './rebuilder.js';
import { Resolver } from './resolver.js';
import { IndexedWriter } from './writer-indexed.js';
import { OnceWriter } from './writer-once.js';

export interface AcceptanceOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** CONFAB_PREFIX. */
  readonly prefix: string;
  readonly limits?: Partial<AcceptorLimits>;
  /**
   * Makes the claim index, for logs without `once`: the epoch of positions and the time that keys are kept are settled here.
   * Given for a log with `once`, the index is used all the same.
   */
  readonly index?: (epoch: string, keepMillis: number) => ClaimIndex;
  readonly random: Random;
  /** How long idempotency keys are remembered. Default 24 h. */
  readonly keepMillis?: number;
}

export const KEEP_KEYS = 24 * 60 * 60 * 1000;
/** On a log that is asked over the network. */
const GATHER_MILLIS = 5;

/** @throws CONFAB_TOPIC_UNKNOWN, CONFAB_LOG_UNAVAILABLE, CONFAB_CONFIG_INVALID (the log needs an index, and there is none) */
export async function createAcceptor(options: AcceptanceOptions): Promise<Acceptor> {
  const { log, clock } = options;
  const topic = topicName(options.prefix, 'messages.v1');
  const description = await log.topic(topic);
  const metrics = acceptanceMetrics(options.metrics);
  const codec = options.codec.of('Message');
  const parts = { ...options, keepMillis: options.keepMillis ?? KEEP_KEYS, topic, epoch: epochOf(description.id), appender: await log.appender(), acceptance: metrics };
  // The writer gives entries back whose claim was given up: the knot is tied here.
  let acceptor: Acceptor | undefined = undefined;
  const requeue = (pending: Pending): void => { acceptor?.requeue(pending); };
  const writer = log.once && !options.index
    ? new OnceWriter({ appender: parts.appender, once: log.once, epoch: parts.epoch, keepMillis: parts.keepMillis, logger: options.logger, metrics })
    : await indexedWriter(parts, requeue);
  acceptor = new Acceptor({
    clock, writer, topic, partitions: description.partitions, encode: (message) => codec.encode(message),
    maxRecordBytes: log.maxRecordBytes, metrics, limits: { gatherMillis: log.once ? 0 : GATHER_MILLIS, ...options.limits },
  });
  return acceptor;
}

type Parts = AcceptanceOptions & { readonly topic: string; readonly epoch: string; readonly appender: Appender; readonly keepMillis: number; readonly acceptance: AcceptanceMetrics };

async function indexedWriter(parts: Parts, requeue: (pending: Pending) => void): Promise<IndexedWriter> {
  const { log, clock, logger, topic, epoch, keepMillis } = parts;
  const index = parts.index?.(epoch, keepMillis);
  if (!index) throw new ConfabError('CONFAB_CONFIG_INVALID', { detail: 'On Kafka idempotency keys need Redis: set CONFAB_REDIS_URL.' });
  const reader = new LogReader({ log, codec: parts.codec.of('Message'), topic });
  const bounds = await log.admin.bounds(topic);
  const ends: number[] = [];
  for (const { partition, end } of bounds) ends[partition] = end;
  const rebuilder = new Rebuilder({
    clock, index, reader, logger, keepMillis, owner: ulidMaker(clock, parts.random)(),
    isFirst: (partition) => isFirst(parts, partition),
  });
  const writer = new IndexedWriter({ clock, logger, appender: parts.appender, index, resolver: new Resolver({ clock, index, reader }), rebuilder, epoch, ends, requeue, metrics: parts.acceptance });
  // Partitions that were never built are found now, not by the first message with a key.
  void findLost(index, bounds.length, rebuilder, logger);
  return writer;
}

/**
 * No message was ever written, and the index of the partition was never opened: no claim can be under way. That it is opened
 * now is remembered in the log, by an offset of the edge's group: after a flush in the first seconds it is not the first.
 */
async function isFirst({ log, logger, topic, epoch, prefix }: Parts, partition: number): Promise<boolean> {
  const group = groupName(prefix, 'ingress');
  const metadata = `keys ${epoch}`;
  try {
    if ((await log.admin.bounds(topic)).some(({ end }) => end > 0)) return false;
    const opened = (await log.admin.committed(group, topic)).find((each) => each.partition === partition);
    if (opened?.offset !== null && opened?.metadata === metadata) return false;
    await log.admin.setCommitted(group, [{ topic, partition, offset: 0, metadata }]);
    return true;
  } catch (error) {
    logger.warn({ err: error, partition }, 'whether idempotency keys were taken before cannot be told: waiting as if');
    return false;
  }
}

async function findLost(index: ClaimIndex, partitions: number, rebuilder: Rebuilder, logger: Logger): Promise<void> {
  try {
    for (let partition = 0; partition < partitions; partition += 1) if (!await index.read(partition, [])) rebuilder.lost(partition);
  } catch (error) {
    logger.warn({ err: error }, 'the index of idempotency keys does not answer');
  }
}
