/** One turn while it is made, and what it is made from. */
import type { Entity, EffectResult, IntentResult, Message, RankedIntent, ReplyPart } from '../../schemas/types.js';
import type { IntentRole, Literal, Scope } from '../bot/index.js';
import type { EffectRequest } from '../stage.js';
import type { Memory } from './memory.js';
import type { Program } from './program.js';

/** One input of a conversation. */
export interface InterpreterInput {
  readonly message: Message;
  /** Position of the message. */
  readonly position: string;
  /** `<tenant>/<conversationId>`. */
  readonly key: string;
  readonly results: readonly IntentResult[];
  /** Acceptance time, milliseconds: the time that it is for the bot. */
  readonly at: number;
  /** Flags that are set while the turn runs; without it none. */
  readonly flags?: ReadonlyMap<string, Literal>;
  /** Told of each step that is run, by flow and place in its code: for coverage. */
  readonly trace?: (flow: number, pc: number) => void;
}

/** Results of effects by their key. */
export type Settled = ReadonlyMap<string, EffectResult>;

/** A timer of the conversation to be set or cancelled; `id` is `<name>@<position of the input that set it>`, so none is ever set anew. */
export type TimerChange =
  | { readonly op: 'set'; readonly id: string; readonly dueAt: number; /** JSON. */ readonly payload: string }
  | { readonly op: 'cancel'; readonly id: string };

export type Outcome = 'answered' | 'fallback' | 'handed_off' | 'silent' | 'ended' | 'timer';

export interface HeardEntity {
  readonly name: string;
  readonly value: Entity['value'];
  /** UTF-16 units of the text. */
  readonly start: number;
  readonly end: number;
}

/** What a person has said or tapped. */
export interface Heard {
  readonly text: string;
  readonly intent: string | null;
  readonly confidence: number;
  readonly role: IntentRole | null;
  readonly ranking: readonly RankedIntent[];
  readonly entities: readonly HeardEntity[];
  /** A button or quick reply. */
  readonly tapped: boolean;
}

/**
 * What conditions and texts may read of the turn is a part of it. A class: an object literal with getters or functions gets a
 * hidden class of its own for every turn, which only a full garbage collection frees.
 */
export class Turn implements Scope {
  readonly memory: Memory;
  readonly channel: string;
  readonly locale: string | null;
  readonly text: string;
  readonly slots: readonly string[];
  heard: Heard | null = null;
  /** What is open was open before a pause that ended the session: it goes on only when the person wants it to. */
  stale = false;
  /** Intent that is acted on. */
  intent: string | null = null;
  confidence = 0;
  outcome: Outcome = 'answered';
  readonly parts: ReplyPart[] = [];
  handoff: { readonly to: 'person' | 'bot'; readonly reason: string | null } | null = null;
  readonly timers: TimerChange[] = [];
  /** Effects still to be done: the turn stops and is run again. */
  readonly wants: EffectRequest[] = [];
  /** Results that this turn has used, for the reply. */
  readonly effects: EffectResult[] = [];
  /** How often each step with an effect was run in this turn. */
  counts: Map<string, number> | null = null;
  /** Status of the effect that failed last. */
  error: string | null = null;
  /** Values that a flow has cleared in this turn. */
  cleared: Map<number, string> | null = null;
  /** While a flow is run again after a correction: up to where what it says was said already, and for which slot it is not. */
  replay: { readonly frame: object; readonly until: number; readonly slot: number } | null = null;

  constructor(
    readonly program: Program, readonly input: InterpreterInput,
    /** Effects that are done, by key. */
    readonly settled: Settled,
    /** `choice` chooses among variants of a response; `language` is one of the bot's. */
    { memory, choice, language }: { readonly memory: Memory; readonly choice: number; readonly language: string },
  ) {
    const { channel, locale, text } = input.message;
    this.memory = memory;
    this.slots = memory.slots;
    this.channel = channel;
    this.locale = locale;
    this.text = typeof text === 'string' ? text : '';
    this.choice = choice;
    this.language = language;
  }

  readonly choice: number;
  readonly language: string;

  entity(index: number): string | null {
    const name = this.program.bot.entities[index]?.name;
    const value = this.heard?.entities.find((entity) => entity.name === name)?.value;
    return typeof value === 'string' ? value : null;
  }

  flag(name: string): Literal { return this.input.flags?.get(name) ?? null; }

  attribute(name: string): string | null {
    const { attributes } = this.input.message;
    const value = Object.hasOwn(attributes, name) ? attributes[name] : null;
    return typeof value === 'string' ? value : null;
  }
}
