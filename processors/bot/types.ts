/**
 * A bot as the stages use it: plain data that nobody changes, compiled once from its folder of YAML (loader.ts). Names are resolved to
 * indexes, flows are flat lists of instructions, templates are split: nothing is looked up by path while a turn runs.
 */

/** One fault or warning of a bot's files. Lines and columns begin at 1. */
export interface Fault {
  /** Path inside the bot's folder, with `/`. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

export interface IntentDefinition {
  readonly name: string;
  readonly examples: readonly string[];
}

export interface ListValue {
  /** What the entity's value becomes. */
  readonly value: string;
  /** How people write it; the value itself is always one of them. */
  readonly synonyms: readonly string[];
}

export type SystemEntity = 'number' | 'email';

export interface EntityDefinition {
  readonly name: string;
  /** RE2 patterns, matched without regard to case. */
  readonly patterns: readonly string[];
  readonly values: readonly ListValue[];
  readonly system: SystemEntity | null;
  /** How the text of a pattern becomes the value. */
  readonly normalise: 'upper' | 'lower' | 'none';
}

/** Text with slots: a string is literal, `slot` is replaced by the slot's value or, when empty, by `otherwise`. */
export type Template = readonly (string | { readonly slot: number; readonly otherwise: string })[];

export interface QuickReplyDefinition {
  readonly title: Template;
  readonly payload: string;
}

export interface ResponseDefinition {
  readonly name: string;
  /** Each variant is a list of bubbles. */
  readonly variants: readonly (readonly Template[])[];
  /** Offered with the last bubble. */
  readonly quickReplies: readonly QuickReplyDefinition[];
}

export interface SlotDefinition {
  readonly name: string;
  /** Index of the entity that fills it; -1 takes the whole text. */
  readonly entity: number;
  /** Index of the response that asks; -1 for a slot that is only set. */
  readonly ask: number;
  /** Index of the response after an answer that does not fit; -1 asks again. */
  readonly invalid: number;
  /** How many answers may not fit before `fail`. */
  readonly retries: number;
  /** Flow to go to when the retries are used up; -1 cancels the flow. */
  readonly fail: number;
  /** Keeps its value when the flow that asks for it starts anew. */
  readonly remember: boolean;
  /** For a slot of free text: the intents that may come between; null for all. */
  readonly interruptedBy: readonly string[] | null;
  readonly minLength: number;
  readonly maxLength: number;
  /** RE2 pattern that the whole value must match, without regard to case; null for none. */
  readonly matches: string | null;
}

export type Condition =
  | { readonly test: 'is'; readonly slot: number; readonly values: readonly string[] }
  | { readonly test: 'known'; readonly slot: number }
  | { readonly test: 'compare'; readonly slot: number; readonly above: number; readonly below: number }
  | { readonly test: 'intent'; readonly intents: readonly string[] }
  | { readonly test: 'channel'; readonly channels: readonly string[] }
  | { readonly test: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly test: 'not'; readonly of: Condition };

export type Instruction =
  | { readonly op: 'say'; readonly response: number }
  | { readonly op: 'ask'; readonly slot: number }
  | { readonly op: 'set'; readonly slot: number; readonly value: Template }
  | { readonly op: 'clear'; readonly slots: readonly number[] }
  | { readonly op: 'unless'; readonly condition: Condition; readonly to: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'go' | 'call'; readonly flow: number }
  | { readonly op: 'handoff'; readonly reason: string }
  | { readonly op: 'cancel' }
  | { readonly op: 'end' };

export interface FlowDefinition {
  readonly name: string;
  readonly code: readonly Instruction[];
  /** Slots that it asks for, in order. */
  readonly asks: readonly number[];
}

export interface FallbackDefinition {
  /** Response when nothing was understood. */
  readonly say: number;
  /** Response from the second time in a row on. */
  readonly again: number;
  /** After so many in a row `then` starts; 0 never. */
  readonly after: number;
  readonly then: number;
}

export interface Bot {
  readonly id: string;
  /** Hash of the folder's content, 16 hex digits. */
  readonly version: string;
  /** Shown as the author of replies. */
  readonly name: string;
  readonly language: string;
  /** Share of a text like the examples that is accepted as understood, 0.5 to 1. */
  readonly accept: number;
  readonly intents: readonly IntentDefinition[];
  /** Texts that belong to no intent, as training. */
  readonly outOfScope: readonly string[];
  readonly entities: readonly EntityDefinition[];
  readonly slots: readonly SlotDefinition[];
  readonly responses: readonly ResponseDefinition[];
  readonly flows: readonly FlowDefinition[];
  /** Intent → flow that it starts. */
  readonly flowOfIntent: ReadonlyMap<string, number>;
  readonly fallback: FallbackDefinition;
  /** Response to an attachment; -1 stays silent. */
  readonly attachment: number;
  /** Response before a slot is asked again after an interruption; -1 for none. */
  readonly resume: number;
  /** Response when a new version no longer has the flow; -1 for none. */
  readonly restarted: number;
}
