/**
 * A bot as the stages use it: plain data that nobody changes, compiled once from its folder of YAML (loader.ts). Names are resolved to
 * indexes, flows are flat lists of instructions, templates are split: nothing is looked up by path while a turn runs.
 */

import type { ActionDefinition } from './action.js';
import type { Cues } from './cues.js';
import type { FlowDefinition } from './types-flow.js';
import type { KnowledgeDefinition, ModelPolicy } from './types-model.js';
import type { ResponseDefinition } from './types-response.js';

export type { ActionDefinition } from './action.js';
export type * from './types-flow.js';
export type * from './types-model.js';
export type * from './types-response.js';

/** One fault or warning of a bot's files. Lines and columns begin at 1. */
export interface Fault {
  /** Path inside the bot's folder, with `/`. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

/** What an intent means to a dialogue whatever the flow is. */
export type IntentRole = 'affirm' | 'deny' | 'cancel' | 'correct' | 'repeat';

/** What `[surface](entity)` marks in an example, in UTF-16 units of the text without the marks. */
export interface AnnotatedSpan {
  readonly start: number;
  readonly end: number;
  /** Index of the entity. */
  readonly entity: number;
  /** What `[surface](entity=value)` gives; null for the surface itself. */
  readonly value: string | null;
}

export interface ExampleDefinition {
  /** Without marks. */
  readonly text: string;
  /** One of the bot's languages. */
  readonly language: string;
  readonly spans: readonly AnnotatedSpan[];
}

export interface IntentDefinition {
  readonly name: string;
  /** Texts of `samples`, in their order. */
  readonly examples: readonly string[];
  readonly samples: readonly ExampleDefinition[];
  /** How it is offered where a text could mean several intents; the bot's first language first, empty where it is never offered. */
  readonly titles: readonly LocalText[];
  readonly role: IntentRole | null;
}

export interface LocalText {
  /** One of the bot's languages. */
  readonly language: string;
  readonly text: string;
}

export interface ListValue {
  /** What the entity's value becomes. */
  readonly value: string;
  /** How people write it; the value itself is always one of them. */
  readonly synonyms: readonly string[];
}

/** What the program finds by itself; entities/system/ says in which form the values come. */
export const SYSTEM_ENTITIES = ['number', 'ordinal', 'date', 'time', 'datetime', 'duration', 'money', 'email', 'url', 'phone'] as const;
export type SystemEntity = (typeof SYSTEM_ENTITIES)[number];

export interface EntityDefinition {
  readonly name: string;
  /** RE2 patterns, matched without regard to case. */
  readonly patterns: readonly string[];
  readonly values: readonly ListValue[];
  readonly system: SystemEntity | null;
  /** How the text of a pattern becomes the value. */
  readonly normalise: 'upper' | 'lower' | 'none';
  /** False: values of the list are found only as they are written. */
  readonly fuzzy?: boolean;
  /** Which day "Monday" is: the next one (the default) or the last. */
  readonly prefer?: 'future' | 'past';
  /** True: it may have no other source than marks in examples. False: marks teach nothing. */
  readonly learned?: boolean;
}

export type SlotType = 'text' | 'number' | 'integer' | 'boolean' | 'date' | 'time' | 'datetime' | 'email' | 'url' | 'phone';

/** Where a slot's value may come from. */
export type SlotSource =
  /** An entity found in the text; `value` stands for its own when it is not null. */
  | { readonly from: 'entity'; readonly entity: number; readonly value: string | null }
  /** The text has that intent. */
  | { readonly from: 'intent'; readonly intent: string; readonly value: string }
  /** The whole text, when the slot is asked for. */
  | { readonly from: 'text' };

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
  /** For a slot of free text: phrases before the value that are no part of it ("my name is"), and by which it is put right. */
  readonly introducedBy: readonly string[];
  readonly minLength: number;
  readonly maxLength: number;
  /** RE2 pattern that the whole value must match, without regard to case; null for none. */
  readonly matches: string | null;
  readonly type: SlotType;
  /** Tried in order. */
  readonly sources: readonly SlotSource[];
  /** Of numbers, dates and times; the latter as text. null for none. */
  readonly min: number | string | null;
  readonly max: number | string | null;
  /** The values that it may have, as they are stored; null for any. */
  readonly oneOf: readonly string[] | null;
  /** How long it keeps its value: `flow` until a flow that asks for it begins anew, `conversation` (`remember`) until the end, `user` beyond it. */
  readonly memory: 'flow' | 'conversation' | 'user';
  /** The language model may look for the value in the text when nothing else gave it. */
  readonly fill: 'model' | null;
}

