/**
 * Port: full-text search of the passages that a language model may answer from. A view of the bot's own texts, made again
 * from them whenever it is not there.
 *
 * Contract
 * - `open` names a set of passages that never changes under that name, and does nothing yet: the first search makes the index
 *   where there is none.
 * - `search` gives the ids of the passages that hold any of the words, or nearly any of them, the best first, at most `most`;
 *   empty when none does. Words in titles count more.
 * - It rejects with CONFAB_KNOWLEDGE_UNAVAILABLE, or with the signal's reason once that aborts; what it was about goes on in
 *   the background then, for the next search.
 *
 * Adapters: minisearch.ts (in the process), elasticsearch.ts. Contract suite: knowledge-index.contract.ts.
 */

export interface IndexedPassage {
  readonly title: string;
  readonly text: string;
}

export interface KnowledgeIndex {
  /** Ids are places in the list of passages. `words` as of `wordsOf` (words.ts). */
  search(words: readonly string[], most: number, signal: AbortSignal): Promise<readonly number[]>;
}

export interface KnowledgeStore {
  readonly kind: 'memory' | 'elasticsearch';
  /** `name`: lower-case letters, digits and `-`. */
  open(name: string, passages: readonly IndexedPassage[]): KnowledgeIndex;
  close(): Promise<void>;
}
