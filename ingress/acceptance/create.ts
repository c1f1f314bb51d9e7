/** Wires acceptance for a log: by the log's own transaction where it has the power `once`, else by the claim index. */
import type { Clock } from '../../platform/clock.js';
import { ConfabError } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import { epochOf } from '../../platform/position.js';
import type { Codec } from '../../schemas/codec.js';
import { topicName } from '../../topology/topology.js';
import { acceptanceMetrics } from './acceptance-metrics.js';
import { Acceptor, type AcceptorLimits } from './acceptor.js';
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
  /** How long idempotency keys are remembered. Default 24 h. */
  readonly keepMillis?: number;
}

export const KEEP_KEYS = 24 * 60 * 60 * 1000;

/** @throws CONFAB_TOPIC_UNKNOWN, CONFAB_LOG_UNAVAILABLE */
export async function createAcceptor(options: AcceptanceOptions): Promise<Acceptor> {
  const { log, clock, logger } = options;
  const topic = topicName(options.prefix, 'messages.v1');
  const description = await log.topic(topic);
  const epoch = epochOf(description.id);
  const appender = await log.appender();
  const metrics = acceptanceMetrics(options.metrics);
  const codec = options.codec.of('Message');
  const keepMillis = options.keepMillis ?? KEEP_KEYS;
  if (!log.once) throw new ConfabError('CONFAB_INTERNAL', { detail: 'the claim index is missing' });
  const writer = new OnceWriter({ appender, once: log.once, epoch, keepMillis, logger, metrics });
  return new Acceptor({
    clock, writer, topic, partitions: description.partitions, encode: (message) => codec.encode(message),
    maxRecordBytes: log.maxRecordBytes, metrics, ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
}
