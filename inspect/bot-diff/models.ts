/** Models as files, for commands: a version that was trained before is not trained again. */
import type { Bot } from '../../processors/bot/index.js';
import { trainInto, type ModelCache } from '../../processors/intent/index.js';
import { fileModelCache } from '../../processors/model-cache.js';

export const trainedModels = (folder: string): ModelCache => fileModelCache(folder);

/** All that a version needs, from the folder or trained into it. */
export function modelsOf(bot: Bot, folder: string): { readonly id: string; readonly bytes: Buffer }[] {
  const cache = fileModelCache(folder);
  const used = new Map<string, Buffer>();
  trainInto(bot, {
    get: (id) => { const bytes = cache.get(id); if (bytes !== undefined) used.set(id, bytes); return bytes; },
    set: (id, bytes) => { used.set(id, bytes); cache.set(id, bytes); },
  });
  return [...used].map(([id, bytes]) => ({ id, bytes }));
}
