/** Trains a bot's model into the folder where every process looks for it. */
import type { Clock } from '../../platform/clock.js';
import type { Bot } from '../../processors/bot/index.js';
import { trainInto } from '../../processors/intent/index.js';
import { fileModelCache } from '../../processors/model-cache.js';

export interface TrainedModel { readonly id: string; readonly bytes: number; /** It was there already. */ readonly cached: boolean }

export interface Training { readonly millis: number; readonly models: readonly TrainedModel[] }

/** `anew`: models that are there are trained again. */
export function trainBot(bot: Bot, modelsFolder: string, clock: Clock, anew = false): Training {
  const cache = fileModelCache(modelsFolder);
  const models = new Map<string, TrainedModel>();
  const start = clock.monotonic();
  trainInto(bot, {
    get(id) {
      const bytes = anew ? undefined : cache.get(id);
      if (bytes) models.set(id, { id, bytes: bytes.length, cached: true });
      return bytes;
    },
    set(id, bytes) {
      models.set(id, { id, bytes: bytes.length, cached: false });
      cache.set(id, bytes);
    },
  });
  return { millis: clock.monotonic() - start, models: [...models.values()] };
}
