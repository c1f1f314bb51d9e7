/** The program that is simulated: the stages as they are, with the example bot. */
import { join } from 'node:path';
import { packageRoot } from '../platform/package-root.js';
import { fixedBots, loadBots } from '../processors/bot/index.js';
import { stageFactories } from '../processors/index.js';
import type { AnyConversationStage } from '../processors/runner/any-stage.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { Programme } from './world.js';

/** Trains the bot's model: a second or two. */
export async function loadProgramme(): Promise<Programme> {
  const bots = fixedBots((await loadBots(join(packageRoot(), 'bots'))).filter(({ id }) => id === 'parcel'));
  const parts = { bots, models: new Map<string, Buffer>() };
  return {
    codec: createLocalCodec(), bots,
    intent: stageFactories.intent(parts) as unknown as AnyConversationStage,
    dialogue: stageFactories.dialogue(parts) as unknown as AnyConversationStage,
    analytics: () => stageFactories.analytics(parts),
  };
}
