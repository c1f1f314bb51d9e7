/** Models as files, for commands: a version that was trained before is not trained again. */
import type { ModelCache } from '../../processors/intent/index.js';
import { fileModelCache } from '../../processors/model-cache.js';

export const trainedModels = (folder: string): ModelCache => fileModelCache(folder);
