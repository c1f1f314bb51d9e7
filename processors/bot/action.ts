/**
 * An action of a bot: an HTTP call as plain data, compiled from the section `actions:` (compile-action.ts) and made by
 * processors/effects/. What it may reach is the operator's to say, never the bot's: hosts and secrets are settings.
 */

export type ActionValueType = 'text' | 'number' | 'integer' | 'boolean';
export type ActionValue = string | number | boolean | null;

export interface ActionInput {
  readonly name: string;
  readonly type: ActionValueType;
  /** A call without it is not made. */
  readonly required: boolean;
}

/** Pieces in order: literal text, an input, and in headers a secret of the operator. */
export type ActionTemplate = readonly (string | { readonly input: string } | { readonly secret: string })[];

/** A body of JSON: objects and lists of literals and of templates. `value` is an input as it is, with its type. */
export type ActionBody =
  | { readonly form: 'literal'; readonly value: ActionValue }
  | { readonly form: 'text'; readonly text: ActionTemplate }
  | { readonly form: 'value'; readonly input: string }
  | { readonly form: 'list'; readonly items: readonly ActionBody[] }
  | { readonly form: 'object'; readonly fields: readonly { readonly name: string; readonly value: ActionBody }[] };

export interface ActionOutput {
  readonly name: string;
  /** Where it stands in the answer: names of fields and numbers of list items; empty for the whole. */
  readonly path: readonly (string | number)[];
  readonly type: ActionValueType;
  /** An answer without it is refused. */
  readonly required: boolean;
  /** Of a string, in code points. */
  readonly maxLength: number;
  /** Of a number. */
  readonly min: number | null;
  readonly max: number | null;
  /** The only values that are taken; null for any. */
  readonly oneOf: readonly string[] | null;
}

export interface ActionDefinition {
  readonly name: string;
  readonly input: readonly ActionInput[];
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** The part up to the path: no input stands in it. */
  readonly origin: string;
  /** Path and query; inputs are percent-encoded. */
  readonly path: ActionTemplate;
  readonly headers: readonly { readonly name: string; readonly value: ActionTemplate }[];
  readonly body: ActionBody | null;
  readonly output: readonly ActionOutput[];
  /** Of the whole call, tries, pauses and redirects included. Milliseconds. */
  readonly timeout: number;
  /** Tries beyond the first, and the pause before the first of them, which doubles. */
  readonly retry: { readonly attempts: number; readonly pause: number };
  /** The other side does it once for one Idempotency-Key, so a call whose method is not idempotent may be repeated too. */
  readonly keyed: boolean;
  /** Redirects that are followed, each within the allowed hosts. */
  readonly redirects: number;
  /** Bytes of the answer's body. */
  readonly maxBytes: number;
  /** Calls under way at once in a process, and calls that wait for a place. */
  readonly concurrency: number;
  readonly queue: number;
  /** So many failures in a row keep further calls from being made for so long. */
  readonly breaker: { readonly failures: number; readonly rest: number };
  /** Outputs where the call fails; null leaves the failure to the flow. */
  readonly fallback: Readonly<Record<string, ActionValue>> | null;
}
