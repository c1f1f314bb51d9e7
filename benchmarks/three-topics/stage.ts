/**
 * Process: one trivial stage on the runner and the Kafka adapter, with its state in the process and on the log. The peer in
 * peers/streams does the same with the same records; what a stage does besides reading and writing them is nearly nothing.
 */
import { systemClock } from '../../platform/clock.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { createLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { formatPosition } from '../../platform/position.js';
import { systemRandom } from '../../platform/random.js';
import { MemoryStateStore } from '../../platform/state/memory.js';
import { createRunner } from '../../processors/runner.js';
import type { StageRunner } from '../../processors/runner/stage-runner.js';
import type { Stage } from '../../processors/stage.js';
import { createLocalCodec } from '../../schemas/codec-local.js';

/** Carries the message on. */
const intent: Stage<'intent'> = {
  scope: 'conversation',
  position: (input, context) => formatPosition(context.epoch, input.offset, 0),
  process: (input, _state, context) => ({ outputs: [{ topic: 'intents.v1', value: { position: formatPosition(context.epoch, input.offset, 0), message: input.value, results: [], detectedAt: context.now() } }] }),
};

/** Says the text again and counts the turns. */
const dialogue: Stage<'dialogue'> = {
  scope: 'conversation',
  position: (input) => input.value.position,
  process: ({ value: { position, message } }, state, context) => ({
    outputs: [{ topic: 'replies.v1', value: {
      position, inReplyTo: message.messageId, replyId: `${message.messageId}-01`, botId: message.botId, botVersion: '1', channel: message.channel, accountId: null,
      intent: null, confidence: 0, outcome: 'answered', author: { type: 'bot', name: null }, parts: [{ text: message.text, quickReplies: [], buttons: [], image: null, citations: [] }],
      handoff: null, effects: [], prev: state?.prev ?? null, createdAt: context.now(),
    } }],
    state: { reflects: position, prev: position, botId: message.botId, botVersion: '1', handedOff: false, turns: (state?.turns ?? 0) + 1, data: null, history: null },
  }),
};

const [name, brokers = '', prefix = ''] = process.argv.slice(2);
const logger = createLogger({ level: 'warn', role: name ?? '' });
const metrics = createMetrics();
const log = await openKafkaLog({ brokers: brokers.split(','), clientId: `three-topics-${name}`, clock: systemClock, logger, metrics });
const parts = {
  log, codec: createLocalCodec(), state: new MemoryStateStore(), clock: systemClock, random: systemRandom, logger, metrics, prefix,
  onFatal: (error: Error) => { logger.fatal({ err: error }, 'the stage cannot go on'); process.exit(1); },
};
const runner: StageRunner = name === 'intent' ? createRunner('intent', intent, parts) : createRunner('dialogue', dialogue, parts);
await runner.start();
process.once('SIGTERM', () => { void runner.close().then(() => log.close()).then(() => { process.exit(0); }); });
process.send?.({ type: 'ready' });
