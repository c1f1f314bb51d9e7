/**
 * Finds a bot's entities in a text. Patterns run on RE2, lists on a tree of words, libraries get short windows of the text:
 * the time is linear in the text whatever a bot or a person writes. Overlaps of one entity go to what is sure before what
 * is guessed, then to the longest; different entities may overlap.
 */
import { tokens } from '../text.js';
import type { Bot } from '../types.js';
import { addCommonWords } from './common-words.js';
import { NO_CONTEXT, type EntitySource, type ExtractionContext, type FoundEntity } from './found.js';
import { createPatternFinder } from './patterns.js';
import { createPhraseFinder } from './phrases.js';
import { createSystemFinder } from './system/index.js';

export interface Extractor {
  /** In order of start, at most 20. Without a context as if nobody had sent it (NO_CONTEXT). */
  extract(text: string, context?: ExtractionContext): readonly FoundEntity[];
  /** `found` with guesses of another source, by the same rules; a guess that is a part of a longer sure find is left out ("May" in "3 May"). */
  merge(found: readonly FoundEntity[], more: readonly FoundEntity[]): readonly FoundEntity[];
  /** Steps of searches and characters given to libraries so far: a measure of cost that no machine changes. */
  work(): number;
}

/** What of a bot the extractor uses. */
export type ExtractorBot = Pick<Bot, 'entities'> & Partial<Pick<Bot, 'language' | 'languages' | 'timeZone' | 'intents' | 'outOfScope'>>;

const MOST_FOUND = 20;
const MOST_CHARACTERS = 8192;
const NONE: readonly FoundEntity[] = [];

export function createExtractor(bot: ExtractorBot): Extractor {
  const phrases = createPhraseFinder(bot.entities, wordsOf(bot));
  const patterns = createPatternFinder(bot.entities);
  const systems = createSystemFinder(bot);
  return {
    extract(text, context = NO_CONTEXT) {
      if (bot.entities.length === 0) return NONE;
      const bounded = text.length > MOST_CHARACTERS ? text.slice(0, MOST_CHARACTERS) : text;
      const found: FoundEntity[] = [];
      patterns?.(bounded, found, MOST_FOUND * 2);
      systems?.find(bounded, context, found);
      phrases?.find(bounded, found, MOST_FOUND * 4);
      return found.length === 0 ? NONE : settle(found);
    },
    merge: (found, more) => {
      const whole = more.filter((one) => !found.some((other) => other.source !== 'fuzzy' && isPart(one, other)));
      return whole.length === 0 ? found : settle([...found, ...whole]);
    },
    work: () => (phrases?.work() ?? 0) + (systems?.work() ?? 0),
  };
}

/** Words of the bot's own examples and of every day: whoever writes them means them. */
function wordsOf({ entities, language = 'en', languages = [language], intents = [], outOfScope = [] }: ExtractorBot): Set<string> {
  const known = new Set<string>();
  if (entities.every((entity) => entity.values.length === 0)) return known;
  addCommonWords(languages, known);
  for (const { examples } of intents) for (const text of examples) for (const { word } of tokens(text)) known.add(word);
  for (const text of outOfScope) for (const { word } of tokens(text)) known.add(word);
  return known;
}

const GUESSED: Record<EntitySource, number> = { pattern: 0, list: 0, system: 0, fuzzy: 1, learned: 1 };

const isPart = (one: FoundEntity, other: FoundEntity): boolean => other.start <= one.start && one.end <= other.end && other.end - other.start > one.end - one.start;

/** "new yrok" is New York and not York: a longer phrase with an error counts before a part of it without. */
function withoutParts(found: FoundEntity[]): FoundEntity[] {
  const phrases = found.filter((one) => one.source === 'fuzzy');
  if (phrases.length === 0) return found;
  return found.filter((one) => one.source !== 'list' || !phrases.some((other) => other.name === one.name && isPart(one, other)));
}

/** Of one entity's overlapping finds the sure one stays, of these the longest; in order of start. */
function settle(all: FoundEntity[]): readonly FoundEntity[] {
  if (all.length === 1) return all;
  const found = withoutParts(all);
  found.sort((a, b) => GUESSED[a.source] - GUESSED[b.source] || a.start - b.start || b.end - a.end || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const kept: FoundEntity[] = [];
  const reach = new Map<string, number>();
  for (const one of found) {
    if (GUESSED[one.source] > 0) {
      if (kept.some((other) => other.name === one.name && other.start < one.end && one.start < other.end)) continue;
    } else {
      if (one.start < (reach.get(one.name) ?? 0)) continue;
      reach.set(one.name, one.end);
    }
    kept.push(one);
    if (kept.length === MOST_FOUND) break;
  }
  return kept.sort((a, b) => a.start - b.start || b.end - a.end || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
