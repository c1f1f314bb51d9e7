/** Knowledge index in the process, by BM25. Passages of a bot are few; an index is made at its first search and let go with the bot. */
import MiniSearch from 'minisearch';
import type { IndexedPassage, KnowledgeIndex, KnowledgeStore } from './knowledge-index.js';
import { wordsOf } from './words.js';

export class MiniSearchStore implements KnowledgeStore {
  readonly kind = 'memory';

  open(_name: string, passages: readonly IndexedPassage[]): KnowledgeIndex {
    let index: MiniSearch | undefined;
    return {
      search: (words, most, signal) => {
        signal.throwIfAborted();
        index ??= build(passages);
        // A slip of the finger in longer words only: short ones are near to too many others.
        const found = index.search(words.join(' '), { fuzzy: (word) => (word.length > 4 ? 0.2 : false), prefix: (word) => word.length > 3, boost: { title: 2 } });
        return Promise.resolve(found.slice(0, most).map(({ id }) => id as number));
      },
    };
  }

  close(): Promise<void> { return Promise.resolve(); }
}

function build(passages: readonly IndexedPassage[]): MiniSearch {
  const index = new MiniSearch({ fields: ['title', 'text'], tokenize: wordsOf, processTerm: (word) => word });
  index.addAll(passages.map(({ title, text }, id) => ({ id, title, text })));
  return index;
}
