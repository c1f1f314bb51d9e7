/**
 * The runner: turns a stage, which is a pure function, into a member of its consumer group. What it owns and how is in the
 * files of `runner/`; this one puts them together for a stage of the topology.
 */
import type { Clock } from '../platform/clock.js';
import { ConfabError } from '../platform/errors.js';
import type { EventLog, NewRecord, RecordBatch } from '../platform/event-log/event-log.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { noTracer, traceHeaders, type SpanContext, type Tracer } from '../platform/observability/tracing.js';
import { epochOf } from '../platform/position.js';
import { ulidMaker, type Random } from '../platform/random.js';
import type { StateStore } from '../platform/state/state-store.js';
import type { Codec, RecordCodec } from '../schemas/codec.js';
import type { StageDefinition } from '../topology/define.js';
import { groupName, topicName, topology, type StageName, type TopicName } from '../topology/topology.js';
import type { AnyConversationStage, AnyPartitionStage, AnyResult, AnyStage } from './runner/any-stage.js';
import type { FormedGroup } from './runner/commit-group.js';
import type { StatePort } from './runner/attempts.js';
import { Consumer } from './runner/consumer.js';
import { ConversationEngine } from './runner/conversation-engine.js';
import { deadLetterRecord, type DeadLetterOptions } from './runner/dead-letter.js';
import { noEffects, type EffectRunner } from './runner/effects.js';
import type { Engine } from './runner/engine.js';
import { Inputs } from './runner/inputs.js';
import { PartitionEngine } from './runner/partition-engine.js';
import { Progress } from './runner/progress.js';
import { runnerMetrics, type RunnerMetrics } from './runner/runner-metrics.js';
import { StageRunner } from './runner/stage-runner.js';
import { StateView } from './runner/state-view.js';
import type { Work } from './runner/work.js';
import type { Stage } from './stage.js';

export interface RunnerOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  /** Where stages with state read it; the log stays the truth. */
  readonly state: StateStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Before every topic and group name. */
  readonly prefix: string;
  readonly onFatal: (error: ConfabError) => void;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer;
  /** Does what stages wait for. Without one every effect settles as CONFAB_EFFECT_UNAVAILABLE. */
  readonly effects?: EffectRunner;
  /** For tests; the topology's otherwise. */
  readonly budget?: number;
  readonly commitEvery?: number;
  /** Conversations whose state is kept in the process. */
  readonly cachedStates?: number;
  /** Bytes of inputs in flight. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Calls of a stage that waits, under way at once. Default 2,048. */
  readonly concurrency?: number;
}

/** A runner for one stage of the topology; call `start`. */
export function createRunner<S extends StageName>(name: S, stage: Stage<S>, options: RunnerOptions): StageRunner {
  const definition: StageDefinition<TopicName> = topology.stages[name];
  const logger = options.logger.child({ stage: name });
  const metrics = runnerMetrics(options.metrics, name);
  const shared: SharedParts = {
    name, definition, metrics, logger, options, stage: stage as AnyStage,
    encode: outputEncoder(options),
    deadLetters: { stage: name, topic: topicName(options.prefix, topology.deadLetters), codec: options.codec.of('DeadLetter'), now: () => options.clock.now(), maxBytes: options.log.maxRecordBytes },
    inputs: new Inputs(new Map(definition.reads.map((topic) => [topicName(options.prefix, topic), { name: topic, codec: codecOf(options.codec, topic), tombstones: topology.topics[topic].cleanup !== 'delete' }]))),
    newInstance: ulidMaker(options.clock, options.random),
  };
  return new StageRunner({ name, logger, metrics, clock: options.clock, newConsumer: () => createConsumer(shared) });
}

interface SharedParts {
  readonly name: StageName;
  readonly stage: AnyStage;
  readonly definition: StageDefinition<TopicName>;
  readonly metrics: RunnerMetrics;
  readonly logger: Logger;
  readonly options: RunnerOptions;
  readonly encode: (work: Work, result: AnyResult) => NewRecord[];
  readonly deadLetters: DeadLetterOptions;
  readonly inputs: Inputs;
  readonly newInstance: () => string;
}

/** A consumer with an engine and a state view of its own, and the judge of its progress. */
function createConsumer(shared: SharedParts): { readonly consumer: Consumer; readonly progress: Progress } {
  const { name, stage, definition, metrics, logger, inputs, options: { prefix, clock, tracer, ...options } } = shared;
  const topics = definition.reads.map((topic) => topicName(prefix, topic));
  let epoch = '';
  let kick: () => void = () => undefined;
  let restored = 0;
  const log = countingReads(options.log, () => { restored += 1; });
  const consumer = new Consumer({
    logger, metrics, inputs, topics, clock, log: options.log,
    group: groupName(prefix, name),
    stateTopic: definition.state === undefined || definition.scope === 'partition' ? undefined : topicName(prefix, definition.state),
    fair: stage.scope === 'conversation',
    newInstance: shared.newInstance,
    commitEvery: options.commitEvery ?? definition.commitEvery ?? 0,
    prepare: async () => { epoch = epochOf((await options.log.topic(topicName(prefix, 'messages.v1'))).id); },
    onFatal: options.onFatal,
    deadLetter: (work, error) => { metrics.deadLetter('produce', error.code); return deadLetterRecord(shared.deadLetters, work, 'produce', error, positionOf(stage, work, epoch, clock)); },
    ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
    ...(tracer?.enabled === true ? { onCommitted: spanRecorder(name, tracer) } : {}),
  }, createEngine(stage, { ...shared, log, epoch: () => epoch, onFinished: () => { kick(); } }));
  kick = consumer.kick;
  return { consumer, progress: new Progress({ consumer, log: options.log, clock, logger, topics, budget: options.budget ?? definition.budget, restored: () => restored }) };
}

