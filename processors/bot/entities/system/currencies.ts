/** How currencies are called and written in a language, and which one a region has. */
import { fold } from '../../text.js';
import type { Locale } from './locale.js';
import type { Lexeme } from './lexemes.js';

export interface CurrencyAt {
  readonly code: string;
  /** Hundredths of it. */
  readonly minor: boolean;
  /** Hundredths of any currency: "cents". */
  readonly anyCode: boolean;
  readonly start: number;
  readonly end: number;
  readonly next: number;
  /** It may stand before its number. */
  readonly leads: boolean;
  /** A word, not a sign or a code. */
  readonly word: boolean;
}

export interface CurrencyNames {
  /** The currency that is named here. */
  at(list: readonly Lexeme[], at: number): CurrencyAt | undefined;
  /** Digits behind the point, as they are usual. */
  digits(code: string): number;
}

/** Those whose names and signs are looked for; every other one is found by its code. */
const COMMON = ('USD EUR GBP JPY CNY AUD CAD CHF HKD SGD SEK NOK DKK ISK NZD INR KRW BRL MXN ZAR TRY PLN CZK HUF RON BGN ILS AED SAR EGP THB IDR MYR PHP '
  + 'VND UAH RUB ARS CLP COP PEN TWD NGN KES MAD PKR BDT').split(' ');
const EURO = 'AT BE CY DE EE ES FI FR GR HR IE IT LT LU LV MT NL PT SI SK AD MC SM VA ME XK'.split(' ');
const REGIONS: Readonly<Record<string, string>> = {
  US: 'USD', GB: 'GBP', JP: 'JPY', CN: 'CNY', AU: 'AUD', CA: 'CAD', CH: 'CHF', LI: 'CHF', HK: 'HKD', SG: 'SGD', SE: 'SEK', NO: 'NOK', DK: 'DKK', IS: 'ISK', NZ: 'NZD', IN: 'INR', KR: 'KRW',
  BR: 'BRL', MX: 'MXN', ZA: 'ZAR', TR: 'TRY', PL: 'PLN', CZ: 'CZK', HU: 'HUF', RO: 'RON', BG: 'BGN', IL: 'ILS', AE: 'AED', SA: 'SAR', EG: 'EGP', TH: 'THB', ID: 'IDR', MY: 'MYR', PH: 'PHP',
  VN: 'VND', UA: 'UAH', RU: 'RUB', AR: 'ARS', CL: 'CLP', CO: 'COP', PE: 'PEN', TW: 'TWD', NG: 'NGN', KE: 'KES', MA: 'MAD', PK: 'PKR', BD: 'BDT',
};
/** Codes that are words in lower case. */
const WORDS_TOO = new Set(['try', 'cop', 'mad', 'pen', 'ron', 'sar', 'sek', 'ars']);
/** What a name alone means where it is not the region's own currency. */
const SHORT: Readonly<Record<string, string>> = {
  dollar: 'USD', dollars: 'USD', buck: 'USD', bucks: 'USD', 'dólares': 'USD', dolares: 'USD', 'dólar': 'USD', dollari: 'USD', pound: 'GBP', pounds: 'GBP', quid: 'GBP', pfund: 'GBP', livres: 'GBP', sterling: 'GBP',
  euro: 'EUR', euros: 'EUR', eur: 'EUR', yen: 'JPY', yuan: 'CNY', rupee: 'INR', rupees: 'INR', franc: 'CHF', francs: 'CHF', franken: 'CHF', kronor: 'SEK', kroner: 'NOK', peso: 'MXN', pesos: 'MXN', real: 'BRL', reais: 'BRL',
  usd: 'USD', gbp: 'GBP', chf: 'CHF', jpy: 'JPY', zloty: 'PLN', 'złoty': 'PLN', forint: 'HUF', rand: 'ZAR', won: 'KRW', baht: 'THB', lira: 'TRY', shekel: 'ILS', shekels: 'ILS', 元: 'CNY', 块: 'CNY', 円: 'JPY',
};
const FAMILIES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(dollars?|bucks?|dollari|d[oó]lar(es)?)$/, ['USD', 'AUD', 'CAD', 'NZD', 'SGD', 'HKD', 'TWD']], [/^(pounds?|quid)$/, ['GBP', 'EGP']], [/^(kronor|kroner|kr)$/, ['SEK', 'NOK', 'DKK', 'ISK']],
  [/^pesos?$/, ['MXN', 'ARS', 'CLP', 'COP', 'PHP']], [/^rupees?$/, ['INR', 'PKR']], [/^[元块塊]$/, ['CNY', 'TWD', 'HKD']],
];
/** Hundredths; without a code that of the region. */
const MINOR: Readonly<Record<string, string | null>> = { cent: null, cents: null, centime: null, centimes: null, rappen: 'CHF', penny: 'GBP', pence: 'GBP', p: 'GBP', 'céntimos': 'EUR', centimos: 'EUR', centesimi: 'EUR', 'cêntimos': 'EUR', centavos: 'BRL', '¢': 'USD', c: null };
const HAVE_CENTS = ['USD', 'EUR', 'AUD', 'CAD', 'NZD', 'SGD', 'HKD', 'ZAR', 'CHF'];

