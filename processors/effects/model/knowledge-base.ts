/** What a bot knows: its passages, and those that are about a question. */
import type { Clock } from '../../../platform/clock.js';
import { ConfabError, isCode } from '../../../platform/errors.js';
import type { KnowledgeIndex, KnowledgeStore } from '../../../platform/knowledge-index/knowledge-index.js';
import { wordsOf } from '../../../platform/knowledge-index/words.js';
import type { Bot } from '../../bot/index.js';
import { passagesOf, type Passage } from './passages.js';

export interface KnowledgeOptions {
  /** Searched first. */
  readonly store: KnowledgeStore;
  /** Searched when the other does not answer in time. */
  readonly fallback: KnowledgeStore;
  readonly clock: Clock;
  /** The store did not answer. */
  readonly onFailure: (error: ConfabError) => void;
}

/** A word in more of the passages than this says nothing of what a text is about. */
const COMMON = 0.4;
/** Fewer passages than this have no common words. */
const FEW = 5;
/** Share of the latency that the search may take. */
const SHARE = 0.3;
const MOST_WORDS = 40;

interface Base { readonly passages: readonly Passage[]; readonly counts: ReadonlyMap<string, number>; readonly index: KnowledgeIndex; readonly fallback: KnowledgeIndex }

export class KnowledgeBase {
  private readonly bases = new WeakMap<Bot, Base>();

  constructor(private readonly options: KnowledgeOptions) {}

  /** The best passages first; none when the question has no word of theirs that tells. Rejects only with the signal's reason. */
  async find(bot: Bot, question: { readonly text: string; readonly before: string }, limits: { readonly most: number; readonly millis: number }, signal: AbortSignal): Promise<Passage[]> {
    const base = this.base(bot);
    if (base.passages.length === 0) return [];
    const own = telling(wordsOf(question.text), base);
    // "And abroad?" is about what was asked before.
    const words = own.length >= 2 ? own : [...own, ...telling(wordsOf(question.before), base)];
    if (words.length === 0) return [];
    const ids = await this.search(base, words.slice(0, MOST_WORDS), limits, signal);
    return ids.flatMap((id) => base.passages[id] ?? []);
  }

  private async search(base: Base, words: readonly string[], { most, millis }: { most: number; millis: number }, signal: AbortSignal): Promise<readonly number[]> {
    if (base.index === base.fallback) return base.index.search(words, most, signal);
    const late = new AbortController();
    const timer = this.options.clock.after(millis * SHARE, () => { late.abort(new ConfabError('CONFAB_KNOWLEDGE_UNAVAILABLE', { detail: 'It did not answer in time.' })); });
    try {
      return await base.index.search(words, most, AbortSignal.any([signal, late.signal]));
    } catch (thrown) {
      signal.throwIfAborted();
      if (!isCode(thrown, 'CONFAB_KNOWLEDGE_UNAVAILABLE')) throw thrown;
      this.options.onFailure(thrown);
      return await base.fallback.search(words, most, signal);
    } finally {
      timer.cancel();
    }
  }

  private base(bot: Bot): Base {
    const found = this.bases.get(bot);
    if (found !== undefined) return found;
    const { store, fallback } = this.options;
    const passages = passagesOf(bot.knowledge);
    const counts = new Map<string, number>();
    for (const { title, text } of passages) for (const word of new Set(wordsOf(`${title} ${text}`))) counts.set(word, (counts.get(word) ?? 0) + 1);
    const name = `${bot.id}-${bot.version}`;
    const index = store.open(name, passages);
    const base: Base = { passages, counts, index, fallback: fallback === store ? index : fallback.open(name, passages) };
    this.bases.set(bot, base);
    return base;
  }
}

/** Without words that nearly every passage has; those that none has stay: they may be mistyped. */
function telling(words: readonly string[], { passages, counts }: Base): string[] {
  const bound = passages.length < FEW ? Infinity : passages.length * COMMON;
  return [...new Set(words)].filter((word) => (counts.get(word) ?? 0) <= bound);
}
