/**
 * `audit`: the speed of `confab audit`, and what it holds in memory. A sound history is written to Kafka once, as stages would
 * have left it, and audited by the command as a process of its own.
 */
import { randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { conversationKey, DEFAULT_TENANT } from '../platform/conversation-key.js';
import { systemClock } from '../platform/clock.js';
import type { NewRecord } from '../platform/event-log/event-log.js';
import { openKafkaLog } from '../platform/event-log/kafkajs.js';
import { silentLogger } from '../platform/observability/logger.js';
import { partitionOf } from '../platform/partitioner.js';
import { epochOf, formatPosition } from '../platform/position.js';
import { systemRandom, ulidMaker } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { BotReply, DialogueState } from '../schemas/types.js';
import { groupName, topicName, type StageName, type TopicName } from '../topology/topology.js';
import { BenchmarkError, progress, rounded, type Benchmark } from './lib/benchmark.js';
import { textMessage } from './lib/preload.js';
import { needServers } from './lib/servers.js';
import { makeTopics, PARTITIONS, removeTopics } from './lib/topics.js';
import { turnMaker } from './lib/workload.js';

const BATCH = 4_000;

interface Conversation { prev: string | null; turns: number }

async function writeHistory(brokers: string, prefix: string, messages: number, conversations: number): Promise<void> {
  const codec = createLocalCodec();
  const log = await openKafkaLog({ brokers: brokers.split(','), clientId: 'confab-bench', clock: systemClock, logger: silentLogger });
  const appender = await log.appender();
  const name = (topic: TopicName): string => topicName(prefix, topic);
  const epoch = epochOf((await log.topic(name('messages.v1'))).id);
  const newId = ulidMaker(systemClock, systemRandom);
  const turn = turnMaker(conversations);
  const known = new Map<string, Conversation>();
  try {
    for (let from = 0; from < messages; from += BATCH) {
      const timestamp = Date.now();
      const turns = Array.from({ length: Math.min(BATCH, messages - from) }, (_, i) => {
        const { conversation, text } = turn(from + i);
        const key = conversationKey(DEFAULT_TENANT, `bench-${conversation}`);
        return { key, partition: partitionOf(key, PARTITIONS), message: textMessage(newId(), text, `user-${conversation}`) };
      });
      const record = (topic: TopicName, { key, partition }: { key: string; partition: number }, value: Buffer): NewRecord => ({ topic: name(topic), key, partition, value, timestamp });
      const offsets = await appender.append(turns.map((one) => record('messages.v1', one, codec.of('Message').encode(one.message))));
      await appender.append(turns.flatMap((one, i) => {
        const position = formatPosition(epoch, offsets[i] ?? 0, 0);
        const conversation = known.get(one.key) ?? { prev: null, turns: 0 };
        const { message } = one;
        const reply: BotReply = {
          position, inReplyTo: message.messageId, replyId: `${message.messageId}-01`, botId: 'parcel', botVersion: 'v1', channel: 'api', accountId: null, intent: 'track_parcel', confidence: 0.9, outcome: 'answered',
          author: { type: 'bot', name: 'Parcel' }, parts: [{ text: 'Your parcel is on its way and will be with you tomorrow.', quickReplies: [], buttons: [], image: null, citations: [] }], handoff: null, effects: [], prev: conversation.prev, createdAt: timestamp,
        };
        const state: DialogueState = { reflects: position, prev: position, botId: 'parcel', botVersion: 'v1', handedOff: false, turns: conversation.turns + 1, data: '{"flow":"track","step":3}', history: null };
        known.set(one.key, { prev: position, turns: state.turns });
        return [record('intents.v1', one, codec.of('IntentDetected').encode({ position, message, results: [], detectedAt: timestamp })), record('replies.v1', one, codec.of('BotReply').encode(reply)), record('dialogue-states.v1', one, codec.of('DialogueState').encode(state))];
      }));
    }
    for (const [stage, topic] of [['intent', 'messages.v1'], ['dialogue', 'intents.v1']] as [StageName, TopicName][]) {
      await log.admin.setCommitted(groupName(prefix, stage), (await log.admin.bounds(name(topic))).map(({ topic: full, partition, end }) => ({ topic: full, partition, offset: end, metadata: '' })));
    }
  } finally {
    await appender.close();
    await log.close();
  }
}

interface Measured { readonly report: Record<string, unknown>; readonly peakMiB: number; readonly cpuSeconds: number; readonly seconds: number }

/** The command as users run it. */
function runAudit(brokers: string, prefix: string): Promise<Measured> {
  const begun = performance.now();
  const child = spawn(process.execPath, ['dist/confab.js', 'audit', '--json'], { env: { ...process.env, CONFAB_KAFKA_BROKERS: brokers, CONFAB_PREFIX: prefix }, stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  let peak = 0;
  let cpu = 0;
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  const watch = setInterval(() => { peak = Math.max(peak, peakOf(child.pid ?? 0)); cpu = Math.max(cpu, cpuOf(child.pid ?? 0)); }, 50);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(watch);
      if (code !== 0) { reject(new BenchmarkError(`the audit ended with ${code ?? 'a signal'}: ${out.slice(0, 2_000)}`)); return; }
      resolve({ report: JSON.parse(out) as Record<string, unknown>, peakMiB: peak / 1024, cpuSeconds: cpu, seconds: (performance.now() - begun) / 1000 });
    });
  });
}

/** The most that a process has held, KiB; 0 where the system does not say. */
function peakOf(pid: number): number {
  try { return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0); } catch { return 0; }
}

/** CPU time of a process so far, start included, seconds; counted in hundredths. */
function cpuOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch { return 0; }
}

export const audit: Benchmark = {
  purpose: 'records a second that `confab audit` reads and judges on Kafka, and the memory that it takes',
  options: {
    messages: { default: '200000', about: 'messages; each has an intent, a reply and a state' },
    conversations: { default: '50000', about: 'conversations' },
  },
  async run(options) {
    const { kafka } = await needServers('kafka');
    const prefix = `bench-${randomBytes(4).toString('hex')}.`;
    const [messages, conversations] = [options.number('messages'), options.number('conversations')];
    try {
      await makeTopics(kafka.address, prefix);
      progress(`writing ${messages} turns of ${conversations} conversations`);
      await writeHistory(kafka.address, prefix, messages, conversations);
      const { report, peakMiB, cpuSeconds, seconds } = await runAudit(kafka.address, prefix);
      const { records, bytes, millis, accepted, sound } = report as { records: number; bytes: number; millis: number; accepted: number; sound: boolean };
      return {
        recordsPerSecond: Math.round(records / (millis / 1000)), mibPerSecond: rounded(bytes / 2 ** 20 / (millis / 1000)), messagesPerSecond: Math.round(accepted / (millis / 1000)),
        cpuMicrosPerRecord: rounded(cpuSeconds * 1e6 / records), peakMiB: Math.round(peakMiB), seconds: rounded(seconds), records, MiB: rounded(bytes / 2 ** 20), messages, conversations, sound,
      };
    } finally { await removeTopics(kafka.address, prefix); }
  },
};
