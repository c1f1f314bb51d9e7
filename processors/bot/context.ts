/** What the parts of the compiler share: the faults found so far and the names that may be referred to. */
import type { Faults } from './faults.js';
import type { Names } from './fields.js';
import type { Sources } from './sources.js';
import type { ActionDefinition, EntityDefinition, SlotDefinition } from './types.js';

export interface Context {
  readonly faults: Faults;
  readonly intents: Names;
  readonly entities: Names;
  readonly slots: Names;
  readonly responses: Names;
  readonly flows: Names;
  readonly actions: Names;
  /** BCP 47, the bot's first language first. */
  readonly languages: readonly string[];
  /** What conditions are checked against: filled before the flows and responses are compiled. */
  readonly declared: { readonly slots: SlotDefinition[]; readonly entities: EntityDefinition[]; readonly actions: ActionDefinition[] };
  /** Instructions of all patterns so far. */
  readonly patterns: { size: number };
  /** Notes where things stand, for those who ask. */
  readonly sources?: Sources;
}

/** Kinds of things that have names. */
export type NameKind = 'intents' | 'entities' | 'slots' | 'responses' | 'flows' | 'actions';
