/** A process that makes deployed versions of bots ready and ends (prepare.ts). */
import { fileModelCache } from '../../processors/model-cache.js';
import { prepareVersion, type PrepareAnswer, type PrepareJob } from './prepare.js';

const MOST_MODELS = 100;

process.once('message', ({ models, train, versions }: PrepareJob) => {
  let answer: PrepareAnswer;
  try {
    const cache = train ? fileModelCache(models, MOST_MODELS) : undefined;
    answer = { prepared: versions.map((one) => prepareVersion(one, cache)) };
  } catch (error) {
    answer = { failed: String(error) };
  }
  process.send?.(answer, () => { process.disconnect(); });
});
