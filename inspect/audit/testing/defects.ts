/** For tests: all defects, by name. */
import { CHAIN_DEFECTS } from './defects-of-chains.js';
import type { Defect } from './defect.js';
import { OUTCOME_DEFECTS } from './defects-of-outcomes.js';

export type { Expected } from './defect.js';

export const DEFECTS: Readonly<Record<string, Defect>> = { ...OUTCOME_DEFECTS, ...CHAIN_DEFECTS };
