/** kafkajs's log through ours. It repeats itself while brokers are away: the same line once in a while is enough. */
import { logLevel, type logCreator } from 'kafkajs';
import type { Clock } from '../../clock.js';
import type { Logger } from '../../observability/logger.js';

const REPEAT_MILLIS = 10_000;
const REMEMBERED = 100;

export function kafkajsLog(logger: Logger, clock: Clock): logCreator {
  const seen = new Map<string, number>();
  const repeated = (text: string): boolean => {
    const now = clock.monotonic();
    const last = seen.get(text);
    if (last !== undefined && now - last < REPEAT_MILLIS) return true;
    if (seen.size >= REMEMBERED) seen.clear();
    seen.set(text, now);
    return false;
  };
  return () => ({ namespace, level, log }) => {
    const { message } = log;
    const error = typeof log.error === 'string' ? log.error : undefined;
    // Named fields only: what else kafkajs attaches (stacks, requests) may hold more than a log should.
    const fields = { kafkajs: namespace, broker: log.broker as unknown, error };
    // A retried CONCURRENT_TRANSACTIONS is the ordinary wait for markers, though kafkajs calls it an error.
    const ordinary = `${message} ${error ?? ''}`.includes('CONCURRENT_TRANSACTIONS') || (error ?? message).includes('another concurrent operation');
    if (ordinary || level >= logLevel.INFO) logger.debug(fields, message);
    else if (repeated(`${namespace} ${message} ${error ?? ''}`)) logger.debug(fields, message);
    else logger.warn(fields, message);
  };
}
