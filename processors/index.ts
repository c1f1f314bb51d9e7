/** Every stage of the topology by name. A stage that is declared and not here does not compile. */
import type { StageName } from '../topology/topology.js';
import { createAnalyticsStage } from './analytics/index.js';
import type { Bots, Literal } from './bot/index.js';
import { createDialogueStage } from './dialogue/index.js';
import { createIntentStage, type ModelCache } from './intent/index.js';
import type { Stage } from './stage.js';
import { createTimersStage } from './timers/index.js';

/** What stages are made from. */
export interface StageParts {
  readonly bots: Bots;
  readonly models: ModelCache;
  /** Flags that operators set while nodes run. */
  readonly flags?: () => ReadonlyMap<string, Literal>;
}

export const stageFactories: { readonly [S in StageName]: (parts: StageParts) => Stage<S> } = {
  intent: ({ bots, models }) => createIntentStage({ bots, cache: models }),
  dialogue: ({ bots, flags }) => createDialogueStage({ bots, ...(flags === undefined ? {} : { flags }) }),
  timers: () => createTimersStage(),
  analytics: () => createAnalyticsStage(),
};

export const stageNames = Object.keys(stageFactories) as StageName[];
