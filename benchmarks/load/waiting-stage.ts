/** Process: the intent stage on Kafka, waiting as long as each text says (`200` ms; `0`: answers at once), like a call to a model. */
import { systemClock } from '../../platform/clock.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { createLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { formatPosition } from '../../platform/position.js';
import { systemRandom } from '../../platform/random.js';
import { MemoryStateStore } from '../../platform/state/memory.js';
import { createRunner } from '../../processors/runner.js';
import type { Stage, StageInput, StageResult } from '../../processors/stage.js';
import { createLocalCodec } from '../../schemas/codec-local.js';

const [brokers = '', prefix = '', concurrency = ''] = process.argv.slice(2);

const stage: Stage<'intent'> = {
  scope: 'conversation',
  position: (input, context) => formatPosition(context.epoch, input.offset, 0),
  process(input, _state, context) {
    const millis = Number(input.value.text);
    return millis > 0 ? systemClock.sleep(millis).then(() => answer(input, context.epoch)) : answer(input, context.epoch);
  },
};

function answer(input: StageInput<'messages.v1'>, epoch: string): StageResult<'intent'> {
  return { outputs: [{ topic: 'intents.v1', value: { position: formatPosition(epoch, input.offset, 0), message: input.value, results: [], detectedAt: null } }] };
}

const logger = createLogger({ level: 'warn', role: 'intent' });
const metrics = createMetrics();
const log = await openKafkaLog({ brokers: brokers.split(','), clientId: 'bench-waiting', clock: systemClock, logger, metrics });
const runner = createRunner('intent', stage, {
  log, codec: createLocalCodec(), state: new MemoryStateStore(), clock: systemClock, random: systemRandom, logger, metrics, prefix,
  onFatal: (error) => { logger.fatal({ err: error }, 'the stage cannot go on'); process.exit(1); },
  ...(concurrency === '' ? {} : { concurrency: Number(concurrency) }),
});
await runner.start();
while (!runner.ready) await systemClock.sleep(10);
process.once('SIGTERM', () => { void runner.close().then(() => log.close()).then(() => { process.exit(0); }); });
process.send?.({ type: 'ready' });
