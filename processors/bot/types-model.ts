/** What a bot lets a language model do. */

export type ModelTask = 'answer' | 'rephrase' | 'fill';

export interface ModelPolicy {
  /** What it may be asked for; nothing else is ever sent. */
  readonly tasks: readonly ModelTask[];
  /** Tokens that one question may use, prompt and answer together. */
  readonly tokens: number;
  /** Tokens that one answer may have. */
  readonly answerTokens: number;
  /** Past it the fallback is said. */
  readonly latencyMillis: number;
  /** Hosts that links in an answer may lead to, lower-case; a leading `*.` stands for every host below. */
  readonly links: readonly string[];
  /** How it should sound; the author's words, never a person's. */
  readonly instructions: string;
  /** Response when it cannot answer; -1 for the bot's fallback. */
  readonly fallback: number;
  /** Tokens that a tenant may use with this bot in a window; null: as the operator says. */
  readonly budget: { readonly tokens: number; readonly perMillis: number } | null;
  /** Passages of the knowledge that it is given. */
  readonly passages: number;
  /** Whether an answer from the knowledge has to name its passage. */
  readonly citations: 'required' | 'optional';
  /** Lines of the conversation that it is given, those of the person and of the bot together. */
  readonly history: number;
}

/** A text of the bot's `knowledge/` folder. */
export interface KnowledgeDefinition {
  /** Path inside the folder, without `knowledge/`. */
  readonly file: string;
  readonly title: string;
  /** Where people can read it; null: nowhere. */
  readonly url: string | null;
  readonly text: string;
}
