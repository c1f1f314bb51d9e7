/** Hand loop, first process: messages.v1 → intents.v1. Same codec and classifier as the product. */
import { createIntentStage } from '../../processors/intent/index.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { IntentDetected } from '../../schemas/types.js';
import { context, loadExampleBots, runLoop, settingsOf } from './loop.js';

const settings = settingsOf(process.env);
const codec = createLocalCodec();
const messages = codec.of('Message');
const intents = codec.of('IntentDetected');
const stage = createIntentStage({ bots: await loadExampleBots() });
if (stage.scope !== 'conversation') throw new Error('the intent stage has another scope');

await runLoop({
  ...settings, stage: 'intent', reads: 'messages.v1',
  work: async (batch, partition) => {
    const out = [];
    for (const record of batch) {
      if (record.value === null) continue;
      const key = String(record.key);
      const input = { topic: 'messages.v1' as const, partition, offset: Number(record.offset), key, value: messages.decode(record.value), timestamp: Number(record.timestamp) };
      const made = stage.process(input, undefined, context);
      const { outputs } = made instanceof Promise ? await made : made;
      for (const output of outputs) out.push({ key, value: intents.encode(output.value as IntentDetected), partition, timestamp: record.timestamp });
    }
    return [{ topic: `${settings.prefix}intents.v1`, messages: out }];
  },
});
