/** Which values a slot takes, and the one form in which they are stored. Linear in the value. */
import { RE2JS } from 're2js';
import type { SlotDefinition, SlotType } from './types.js';

/** The value as the slot stores it, or null when it does not fit. */
export type SlotCheck = (value: string) => string | null;

const NUMBER = /^[+-]?\d{1,15}(?:[.,]\d{1,9})?$/;
/** `50 EUR`, as the entity `money` writes it: the number is what counts. */
const CURRENCY = / [A-Z]{3}$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/;
const EMAIL = /^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}$/;
const PHONE = /^\+?[\d ()/.-]{5,30}$/;
const NOTHING = /[ ()/.-]/g;

/** True for types whose values have an order. */
export function isOrdered(type: SlotType): boolean { return type === 'number' || type === 'integer' || type === 'date' || type === 'time' || type === 'datetime'; }

/** The value in the one form of its type; null when it is none. */
export function canonical(type: SlotType, written: string): string | null {
  const value = written.trim();
  switch (type) {
    case 'text': return value;
    case 'number': { const number = numberOf(value); return Number.isNaN(number) ? null : String(number); }
    case 'integer': { const number = numberOf(value); return Number.isSafeInteger(number) ? String(number) : null; }
    case 'boolean': return value === 'true' || value === 'false' ? value : null;
    case 'date': return isDate(value) ? value : null;
    case 'time': return TIME.test(value) ? value : null;
    case 'datetime': return isDateTime(value) ? value : null;
    case 'email': return EMAIL.test(value) ? value.toLowerCase() : null;
    case 'url': return isUrl(value) ? value : null;
    case 'phone': return phone(value);
  }
}

function numberOf(written: string): number {
  const value = written.replace(CURRENCY, '');
  return NUMBER.test(value) ? Number(value.replace(',', '.')) : NaN;
}

function isDate(value: string): boolean {
  const match = DATE.exec(value);
  if (!match) return false;
  const [year = 0, month = 0, day = 0] = match.slice(1).map(Number);
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month);
}

function daysOf(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** ISO 8601, with or without an offset. */
function isDateTime(value: string): boolean {
  const [date = '', rest = ''] = value.split('T');
  const time = rest.replace(/(?:\.\d{1,3})?(?:Z|[+-]\d{2}:\d{2})?$/, '');
  return isDate(date) && TIME.test(time);
}

function isUrl(value: string): boolean {
  if (value.length > 500 || !/^https?:\/\//i.test(value)) return false;
  return URL.canParse(value);
}

function phone(value: string): string | null {
  if (!PHONE.test(value)) return null;
  const digits = value.replace(NOTHING, '').replace('+', '');
  return digits.length >= 5 && digits.length <= 15 ? `${value.startsWith('+') ? '+' : ''}${digits}` : null;
}

/** Compiled once for each slot of a bot. */
export function createSlotCheck(slot: SlotDefinition): SlotCheck {
  const pattern = slot.matches === null ? null : RE2JS.compile(slot.matches, RE2JS.CASE_INSENSITIVE);
  const named = slot.oneOf === null ? null : new Map(slot.oneOf.map((value) => [value.toLowerCase(), value]));
  return (written) => {
    const value = canonical(slot.type, written);
    if (value === null || value.length < slot.minLength || value.length > slot.maxLength || !withinBounds(slot, value)) return null;
    if (pattern && !pattern.matches(value)) return null;
    return named === null ? value : named.get(value.toLowerCase()) ?? null;
  };
}

function withinBounds({ type, min, max }: SlotDefinition, value: string): boolean {
  if (min === null && max === null) return true;
  if (type === 'number' || type === 'integer') { const number = Number(value); return (min === null || number >= Number(min)) && (max === null || number <= Number(max)); }
  return (min === null || value >= String(min)) && (max === null || value <= String(max));
}
