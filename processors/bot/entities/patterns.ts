/** Patterns of bots, on RE2: their time is linear in the text whatever their authors wrote. */
import { RE2JS } from 're2js';
import type { EntityDefinition } from '../types.js';
import type { FoundEntity } from './found.js';

const VALUE_CHARACTERS = 500;

/** Adds what the patterns of the entities find; at most `most` in all. */
export type PatternFinder = (text: string, into: FoundEntity[], most: number) => void;

export function createPatternFinder(entities: readonly EntityDefinition[]): PatternFinder | undefined {
  const patterns = entities.flatMap((entity) => entity.patterns.map((pattern) => ({ entity, pattern: RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE) })));
  if (patterns.length === 0) return undefined;
  return (text, into, most) => { for (const { entity, pattern } of patterns) findPattern(entity, pattern, text, { into, most }); };
}

function findPattern(entity: EntityDefinition, pattern: RE2JS, text: string, { into, most }: { into: FoundEntity[]; most: number }): void {
  // `test` runs an automaton and is several times cheaper than a matcher: most texts hold no match.
  if (!pattern.test(text)) return;
  const matcher = pattern.matcher(text);
  while (into.length < most && matcher.find()) {
    const raw = (matcher.group() ?? '').slice(0, VALUE_CHARACTERS);
    const value = entity.normalise === 'upper' ? raw.toUpperCase() : entity.normalise === 'lower' ? raw.toLowerCase() : raw;
    into.push({ name: entity.name, value, start: matcher.start(), end: matcher.end(), source: 'pattern', type: null, confidence: null });
  }
}
