/** For tests of the runner: a log with the topics of the topology, stages that are simple, a log whose commits are spoilt. */
import type { TestContext } from 'node:test';
import { ManualClock, settle } from '../../platform/clock-manual.js';
import { systemClock, type Clock } from '../../platform/clock.js';
import type { Assignment, EventLog, GroupListener, LogRecord } from '../../platform/event-log/event-log.js';
import { MemoryEventLog } from '../../platform/event-log/memory.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { partitionOf } from '../../platform/partitioner.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import { seededRandom } from '../../platform/random.js';
import { MemoryStateStore } from '../../platform/state/memory.js';
import { eventually } from '../../platform/testing.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { BotReply, DialogueState, IntentDetected, Message } from '../../schemas/types.js';
import { topology, type StageName, type TopicName } from '../../topology/topology.js';
import { createRunner, type RunnerOptions } from '../runner.js';
import type { Stage, StageInput } from '../stage.js';
import type { StageRunner } from './stage-runner.js';

export const PARTITIONS = 4;
export const codec = createLocalCodec();

export function message(text: string): Message {
  return {
    kind: 'text', messageId: text.padEnd(26, 'X'), botId: 'b', channel: 'api', accountId: null, userId: null, author: { type: 'person', name: null }, text,
    payload: null, replyId: null, locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
  };
}

export class Fixture {
  readonly log: EventLog;
  readonly state = new MemoryStateStore();
  readonly metrics = createMetrics();
  readonly clock: Clock;
  epoch = '';
  /** Of all runners: no two of them get the same name. */
  private readonly random = seededRandom(7);

  constructor(private readonly t: TestContext, clock: Clock = systemClock) {
    this.clock = clock;
    this.log = new MemoryEventLog({ clock, random: seededRandom(1) });
  }

  async start(): Promise<this> {
    for (const [name, topic] of Object.entries(topology.topics)) {
      await this.log.admin.createTopic({ name, partitions: topic.partitions === 'conversation' ? PARTITIONS : topic.partitions, config: { 'cleanup.policy': topic.cleanup } });
    }
    this.epoch = epochOf((await this.log.topic('messages.v1')).id);
    return this;
  }

  /** A runner that is not started; closed at the end of the test. */
  make<S extends StageName>(name: S, stage: Stage<S>, options: Partial<RunnerOptions> = {}): StageRunner {
    const runner = createRunner(name, stage, {
      log: this.log, codec, state: this.state, clock: this.clock, random: this.random, logger: silentLogger, metrics: this.metrics, prefix: '',
      onFatal: (error) => { throw error; }, ...options,
    });
    this.t.after(() => runner.close());
    return runner;
  }

  /** A runner that owns its partitions. */
  async run<S extends StageName>(name: S, stage: Stage<S>, options: Partial<RunnerOptions> = {}): Promise<StageRunner> {
    const runner = this.make(name, stage, options);
    await runner.start();
    await this.until('the runner owns its partitions', () => runner.ready);
    return runner;
  }

  /** Appends texts of one conversation, of the tenant `default` unless it names another. */
  async send(topic: 'messages.v1' | 'intents.v1', conversation: string, texts: readonly string[]): Promise<void> {
    const appender = await this.log.appender();
    const end = (await this.log.admin.bounds('messages.v1')).reduce((sum, each) => sum + each.end, 0);
    await appender.append(texts.map((text, i) => ({
      topic, key: conversation.includes('/') ? conversation : `default/${conversation}`, timestamp: this.clock.now(),
      value: topic === 'messages.v1'
        ? codec.of('Message').encode(message(text))
        : codec.of('IntentDetected').encode({ position: formatPosition(this.epoch, end + this.sent + i, 0), message: message(text), results: [], detectedAt: null }),
    })));
    this.sent += texts.length;
    await appender.close();
  }
  private sent = 0;

  async all(topic: TopicName): Promise<(LogRecord & { partition: number })[]> {
    const records: (LogRecord & { partition: number })[] = [];
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      for await (const batch of this.log.read(topic, partition, 0)) records.push(...batch.records.map((record) => ({ ...record, partition })));
    }
    return records;
  }

  /** Texts by conversation, in log order. */
  async texts(topic: 'intents.v1' | 'replies.v1'): Promise<Record<string, string[]>> {
    const byKey: Record<string, string[]> = {};
    for (const record of await this.all(topic)) {
      const text = topic === 'intents.v1' ? codec.of('IntentDetected').decode(record.value!).message.text : codec.of('BotReply').decode(record.value!).parts[0]?.text;
      (byKey[record.key!.replace('default/', '')] ??= []).push(text as string);
    }
    return byKey;
  }

  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    if (!(this.clock instanceof ManualClock)) { await eventually(what, condition); return; }
    for (let i = 0; i < 500; i += 1) { if (await condition()) return; await settle(); }
    throw new Error(`never: ${what}`);
  }

  async counted(name: string): Promise<number> {
    const metric = await this.metrics.getSingleMetric(name)?.get();
    return metric?.values.reduce((sum, each) => sum + each.value, 0) ?? 0;
  }
}

