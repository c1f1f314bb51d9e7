/** One conversation of a test through the whole topology over a log in memory, by a clock that is moved by hand. */
import { ManualClock, settle } from '../../platform/clock-manual.js';
import { conversationKey, DEFAULT_TENANT } from '../../platform/conversation-key.js';
import type { Bot } from '../../processors/bot/index.js';
import { TopologyDriver } from '../../processors/topology-driver.js';
import type { BotReply, IntentResult, Message } from '../../schemas/types.js';
import type { TestStages } from './stages.js';
import { ScriptedEffects, type ActionCall } from './scripted-effects.js';
import { NO_STATE, viewOf, type StateView } from './state-view.js';
import { Tail } from './tail.js';
import type { Given, Input } from './types.js';

/** What came of one message. */
export interface Answer {
  readonly outcome: string;
  readonly reply: BotReply | null;
  /** What the classifier of the answering version found; undefined where there was no text. */
  readonly detected: IntentResult | undefined;
  /** Why the message was given up. */
  readonly fault: string | null;
}

/** What a turn came to. */
export interface Observed {
  /** One for each message of the turn; after waiting any number. */
  readonly answers: readonly Answer[];
  readonly calls: readonly ActionCall[];
  readonly tasks: readonly string[];
  readonly state: StateView;
  /** Id → milliseconds until it fires. */
  readonly timers: ReadonlyMap<string, number>;
}

/** Why a turn cannot be played: a failure of the test, not of the program. */
export class CannotPlay extends Error {}

/** Time that a message may take: more than the budget of a stage. */
const PATIENCE = 60_000;
const STEP = 50;
/** How much later than due a timer may fire. */
const TIMER_PATIENCE = 10_000;

export class TestConversation {
  private readonly tails;
  private readonly answers = new Map<string, Answer>();
  private readonly detected = new Map<string, readonly IntentResult[]>();
  /** Positions of messages in the order of the log, and those that a turn has shown. */
  private readonly asked: { id: string }[] = [];
  private shown = 0;
  private state: StateView = NO_STATE;
  private readonly timers = new Map<string, number>();
  private last: BotReply | undefined;

  private constructor(private readonly driver: TopologyDriver, private readonly stages: TestStages, private readonly effects: ScriptedEffects, private readonly given: Given) {
    this.tails = {
      messages: new Tail(driver, 'messages.v1'), intents: new Tail(driver, 'intents.v1'), replies: new Tail(driver, 'replies.v1'),
      letters: new Tail(driver, 'dead-letters.v1'), states: new Tail(driver, 'dialogue-states.v1'), timers: new Tail(driver, 'timers.v1'),
    };
  }

  static async open(stages: TestStages, given: Given): Promise<TestConversation> {
    const effects = new ScriptedEffects(given);
    stages.deploy(given.version, false);
    const driver = await TopologyDriver.create({ bots: stages.bots, models: stages.models, partitions: 1, clock: new ManualClock(given.now), stage: (name) => stages.stage(name), effects });
    return new TestConversation(driver, stages, effects, given);
  }

  /** What drains waits by the clock, which nobody else moves now. */
  async close(): Promise<void> {
    let open = true;
    const closed = this.driver.close().finally(() => { open = false; });
    while (open) await this.driver.clock.advance(STEP);
    await closed;
  }

  /** @throws CannotPlay a message has no outcome, a timer does not fire, nothing of that title was offered */
  async play(input: Input): Promise<Observed> {
    if (input.do === 'deploy') this.stages.deploy(input.version, input.keep);
    else if (input.do === 'wait') await this.wait(input.millis);
    else { await this.driver.send(this.given.conversation, this.messageOf(input)); await this.pump(); }
    const answers = this.asked.slice(this.shown).flatMap(({ id }) => this.answers.get(id) ?? []);
    this.shown = this.asked.length;
    this.last = answers.findLast(({ reply }) => reply !== null && reply.parts.length > 0)?.reply ?? this.last;
    const now = this.driver.clock.now();
    return { answers, ...this.effects.take(), state: this.state, timers: new Map([...this.timers].map(([id, due]) => [nameOfTimer(id), due - now])) };
  }

  /** Versions that are live. */
  get bots(): readonly Bot[] { return this.stages.bots.all(); }

