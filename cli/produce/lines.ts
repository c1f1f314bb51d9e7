/** JSON lines to records: with a key of the command each line is a record, without one it is what `confab tail` prints. */
import { ConfabError, type FieldError } from '../../platform/errors.js';
import type { ProduceEntry } from '../../operate/produce/record-checker.js';

export interface Lines {
  readonly entries: readonly ProduceEntry[];
  /** Number of the line of each entry, from 1. */
  readonly numbers: readonly number[];
}

const MOST_LINES = 100_000;
/** Names that `confab tail` prints; where a record came from is no part of the new one. */
const KNOWN = new Set(['topic', 'partition', 'offset', 'position', 'timestamp', 'key', 'headers', 'value']);

/** @throws CONFAB_INPUT_INVALID with a fault for each wrong line */
export async function readLines(lines: AsyncIterable<string>, key: string | undefined): Promise<Lines> {
  const entries: ProduceEntry[] = [];
  const numbers: number[] = [];
  const faults: FieldError[] = [];
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line.trim() === '') continue;
    if (entries.length >= MOST_LINES) throw new ConfabError('CONFAB_INPUT_INVALID', { detail: `There are more than ${MOST_LINES} lines: split them.` });
    const read = entryOf(line, key);
    if (typeof read === 'string') faults.push({ pointer: `/${number}`, detail: `line ${number}: ${read}` });
    else { entries.push(read); numbers.push(number); }
  }
  if (faults.length > 0) throw inputError(faults);
  return { entries, numbers };
}

/** The faults of records, as faults of the lines that they stand in. */
export function asLines(error: ConfabError, numbers: readonly number[]): ConfabError {
  if (error.code !== 'CONFAB_BODY_INVALID' || error.errors === undefined) return error;
  return inputError(error.errors.map(({ pointer, detail }) => {
    const [, index = '0', place = ''] = /^\/records\/(\d+)(.*)$/s.exec(pointer) ?? [];
    const number = numbers[Number(index)] ?? 0;
    return { pointer: `/${number}${place}`, detail: `line ${number}: ${place} ${detail}` };
  }));
}

function inputError(faults: readonly FieldError[]): ConfabError {
  const shown = faults.slice(0, 20);
  return new ConfabError('CONFAB_INPUT_INVALID', { detail: `${shown[0]?.detail ?? ''}. Nothing was written.`, errors: shown });
}

/** The entry, or what is wrong with the line. */
function entryOf(line: string, key: string | undefined): ProduceEntry | string {
  let json: unknown;
  try { json = JSON.parse(line); } catch { return 'is not JSON'; }
  if (key !== undefined) return { key, value: json };
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return 'must be an object with key and value; with --key or --conversation a line is the record alone';
  const unknown = Object.keys(json).find((name) => !KNOWN.has(name));
  const { key: own, value, timestamp, headers } = json as { key?: unknown; value?: unknown; timestamp?: unknown; headers?: unknown };
  if (unknown !== undefined || value === undefined) return `must be an object with key and value${unknown === undefined ? '' : `, and "${unknown}" is neither`}; with --key or --conversation a line is the record alone`;
  if (typeof own !== 'string') return '/key must be a text';
  if (timestamp !== undefined && typeof timestamp !== 'string' && typeof timestamp !== 'number') return '/timestamp must be a time as in RFC 3339, or milliseconds since 1970';
  if (headers !== undefined && !isHeaders(headers)) return '/headers must be an object of texts';
  return { key: own, value, ...(timestamp === undefined ? {} : { timestamp }), ...(headers === undefined ? {} : { headers }) };
}

function isHeaders(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((inner) => typeof inner === 'string');
}
