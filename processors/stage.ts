/**
 * What a stage is. One pure function of (input, state, context); the runner (runner.ts) owns reading, order, concurrency,
 * state, retry, dead letters, transactions, metrics and spans. A stage knows none of them.
 *
 * Contract
 * - The same input, state and results of effects give the same result: it may be run again after a crash, and only one run
 *   is ever published. Time and randomness come from the context.
 * - It may return a promise only when it waits for an effect; otherwise it returns at once (a promise a message costs).
 * - It throws a ConfabError with `retryable: true` to be tried again within its budget (the later messages of that
 *   conversation wait, others go on); any other error sends the record to the dead letters.
 * - It never changes the state or the input that it was given.
 */
import type { EffectResult } from '../schemas/types.js';
import type { Bot } from './bot/index.js';
import type { ActionDefinition, ActionValue } from './bot/action.js';
import type { RecordOf, ReadsOf, StageName, StateOf, StateTopicOf, topology, TopicName, ValueOf, WritesOf } from '../topology/topology.js';

export interface StageInput<T extends TopicName = TopicName> {
  readonly topic: T;
  readonly partition: number;
  readonly offset: number;
  /** `<tenant>/<conversationId>`. */
  readonly key: string;
  readonly value: ValueOf<T>;
  /** Acceptance time of the message that caused it, milliseconds. */
  readonly timestamp: number;
}

/** What every effect has: who wants it, for which conversation, under which key. */
interface EffectOrigin {
  /** `<position>#<flow>.<step>.<n>`: the same for the same step of the same input, however often it is asked for. */
  readonly key: string;
  readonly tenant: string;
  readonly conversation: string;
  readonly bot: Bot;
}

/** An HTTP call that the bot declares. */
export interface HttpEffect extends EffectOrigin {
  readonly kind: 'http';
  readonly action: ActionDefinition;
  readonly arguments: Readonly<Record<string, ActionValue>>;
}

/** A question to a language model. */
export interface ModelEffect extends EffectOrigin {
  readonly kind: 'model';
  /** The reply that it becomes a part of: partial answers are shown under it. */
  readonly replyId: string;
  readonly task: 'answer' | 'rephrase' | 'fill';
  /** What the person wrote; for `rephrase` the text to put in other words. */
  readonly text: string;
  readonly locale: string | null;
  /** What was said before, the latest last. */
  readonly history: readonly { readonly by: 'person' | 'bot'; readonly text: string }[];
  /** `answer`: grounded on the bot's knowledge folder. */
  readonly knowledge: boolean;
  /** `fill`: the slot that is wanted. */
  readonly slot: string | null;
}

export type EffectRequest = HttpEffect | ModelEffect;

export type { EffectResult };

/** What a stage waits for. */
export interface Effects {
  /**
   * Does what is asked for, or says why not: `status` is `ok` or a code of the catalogue, and a failure is an answer too.
   * Rejects only when `context.signal` aborts. It may be asked for again after a crash, with the same key: the other side
   * can tell, and no result but the committed one is ever seen.
   */
  run(request: EffectRequest): Promise<EffectResult>;
}

export interface StageContext {
  /** Wall-clock time, milliseconds. */
  now(): number;
  /** Epoch of positions (platform/position.ts). */
  readonly epoch: string;
  /** Aborts when the work is no longer wanted here (the partition leaves, the process drains). */
  readonly signal: AbortSignal;
  /** Of a stage of scope "conversation"; elsewhere every effect is unavailable. */
  readonly effects: Effects;
}

/** A record to write. Without `key` the key of the input is kept; its partition is always that of the input. */
export type StageOutput<T extends TopicName> = { readonly [N in T]: { readonly topic: N; readonly value: RecordOf<N> | null; readonly key?: string } }[T];

export interface StageResult<S extends StageName> {
  readonly outputs: readonly StageOutput<WritesOf<S>>[];
  /** The new state; undefined leaves it, null removes it. */
  readonly state?: StateOf<S> | null;
}

/** A stage of scope "conversation". */
export interface ConversationStage<S extends StageName> {
  readonly scope: 'conversation';
  /** Position of the message that this input stems from. */
  position(input: StageInput<ReadsOf<S>>, context: StageContext): string;
  process(input: StageInput<ReadsOf<S>>, state: StateOf<S> | undefined, context: StageContext): StageResult<S> | Promise<StageResult<S>>;
}

/** A stage of scope "partition": gets the records of one partition in offset order, in batches, with a memory of its own. */
export interface PartitionStage<S extends StageName, M = unknown> {
  readonly scope: 'partition';
  /** How far back the state topic is read when a partition is taken over, milliseconds; Infinity: from its start. */
  readonly restoreMillis: number;
  /** A fresh memory of one partition, from the newest state records of that partition, below the offset `end` of its state topic. */
  restore(records: readonly { readonly key: string; readonly value: StateOf<S> }[], partition: number, end: number): M;
  /** Changes the memory and returns what to write; when the commit fails the memory is dropped and restored. */
  process(inputs: readonly StageInput<ReadsOf<S>>[], memory: M, context: StageContext): readonly StageOutput<WritesOf<S>>[];
  /** For a stage that does something when its time has come, without an input. */
  readonly due?: DueWork<S, M>;
}

/** Work that time brings. What it writes commits like any other: once, by the owner of the partition. */
export interface DueWork<S extends StageName, M = unknown> {
  /** Wall-clock time of the next of it, milliseconds; undefined when there is none. */
  next(memory: M): number | undefined;
  /** What is due now, the earliest first, at most `limit` records. Takes it out of the memory; when the commit fails the memory is dropped and restored. */
  take(memory: M, limit: number, context: StageContext): readonly StageOutput<WritesOf<S> | StateTopicOf<S>>[];
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the memory is the stage's own affair
export type Stage<S extends StageName> = (typeof topology.stages)[S]['scope'] extends 'partition' ? PartitionStage<S, any> : ConversationStage<S>;
