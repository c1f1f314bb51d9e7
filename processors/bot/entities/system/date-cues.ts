/** What a piece of text must hold to be worth a search for dates: a digit, the name of a month or day, or a word of time. */
import { fold, tokens } from '../../text.js';

/** Only where these are all that the parser of the language knows; others are always searched. */
const WORDS: Readonly<Record<string, string>> = {
  en: 'today tonight tomorrow tmr tmrw yesterday now noon midday midnight morning afternoon evening night next last this past ago later in within after before from for hence weekend '
    + 'week weeks month months year years day days hour hours minute minutes second seconds quarter quarters half decade decades fortnight end start beginning',
};
const DIGIT = /\p{Nd}/u;

export function createCues(language: string): (piece: string) => boolean {
  const words = WORDS[language];
  if (words === undefined) return () => true;
  const known = new Set(words.split(' '));
  for (const width of ['long', 'short'] as const) {
    const month = new Intl.DateTimeFormat(language, { month: width, timeZone: 'UTC' });
    const day = new Intl.DateTimeFormat(language, { weekday: width, timeZone: 'UTC' });
    for (let index = 0; index < 12; index++) { known.add(fold(month.format(Date.UTC(2020, index, 1)))); known.add(fold(day.format(Date.UTC(2020, 0, index + 1)))); }
  }
  for (const word of ['sept', 'tue', 'tues', 'wed', 'weds', 'thur', 'thurs']) known.add(word);
  return (piece) => DIGIT.test(piece) || tokens(piece).some(({ word }) => known.has(word));
}
