/** What a bot lets a language model do. */

export type ModelTask = 'answer' | 'rephrase' | 'fill';

export interface ModelPolicy {
  /** What it may be asked for; nothing else is ever sent. */
  readonly tasks: readonly ModelTask[];
  /** Tokens a conversation turn may use, prompt and answer together. */
  readonly tokens: number;
  /** Past it the fallback is said. */
  readonly latencyMillis: number;
  /** Hosts that links in an answer may lead to. */
  readonly links: readonly string[];
  /** How it should sound; the author's words, never a person's. */
  readonly instructions: string;
  /** Response when it cannot answer; -1 for the bot's fallback. */
  readonly fallback: number;
}

/** A text of the bot's `knowledge/` folder. */
export interface KnowledgeDefinition {
  /** Path inside the folder, without `knowledge/`. */
  readonly file: string;
  readonly title: string;
  readonly text: string;
}
