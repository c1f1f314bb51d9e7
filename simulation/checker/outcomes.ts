/**
 * What the stages wrote against what a single process without any fault would have written: the messages of each
 * conversation, one after the other, through the stages as the pure functions that they are.
 */
import { isDeepStrictEqual } from 'node:util';
import type { BotReply, DialogueState, EffectResult, IntentDetected, Timer } from '../../schemas/types.js';
import type { AnyOutput, AnyResult } from '../../processors/runner/any-stage.js';
import { failedEffect, noEffects } from '../../processors/runner/effects.js';
import type { Effects, StageInput } from '../../processors/stage.js';
import { FATAL, troubleOf } from '../stages.js';
import type { Programme } from '../world.js';
import { offsetOf, place, positionFor, type Entry, type History } from './history.js';
import type { TimerChange } from './timers.js';
import type { Report } from './violation.js';

/** Stages whose dead letters are no outcomes of messages. */
export const BESIDE: ReadonlySet<string> = new Set(['analytics', 'timers']);

/** One message and all that was written for it. */
interface Turn {
  readonly message: Entry<'messages.v1'>;
  readonly position: string;
  readonly intents: Entry<'intents.v1'>[];
  readonly replies: Entry<'replies.v1'>[];
  readonly letters: Entry<'dead-letters.v1'>[];
}

export interface Expectation {
  readonly programme: Programme;
  readonly epoch: string;
  /** What dialogue wrote of timers, by conversation. */
  readonly timers: ReadonlyMap<string, readonly TimerChange[]>;
}

export async function checkOutcomes(history: History, expectation: Expectation, report: Report): Promise<void> {
  const { epoch } = expectation;
  const turns = new Map<string, Turn>(history.messages.map((message) => [
    `${message.partition}@${message.record.offset}`,
    { message, position: positionFor(epoch, message.record.offset), intents: [], replies: [], letters: [] },
  ]));
  gather(history, turns, report);
  for (const turn of turns.values()) checkTurn(turn, report);
  checkOrder(history.intents, 'intents.v1', report);
  checkOrder(history.replies, 'replies.v1', report);
  const conversations = new Map<string, Turn[]>();
  for (const turn of turns.values()) {
    const key = turn.message.record.key ?? '';
    const found = conversations.get(key);
    if (found) found.push(turn); else conversations.set(key, [turn]);
  }
  for (const [key, all] of conversations) await new Model(key, expectation, report).follow(all, history.states.filter(({ record }) => record.key === key));
  checkBeside(history, report);
}

function gather(history: History, turns: ReadonlyMap<string, Turn>, report: Report): void {
  const turnOf = (partition: number, position: string): Turn | undefined => turns.get(`${partition}@${offsetOf(position)}`);
  for (const entry of history.intents) {
    const turn = entry.value === undefined ? undefined : turnOf(entry.partition, entry.value.position);
    if (turn === undefined) report('nothing unasked', 'an understanding without its message', spot('intents.v1', entry)); else turn.intents.push(entry);
  }
  for (const entry of history.replies) {
    const turn = entry.value === undefined ? undefined : turnOf(entry.partition, entry.value.position);
    if (turn === undefined) report('nothing unasked', 'a reply without its message', spot('replies.v1', entry)); else turn.replies.push(entry);
  }
  for (const entry of history.letters) {
    const letter = entry.value;
    if (letter === undefined || BESIDE.has(letter.stage)) continue;
    const position = letter.position ?? (letter.topic === 'messages.v1' ? positionFor('', letter.offset) : '--');
    const turn = turnOf(entry.partition, position);
    if (turn === undefined) report('nothing unasked', 'a dead letter without its message', spot('dead-letters.v1', entry)); else turn.letters.push(entry);
  }
}

function checkTurn({ message, position, intents, replies, letters }: Turn, report: Report): void {
  const outcomes = replies.length + letters.length;
  if (outcomes !== 1) report('one outcome', `the message has ${replies.length} replies and ${letters.length} dead letters`, position, spot('messages.v1', message));
  if (intents.length > 1) report('one outcome', `the message was understood ${intents.length} times`, position, ...intents.map((entry) => spot('intents.v1', entry)));
  if (replies.length > 0 && intents.length === 0) report('nothing unasked', 'a reply without an understanding', position);
  const [letter] = letters;
  if (letter?.value?.stage === 'intent' && intents.length > 0) report('one outcome', 'both understood and a dead letter of that stage', position);
  for (const entry of [...intents, ...replies, ...letters]) {
    const { record, partition } = entry;
    if (record.timestamp !== message.record.timestamp) report('function of the input', 'a record does not carry the time of its message', position);
    if (record.key !== message.record.key || partition !== message.partition) report('function of the input', 'a record does not stand in the place of its conversation', position);
  }
  for (const stage of ['intent', 'dialogue']) {
    const trouble = troubleOf(message.value ?? {}, stage);
    if (trouble !== undefined && FATAL.has(trouble) && replies.length > 0) report('function of the input', `answered although stage ${stage} fails on it`, position);
  }
  if (message.value === undefined && letter !== undefined && letter.value?.phase !== 'decode') report('function of the input', 'an unreadable record is no fault of decoding', position);
}

function checkOrder(entries: readonly (Entry<'intents.v1'> | Entry<'replies.v1'>)[], topic: string, report: Report): void {
  const last = new Map<string, number>();
  for (const { partition, record, value } of entries) {
    if (value === undefined) continue;
    const name = `${partition} ${record.key ?? ''}`;
    const offset = offsetOf(value.position);
    if (offset <= (last.get(name) ?? -1)) report('answered in order', `${topic} has the message at ${last.get(name) ?? 0} before`, value.position, place(topic, partition, record.offset));
    last.set(name, Math.max(offset, last.get(name) ?? -1));
  }
}

