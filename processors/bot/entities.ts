/**
 * Finds a bot's entities in a text. Patterns run on RE2 and lists on a table of words, so the time is linear in the text
 * whatever a bot or a person writes. Overlaps of one entity go to the longest; different entities may overlap.
 */
import { RE2JS } from 're2js';
import { fold, tokens, type Token } from './text.js';
import type { Bot, EntityDefinition, SystemEntity } from './types.js';

export interface FoundEntity {
  readonly name: string;
  readonly value: string;
  readonly start: number;
  readonly end: number;
  readonly source: 'pattern' | 'list' | 'system';
}

export interface Extractor {
  /** In order of start, at most 20. */
  extract(text: string): readonly FoundEntity[];
}

const MOST_FOUND = 20;
const MOST_CHARACTERS = 8192;
const VALUE_CHARACTERS = 500;
const NONE: readonly FoundEntity[] = [];

/** Ours, hand-checked: no repetition inside a repetition. */
const SYSTEM: Record<SystemEntity, RegExp> = {
  number: /[+-]?\d{1,15}(?:[.,]\d{1,6})?/g,
  email: /[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}/g,
};

interface Phrase { readonly words: readonly string[]; readonly value: string; readonly name: string }

export function createExtractor(bot: Pick<Bot, 'entities'>): Extractor {
  const phrases = phraseTable(bot.entities);
  const patterns = bot.entities.flatMap((entity) => entity.patterns.map((pattern) => ({ entity, pattern: RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE) })));
  const systems = bot.entities.flatMap((entity) => entity.system === null ? [] : [{ name: entity.name, kind: entity.system }]);
  return { extract(text) {
    if (bot.entities.length === 0) return NONE;
    const bounded = text.length > MOST_CHARACTERS ? text.slice(0, MOST_CHARACTERS) : text;
    const found: FoundEntity[] = [];
    for (const { entity, pattern } of patterns) findPattern(entity, pattern, bounded, found);
    for (const { name, kind } of systems) findSystem(name, kind, bounded, found);
    if (phrases.size > 0) findPhrases(phrases, tokens(bounded), found);
    return found.length === 0 ? NONE : settle(found);
  } };
}

function phraseTable(entities: readonly EntityDefinition[]): Map<string, Phrase[]> {
  const table = new Map<string, Phrase[]>();
  for (const entity of entities) {
    for (const { value, synonyms } of entity.values) {
      for (const synonym of synonyms) {
        const words = tokens(synonym).map((token) => token.word);
        const first = words[0];
        if (first === undefined) continue;
        const list = table.get(first) ?? [];
        if (!table.has(first)) table.set(first, list);
        list.push({ words, value, name: entity.name });
      }
    }
  }
  for (const list of table.values()) list.sort((a, b) => b.words.length - a.words.length);
  return table;
}

function findPhrases(table: ReadonlyMap<string, readonly Phrase[]>, words: readonly Token[], found: FoundEntity[]): void {
  for (let at = 0; at < words.length && found.length < MOST_FOUND * 2; at++) {
    const token = words[at];
    const phrases = token && table.get(token.word);
    if (!phrases) continue;
    for (const phrase of phrases) {
      let length = 1;
      while (length < phrase.words.length && words[at + length]?.word === phrase.words[length]) length += 1;
      if (length < phrase.words.length) continue;
      found.push({ name: phrase.name, value: phrase.value, start: token.start, end: words[at + length - 1]?.end ?? token.end, source: 'list' });
    }
  }
}

function findPattern(entity: EntityDefinition, pattern: RE2JS, text: string, found: FoundEntity[]): void {
  // `test` runs an automaton and is several times cheaper than a matcher: most texts hold no match.
  if (!pattern.test(text)) return;
  const matcher = pattern.matcher(text);
  while (found.length < MOST_FOUND * 2 && matcher.find()) {
    const raw = (matcher.group() ?? '').slice(0, VALUE_CHARACTERS);
    const value = entity.normalise === 'upper' ? raw.toUpperCase() : entity.normalise === 'lower' ? raw.toLowerCase() : raw;
    found.push({ name: entity.name, value, start: matcher.start(), end: matcher.end(), source: 'pattern' });
  }
}

function findSystem(name: string, kind: SystemEntity, text: string, found: FoundEntity[]): void {
  for (const match of text.matchAll(SYSTEM[kind])) {
    if (found.length >= MOST_FOUND * 2) return;
    const value = kind === 'number' ? match[0].replace(',', '.') : fold(match[0]);
    found.push({ name, value, start: match.index, end: match.index + match[0].length, source: 'system' });
  }
}

/** In order of start; of one entity's overlapping finds the longest stays. */
function settle(found: FoundEntity[]): FoundEntity[] {
  if (found.length > 1) found.sort((a, b) => a.start - b.start || b.end - a.end || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const kept: FoundEntity[] = [];
  const reach = new Map<string, number>();
  for (const one of found) {
    if (one.start < (reach.get(one.name) ?? 0)) continue;
    reach.set(one.name, one.end);
    kept.push(one);
    if (kept.length === MOST_FOUND) break;
  }
  return kept;
}
