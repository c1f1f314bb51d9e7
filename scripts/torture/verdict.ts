/** Reads the topics when all is idle, and says what does not agree with what was promised. */
import { systemClock } from '../../platform/clock.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { Message, RecordTypes } from '../../schemas/types.js';
import { groupName, topicName, topology, type StageName, type TopicName } from '../../topology/topology.js';
import { pause, type Installation } from './install.js';
import type { Traffic } from './traffic.js';
import type { Watcher } from './watcher.js';

export interface Verdict {
  readonly accepted: number;
  readonly answered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly deadLettered: number;
  /** What does not agree, the first of each kind in words. */
  readonly wrong: string[];
}

interface Read<T> { readonly key: string; readonly offset: number; readonly partition: number; readonly value: T | undefined }

const codec = createLocalCodec();

class Reader {
  constructor(readonly log: EventLog, readonly prefix: string, readonly partitions: number) {}

  async all<R extends keyof RecordTypes>(topic: TopicName, record: R): Promise<Read<RecordTypes[R]>[]> {
    const found: Read<RecordTypes[R]>[] = [];
    for (let partition = 0; partition < this.partitions; partition += 1) {
      for await (const batch of this.log.read(topicName(this.prefix, topic), partition, 0)) {
        for (const { key, offset, value } of batch.records) found.push({ key: key ?? '', offset, partition, value: value === null ? undefined : codec.of(record).decode(value) });
      }
    }
    return found;
  }

  /** Offsets that groups have not committed yet. */
  async lag(): Promise<Map<string, number>> {
    const lags = new Map<string, number>();
    const reads: [string, TopicName][] = [...Object.entries(topology.stages).flatMap(([stage, { reads: topics }]) => topics.map((topic): [string, TopicName] => [stage, topic])), ['egress', 'replies.v1'], ['egress', 'dead-letters.v1']];
    for (const [group, topic] of reads) {
      const name = topicName(this.prefix, topic);
      const [bounds, committed] = await Promise.all([this.log.admin.bounds(name), this.log.admin.committed(groupName(this.prefix, group as StageName), name)]);
      const lag = bounds.reduce((sum, { partition, start, end }) => sum + end - (committed.find((each) => each.partition === partition)?.offset ?? start), 0);
      if (lag !== 0) lags.set(`${group} on ${topic}`, lag);
    }
    return lags;
  }
}

function byKey<T>(records: readonly Read<T>[]): Map<string, Read<T>[]> {
  const keys = new Map<string, Read<T>[]>();
  for (const record of records) { const list = keys.get(record.key); if (list) list.push(record); else keys.set(record.key, [record]); }
  return keys;
}

export async function judge(installation: Installation, traffic: Traffic, watchers: readonly Watcher[], idleMillis = 90_000): Promise<Verdict> {
  const log = await openKafkaLog({ brokers: installation.kafka.brokers, clientId: 'torture', clock: systemClock, logger: silentLogger });
  try {
    const reader = new Reader(log, installation.prefix, installation.partitions);
    let lags = new Map<string, number>([['unknown', 1]]);
    for (const end = performance.now() + idleMillis; lags.size > 0 && performance.now() < end; await pause(500)) lags = await reader.lag();
    // The watchers are told after the commit that ends the lag; letters wait for a second.
    const total = (): number => watchers.reduce((sum, { seen }) => sum + [...seen.values()].reduce((all, list) => all + list.length, 0), 0);
    for (let before = -1; before !== total(); await pause(3_000)) before = total();
    return await compare(reader, traffic, watchers, [...lags].filter(([name]) => name !== 'unknown').map(([name, lag]) => `lag of ${name} stays at ${lag}`));
  } finally {
    await log.close();
  }
}

/** Everything that the verdict is made from, one topic after the other. */
async function load(reader: Reader) {
  return {
    epoch: epochOf((await reader.log.topic(topicName(reader.prefix, 'messages.v1'))).id),
    messages: byKey(await reader.all('messages.v1', 'Message')),
    intents: byKey(await reader.all('intents.v1', 'IntentDetected')),
    replies: byKey(await reader.all('replies.v1', 'BotReply')),
    letters: byKey(await reader.all('dead-letters.v1', 'DeadLetter')),
    states: byKey(await reader.all('dialogue-states.v1', 'DialogueState')),
  };
}

