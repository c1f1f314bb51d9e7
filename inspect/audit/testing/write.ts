/** For tests: histories written to a real log, at the offsets that it gives them. */
import { isCode } from '../../../platform/errors.js';
import type { EventLog, NewRecord } from '../../../platform/event-log/event-log.js';
import { epochOf } from '../../../platform/position.js';
import { eventually } from '../../../platform/testing.js';
import type { Codec } from '../../../schemas/codec.js';
import { groupName, topicName, type StageName } from '../../../topology/topology.js';
import { AUDITED, type Audited } from '../spans.js';
import { encoded, TOPIC_ID, type History, type Planned } from './history.js';

const OLD = epochOf(TOPIC_ID);
const STAGE_AFTER = new Map<Audited, StageName>([['messages.v1', 'intent'], ['intents.v1', 'dialogue'], ['replies.v1', 'analytics']]);
/** Histories are of the past, which the door refuses. */
const ANY_AGE = { 'message.timestamp.before.max.ms': '31536000000' };

/** Offsets and the epoch that a history was made with, as the log has given them. */
class Placement {
  private readonly messages = new Map<number, number>();
  private readonly letters = new Map<number, number>();

  constructor(private readonly epoch: string, private readonly partition: number) {}

  learn(topic: Audited, before: readonly number[], offsets: readonly number[]): void {
    if (topic !== 'messages.v1' && topic !== 'dead-letters.v1') return;
    const places = topic === 'messages.v1' ? this.messages : this.letters;
    before.forEach((old, at) => { places.set(old, offsets[at] ?? -1); });
  }

  /** A copy of a value in which everything that names a place names the new one. */
  moved(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || Array.isArray(value)) return value;
    const entries = Object.entries(value).map(([name, inner]): [string, unknown] => [name, name === 'offset' && typeof inner === 'number' ? this.messages.get(inner) ?? inner : this.moved(inner)]);
    return Object.fromEntries(entries);
  }

  private text(text: string): string {
    const position = new RegExp(`^${OLD}-(\\d{12})-(\\d{2})$`).exec(text);
    if (position) return `${this.epoch}-${String(this.messages.get(Number(position[1])) ?? Number(position[1])).padStart(12, '0')}-${position[2] ?? ''}`;
    const letter = new RegExp(`^${this.partition}-(\\d+)$`).exec(text);
    return letter ? `${this.partition}-${this.letters.get(Number(letter[1])) ?? Number(letter[1])}` : text;
  }
}

/**
 * Letters and messages name each other, so letters are given their offsets in advance: nobody else may write them now.
 * What stages have passed is committed for their groups.
 */
export async function writeHistories(log: EventLog, prefix: string, histories: readonly History[], codec: Codec): Promise<void> {
  const epoch = epochOf((await log.topic(topicName(prefix, 'messages.v1'))).id);
  await log.admin.setTopicConfig(topicName(prefix, 'messages.v1'), ANY_AGE);
  const appender = await log.appender();
  try {
    for (const history of histories) {
      const { partition } = history;
      const placement = new Placement(epoch, partition);
      const plan = history.plan();
      const first = await log.settledEnd(topicName(prefix, 'dead-letters.v1'), partition);
      placement.learn('dead-letters.v1', plan['dead-letters.v1'].map(({ offset }) => offset), plan['dead-letters.v1'].map((_, at) => first + at));
      const write = async (topic: Audited, records: readonly Planned[]): Promise<void> => {
        const full = topicName(prefix, topic);
        const fresh = records.map((record): NewRecord => ({ topic: full, partition, key: record.key, timestamp: record.timestamp, value: encoded({ ...record, value: placement.moved(record.value) }, topic, codec).value }));
        const offsets: number[] = [];
        for (let at = 0; at < fresh.length; at += 500) {
          const some = fresh.slice(at, at + 500);
          await eventually('the door takes records of the past', async () => {
            try { offsets.push(...await appender.append(some)); return true; } catch (error) {
              if (isCode(error, 'CONFAB_TIMESTAMP_REFUSED')) return false;
              throw error;
            }
          });
        }
        placement.learn(topic, records.map(({ offset }) => offset), offsets);
        await commit(topic, offsets);
      };
      const commit = async (topic: Audited, offsets: readonly number[]): Promise<void> => {
        const behind = topic === 'messages.v1' ? history.behind.intent : topic === 'intents.v1' ? history.behind.dialogue : 0;
        const stage = STAGE_AFTER.get(topic);
        if (stage === undefined || offsets.length === 0) return;
        const offset = behind === 0 ? (offsets.at(-1) ?? 0) + 1 : offsets.at(-behind) ?? 0;
        await log.admin.setCommitted(groupName(prefix, stage), [{ topic: topicName(prefix, topic), partition, offset, metadata: '' }]);
      };
      for (const topic of AUDITED) await write(topic, plan[topic]);
    }
  } finally { await appender.close(); }
}
