/**
 * Process: open loop straight on the log, for the hand loop, which has no sockets. A message is due every 1/rate s; what is
 * due while a send is under way goes with the next one. Ends at its reply, read from replies.v1 (committed only).
 */
import { build } from 'hdr-histogram-js';
import { systemClock } from '../../platform/clock.js';
import { conversationKey, DEFAULT_TENANT } from '../../platform/conversation-key.js';
import { partitionOf } from '../../platform/partitioner.js';
import { systemRandom, ulidMaker } from '../../platform/random.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { textMessage } from '../lib/preload.js';
import { kafkaClient, PARTITIONS } from '../lib/topics.js';
import { turnMaker } from '../lib/workload.js';

export interface LogLatencySettings {
  readonly brokers: string;
  readonly prefix: string;
  readonly rate: number;
  readonly conversations: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
}

export interface LogLatencyResult {
  readonly p50Millis: number;
  readonly p99Millis: number;
  readonly p999Millis: number;
  readonly turns: number;
  readonly unanswered: number;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as LogLatencySettings;
const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 120_000_000, numberOfSignificantValueDigits: 3 });
const dueAt = new Map<string, number>();
const codec = createLocalCodec().of('Message');
const newId = ulidMaker(systemClock, systemRandom);
const turn = turnMaker(settings.conversations);
const kafka = kafkaClient(settings.brokers);
const pause = (millis: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, millis); });

let measureFrom = Number.POSITIVE_INFINITY;
let turns = 0;

const consumer = kafka.consumer({ groupId: `${settings.prefix}latency`, maxWaitTimeInMs: 50 });
await consumer.connect();
await consumer.subscribe({ topic: `${settings.prefix}replies.v1`, fromBeginning: true });
const joined = new Promise<void>((resolve) => { consumer.on(consumer.events.GROUP_JOIN, () => { resolve(); }); });
await consumer.run({ autoCommit: false, eachBatch: ({ batch }) => {
  const now = performance.now();
  for (const record of batch.messages) {
    const key = String(record.key);
    const due = dueAt.get(key);
    dueAt.delete(key);
    if (due === undefined || due < measureFrom) continue;
    turns += 1;
    histogram.recordValue(Math.max(1, Math.round((now - due) * 1000)));
  }
  return Promise.resolve();
} });
await joined;

const producer = kafka.producer({ idempotent: true });
await producer.connect();

/** Conversation and due time of the messages that wait for the next send. */
let waiting: { key: string; value: Buffer; partition: number; timestamp: string }[] = [];
let sending = false;
async function flush(): Promise<void> {
  if (sending) return;
  sending = true;
  while (waiting.length > 0) {
    const messages = waiting;
    waiting = [];
    await producer.send({ topic: `${settings.prefix}messages.v1`, acks: -1, messages });
  }
  sending = false;
}

const began = performance.now();
measureFrom = began + settings.warmupSeconds * 1000;
const count = Math.round((settings.warmupSeconds + settings.seconds) * settings.rate);
for (let next = 0; next < count;) {
  const now = performance.now();
  for (; next < count && began + next * 1000 / settings.rate <= now; next += 1) {
    const { conversation, text } = turn(next);
    const key = conversationKey(DEFAULT_TENANT, `latency-${conversation}`);
    if (dueAt.has(key)) throw new Error('every conversation has a message under way: more conversations are needed for this rate');
    dueAt.set(key, began + next * 1000 / settings.rate);
    waiting.push({ key, value: codec.encode(textMessage(newId(), text, `user-${conversation}`)), partition: partitionOf(key, PARTITIONS), timestamp: String(Date.now()) });
  }
  void flush();
  await pause(1);
}
for (const end = performance.now() + 30_000; dueAt.size > 0 && performance.now() < end;) await pause(20);

const millis = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;
const result: LogLatencyResult = { p50Millis: millis(50), p99Millis: millis(99), p999Millis: millis(99.9), turns, unanswered: dueAt.size };
process.send?.({ type: 'result', result });
await consumer.disconnect();
await producer.disconnect();
process.disconnect();
