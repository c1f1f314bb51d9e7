/** What operators reach over HTTP, on the process that serves egress. */
import type { FastifyInstance } from 'fastify';
import { LetterDesk } from '../operate/letters/letter-desk.js';
import { letterRoutes } from '../operate/letters/letter-routes.js';
import { produceRoutes } from '../operate/produce/produce-routes.js';
import { Producer } from '../operate/produce/producer.js';
import { RolloutLog } from '../operate/rollout/rollout-log.js';
import { rolloutRoutes } from '../operate/rollout/rollout-routes.js';
import { rebuildRoutes } from '../operate/rebuild/rebuild-routes.js';
import { RevocationLog } from '../operate/revocations/revocation-log.js';
import { revocationRoutes } from '../operate/revocations/revocation-routes.js';
import type { Infrastructure } from './process.js';

/** Less than the time that a proxy waits for an answer. */
const PATIENCE = 20_000;

export async function addOperations(app: FastifyInstance, { log, codec, state, clock, random, config, rollout }: Infrastructure): Promise<void> {
  const shared = { log, codec, clock, random, prefix: config.pipeline.prefix };
  const desk = new LetterDesk({ ...shared, patienceMillis: PATIENCE });
  const producer = new Producer({ ...shared, defaultBot: config.pipeline.defaultBot });
  await app.register((scope, _options, done) => {
    letterRoutes(scope, desk);
    produceRoutes(scope, producer);
    rolloutRoutes(scope, { rollout: new RolloutLog(shared), board: rollout.board, clock });
    revocationRoutes(scope, new RevocationLog(shared));
    rebuildRoutes(scope, { ...shared, state });
    done();
  });
}