  private messageOf(input: Exclude<Input, { do: 'wait' | 'deploy' }>): Partial<Message> {
    const { channel, locale, user, attributes } = this.given;
    const person = { botId: this.stages.botId, channel, locale, userId: user, attributes };
    const agent = { ...person, author: { type: 'agent', name: null }, userId: null };
    switch (input.do) {
      case 'text': case 'edit': case 'reaction': return { ...person, kind: input.do, text: input.text };
      case 'attachment': return { ...person, kind: 'attachment' };
      case 'tap': return { ...person, kind: 'postback', payload: input.text, replyId: this.last?.replyId ?? null };
      case 'tapTitle': return { ...person, kind: 'postback', payload: this.payloadOf(input.text), replyId: this.last?.replyId ?? null };
      case 'agent': return { ...agent, kind: 'agent', text: input.text, author: { type: 'agent', name: input.name } };
      case 'handoff': return { ...agent, kind: 'handoff', payload: JSON.stringify({ to: input.to, ...(input.reason === null ? {} : { reason: input.reason }) }) };
      case 'end': return { ...agent, kind: 'system', author: { type: 'system', name: null }, payload: '{"event":"end"}' };
    }
  }

  private payloadOf(title: string): string {
    const offered = choicesOf(this.last);
    const found = offered.find((one) => one.title === title);
    if (found) return found.payload;
    throw new CannotPlay(offered.length === 0 ? 'The last reply offers nothing.' : `The last reply offers ${offered.map((one) => `"${one.title}"`).join(', ')}.`);
  }

  private async wait(millis: number): Promise<void> {
    const { clock } = this.driver;
    const end = clock.now() + millis;
    for (;;) {
      const [due, id] = [...this.timers].map(([timer, at]) => [at, timer] as const).sort(([a], [b]) => a - b)[0] ?? [Infinity, ''];
      if (due > end) break;
      await clock.leap(Math.max(0, due - clock.now()));
      const messages = this.asked.length;
      for (let passed = 0; this.timers.get(id) === due && passed < TIMER_PATIENCE; passed += STEP) { await this.look(); await clock.advance(STEP); await this.pump(); }
      if (this.timers.get(id) === due && this.asked.length === messages) throw new CannotPlay(`The timer "${nameOfTimer(id)}" was due and did not fire.`);
    }
    await clock.leap(Math.max(0, end - clock.now()));
    await this.pump();
  }

  /** Until every message has its outcome. */
  private async pump(): Promise<void> {
    const { clock } = this.driver;
    for (let passed = 0; passed < PATIENCE; passed += STEP) {
      for (let turn = 0; turn < 10; turn++) {
        await settle();
        await this.look();
        if (this.asked.length > 0 && this.asked.every(({ id }) => this.answers.has(id))) return;
        if (this.asked.length === 0 && turn > 2) return;
      }
      await clock.advance(STEP);
    }
    throw new CannotPlay('A message had no outcome within a minute of the clock.');
  }

  private async look(): Promise<void> {
    const { tails } = this;
    for (const { value } of await tails.intents.look()) if (value) this.detected.set(value.message.messageId, value.results);
    for (const { value } of await tails.messages.look()) if (value) this.asked.push({ id: value.messageId });
    for (const { value } of await tails.replies.look()) {
      if (!value) continue;
      const id = value.replyId.replace(/-\d+$/, '');
      const results = this.detected.get(id) ?? [];
      this.answers.set(id, { outcome: value.outcome, reply: value, fault: null, detected: results.find((one) => one.version === value.botVersion) ?? results[0] });
    }
    for (const { value } of await tails.letters.look()) {
      if (typeof value?.messageId === 'string' && value.status === 'open') this.answers.set(value.messageId, { outcome: 'dead_lettered', reply: null, fault: `${value.errorCode}: ${value.errorMessage}`, detected: undefined });
    }
    for (const { value } of await tails.states.look()) if (value) this.state = viewOf(value);
    const prefix = `${conversationKey(DEFAULT_TENANT, this.given.conversation)}\0`;
    for (const { key, value } of await tails.timers.look()) {
      if (!key.startsWith(prefix)) continue;
      const id = key.slice(prefix.length);
      if (value) this.timers.set(id, value.dueAt); else this.timers.delete(id);
    }
  }
}

/** `<name>@<position of the input that set it>`: an author knows the name. */
const nameOfTimer = (id: string): string => id.split('@')[0] ?? '';

/** What a person could tap. */
function choicesOf(reply: BotReply | undefined): { title: string; payload: string }[] {
  return reply?.parts.flatMap((part) => [...part.quickReplies, ...part.buttons].flatMap(({ title, payload }) => (payload === null ? [] : [{ title, payload }]))) ?? [];
}
