/**
 * System entities: what every bot may use without describing it. Values: number, ordinal `1234.5`; date, time, datetime and
 * duration ISO 8601; money `12.50 EUR` (ISO 4217); email in small letters; url with its scheme; phone E.164. Only the kinds
 * that a bot has are searched for, and their libraries loaded.
 */
import type { EntityDefinition, SystemEntity } from '../../types.js';
import type { ExtractorBot } from '../extractor.js';
import type { ExtractionContext, FoundEntity } from '../found.js';
import { readDates, type DateKind } from './dates.js';
import { dateParser } from './chrono.js';
import { findDurations } from './durations.js';
import type { SystemFind } from './kinds.js';
import { lexemes, type Lexeme } from './lexemes.js';
import { findLinks, prepareLinks } from './links.js';
import { createLocales, type Locale } from './locale.js';
import { findMoney } from './money.js';
import { findNumbers } from './numbers.js';
import { findOrdinals } from './ordinals.js';
import { findPhones, preparePhones } from './phones.js';
import { isTimeZone } from './zones.js';

export interface SystemFinder {
  find(text: string, context: ExtractionContext, into: FoundEntity[]): void;
  /** Characters given to libraries so far. */
  work(): number;
}

interface Reader { lexemes(): readonly Lexeme[]; dates(kind: DateKind, forward: boolean): SystemFind[]; readonly text: string; readonly locale: Locale; readonly work: (characters: number) => void }

const FINDERS: Record<SystemEntity, (reader: Reader, entity: EntityDefinition) => SystemFind[]> = {
  number: (reader) => findNumbers(reader.lexemes(), reader.locale),
  ordinal: (reader) => findOrdinals(reader.lexemes(), reader.locale),
  duration: (reader) => findDurations(reader.lexemes(), reader.locale),
  money: (reader) => findMoney(reader.lexemes(), reader.locale),
  date: (reader, entity) => reader.dates('date', entity.prefer !== 'past'),
  time: (reader, entity) => reader.dates('time', entity.prefer !== 'past'),
  datetime: (reader, entity) => reader.dates('datetime', entity.prefer !== 'past'),
  email: (reader) => findLinks('email', reader.text, reader.work),
  url: (reader) => findLinks('url', reader.text, reader.work),
  phone: (reader) => findPhones(reader.text, reader.locale, reader.work),
};
/** Kinds that are no finds of their own inside another: the 6 of "half past six" counts nothing. */
const PARTS: ReadonlySet<string> = new Set<SystemEntity>(['number', 'ordinal']);
/** Of one entity. */
const MOST_FOUND = 20;

export function createSystemFinder(bot: ExtractorBot): SystemFinder | undefined {
  const entities = bot.entities.flatMap((entity) => entity.system === null ? [] : [{ entity, kind: entity.system }]);
  if (entities.length === 0) return undefined;
  const languages = bot.languages ?? [bot.language ?? 'en'];
  const locales = createLocales(languages);
  const zone = bot.timeZone ?? 'UTC';
  prepare(new Set(entities.map((one) => one.kind)), languages, locales);
  let characters = 0;
  const work = (count: number): void => { characters += count; };
  return {
    work: () => characters,
    find(text, context, into) {
      const locale = locales.of(context.locale);
      const moment = { at: context.at, zone: context.timeZone !== null && isTimeZone(context.timeZone) ? context.timeZone : zone };
      const reader = createReader(text, locale, moment, work);
      const found = entities.flatMap(({ entity, kind }) => FINDERS[kind](reader, entity).slice(0, MOST_FOUND).map((find) => ({ name: entity.name, ...find, source: 'system' as const, type: kind, confidence: null })));
      for (const one of found) if (!PARTS.has(one.type) || !found.some((other) => !PARTS.has(other.type) && other.start <= one.start && one.end <= other.end)) into.push(one);
    },
  };
}

/** What several kinds need is made once for a text. */
function createReader(text: string, locale: Locale, moment: { at: number; zone: string }, work: (characters: number) => void): Reader {
  let list: readonly Lexeme[] | undefined;
  const read = new Map<boolean, (kind: DateKind) => SystemFind[]>();
  return {
    text, locale, work,
    lexemes: () => { if (!list) { list = lexemes(text); work(text.length); } return list; },
    dates(kind, forward) {
      const found = read.get(forward) ?? readDates(text, locale, { ...moment, forward }, { work, durations: (piece) => findDurations(lexemes(piece), locale) });
      read.set(forward, found);
      return found(kind);
    },
  };
}

function prepare(kinds: ReadonlySet<SystemEntity>, languages: readonly string[], locales: { of(tag: string): Locale }): void {
  if (kinds.has('email') || kinds.has('url')) prepareLinks();
  if (kinds.has('phone')) preparePhones();
  if (!kinds.has('date') && !kinds.has('time') && !kinds.has('datetime')) return;
  for (const language of languages) { const locale = locales.of(language); dateParser(locale.language, locale.region); }
}
