/**
 * A process that reads bots once and ends: checking and training take a second that the pipeline must not wait for, and what
 * a folder holds cannot exhaust the memory of the pipeline. The request comes and the answer goes by the channel of `fork`.
 */
import { fileModelCache } from '../../processors/model-cache.js';
import { readBots, type BotReading, type ReadRequest } from './read-bots.js';

export interface ReadJob extends ReadRequest { readonly models: string }
export type ReadAnswer = { readonly readings: readonly BotReading[] } | { readonly failed: string };

/** Each edit of an intent leaves a model; those of a long day are not kept for ever. */
const MOST_MODELS = 100;

process.once('message', ({ models, ...request }: ReadJob) => {
  void readBots(request, fileModelCache(models, MOST_MODELS))
    .then((readings): ReadAnswer => ({ readings }), (error: unknown): ReadAnswer => ({ failed: String(error) }))
    .then((answer) => { process.send?.(answer, () => { process.disconnect(); }); });
});
