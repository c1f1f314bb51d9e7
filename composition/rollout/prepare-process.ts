/** A process that makes deployed versions of bots ready and ends (prepare.ts). */
import { fileModelCache } from '../../processors/model-cache.js';
import { answerJob, MOST_MODELS } from '../bots/child-job.js';
import { prepareVersion, type PreparedVersion, type PrepareJob } from './prepare.js';

answerJob<PrepareJob, readonly PreparedVersion[]>(({ models, train, versions }) => {
  const cache = train ? fileModelCache(models, MOST_MODELS) : undefined;
  return versions.map((one) => prepareVersion(one, cache));
});
