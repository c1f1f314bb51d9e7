/** What is found in a text, and what is known about the text beside its characters. */

import type { Message } from '../../../schemas/types.js';

/** Which rule found it. `fuzzy` is a list whose words were not written quite so; `learned` stems from marked examples. */
export type EntitySource = 'pattern' | 'list' | 'fuzzy' | 'system' | 'learned';

export interface FoundEntity {
  readonly name: string;
  /** Normalised: the value of a list, ISO 8601 of times, E.164 of telephones (system/index.ts has all forms). */
  readonly value: string;
  /** UTF-16 units of the text. */
  readonly start: number;
  readonly end: number;
  readonly source: EntitySource;
  /** Kind of a system entity; null for others. */
  readonly type: string | null;
  /** 0 to 1 where it is a guess (`fuzzy`, `learned`); null where it is not. */
  readonly confidence: number | null;
}

export interface ExtractionContext {
  /** BCP 47, as the message names it; null where it does not. */
  readonly locale: string | null;
  /** IANA name; null for the bot's. */
  readonly timeZone: string | null;
  /** Acceptance time of the message, milliseconds: what "tomorrow" is counted from. */
  readonly at: number;
}

/** Name of the message's attribute in which an integration may give the person's time zone. */
const TIME_ZONE = 'timeZone';

/** What a message says about itself; `at` is its acceptance. */
export function contextOf(message: Pick<Message, 'locale' | 'attributes'>, at: number): ExtractionContext {
  const timeZone = message.attributes[TIME_ZONE];
  return { locale: message.locale, timeZone: typeof timeZone === 'string' ? timeZone : null, at };
}

const base = (tag: string): string => tag.split('-')[0] ?? tag;

/** The context of a text that turned out to be in this one of the bot's languages; the same one where it was read so already. The region stays. */
export function inLanguage(context: ExtractionContext, language: string | null, languages: readonly string[]): ExtractionContext {
  if (language === null || languages.length < 2) return context;
  const { locale } = context;
  const read = languages.find((one) => locale !== null && base(one) === base(locale)) ?? languages[0] ?? language;
  if (base(read) === base(language)) return context;
  const region = locale === null ? undefined : /^[a-z]{2,3}[-_]([A-Z]{2})\b/.exec(locale)?.[1];
  return { ...context, locale: region === undefined ? language : `${base(language)}-${region}` };
}

/** Of texts that nobody sent, such as examples: the same whenever it is asked. */
export const NO_CONTEXT: ExtractionContext = { locale: null, timeZone: null, at: 0 };
