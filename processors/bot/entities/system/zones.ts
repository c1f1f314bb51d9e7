/** Offsets of time zones at a moment, from the data that Node has; independent of the zone of the machine. */

const formats = new Map<string, Intl.DateTimeFormat>();
const MOST_KEPT = 64;

/** True for a name of the IANA data base, or an offset such as "+02:00". */
export function isTimeZone(name: string): boolean {
  return formatOf(name) !== undefined;
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  const found = formats.get(zone);
  if (found) return found;
  if (zone.length > 64) return undefined;
  try {
    const format = new Intl.DateTimeFormat('en', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' });
    if (formats.size >= MOST_KEPT) formats.clear();
    formats.set(zone, format);
    return format;
  } catch {
    return undefined;
  }
}

/** Minutes east of UTC at this moment; 0 for a zone that is none. */
export function offsetAt(zone: string, at: number): number {
  const format = zone === 'UTC' ? undefined : formatOf(zone);
  if (!format) return 0;
  const fields = new Map(format.formatToParts(at).map((part) => [part.type, Number(part.value)]));
  const get = (type: Intl.DateTimeFormatPartTypes): number => fields.get(type) ?? 0;
  const local = Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second'));
  return Math.round((local - Math.floor(at / 1000) * 1000) / 60_000);
}

/** Minutes east of UTC when clocks there show this (a time as if it were UTC); of an hour that is there twice the first. */
export function offsetOfLocal(zone: string, local: number): number {
  const guess = offsetAt(zone, local - offsetAt(zone, local) * 60_000);
  const earlier = offsetAt(zone, local - guess * 60_000 - 3_600_000);
  return offsetAt(zone, local - earlier * 60_000) === earlier ? earlier : guess;
}
