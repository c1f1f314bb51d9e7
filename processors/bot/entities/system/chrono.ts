/** The adapter of chrono-node: a parser of dates and times by language, loaded when a bot first needs it. */
import { createRequire } from 'node:module';
import type { Chrono, Component, Parser, ParsedComponents, ParsedResult } from 'chrono-node';
import { createCues } from './date-cues.js';

export type { ParsedComponents, ParsedResult };

export interface DateParser {
  /** False where there is surely no date or time in it. */
  promising(piece: string): boolean;
  parse(piece: string, at: number, offset: number, forward: boolean): ParsedResult[];
}

interface Language { readonly casual: Chrono; readonly GB?: Chrono }

const LANGUAGES = new Set(['en', 'de', 'fr', 'ja', 'pt', 'nl', 'zh', 'ru', 'es', 'uk', 'it', 'sv', 'fi', 'vi', 'id', 'ar']);
/** Where the month is written before the day. */
const MONTH_FIRST = new Set(['US', 'PH', 'PR', 'GU', 'VI', 'AS', 'FM', 'MH', 'PW', 'BZ']);

const load = createRequire(import.meta.url);
const made = new Map<string, DateParser>();

/** Languages that the library does not know are read as English: their ISO dates and digits are found. */
export function dateParser(language: string, region: string): DateParser {
  const known = LANGUAGES.has(language) ? language : 'en';
  const key = known === 'en' && !MONTH_FIRST.has(region) ? 'en-GB' : known;
  const found = made.get(key) ?? create(known, key);
  made.set(key, found);
  return found;
}

function create(language: string, key: string): DateParser {
  const library = load(`chrono-node/${language}`) as Language;
  const chrono = (key === 'en-GB' ? library.GB ?? library.casual : library.casual).clone();
  if (language === 'en') chrono.parsers.push(PAST_AND_TO);
  return {
    promising: createCues(language),
    parse: (piece, at, offset, forward) => chrono.parse(piece, { instant: new Date(at), timezone: offset }, { forwardDate: forward }),
  };
}

const HOURS = ['twelve', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven'];
const hourOf = (word: string): number => /^\d/.test(word) ? Number(word) : HOURS.indexOf(word.toLowerCase());
const MINUTES: Readonly<Record<string, number>> = { half: 30, quarter: 15, five: 5, ten: 10, twenty: 20 };

/** "half past six", "quarter to 9", which the library lacks. */
const PAST_AND_TO: Parser = {
  pattern: () => /\b(half|(?:a )?quarter|five|ten|twenty|[0-5]?\d)(?: minutes)? (past|to) (one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|1[0-2]|[1-9])\b(?: ?([ap])\.?m\b\.?)?/i,
  extract(_context, match): Partial<Record<Component, number>> | null {
    const [, amount = '', way = '', hour = '', half] = match;
    const minutes = /^\d/.test(amount) ? Number(amount) : MINUTES[amount.toLowerCase().replace('a ', '')] ?? 0;
    const total = (hourOf(hour) % 12) * 60 + (half?.toLowerCase() === 'p' ? 720 : 0) + (way.toLowerCase() === 'past' ? minutes : -minutes);
    const day = (total + 1440) % 1440;
    if (half === undefined) return { hour: Math.floor(day / 60) % 12 === 0 ? 12 : Math.floor(day / 60) % 12, minute: day % 60 };
    return { hour: Math.floor(day / 60), minute: day % 60, meridiem: day >= 720 ? 1 : 0 };
  },
};
