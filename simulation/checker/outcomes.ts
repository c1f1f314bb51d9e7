/**
 * What the stages wrote against what a single process without any fault would have written: the messages of each
 * conversation, one after the other, through the stages as the pure functions that they are.
 */
import { isDeepStrictEqual } from 'node:util';
import type { BotReply, DialogueState, IntentDetected } from '../../schemas/types.js';
import type { AnyResult } from '../../processors/runner/any-stage.js';
import { noEffects } from '../../processors/runner/effects.js';
import type { StageInput } from '../../processors/stage.js';
import { FATAL, troubleOf } from '../stages.js';
import type { Programme } from '../world.js';
import { offsetOf, place, positionFor, type Entry, type History } from './history.js';
import type { Report } from './violation.js';

/** One message and all that was written for it. */
interface Turn {
  readonly message: Entry<'messages.v1'>;
  readonly position: string;
  readonly intents: Entry<'intents.v1'>[];
  readonly replies: Entry<'replies.v1'>[];
  readonly letters: Entry<'dead-letters.v1'>[];
}

export function checkOutcomes(history: History, programme: Programme, epoch: string, report: Report): void {
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
  for (const [key, all] of conversations) new Model(key, programme, epoch, report).follow(all, history.states.filter(({ record }) => record.key === key));
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
    if (letter === undefined || letter.stage === 'analytics') continue;
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

/** One conversation as it should have gone. */
class Model {
  private state: DialogueState | undefined;
  private readonly states = new Map<string, DialogueState>();

  constructor(private readonly key: string, private readonly programme: Programme, private readonly epoch: string, private readonly report: Report) {}

  follow(turns: readonly Turn[], records: readonly Entry<'dialogue-states.v1'>[]): void {
    for (const turn of turns) this.take(turn);
    this.checkStates(records);
  }

  private take({ message, position, intents, replies }: Turn): void {
    const [intent] = intents;
    const [reply] = replies;
    if (message.value === undefined || intent?.value === undefined) return;
    const understood = this.run<IntentDetected>('intent', { topic: 'messages.v1', ...this.inputOf(message), value: message.value });
    if (!isDeepStrictEqual({ ...intent.value, detectedAt: 0 }, { ...understood.value, detectedAt: 0 })) this.report('function of the input', 'the message was understood in another way', position, spot('intents.v1', intent));
    if (reply?.value === undefined) return;
    const expected = this.run<BotReply>('dialogue', { topic: 'intents.v1', ...this.inputOf(intent), value: understood.value });
    const difference = differing(reply.value, expected.value);
    if (difference !== undefined) this.report('function of the input', `the reply has another ${difference}`, position, spot('replies.v1', reply));
    this.state = expected.state;
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

  private run<R>(stage: 'intent' | 'dialogue', input: StageInput): { value: R; state: DialogueState | undefined } {
    const context = { now: () => 0, epoch: this.epoch, signal: new AbortController().signal, effects: noEffects };
    const result = this.programme[stage].process(input, stage === 'dialogue' ? this.state : undefined, context) as AnyResult;
    return { value: result.outputs[0]?.value as R, state: result.state as DialogueState | undefined };
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
