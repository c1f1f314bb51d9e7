/**
 * Dates (`2026-11-24`, of a month `2026-11`, of a year `2026`), times (`17:00`) and both together (with the offset of the
 * time zone then), in ISO 8601; a span of them as `from/to`. Counted from the acceptance time of the message.
 */
import { dateParser, type DateParser, type ParsedComponents, type ParsedResult } from './chrono.js';
import type { SystemFind } from './kinds.js';
import type { Locale } from './locale.js';
import { windowsOf } from './windows.js';
import { offsetAt, offsetOfLocal } from './zones.js';

export type DateKind = 'date' | 'time' | 'datetime';

export interface Moment {
  readonly at: number;
  readonly zone: string;
  /** "Monday" is the next one; else the nearest. */
  readonly forward: boolean;
}

/** A span of time, and how long it is. */
export interface Length { readonly start: number; readonly end: number; readonly value: string }

/** Where the spans of time are in a piece, and what the library is given is counted. */
export interface Around {
  durations(piece: string): readonly Length[];
  work(characters: number): void;
}

interface Reading { readonly parser: DateParser; readonly moment: Moment; readonly offset: number }

/** Words that the library takes for a date and people mostly do not. */
const NOT_ALONE = new Set(['may', 'sun', 'sat', 'mar', 'second', 'now']);
/** Longer finds are not taken apart: each gap costs four searches. */
const MOST_GAPS = 12;
const DAY_MILLIS = 86_400_000;

/** What is in a text, read once for all kinds. */
export function readDates(text: string, locale: Locale, moment: Moment, around: Around): (kind: DateKind) => SystemFind[] {
  const parser = dateParser(locale.language, locale.region);
  const reading: Reading = { parser, moment, offset: offsetAt(moment.zone, moment.at) };
  const results = windowsOf(text, (piece) => parser.promising(piece)).flatMap((window) => {
    around.work(window.text.length);
    return meant(parse(reading, window.text), window.text, reading, around).map((result) => ({ result: dayAfter(result, window.text, locale.language), start: window.start }));
  });
  return (kind) => results.flatMap(({ result, start }) => {
    const find = toFind(kind, result, reading);
    return find ? [{ ...find, start: start + find.start, end: start + find.end }] : [];
  });
}

function parse(reading: Reading, text: string): Read[] {
  const { parser, moment, offset } = reading;
  return parser.parse(text, moment.at, offset, moment.forward).map((result) => ({ result, index: result.index, text: result.text, shift: isToday(result, reading) ? 7 * DAY_MILLIS : 0 }));
}

/**
 * "Monday" on a Monday. The library moves it a week on, but in the first second of a minute it does not: it compares with the
 * seconds that the weekday does not have.
 */
function isToday({ start }: ParsedResult, { moment, offset }: Reading): boolean {
  if (!moment.forward || moment.at % 60_000 >= 1000 || !start.isCertain('weekday') || start.isCertain('day') || start.isCertain('hour')) return false;
  const today = new Date(moment.at + offset * 60_000);
  return start.get('day') === today.getUTCDate() && start.get('month') === today.getUTCMonth() + 1;
}

interface Read { readonly result: ParsedResult; readonly index: number; readonly text: string; /** Milliseconds to be added to what the library read. */ readonly shift: number }

/** Without what is no date: "may I", and "two hours", which is how long and not when. "in an hour and a half" is read to its end. */
function meant(found: readonly Read[], text: string, { moment }: Reading, around: Around): Read[] {
  const relative = found.some(({ result }) => result.tags().has('result/relativeDate'));
  const durations = relative ? around.durations(text) : [];
  return found.flatMap((read) => {
    if (NOT_ALONE.has(read.text) || !(hasDate(read.result.start) || hasTime(read.result.start))) return [];
    if (!read.result.tags().has('result/relativeDate')) return [read];
    const end = read.index + read.text.length;
    const length = durations.find((one) => one.start < end && read.index < one.end);
    if (!length) return [read];
    const bare = /^(?:for\s+)?$/i.test(text.slice(read.index, Math.max(read.index, length.start)));
    if (bare && end <= length.end) return [];
    const millis = length.end > end && read.result.tags().has('result/relativeDateAndTime') ? timeMillis(length.value) : undefined;
    if (millis === undefined) return [read];
    return [{ ...read, text: text.slice(read.index, length.end), shift: millis - (read.result.start.date().getTime() - Math.floor(moment.at / 1000) * 1000) }];
  });
}

