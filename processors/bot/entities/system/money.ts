/**
 * Amounts of money as "12.50 EUR": a plain decimal and the code of ISO 4217. Names and signs of currencies come from `Intl`,
 * for any language; a sign that several have ("$", "kr") means the one of the region.
 */
import type { SystemFind } from './kinds.js';
import type { Locale } from './locale.js';
import type { Lexeme } from './lexemes.js';
import { currencyNames, type CurrencyAt, type CurrencyNames } from './currencies.js';
import { decimal, numberAt, type NumberFind } from './numbers.js';

interface Amount extends SystemFind { readonly amount: number; readonly code: string; readonly minor: boolean; /** Hundredths of whatever stands before. */ readonly anyCode: boolean; readonly next: number }

export function findMoney(list: readonly Lexeme[], locale: Locale): SystemFind[] {
  const names = currencyNames(locale);
  const found: SystemFind[] = [];
  for (let at = 0; at < list.length;) {
    const amount = amountAt(list, at, locale, names);
    if (!amount) { at += 1; continue; }
    const from = list[amount.next]?.kind === 'word' && JOINERS.has((list[amount.next] as Lexeme).text) ? amount.next + 1 : amount.next;
    const cents = amount.minor ? undefined : amountAt(list, from, locale, names);
    const whole = cents?.minor === true && (cents.code === amount.code || cents.anyCode) ? { ...amount, amount: amount.amount + cents.amount, end: cents.end, next: cents.next } : amount;
    found.push({ start: whole.start, end: whole.end, value: `${written(whole.amount, names.digits(whole.code))} ${whole.code}` });
    at = whole.next;
  }
  return found;
}

const JOINERS = new Set(['and', 'und', 'et', 'y', 'e', 'en', 'con']);

function written(amount: number, digits: number): string {
  const exact = decimal(amount);
  const fraction = exact.split('.')[1] ?? '';
  return fraction.length > digits || fraction === '' && Number.isInteger(amount) ? exact : amount.toFixed(digits);
}

function amountAt(list: readonly Lexeme[], at: number, locale: Locale, names: CurrencyNames): Amount | undefined {
  const before = names.at(list, at);
  if (before && !before.minor && before.leads) {
    const number = numberAt(list, before.next, locale);
    if (number && !number.article) return { ...toAmount(number, before), start: (list[at] as Lexeme).start };
  }
  const number = numberAt(list, at, locale);
  if (!number) return undefined;
  const after = names.at(list, number.next);
  if (!after || (number.article && !after.word)) return undefined;
  // "20 p": one letter is a unit only where it is glued to its number.
  if (after.end - after.start === 1 && after.word && after.start !== number.end) return undefined;
  return { ...toAmount(number, after), end: after.end, next: after.next };
}

function toAmount(number: NumberFind, currency: CurrencyAt): Amount {
  const amount = Number(number.value) / (currency.minor ? 100 : 1);
  return { start: number.start, end: number.end, value: '', amount, code: currency.code, minor: currency.minor, anyCode: currency.anyCode, next: number.next };
}
