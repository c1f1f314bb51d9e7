/** What was made of the log beside it: the state store and the counts. */
import { isDeepStrictEqual } from 'node:util';
import type { StateStore } from '../../platform/state/state-store.js';
import { place, type History } from './history.js';
import type { Report } from './violation.js';

/** The store holds the last state record of every conversation, as far as it says that it does: what was lost is made again when it is asked for. */
export async function checkStore(history: History, store: StateStore, report: Report): Promise<void> {
  const newest = new Map<string, History['states'][number]>();
  for (const entry of history.states) if (entry.record.key !== null) newest.set(entry.record.key, entry);
  for (const [key, entry] of newest) {
    const { entries: [held], watermark } = await store.read('dialogue-states.v1', entry.partition, [key]);
    if (watermark === undefined || watermark.offset <= entry.record.offset) continue;
    if (held?.value?.equals(entry.record.value as Buffer) !== true) report('state once', `the store does not have the last state of ${key}`, place('dialogue-states.v1', entry.partition, entry.record.offset));
  }
}

/** The newest counts of all keys, added up, are the replies that no dead letter of the stage took out. */
export function checkCounts(history: History, report: Report): void {
  const name = (minute: number, bot: string, channel: string, intent: string | null, partition: number): string => JSON.stringify([minute, bot, channel, intent, partition]);
  const counted = new Map<string, number>();
  const newest = new Map(history.counts.map(({ record, value }) => [record.key, value]));
  for (const value of newest.values()) {
    if (value === undefined) continue;
    const key = name(value.minute, value.botId, value.channel, value.intent, value.partition);
    counted.set(key, (counted.get(key) ?? 0) + value.replies);
  }
  const buried = new Set(history.letters.flatMap(({ value }) => (value?.stage === 'analytics' ? [`${value.partition}@${value.offset}`] : [])));
  const expected = new Map<string, number>();
  for (const { partition, record, value } of history.replies) {
    if (value === undefined || buried.has(`${partition}@${record.offset}`)) continue;
    const key = name(Math.floor(record.timestamp / 60_000) * 60_000, value.botId, value.channel, value.intent, partition);
    expected.set(key, (expected.get(key) ?? 0) + 1);
  }
  for (const key of new Set([...counted.keys(), ...expected.keys()])) {
    if (!isDeepStrictEqual(counted.get(key), expected.get(key))) report('counted once', `${key}: ${counted.get(key) ?? 0} counted, ${expected.get(key) ?? 0} replies`);
  }
}
