/** Patterns of bots: RE2, whose matching is linear in the text whatever the pattern is. */
import { RE2JS } from 're2js';
import { shown, type Faults, type Place } from './faults.js';
import { asText } from './fields.js';
import type { Shape } from './shapes.js';

const PATTERN_LENGTH = 300;
const PROGRAM_SIZE = 2000;

/** True when RE2 takes the pattern, and it is of bounded size and matches something. */
export function checkPattern(pattern: string, place: Place, faults: Faults): boolean {
  if (pattern.length > PATTERN_LENGTH) { faults.error(place, `the pattern is longer than ${PATTERN_LENGTH} characters`); return false; }
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
    if (compiled.programSize() > PROGRAM_SIZE) { faults.error(place, 'the pattern is too large: use smaller repetitions'); return false; }
    if (compiled.matches('')) { faults.error(place, 'the pattern matches the empty text'); return false; }
    return true;
  } catch (error) {
    faults.error(place, `the pattern is not RE2: ${shown(error instanceof Error ? error.message : String(error))}`);
    return false;
  }
}

export const pattern: Shape<string> = {
  read(tree, what, { faults }) {
    const text = asText(tree, what, faults);
    return text !== undefined && checkPattern(text, tree.place, faults) ? text : undefined;
  },
  schema: () => ({ type: 'string', maxLength: PATTERN_LENGTH }),
};
