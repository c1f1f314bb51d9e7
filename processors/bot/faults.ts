/** Gathers every fault of a bot, so that an author sees all of them at once. */
import type { Fault } from './types.js';

/** Where something stands in the bot's folder. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** More are not shown: a file that is nothing like a bot would drown the reader. */
const MOST = 100;

export class Faults {
  readonly errors: Fault[] = [];
  readonly warnings: Fault[] = [];

  error(place: Place, reason: string): void {
    if (this.errors.length < MOST) this.errors.push({ file: place.file, line: place.line, column: place.column, reason });
  }

  warn(place: Place, reason: string): void {
    if (this.warnings.length < MOST) this.warnings.push({ file: place.file, line: place.line, column: place.column, reason });
  }

  /** No more are shown: what only makes a message better need not be worked out. */
  get full(): boolean { return this.errors.length >= MOST; }

  /** `unknown <what> "<name>"`, with the nearest of the known names where one is near. */
  unknown(place: Place, what: string, name: string, known: Iterable<string>): void {
    const near = this.full ? undefined : nearest(name, known);
    this.error(place, `unknown ${what} "${shown(name)}"${near === undefined ? '' : `; did you mean "${near}"?`}`);
  }
}

/** A name cut to what a message can hold. */
export function shown(name: string): string {
  return name.length > 60 ? `${name.slice(0, 57)}...` : name;
}

/** The known name with the fewest edits to `name`, at most a third of its length away. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  if (name.length > 60) return undefined;
  let best: string | undefined;
  let bound = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= bound) continue;
    const distance = edits(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bound) { best = candidate; bound = distance; }
  }
  return best;
}

/** Levenshtein distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
