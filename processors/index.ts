/** Every stage of the topology by name. A stage that is declared and not here does not compile. */
import type { StageName } from '../topology/topology.js';
import { createAnalyticsStage } from './analytics/index.js';
import type { Bots } from './bot/index.js';
import { createDialogueStage } from './dialogue/index.js';
import { createIntentStage, type ModelCache } from './intent/index.js';
import type { Stage } from './stage.js';
import { createTimersStage } from './timers/index.js';

/** What stages are made from. */
export interface StageParts {
  readonly bots: Bots;
  readonly models: ModelCache;
}

export const stageFactories: { readonly [S in StageName]: (parts: StageParts) => Stage<S> } = {
  intent: ({ bots, models }) => createIntentStage({ bots, cache: models }),
  dialogue: ({ bots }) => createDialogueStage({ bots }),
  timers: () => createTimersStage(),
  analytics: () => createAnalyticsStage(),
};

export const stageNames = Object.keys(stageFactories) as StageName[];