const made = new Map<string, CurrencyNames>();
const MOST_KEPT = 64;

export function currencyNames(locale: Locale): CurrencyNames {
  const found = made.get(locale.tag) ?? build(locale);
  if (made.size >= MOST_KEPT) made.clear();
  made.set(locale.tag, found);
  return found;
}

export const currencyOf = (region: string): string | undefined => EURO.includes(region) ? 'EUR' : REGIONS[region];

function build(locale: Locale): CurrencyNames {
  const codes = new Set(Intl.supportedValuesOf('currency'));
  const own = currencyOf(locale.region);
  const { signs, words, longest } = collect(locale, own);
  const pick = (word: string): string | undefined => {
    const family = FAMILIES.find(([form]) => form.test(word));
    return family && own !== undefined && family[1].includes(own) ? own : words.get(word) ?? (Object.hasOwn(SHORT, word) ? SHORT[word] : undefined);
  };
  return {
    digits: (code) => new Intl.NumberFormat('en', { style: 'currency', currency: code }).resolvedOptions().maximumFractionDigits ?? 2,
    at(list, at) {
      const first = list[at];
      if (!first || first.kind === 'digits') return undefined;
      const from = (code: string, next: number, more: Partial<CurrencyAt> = {}): CurrencyAt => ({ code, minor: false, anyCode: false, start: first.start, end: (list[next - 1] as Lexeme).end, next, leads: true, word: false, ...more });
      if (Object.hasOwn(MINOR, first.text)) return from(MINOR[first.text] ?? (own !== undefined && HAVE_CENTS.includes(own) ? own : 'USD'), at + 1, { minor: true, anyCode: MINOR[first.text] === null, leads: false, word: true });
      const signed = signAt(list, at, signs);
      if (signed) return from(signed.code, signed.next);
      if (first.kind !== 'word') return undefined;
      const upper = first.text.toUpperCase();
      if (codes.has(upper) && (first.upper || (COMMON.includes(upper) && !WORDS_TOO.has(first.text)))) return from(upper, at + 1);
      let key = '';
      let best: CurrencyAt | undefined;
      for (let next = at; next < at + longest && list[next]?.kind === 'word'; next++) {
        key = key === '' ? first.text : `${key} ${(list[next] as Lexeme).text}`;
        const code = pick(key);
        if (code !== undefined) best = from(code, next + 1, { leads: false, word: true });
      }
      return best;
    },
  };
}

interface Collected { readonly signs: ReadonlyMap<string, string>; readonly words: ReadonlyMap<string, string>; readonly longest: number }

function collect(locale: Locale, own: string | undefined): Collected {
  const signs = new Map<string, string>();
  const words = new Map<string, string>();
  let longest = 1;
  for (const currency of own === undefined ? COMMON : [own, ...COMMON]) {
    const part = (display: 'narrowSymbol' | 'symbol' | 'name', amount: number): string => new Intl.NumberFormat(locale.tag, { style: 'currency', currency, currencyDisplay: display, maximumFractionDigits: 0 }).formatToParts(amount).find(({ type }) => type === 'currency')?.value ?? '';
    for (const display of ['symbol', 'narrowSymbol'] as const) { const sign = part(display, 1); if (!signs.has(sign) && sign !== currency) signs.set(sign, currency); }
    for (const amount of [1, 2, 5]) {
      const name = fold(part('name', amount));
      longest = Math.max(longest, name.split(' ').length);
      if (!words.has(name)) words.set(name, currency);
      // The region's own is called by one word of its name ("20 złotych").
      if (currency === own) for (const word of name.split(' ')) if (word.length > 3 && !words.has(word)) words.set(word, currency);
    }
  }
  return { signs, words, longest };
}

/** "$", "US$", "A$", "kr", "Fr." or an upper-case code: up to three lexemes that touch. */
function signAt(list: readonly Lexeme[], at: number, signs: ReadonlyMap<string, string>): { code: string; next: number } | undefined {
  let text = '';
  let found: { code: string; next: number } | undefined;
  for (let next = at; next < at + 3; next++) {
    const lexeme = list[next];
    if (!lexeme || lexeme.kind === 'digits' || (next > at && lexeme.start !== (list[next - 1] as Lexeme).end)) break;
    text += lexeme.text.length === 2 && lexeme.kind === 'word' && list[next + 1]?.text === '$' ? lexeme.text.toUpperCase() : lexeme.text;
    const code = signs.get(text) ?? signs.get(text.toUpperCase());
    if (code !== undefined) found = { code, next: next + 1 };
  }
  return found;
}