/** The log, telling of every batch that is read without a group: what takes long to restore still shows that it goes on. */
function countingReads(log: EventLog, onBatch: () => void): EventLog {
  async function* read(...parts: Parameters<EventLog['read']>): AsyncGenerator<RecordBatch> {
    for await (const batch of log.read(...parts)) { onBatch(); yield batch; }
  }
  return new Proxy(log, { get: (target, name) => {
    if (name === 'read') return read;
    const value: unknown = Reflect.get(target, name);
    return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
  } });
}

function positionOf(stage: AnyStage, work: Work, epoch: string, clock: Clock): string | null {
  return stage.scope === 'conversation' ? stage.position(work, { epoch, now: () => clock.now(), signal: work.share.signal, effects: noEffects }) : null;
}

interface EngineParts extends SharedParts {
  readonly log: EventLog;
  readonly epoch: () => string;
  readonly onFinished: () => void;
}

function createEngine(stage: AnyStage, parts: EngineParts): Engine {
  return stage.scope === 'partition' ? partitionEngine(stage, parts) : conversationEngine(stage, parts);
}

function partitionEngine(stage: AnyPartitionStage, { definition, metrics, options, ...parts }: EngineParts): Engine {
  if (definition.state === undefined) throw new ConfabError('CONFAB_TOPOLOGY_INVALID', { detail: `stage "${parts.name}": scope "partition" needs a state topic` });
  const codec = codecOf(options.codec, definition.state);
  return new PartitionEngine({
    ...parts, stage, clock: options.clock,
    stateTopic: topicName(options.prefix, definition.state), stateIsInput: definition.reads.some((topic) => topic === definition.state),
    decodeState: (bytes) => codec.decode(bytes),
    onDeadLetter: metrics.deadLetter,
  });
}

function conversationEngine(stage: AnyConversationStage, { definition, metrics, options, ...parts }: EngineParts): Engine {
  const budget = options.budget ?? definition.budget;
  const tracer = options.tracer ?? noTracer;
  const spanOf = (work: Work): SpanContext | undefined => spanFor(work, tracer, options.clock)?.context;
  return new ConversationEngine({
    ...parts, stage, clock: options.clock, budget,
    effects: { runner: options.effects, clock: options.clock, logger: parts.logger, budget, spanOf },
    state: statePort(definition, parts, metrics, options),
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    onRetry: metrics.retried, onDrop: metrics.dropped, onDeadLetter: metrics.deadLetter,
  });
}

function statePort(definition: StageDefinition<TopicName>, { log, logger }: Pick<EngineParts, 'log' | 'logger'>, metrics: RunnerMetrics, options: RunnerOptions): StatePort | undefined {
  if (definition.state === undefined) return undefined;
  const codec = codecOf(options.codec, definition.state);
  return {
    encode: (value) => codec.encode(value),
    view: new StateView<unknown>({
      log, store: options.state, clock: options.clock, logger,
      topic: topicName(options.prefix, definition.state),
      codec: { decode: (bytes) => codec.decode(bytes), reflects: (value) => (value as { reflects: string }).reflects, learn: (bytes) => codec.learn(bytes) },
      onHeal: metrics.healed,
      ...(options.cachedStates === undefined ? {} : { cacheSize: options.cachedStates }),
    }),
  };
}

function codecOf(codec: Codec, topic: TopicName): RecordCodec<unknown> {
  return codec.of(topology.topics[topic].record);
}

/** Encodes what a stage returns: same partition, same timestamp, same trace as the input. */
function outputEncoder(options: RunnerOptions): (work: Work, result: AnyResult) => NewRecord[] {
  const tracer = options.tracer ?? noTracer;
  const topics = new Map<string, { readonly full: string; readonly codec: RecordCodec<unknown> }>();
  const find = (topic: TopicName): { readonly full: string; readonly codec: RecordCodec<unknown> } => {
    let found = topics.get(topic);
    if (found === undefined) { found = { full: topicName(options.prefix, topic), codec: codecOf(options.codec, topic) }; topics.set(topic, found); }
    return found;
  };
  return (work, { outputs }) => outputs.map((output) => {
    const { full, codec } = find(output.topic as TopicName);
    const value = output.value === null ? null : codec.encode(output.value);
    if (value !== null && value.length > options.log.maxRecordBytes) {
      throw new ConfabError('CONFAB_RECORD_TOO_LARGE', { detail: `A record for ${full} would have ${value.length} bytes.` });
    }
    const record = { topic: full, partition: work.partition, key: output.key ?? work.key, value, timestamp: work.timestamp };
    if (work.headers === undefined) return record;
    const headers = traceHeaders(spanFor(work, tracer, options.clock)?.context);
    return headers === undefined ? record : { ...record, headers };
  });
}

/** The span of sampled work; it begins when it is first asked for: with an effect, else when the outputs are there. */
function spanFor(work: Work, tracer: Tracer, clock: Clock): Work['span'] {
  if (work.span !== undefined || work.headers === undefined) return work.span;
  const parent = tracer.extract(work.headers);
  work.span = parent === undefined ? undefined : { context: tracer.child(parent), start: clock.now() };
  return work.span;
}

/** Records the spans of the sampled work of a commit. */
function spanRecorder(stage: StageName, tracer: Tracer): (group: FormedGroup, committedAt: number) => void {
  return ({ finished }, end) => {
    for (const { work } of finished) {
      if (work.span === undefined) continue;
      tracer.record({
        name: `confab.${stage} process`, kind: 'consumer', context: work.span.context, start: work.span.start, end,
        attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': work.topic, 'messaging.destination.partition.id': work.partition, 'messaging.kafka.offset': work.offset },
      });
    }
  };
}
