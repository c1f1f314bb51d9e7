/** Tests of a bot as they are run: read from YAML (read-tests.ts) and checked whole before the first one runs. Form: docs/bots-testing.md. */
import type { Place } from '../../processors/bot/index.js';

/** What one bubble has to be. */
export type Bubble =
  | { readonly is: 'exactly'; readonly text: string }
  | { readonly is: 'pattern'; readonly source: string; test(text: string): boolean }
  | { readonly is: 'contains'; readonly text: string }
  | { readonly is: 'oneOf'; readonly of: readonly Bubble[] }
  /** As many bubbles as a variant of it has. */
  | { readonly is: 'response'; readonly name: string }
  | { readonly is: 'anything' };

/** Something that has to be, and where the test says so. */
export interface Expected<T> { readonly place: Place; readonly value: T }

export interface ExpectedHandoff { readonly to: string; readonly reason?: string }
/** Of a quick reply or a button; the payload of one that is a link is the link. */
export interface ExpectedReply { readonly title: string; readonly payload?: string }
export interface ExpectedAction { readonly name: string; readonly with?: Readonly<Record<string, string | number | boolean | null>> }
/** `millis`: until it fires. */
export interface ExpectedTimer { readonly id: string; readonly millis?: number }

export interface StateExpectations {
  readonly slots?: Expected<ReadonlyMap<string, string | null>>;
  readonly onlySlots?: Expected<ReadonlyMap<string, string | null>>;
  /** The running one last; empty for none. One name stands for the running one alone: `whole` is false. */
  readonly flow?: Expected<{ readonly names: readonly string[]; readonly whole: boolean }>;
  readonly waitsFor?: Expected<string | null>;
  readonly handedOff?: Expected<boolean>;
  readonly timers?: Expected<readonly ExpectedTimer[]>;
  readonly version?: Expected<string>;
}

export interface TurnExpectations extends StateExpectations {
  readonly bot?: Expected<readonly Bubble[]>;
  readonly outcome?: Expected<readonly string[]>;
  readonly intent?: Expected<string | null>;
  readonly entities?: Expected<ReadonlyMap<string, readonly string[]>>;
  readonly quickReplies?: Expected<readonly ExpectedReply[]>;
  readonly buttons?: Expected<readonly ExpectedReply[]>;
  readonly handoff?: Expected<ExpectedHandoff | null>;
  readonly actions?: Expected<readonly ExpectedAction[]>;
  readonly model?: Expected<readonly string[]>;
}

export type Input =
  | { readonly do: 'text' | 'tap' | 'tapTitle' | 'edit' | 'reaction'; readonly text: string }
  | { readonly do: 'attachment' }
  | { readonly do: 'agent'; readonly text: string; readonly name: string | null }
  | { readonly do: 'handoff'; readonly to: string; readonly reason: string | null }
  | { readonly do: 'end' }
  | { readonly do: 'wait'; readonly millis: number }
  | { readonly do: 'deploy'; readonly version: string; readonly keep: boolean };

export interface TestTurn {
  readonly place: Place;
  readonly input: Input;
  /** The input as an author reads it: `user: hello`. */
  readonly says: string;
  readonly expects: TurnExpectations;
}

/** What a scripted effect comes to. */
export type Scripted = { readonly result: string } | { readonly fail: string };

export interface Given {
  readonly now: number;
  readonly channel: string;
  readonly locale: string | null;
  readonly user: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  readonly conversation: string;
  readonly version: string;
  readonly actions: ReadonlyMap<string, readonly Scripted[]>;
  readonly model: readonly Scripted[];
}

export interface BotTest {
  readonly name: string;
  readonly place: Place;
  readonly tags: readonly string[];
  /** Why it is not run. */
  readonly skip: string | null;
  readonly given: Given;
  readonly turns: readonly TestTurn[];
  readonly end: StateExpectations;
}

export const CURRENT = 'current';
