/** A process that trains the bots of a folder and ends (first-training.ts). */
import { loadBots } from '../../processors/bot/index.js';
import { fileModelCache } from '../../processors/model-cache.js';
import { answerJob } from './child-job.js';
import { trainAll, type TrainJob } from './first-training.js';

answerJob<TrainJob, null>(async ({ root, models }) => {
  trainAll(await loadBots(root), models, fileModelCache(models));
  return null;
});
