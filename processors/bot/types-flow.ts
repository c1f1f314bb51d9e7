/** Flows as they run: flat lists of instructions, expressions as trees of plain data, texts split at their places. */

export type Literal = string | number | boolean | null;

/** How a value is compared: what slots hold is text, and this says what it stands for. */
export type ValueType = 'text' | 'number' | 'boolean' | 'date';

/**
 * A condition, checked and resolved at load (expression.ts), run by `evaluate` (evaluate.ts). An empty slot, an entity that
 * was not found and an attribute that is not there are null. Literals of text are folded: text is compared without regard to case.
 */
export type Expression =
  | { readonly op: 'literal'; readonly value: Literal }
  | { readonly op: 'slot'; readonly slot: number; readonly type: ValueType }
  /** Value of the first such entity in the message. */
  | { readonly op: 'entity'; readonly entity: number; readonly type: ValueType }
  /** Attribute of the message, as the integration gave it. */
  | { readonly op: 'attribute'; readonly name: string }
  /** Flag that operators set while nodes run; null while it is not set. */
  | { readonly op: 'flag'; readonly name: string }
  | { readonly op: 'input'; readonly field: InputField }
  | { readonly op: 'compare'; readonly by: Comparison; readonly as: ValueType; readonly left: Expression; readonly right: Expression }
  | { readonly op: 'in'; readonly left: Expression; readonly values: readonly Literal[] }
  /** There is a value, and it is not false. */
  | { readonly op: 'known'; readonly of: Expression }
  | { readonly op: 'and' | 'or'; readonly of: readonly Expression[] }
  | { readonly op: 'not'; readonly of: Expression };

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** Of the message that is answered; `error` is the status of the action or model call that failed last in this flow. */
export type InputField = 'intent' | 'confidence' | 'channel' | 'locale' | 'text' | 'error';

/** What an expression and a template may read; nothing in it is made for one evaluation. */
export interface Scope {
  /** By slot index; '' is empty. */
  readonly slots: readonly string[];
  readonly intent: string | null;
  readonly confidence: number;
  readonly channel: string;
  readonly locale: string | null;
  readonly text: string;
  readonly error: string | null;
  /** Value of the first entity of that index in the message. */
  entity(index: number): string | null;
  attribute(name: string): string | null;
  /** Without it no flag is set. */
  flag?(name: string): Literal;
}

/** Text with places: a string is literal, `slot` or `from` is replaced by its value or, when there is none, by `otherwise`. */
export type Template = readonly TemplatePart[];

export type TemplatePart =
  | string
  | { readonly slot: number; readonly otherwise: string }
  | { readonly from: Expression; readonly otherwise: string };

/** `to`, `no`, `error`: index of the instruction that comes next. */
export type Instruction =
  | { readonly op: 'say'; readonly response: number }
  | { readonly op: 'ask'; readonly slot: number }
  | { readonly op: 'set'; readonly slot: number; readonly value: Template }
  | { readonly op: 'clear'; readonly slots: readonly number[] }
  | { readonly op: 'unless'; readonly condition: Expression; readonly to: number }
  | { readonly op: 'jump'; readonly to: number }
  | { readonly op: 'go' | 'call'; readonly flow: number }
  | { readonly op: 'handoff'; readonly reason: string }
  | { readonly op: 'cancel' }
  | { readonly op: 'end' }
  /** Says `response` and waits: yes goes on with the next instruction, no with `no`. */
  | { readonly op: 'confirm'; readonly response: number; readonly no: number }
  | ActInstruction
  | AnswerInstruction
  | RemindInstruction
  | { readonly op: 'forget_reminder'; readonly id: string };

/** Calls an action; the conversation waits for it. */
export interface ActInstruction {
  readonly op: 'act';
  readonly action: number;
  readonly with: readonly { readonly name: string; readonly value: Template }[];
  readonly into: readonly { readonly slot: number; readonly output: string }[];
  /** Where a failed call goes on; -1 says the bot's `failed` and drops the flow. */
  readonly error: number;
}

/** Lets the language model answer the message. */
export interface AnswerInstruction {
  readonly op: 'answer';
  /** Said instead when there is no model, no time or no budget. */
  readonly fallback: number;
  /** Only from the bot's knowledge, with citations. */
  readonly knowledge: boolean;
}

/** Sets a reminder of that id, or sets it anew. */
export interface RemindInstruction {
  readonly op: 'remind';
  readonly id: string;
  /** Milliseconds from the message's acceptance; -1 where `at` says when. */
  readonly in: number;
  /** Gives a date and time (ISO 8601); null where `in` says when. */
  readonly at: Template | null;
  /** Begins when it is due. */
  readonly flow: number;
}

export interface FlowDefinition {
  readonly name: string;
  readonly code: readonly Instruction[];
  /**
   * Name of each instruction, unique in the flow: the step's `id`, or its kind and object (`ask:city`, a second one `ask:city~2`).
   * By it a conversation finds its place in another version, and effects and coverage name it.
   */
  readonly labels: readonly string[];
  /** Slots that it asks for, in order. */
  readonly asks: readonly number[];
  /** Slots that a later message alone may change, and the flow answers again ("and tomorrow?"). */
  readonly carries: readonly number[];
}
