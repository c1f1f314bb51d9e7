/** The adapter of libphonenumber-js: telephone numbers as E.164, those without a country by the region of the person. */
import { createRequire } from 'node:module';
import type { CountryCode, findPhoneNumbersInText } from 'libphonenumber-js';
import type { SystemFind } from './kinds.js';
import type { Locale } from './locale.js';

interface Library { readonly findPhoneNumbersInText: typeof findPhoneNumbersInText; readonly isSupportedCountry: (country: string) => boolean }

const load = createRequire(import.meta.url);
let library: Library | undefined;

/** Loads the library now, so that no message waits for it. */
export function preparePhones(): Library { return library ??= load('libphonenumber-js/min') as Library; }

/** Digits with what people write between them; the library sees nothing else, and no run beyond its bound. */
const RUN = /[+＋(]?\p{Nd}[\p{Nd}\s()./\-–‐\u00a0\u202f]{5,}/gu;
/** Before a run: it is the end of a name or a code, not a number. */
const LETTER = /[\p{L}\p{M}\p{N}_]$/u;
const LONGEST = 64;
const MOST_RUNS = 8;

export function findPhones(text: string, locale: Locale, work: (characters: number) => void): SystemFind[] {
  const found: SystemFind[] = [];
  let runs = 0;
  for (const match of text.matchAll(RUN)) {
    if (runs >= MOST_RUNS) break;
    if (match[0].length > LONGEST || LETTER.test(text.slice(Math.max(0, match.index - 1), match.index))) continue;
    runs += 1;
    const from = Math.max(0, match.index - 2);
    // What stands around tells a number from a part of something longer; an extension may follow.
    const piece = text.slice(from, match.index + match[0].length + 12);
    work(piece.length);
    const { findPhoneNumbersInText: find, isSupportedCountry } = preparePhones();
    const numbers = find(piece, isSupportedCountry(locale.region) ? { defaultCountry: locale.region as CountryCode, extended: true } : { extended: true });
    for (const one of numbers) {
      const start = from + one.startsAt;
      if (start >= (found.at(-1)?.end ?? 0)) found.push({ start, end: from + one.endsAt, value: one.number.number });
    }
  }
  return found;
}