const intents = (position: string, value: Message): IntentDetected => ({ position, message: value, results: [], detectedAt: null });

/** An intent stage whose answer is made by `answer`. */
export function intentStage(answer: (input: StageInput<'messages.v1'>, result: () => ReturnType<Stage<'intent'>['process']>) => ReturnType<Stage<'intent'>['process']>): Stage<'intent'> {
  return {
    scope: 'conversation',
    position: (input, context) => formatPosition(context.epoch, input.offset, 0),
    process: (input, _state, context) => answer(input, () => ({ outputs: [{ topic: 'intents.v1', value: intents(formatPosition(context.epoch, input.offset, 0), input.value) }] })),
  };
}

/** A dialogue that counts the turns of a conversation: its reply is `<text>#<turn>`. */
export const counting: Stage<'dialogue'> = {
  scope: 'conversation',
  position: (input) => input.value.position,
  process: (input, state) => {
    const turns = (state?.turns ?? 0) + 1;
    const next: DialogueState = { reflects: input.value.position, prev: state?.reflects ?? null, botId: 'b', botVersion: '1', handedOff: false, turns, data: '{}', history: null };
    return { outputs: [{ topic: 'replies.v1', value: reply(input.value.position, `${input.value.message.text as string}#${turns}`) }], state: next };
  },
};

export function reply(position: string, text: string): BotReply {
  return {
    position, inReplyTo: 'm', replyId: 'm-01', botId: 'b', botVersion: '1', channel: 'api', accountId: null, intent: null, confidence: 0, outcome: 'answered',
    author: { type: 'bot', name: null }, parts: [{ text, quickReplies: [], buttons: [], image: null, citations: [] }], handoff: null, effects: [], prev: null, createdAt: 0,
  };
}

export type Commit = Assignment['commit'];

/** The log, but what its members do and hear goes through `around`. */
export function withMembers(log: EventLog, around: { readonly assignment?: (assignment: Assignment) => Partial<Assignment>; readonly listener?: (listener: GroupListener) => Partial<GroupListener> }): EventLog {
  const join: EventLog['join'] = (options, listener) => {
    const hears = around.listener?.(listener) ?? {};
    return log.join(options, {
      assigned: (assignment) => (hears.assigned ?? listener.assigned.bind(listener))(overlaid(assignment, around.assignment?.(assignment) ?? {})),
      records: (batch) => { (hears.records ?? listener.records.bind(listener))(batch); },
      revoking: () => (hears.revoking ?? listener.revoking.bind(listener))(),
      failed: (error, fatal) => { (hears.failed ?? listener.failed.bind(listener))(error, fatal); },
    });
  };
  return overlaid(log, { join });
}

/** The log, but commits of its members go through `around`. */
export function withCommit(log: EventLog, around: (commit: Commit, ...parts: Parameters<Commit>) => ReturnType<Commit>): EventLog {
  return withMembers(log, { assignment: (assignment) => ({ commit: (...parts) => around(assignment.commit.bind(assignment), ...parts) }) });
}

/** `target` with some of its members replaced. */
export function overlaid<O extends object>(target: O, members: Partial<O>): O {
  return new Proxy(target, { get: (found, name) => {
    const own: unknown = Reflect.get(members, name);
    if (own !== undefined) return own;
    const value: unknown = Reflect.get(found, name);
    return typeof value === 'function' ? (value as () => unknown).bind(found) : value;
  } });
}

/** A promise and what settles it. */
export function gate(): { readonly promise: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const promise = new Promise<void>((resolve) => { open = resolve; });
  return { promise, open };
}

/** Names of conversations whose records go to the same partition as those of `default/like`. */
export function neighbours(like: string, count: number, tenant = 'default'): string[] {
  const found: string[] = [];
  for (let i = 0; found.length < count; i += 1) if (partitionOf(`${tenant}/x${i}`, PARTITIONS) === partitionOf(`default/${like}`, PARTITIONS)) found.push(`${tenant}/x${i}`);
  return found;
}
