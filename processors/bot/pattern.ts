/** Patterns of bots: RE2, whose matching is linear in the text whatever the pattern is. */
import { RE2JS } from 're2js';
import type { Context } from './context.js';
import { shown, type Place } from './faults.js';
import { asText } from './fields.js';
import type { Shape } from './shapes.js';

const PATTERN_LENGTH = 300;
const PROGRAM_SIZE = 2000;
/** Of all patterns of a bot together: every text is matched with each of them. */
const TOTAL_SIZE = 20_000;

/** True when RE2 takes the pattern, and it is of bounded size and matches something. */
export function checkPattern(pattern: string, place: Place, { faults, patterns }: Context): boolean {
  if (patterns.size > TOTAL_SIZE) return false;
  if (pattern.length > PATTERN_LENGTH) { faults.error(place, `the pattern is longer than ${PATTERN_LENGTH} characters`); return false; }
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
    patterns.size += compiled.programSize();
    if (compiled.programSize() > PROGRAM_SIZE) { faults.error(place, 'the pattern is too large: use smaller repetitions'); return false; }
    if (compiled.matches('')) { faults.error(place, 'the pattern matches the empty text'); return false; }
    if (patterns.size > TOTAL_SIZE) { faults.error(place, 'the patterns of the bot are together too large'); return false; }
    return true;
  } catch (error) {
    faults.error(place, `the pattern is not RE2: ${shown(error instanceof Error ? error.message : String(error))}`);
    return false;
  }
}

export const pattern: Shape<string> = {
  read(tree, what, context) {
    const text = asText(tree, what, context.faults);
    return text !== undefined && checkPattern(text, tree.place, context) ? text : undefined;
  },
  schema: () => ({ type: 'string', maxLength: PATTERN_LENGTH }),
};
