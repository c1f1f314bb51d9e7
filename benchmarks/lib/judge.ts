/** Judges a run by its topics, as any read_committed reader sees them: nothing lost, doubled or out of order. */
import { systemClock } from '../../platform/clock.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { topicName, type TopicName } from '../../topology/topology.js';
import { PARTITIONS } from './topics.js';

export interface Judgement {
  readonly messages: number;
  readonly outcomes: number;
  readonly lost: number;
  readonly duplicated: number;
  /** Outcomes that stand behind the outcome of a later message of their conversation. */
  readonly reordered: number;
}

interface Read { readonly key: string; readonly value: Buffer; readonly partition: number; readonly offset: number }

export async function judge(brokers: string, prefix: string): Promise<Judgement> {
  const log = await openKafkaLog({ brokers: brokers.split(','), clientId: 'confab-bench-judge', clock: systemClock, logger: silentLogger });
  try { return await judgeLog(log, prefix); } finally { await log.close(); }
}

/** For tests. */
export async function judgeLog(log: EventLog, prefix: string): Promise<Judgement> {
  const codec = createLocalCodec();
  /** Messages by partition and offset, which is their order; how many outcomes each has. */
  const accepted = new Map<string, { readonly at: string; readonly offset: number; outcomes: number }>();
  let messages = 0;
  for (const { key, value, partition, offset } of await readAll(log, prefix, 'messages.v1')) {
    messages += 1;
    accepted.set(codec.of('Message').decode(value).messageId, { at: `${partition} ${key}`, offset, outcomes: 0 });
  }
  let [outcomes, duplicated, reordered] = [0, 0, 0];
  const latest = new Map<string, number>();
  const take = (messageId: string | null): void => {
    const found = messageId === null ? undefined : accepted.get(messageId);
    if (found === undefined) return;
    outcomes += 1;
    found.outcomes += 1;
    if (found.outcomes > 1) { duplicated += 1; return; }
    if (found.offset < (latest.get(found.at) ?? -1)) reordered += 1; else latest.set(found.at, found.offset);
  };
  for (const { value } of await readAll(log, prefix, 'replies.v1')) take(codec.of('BotReply').decode(value).inReplyTo);
  // Between the topics there is no order to judge.
  latest.clear();
  for (const { value } of await readAll(log, prefix, 'dead-letters.v1')) take(codec.of('DeadLetter').decode(value).messageId);
  const lost = [...accepted.values()].filter((one) => one.outcomes === 0).length;
  return { messages, outcomes, lost, duplicated, reordered };
}

async function readAll(log: EventLog, prefix: string, name: TopicName): Promise<Read[]> {
  const topic = topicName(prefix, name);
  const found: Read[] = [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    for await (const { records } of log.read(topic, partition, 0, await log.settledEnd(topic, partition))) {
      for (const { key, value, offset } of records) if (value !== null) found.push({ key: key ?? '', value, partition, offset });
    }
  }
  return found;
}