/** What is done when nothing was understood, by the count in a row: the first rung, the second, …, the last from then on. */
export type Rung =
  | { readonly do: 'say'; readonly response: number }
  /** Offers the likely intents as quick replies of the response; where there are none, the response before it in the ladder is said. */
  | { readonly do: 'offer'; readonly response: number; readonly most: number }
  | { readonly do: 'flow'; readonly flow: number }
  | { readonly do: 'handoff'; readonly reason: string };

export interface FallbackDefinition {
  /** Response when nothing was understood. */
  readonly say: number;
  /** Response from the second time in a row on. */
  readonly again: number;
  /** After so many in a row `then` starts; 0 never. */
  readonly after: number;
  readonly then: number;
  /** All of the above as one list, or the `ladder` that the bot gives; never empty. */
  readonly ladder: readonly Rung[];
}

/** When the two likeliest intents are nearer to each other than `margin`, up to `most` are offered with the response. */
export interface DisambiguationDefinition {
  readonly response: number;
  /** Of confidence. */
  readonly margin: number;
  readonly most: number;
}

export interface SessionDefinition {
  /** A pause longer than this ends the session; 0 for never. */
  readonly timeoutMillis: number;
  /** What becomes of an open flow then: the person is asked, it goes on, or it is dropped. */
  readonly resume: 'ask' | 'continue' | 'fresh';
  /** Response that asks; -1 where nothing asks. */
  readonly ask: number;
}

/** How a conversation that began under another version goes on. */
export interface VersionsDefinition {
  /** `finish`: what is under way ends under its own version while that is live; `migrate`: it moves with the next message. */
  readonly onChange: 'migrate' | 'finish';
  readonly migrations: readonly Migration[];
}

/** Old name → new name; null drops what was there. */
export interface Migration {
  /** Versions that it is for; null for all. */
  readonly from: readonly string[] | null;
  readonly flows: ReadonlyMap<string, string | null>;
  readonly slots: ReadonlyMap<string, string | null>;
  /** `flow.label` of the old version → `flow.label` of this one. */
  readonly steps: ReadonlyMap<string, string>;
  /** Slots that get a value when they have none. */
  readonly set: ReadonlyMap<string, string>;
}

export interface Bot {
  readonly id: string;
  /** Hash of the folder's content, 16 hex digits. */
  readonly version: string;
  /** Shown as the author of replies. */
  readonly name: string;
  /** The first of `languages`. */
  readonly language: string;
  /** BCP 47; those after the first have examples or responses of their own. */
  readonly languages: readonly string[];
  /** IANA time zone of persons whose message names none; UTC without it. */
  readonly timeZone?: string;
  /** Share of a text like the examples that is accepted as understood, 0.5 to 1. */
  readonly accept: number;
  readonly intents: readonly IntentDefinition[];
  /** Texts that belong to no intent, as training. */
  readonly outOfScope: readonly string[];
  /** The same, with their languages. */
  readonly outOfScopeSamples: readonly ExampleDefinition[];
  readonly entities: readonly EntityDefinition[];
  readonly slots: readonly SlotDefinition[];
  readonly responses: readonly ResponseDefinition[];
  readonly flows: readonly FlowDefinition[];
  /** Intent → flow that it starts. */
  readonly flowOfIntent: ReadonlyMap<string, number>;
  readonly actions: readonly ActionDefinition[];
  /** null: no language model is ever asked. */
  readonly model: ModelPolicy | null;
  readonly knowledge: readonly KnowledgeDefinition[];
  readonly fallback: FallbackDefinition;
  /** null: the likeliest intent is taken, however near the next is. */
  readonly disambiguation: DisambiguationDefinition | null;
  readonly session: SessionDefinition;
  readonly versions: VersionsDefinition;
  /** Words that mark corrections, negations and the like (cues.ts). */
  readonly cues: Cues;
  /** Response to an attachment; -1 stays silent. */
  readonly attachment: number;
  /** Response before a slot is asked again after an interruption; -1 for none. */
  readonly resume: number;
  /** Response when a new version no longer has the flow; -1 for none. */
  readonly restarted: number;
  /** Response when the person drops a flow; -1 for none. */
  readonly cancelled: number;
  /** Response when the person has corrected a slot; -1 for none. */
  readonly corrected: number;
  /** Response when an action fails and its step does not say what then; -1 for the fallback. */
  readonly failed: number;
}
