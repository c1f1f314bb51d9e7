/**
 * The metadata string of a committed offset: who owns the partition, and what is done beyond the offset.
 *
 * `1;<instance>;<runs>`: format, name of the process instance that owns the partition ('' when it was handed over), and
 * the lengths of alternating runs of open and done offsets from the committed one on, as varints (LEB128) in base64url.
 * Offsets without a record (markers, aborted, compacted) count as done. At most 4,000 characters. Text of any other form
 * was written by another tool and is ignored.
 */

export const MAX_METADATA_LENGTH = 4000;

export interface OwnerMetadata {
  /** '' when the former owner handed the partition over. */
  readonly instance: string;
  /** Lengths of alternating runs, open first, from the committed offset on. Empty: nothing is done beyond it. */
  readonly runs: readonly number[];
}

const NOBODY: OwnerMetadata = { instance: '', runs: [] };
const FORM = /^1;([0-9A-Z]{26})?;([A-Za-z0-9_-]*)$/;

export function encodeMetadata(owner: OwnerMetadata): string {
  return `1;${owner.instance};${owner.runs.length === 0 ? '' : Buffer.from(varints(owner.runs)).toString('base64url')}`;
}

/** Never throws: what it does not understand says nothing. */
export function decodeMetadata(text: string): OwnerMetadata {
  const match = FORM.exec(text);
  if (!match) return NOBODY;
  const runs = readVarints(Buffer.from(match[2] ?? '', 'base64url'));
  return runs === undefined ? { instance: match[1] ?? '', runs: [] } : { instance: match[1] ?? '', runs };
}

/** Bytes that the runs take. */
export function sizeOfRuns(runs: readonly number[]): number {
  let bytes = 0;
  for (const length of runs) bytes += length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 8;
  return bytes;
}

function varints(numbers: readonly number[]): number[] {
  const bytes: number[] = [];
  for (let number of numbers) {
    while (number >= 0x80) { bytes.push((number % 0x80) | 0x80); number = Math.floor(number / 0x80); }
    bytes.push(number);
  }
  return bytes;
}

function readVarints(bytes: Buffer): number[] | undefined {
  const numbers: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * scale;
    scale *= 0x80;
    if (scale > Number.MAX_SAFE_INTEGER) return undefined;
    if (byte < 0x80) { numbers.push(value); value = 0; scale = 1; }
  }
  return scale === 1 ? numbers : undefined;
}

/** Offsets at or after `start` that are done already, by the runs of a former owner. Asked in ascending order. */
export class DoneOffsets {
  private readonly ends: { from: number; to: number }[] = [];
  private at = 0;

  constructor(start: number, runs: readonly number[]) {
    let offset = start;
    runs.forEach((length, index) => {
      if (index % 2 === 1 && length > 0) this.ends.push({ from: offset, to: offset + length });
      offset += length;
    });
  }

  has(offset: number): boolean {
    for (;;) {
      const run = this.ends[this.at];
      if (run === undefined || offset < run.from) return false;
      if (offset < run.to) return true;
      this.at += 1;
    }
  }

  /** Runs at or after `offset`, for whoever hands on what it has not read itself. */
  after(offset: number): { readonly from: number; readonly to: number }[] {
    return this.ends.filter(({ to }) => to > offset).map(({ from, to }) => ({ from: Math.max(from, offset), to }));
  }
}