async function compare(reader: Reader, traffic: Traffic, watchers: readonly Watcher[], wrong: string[]): Promise<Verdict> {
  const { epoch, messages, intents, replies, letters, states } = await load(reader);
  const counts = { accepted: traffic.accepted, answered: 0, lost: 0, duplicated: 0, reordered: 0, deadLettered: 0 };
  const kinds = new Set<string>();
  const complain = (kind: string, what: string): void => { if (!kinds.has(kind)) { kinds.add(kind); wrong.push(`${kind}: ${what}`); } };
  const outcomes = new Map<string, string[]>();
  for (const conversation of traffic.conversations) {
    const key = `default/${conversation.id}`;
    const stored = messages.get(key) ?? [];
    const ids = stored.map(({ value }) => value?.messageId ?? '');
    const accepted = conversation.accepted.map(({ messageId }) => messageId);
    const missing = accepted.filter((id) => !ids.includes(id));
    if (missing.length > 0) { counts.lost += missing.length; complain('accepted and not in the log', `${key} ${missing[0] ?? ''}`); }
    const texts = stored.map(textOf);
    if (new Set(texts).size < texts.length) { counts.duplicated += texts.length - new Set(texts).size; complain('twice in the log', `${key} ${texts.find((text, i) => texts.indexOf(text) !== i) ?? ''}`); }
    const unasked = stored.filter(({ value }) => !accepted.includes(value?.messageId ?? '') && !conversation.unknown.includes(textOf({ value })));
    if (unasked.length > 0) complain('in the log under an id that nobody was told', `${key} ${unasked.slice(0, 1).map(textOf).join('')}`);
    if (accepted.filter((id) => ids.includes(id)).join() !== ids.filter((id) => accepted.includes(id)).join()) { counts.reordered += 1; complain('not in the order of acceptance', key); }
    for (const { messageId, position } of conversation.accepted) {
      const at = stored.find(({ value }) => value?.messageId === messageId);
      if (at !== undefined && formatPosition(epoch, at.offset, 0) !== position) complain('position of the answer is not that of the record', `${key} ${messageId}`);
    }
    const found = replies.get(key) ?? [];
    const dead = (letters.get(key) ?? []).filter(({ value }) => value?.status === 'open').map(({ value }) => value?.position ?? '');
    counts.deadLettered += dead.length;
    counts.answered += found.length;
    const wanted = stored.map(({ offset }) => formatPosition(epoch, offset, 0)).filter((position) => !dead.includes(position));
    const positions = found.map(({ value }) => value?.position ?? '');
    if (new Set(positions).size < positions.length) { counts.duplicated += positions.length - new Set(positions).size; complain('answered twice', `${key} ${positions.find((each, i) => positions.indexOf(each) !== i) ?? ''}`); }
    const unanswered = wanted.filter((position) => !positions.includes(position));
    if (unanswered.length > 0) { counts.lost += unanswered.length; complain('not answered', `${key} ${unanswered[0] ?? ''} (${unanswered.length} of ${wanted.length})`); }
    if ([...positions].sort().join() !== positions.join()) { counts.reordered += 1; complain('answers out of order', key); }
    const understood = (intents.get(key) ?? []).map(({ value }) => value?.position ?? '');
    if (new Set(understood).size < understood.length) complain('intents twice', `${key} ${understood.find((each, i) => understood.indexOf(each) !== i) ?? ''}`);
    found.forEach(({ value }, i) => { if (value?.prev !== (found[i - 1]?.value?.position ?? null)) complain('prev does not name the reply before', `${key} ${value?.position ?? ''} has ${value?.prev ?? 'null'}`); });
    const state = states.get(key)?.at(-1)?.value;
    if (stored.length > 0 && state?.turns !== wanted.length) complain('turns of the state', `${key} has ${state?.turns ?? 'none'} of ${wanted.length}`);
    outcomes.set(conversation.id, ids);
  }
  const counted = await repliesCounted(reader);
  if (counted !== counts.answered) complain('analytics', `counts ${counted} of ${counts.answered} replies`);
  for (const watcher of watchers) for (const [id, seen] of watcher.seen) {
    const fault = watchFault(seen, outcomes.get(id) ?? []);
    if (fault !== undefined) complain('a client was not told each outcome once, in order', `${id}: ${fault}`);
  }
  return { ...counts, wrong };
}

/** Sealed text cannot be compared; none is sealed here. */
const textOf = ({ value }: { readonly value: Message | undefined }): string => typeof value?.text === 'string' ? value.text : '';

async function repliesCounted(reader: Reader): Promise<number> {
  const newest = new Map<string, number>();
  for (const { key, value } of await reader.all('analytics.v1', 'AnalyticsCount')) newest.set(key, value?.replies ?? 0);
  return [...newest.values()].reduce((sum, each) => sum + each, 0);
}

function watchFault(seen: readonly string[], stored: readonly string[]): string | undefined {
  // What came before the first subscription was never asked for.
  const wanted = stored.slice(Math.max(0, stored.indexOf(seen[0] ?? '')));
  return stored.length === 0 || wanted.join() === seen.join() ? undefined : `${seen.length} of ${stored.length}, twice ${seen.length - new Set(seen).size}`;
}