/** Of a duration in hours and smaller units. */
function timeMillis(duration: string): number | undefined {
  const match = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$/.exec(duration);
  return match ? ((Number(match[1] ?? 0) * 60 + Number(match[2] ?? 0)) * 60 + Number(match[3] ?? 0)) * 1000 : undefined;
}

const AROUND = /\b(?:the )?day (after|before) $/i;

/** "the day after tomorrow", of which the library reads "tomorrow". */
function dayAfter(read: Read, text: string, language: string): Read {
  const match = language === 'en' && /^(tomorrow|yesterday)/i.test(read.text) ? AROUND.exec(text.slice(Math.max(0, read.index - 16), read.index)) : null;
  if (!match) return read;
  return { ...read, index: read.index - match[0].length, text: match[0] + read.text, shift: match[1]?.toLowerCase() === 'after' ? DAY_MILLIS : -DAY_MILLIS };
}

const hasDate = (part: ParsedComponents): boolean => part.isCertain('day') || part.isCertain('weekday') || part.isCertain('month') || part.isCertain('year');
const hasTime = (part: ParsedComponents): boolean => part.isCertain('hour');

function toFind(kind: DateKind, read: Read, reading: Reading): SystemFind | undefined {
  const { start, end } = read.result;
  if (kind === 'date' ? !hasDate(start) : !hasTime(start)) return undefined;
  const from = written(kind, start, read.shift, reading.moment.zone);
  const to = end && (kind === 'date' ? hasDate(end) : hasTime(end)) ? written(kind, end, read.shift, reading.moment.zone) : from;
  const place = kind !== 'datetime' && hasDate(start) && hasTime(start) ? narrow(kind, read, reading) : read;
  return { start: place.index, end: place.index + place.text.length, value: from === to ? from : `${from}/${to}` };
}

function written(kind: DateKind, part: ParsedComponents, shift: number, zone: string): string {
  const get = (component: Parameters<ParsedComponents['get']>[0], otherwise = 0): number => part.get(component) ?? otherwise;
  const local = Date.UTC(get('year'), get('month', 1) - 1, get('day', 1), get('hour'), get('minute'), get('second')) + shift;
  const [day = '', clock = ''] = new Date(local).toISOString().split('T');
  if (kind === 'time') return clock.slice(0, part.isCertain('second') && !part.isCertain('day') && get('second') !== 0 ? 8 : 5);
  if (kind === 'date') return part.isCertain('day') || part.isCertain('weekday') ? day : day.slice(0, part.isCertain('month') ? 7 : 4);
  const offset = (part.isCertain('timezoneOffset') ? part.get('timezoneOffset') : null) ?? offsetOfLocal(zone, local);
  return `${day}T${clock.slice(0, 8)}${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** Of "tomorrow at 5 pm" the words for the day, or those for the time, where they stand one behind the other. */
function narrow(kind: 'date' | 'time', read: Read, reading: Reading): { readonly index: number; readonly text: string } {
  const other = kind === 'date' ? hasTime : hasDate;
  const gaps = [...read.text.matchAll(/\s+/g)];
  if (gaps.length > MOST_GAPS) return read;
  for (const gap of gaps) {
    for (const [from, to] of [[0, gap.index], [gap.index + gap[0].length, read.text.length]] as const) {
      const piece = read.text.slice(from, to);
      const rest = from === 0 ? read.text.slice(gap.index) : read.text.slice(0, gap.index);
      const [alone] = parse(reading, piece);
      const [left] = parse(reading, rest);
      if (!alone || !left || other(alone.result.start) || !other(left.result.start) || (kind === 'date' ? hasDate : hasTime)(left.result.start)) continue;
      if (!(kind === 'date' ? hasDate : hasTime)(alone.result.start)) continue;
      return read.shift !== 0 && from === 0 ? { index: read.index, text: piece } : { index: read.index + from + alone.index, text: alone.text };
    }
  }
  return read;
}
