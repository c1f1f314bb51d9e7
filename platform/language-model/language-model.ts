/**
 * Port: a language model that is given messages and writes an answer, piece by piece.
 *
 * Contract
 * - `stream` yields pieces of text in order and returns what the answer cost. An answer that ends any other way than its own
 *   is an error: nothing that was cut looks whole.
 * - It rejects with one of the codes below, and with nothing else; the detail holds neither the key nor any text of the
 *   messages or of the answer.
 *     CONFAB_MODEL_UNAVAILABLE  no connection, or a status of 500 or more
 *     CONFAB_MODEL_BUSY         it takes no more requests now (429); `retryAfterMs` when it says how long
 *     CONFAB_MODEL_REFUSED      any other refusal: a wrong key, a model that is not there, a request too long
 *     CONFAB_MODEL_CUT          the answer ended in the middle
 *     CONFAB_MODEL_NONSENSE     what came is not what the API promises
 * - Once the signal aborts it ends at once, rejecting with the signal's reason; the connection is closed, so that the other
 *   side stops to work.
 * - It asks once: who repeats, and how long one waits, is the caller's affair.
 * - It offers the model no tools. Whatever the model asks for, text is all that comes of it.
 *
 * Adapters: openai.ts (chat completions over HTTP: vLLM, Ollama, hosted ones), scripted.ts (tests). Contract suite:
 * language-model.contract.ts.
 */

export interface ModelMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ModelQuestion {
  readonly messages: readonly ModelMessage[];
  /** Tokens that the answer may have. */
  readonly maxTokens: number;
  /** Known to the other side for limits and abuse: no name of a person. */
  readonly user: string;
}

/** What an answer came to. */
export interface ModelEnd {
  /** `length`: `maxTokens` were used up, the text stops somewhere. */
  readonly reason: 'stop' | 'length';
  /** As the other side counts; undefined when it does not say. */
  readonly tokens: number | undefined;
}

export interface LanguageModel {
  /** For logs and metrics. */
  readonly name: string;
  stream(question: ModelQuestion, signal: AbortSignal): AsyncGenerator<string, ModelEnd>;
  close(): Promise<void>;
}
