/** A process that reads a folder of bots once and ends (child-job.ts). */
import { fileModelCache } from '../../processors/model-cache.js';
import { answerJob, MOST_MODELS } from './child-job.js';
import { readBots, type BotReading, type ReadRequest } from './read-bots.js';

export interface ReadJob extends ReadRequest { readonly models: string }

answerJob<ReadJob, readonly BotReading[]>(({ models, ...request }) => readBots(request, fileModelCache(models, MOST_MODELS)));
