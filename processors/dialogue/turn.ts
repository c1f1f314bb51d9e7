/** One turn while it is made, and what it is made from. */
import type { EffectResult, IntentResult, Message, ReplyPart } from '../../schemas/types.js';
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
  /** Told of each step that is run, by flow and place in its code: for coverage. */
  readonly trace?: (flow: number, pc: number) => void;
}

/** Results of effects by their key. */
export type Settled = ReadonlyMap<string, EffectResult>;

export interface EffectRequest { readonly kind: string; readonly key: string }
export type TimerChange = { readonly op: 'set'; readonly id: string; readonly dueAt: number; readonly payload: string } | { readonly op: 'cancel'; readonly id: string };

export type Outcome = 'answered' | 'fallback' | 'handed_off' | 'silent' | 'ended' | 'timer';

export interface Turn {
  readonly program: Program;
  readonly input: InterpreterInput;
  readonly memory: Memory;
  readonly channel: string;
  /** Chooses among variants of a response. */
  readonly choice: number;
  /** Intent of this input, for conditions. */
  intent: string | null;
  confidence: number;
  outcome: Outcome;
  readonly parts: ReplyPart[];
  handoff: { to: string; reason: string | null } | null;
  /** Effects that are done, by key. */
  readonly settled: Settled;
  /** Effects still to be done: the turn stops and is run again. */
  readonly wants: EffectRequest[];
  /** Results that this turn has used, for the reply. */
  readonly effects: EffectResult[];
  readonly timers: TimerChange[];
}
