/** Appends of operators: seldom, so each has an appender of its own. */
import type { Clock } from '../platform/clock.js';
import type { EventLog } from '../platform/event-log/event-log.js';

export interface KeyedRecord {
  readonly key: string;
  /** null takes away what stands under the key. */
  readonly value: Buffer | null;
}

/** To a compacted topic of one partition, by its full name. @throws CONFAB_TOPIC_UNKNOWN, CONFAB_LOG_UNAVAILABLE, CONFAB_LOG_OUTCOME_UNKNOWN, CONFAB_RECORD_TOO_LARGE */
export async function appendOnce({ log, clock }: { readonly log: EventLog; readonly clock: Clock }, topic: string, records: readonly KeyedRecord[]): Promise<void> {
  await log.topic(topic);
  const appender = await log.appender();
  try {
    await appender.append(records.map(({ key, value }) => ({ topic, partition: 0, key, value, timestamp: clock.now() })));
  } finally {
    await appender.close();
  }
}