/** A record of timers.v1 that nobody can read has one dead letter, any other none. */
function checkBeside(history: History, report: Report): void {
  const letters = new Map<string, number>();
  for (const { value } of history.letters) if (value?.stage === 'timers') letters.set(`${value.partition}@${value.offset}`, (letters.get(`${value.partition}@${value.offset}`) ?? 0) + 1);
  for (const entry of history.timers) {
    const count = letters.get(`${entry.partition}@${entry.record.offset}`) ?? 0;
    const unreadable = entry.record.key === null || (entry.record.value !== null && entry.value === undefined);
    if (count !== (unreadable ? 1 : 0)) report('one outcome', `${unreadable ? 'an unreadable timer' : 'a timer'} has ${count} dead letters`, place('timers.v1', entry.partition, entry.record.offset));
  }
}

/** One conversation as it should have gone. */
class Model {
  private state: DialogueState | undefined;
  private readonly states = new Map<string, DialogueState>();
  private readonly timers: TimerChange[] = [];

  constructor(private readonly key: string, private readonly expectation: Expectation, private readonly report: Report) {}

  async follow(turns: readonly Turn[], records: readonly Entry<'dialogue-states.v1'>[]): Promise<void> {
    for (const turn of turns) await this.take(turn);
    this.checkStates(records);
    const written = this.expectation.timers.get(this.key) ?? [];
    if (!isDeepStrictEqual(written, this.timers)) this.report('function of the input', `${this.key}: timers were set and taken back in another way: ${JSON.stringify(written)} instead of ${JSON.stringify(this.timers)}`);
  }

  private async take({ message, position, intents, replies }: Turn): Promise<void> {
    const [intent] = intents;
    const [reply] = replies;
    if (message.value === undefined || intent?.value === undefined) return;
    const understood = await this.run<IntentDetected>('intent', { topic: 'messages.v1', ...this.inputOf(message), value: message.value }, noEffects);
    if (!isDeepStrictEqual({ ...intent.value, detectedAt: 0 }, { ...understood.value, detectedAt: 0 })) this.report('function of the input', 'the message was understood in another way', position, spot('intents.v1', intent));
    if (reply?.value === undefined) return;
    const expected = await this.run<BotReply>('dialogue', { topic: 'intents.v1', ...this.inputOf(intent), value: understood.value }, this.recorded(reply.value.effects, position));
    const difference = differing(reply.value, expected.value);
    if (difference !== undefined) this.report('function of the input', `the reply has another ${difference}`, position, spot('replies.v1', reply));
    this.state = expected.state;
    for (const { key, value } of expected.beside) this.timers.push({ key: key ?? '', dueAt: (value as Timer | null)?.dueAt, payload: (value as Timer | null)?.payload });
    if (expected.state !== undefined) this.states.set(position, expected.state);
  }

  private checkStates(records: readonly Entry<'dialogue-states.v1'>[]): void {
    let last = '';
    for (const entry of records) {
      const { value } = entry;
      if (value === undefined) continue;
      if (value.reflects <= last) this.report('state once', `${this.key}: the state goes back or stands still`, value.reflects, spot('dialogue-states.v1', entry));
      last = value.reflects;
      const expected = this.states.get(value.reflects);
      if (expected === undefined || !isDeepStrictEqual({ ...value }, { ...expected })) this.report('state once', `${this.key}: the state is not that after its message`, value.reflects, spot('dialogue-states.v1', entry));
    }
    if (last !== (this.state?.reflects ?? '')) this.report('state once', `${this.key}: the last state is not that after the last answer`, last, this.state?.reflects ?? '');
  }

  private inputOf({ partition, record }: Entry<'messages.v1'> | Entry<'intents.v1'>): { partition: number; offset: number; key: string; timestamp: number } {
    return { partition, offset: record.offset, key: record.key ?? '', timestamp: record.timestamp };
  }

  /** What the reply says that came of its effects: a replay gets them from there. */
  private recorded(effects: readonly EffectResult[], position: string): Effects {
    return {
      run: (request) => {
        const found = effects.find(({ key }) => key === request.key);
        if (found === undefined) this.report('function of the input', `the reply does not have the effect ${request.key}`, position);
        return Promise.resolve(found ?? failedEffect(request, 'CONFAB_EFFECT_UNAVAILABLE'));
      },
    };
  }

  private async run<R>(stage: 'intent' | 'dialogue', input: StageInput, effects: Effects): Promise<{ value: R; beside: readonly AnyOutput[]; state: DialogueState | undefined }> {
    const { programme, epoch } = this.expectation;
    const context = { now: () => 0, epoch, signal: new AbortController().signal, effects };
    const result: AnyResult = await programme[stage].process(input, stage === 'dialogue' ? this.state : undefined, context);
    const [first, ...beside] = result.outputs;
    return { value: first?.value as R, beside, state: result.state as DialogueState | undefined };
  }
}

/** The first field in which a reply is not as expected, but for the time at which it was made. */
function differing(reply: BotReply, expected: BotReply): string | undefined {
  for (const name of Object.keys(expected) as (keyof BotReply)[]) {
    if (name !== 'createdAt' && !isDeepStrictEqual(plain(reply[name]), plain(expected[name]))) return name;
  }
  return undefined;
}

/** Without the classes of the codec. */
function plain(value: unknown): unknown { return JSON.parse(JSON.stringify(value ?? null)); }

function spot(topic: string, { partition, record }: Entry<'messages.v1'> | Entry<'intents.v1'> | Entry<'replies.v1'> | Entry<'dialogue-states.v1'> | Entry<'dead-letters.v1'>): string {
  return place(topic, partition, record.offset);
}
