/** The program that is simulated: the stages as they are, with the example bot and one of the simulation's own. */
import { join } from 'node:path';
import { packageRoot } from '../platform/package-root.js';
import { fixedBots, loadBots } from '../processors/bot/index.js';
import { stageFactories } from '../processors/index.js';
import type { AnyConversationStage } from '../processors/runner/any-stage.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { Programme } from './world.js';

/** Trains the bots' models: a second or two. */
export async function loadProgramme(): Promise<Programme> {
  const parcel = (await loadBots(join(packageRoot(), 'bots'))).filter(({ id }) => id === 'parcel');
  const bots = fixedBots([...parcel, ...await loadBots(join(packageRoot(), 'simulation', 'bots'))]);
  const parts = { bots, models: new Map<string, Buffer>() };
  return {
    codec: createLocalCodec(), bots,
    intent: stageFactories.intent(parts) as unknown as AnyConversationStage,
    dialogue: stageFactories.dialogue(parts) as unknown as AnyConversationStage,
    timers: () => stageFactories.timers(parts),
    analytics: () => stageFactories.analytics(parts),
  };
}
