/** For tests only: one conversation with a bot through the interpreter alone. The test says what the intent stage would have found. */
import type { BotReply, DialogueState, EffectResult, IntentResult, Message } from '../../schemas/types.js';
import { contextOf, type Bot } from '../bot/index.js';
import type { EffectRequest } from '../stage.js';
import { interpret, type Interpretation, type TimerChange } from './interpreter.js';
import { parseStored, type Stored } from './memory-form.js';
import { createProgram, type Program } from './program.js';

/** What a test may say about a message; the entities are found in its text. */
export interface Said {
  readonly intent?: string | null;
  readonly confidence?: number;
  readonly ranking?: readonly (readonly [intent: string, confidence: number])[];
  readonly locale?: string;
  readonly kind?: string;
  readonly payload?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

type Settle = (request: EffectRequest) => Pick<EffectResult, 'status' | 'result'>;

export class Talk {
  program: Program;
  state: DialogueState | undefined;
  last: Interpretation | undefined;
  /** Timers that are set: id → when due and payload. */
  readonly timers = new Map<string, Extract<TimerChange, { op: 'set' }>>();
  readonly asked: EffectRequest[] = [];
  at = Date.parse('2026-11-23T10:00:00Z');
  private count = 0;

  /** `settle` does the effects; without it there are none. */
  constructor(bot: Bot, private readonly settle: Settle = () => { throw new Error('an effect is wanted'); }) {
    this.program = createProgram(bot);
  }

  /** Texts of the bubbles. */
  say(text: string, said: Said = {}): string[] {
    return this.send(text, said).parts.map((part) => part.text as string);
  }

  tap(payload: string): string[] { return this.say('', { kind: 'postback', payload }); }

  /** The timer of that name falls due. */
  fire(name: string): string[] {
    const [id, timer] = [...this.timers].find(([one]) => one.startsWith(`${name}@`)) ?? [];
    if (id === undefined || !timer) throw new Error(`no timer ${name}`);
    this.timers.delete(id);
    this.at = timer.dueAt;
    return this.say('', { kind: 'timer', payload: timer.payload, attributes: { timerId: id } });
  }

  send(text: string, said: Said = {}): BotReply {
    const { kind = 'text', intent = null, confidence = intent === null ? 0 : 0.99, ranking = [], payload = null, attributes = {} } = said;
    const message: Message = {
      kind, messageId: `m${this.count}`, botId: this.program.bot.id, channel: 'web', accountId: null, userId: 'u', author: { type: kind === 'agent' ? 'agent' : 'person', name: null },
      text: kind === 'text' || kind === 'agent' ? text : null, payload, replyId: null, locale: said.locale ?? null, attributes, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
    };
    const position = `00000001-${String(this.count).padStart(12, '0')}-00`;
    const result: IntentResult = {
      bot: this.program.bot.id, version: this.program.bot.version, model: 'm', intent, confidence, ranking: ranking.map(([name, share]) => ({ intent: name, confidence: share })),
      entities: kind === 'text' ? this.program.extractor.extract(text, contextOf(message, this.at)).map((one) => ({ ...one })) : [],
    };
    this.count += 1;
    const input = { message, position, key: 'default/c', at: this.at, results: kind === 'text' ? [result] : [] };
    const settled = new Map<string, EffectResult>();
    let turn = interpret(this.program, this.state, input, settled);
    while (turn.wants.length > 0) {
      for (const request of turn.wants) { this.asked.push(request); settled.set(request.key, { key: request.key, kind: request.kind, ...this.settle(request) }); }
      turn = interpret(this.program, this.state, input, settled);
    }
    for (const change of turn.timers) if (change.op === 'set') this.timers.set(change.id, change); else this.timers.delete(change.id);
    this.last = turn;
    this.state = turn.state;
    return turn.reply;
  }

  /** From now on the conversation is with this version. */
  deploy(bot: Bot): void { this.program = createProgram(bot); }

  get stored(): Stored { return parseStored(typeof this.state?.data === 'string' ? this.state.data : null); }
  slot(name: string): string | undefined { return this.stored.s?.[name]; }
  get outcome(): string | undefined { return this.last?.reply.outcome; }
}
