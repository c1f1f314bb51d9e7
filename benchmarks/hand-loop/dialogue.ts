/**
 * Hand loop, second process: intents.v1 → replies.v1 and dialogue-states.v1, with the state in Redis. Same codec and
 * interpreter as the product. Redis is written before the commit: simple, and wrong after a crash in between.
 */
import { Redis } from 'ioredis';
import { createDialogueStage } from '../../processors/dialogue/index.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { BotReply, DialogueState } from '../../schemas/types.js';
import { context, loadExampleBots, runLoop, settingsOf } from './loop.js';

const settings = settingsOf(process.env);
const codec = createLocalCodec();
const intents = codec.of('IntentDetected');
const replies = codec.of('BotReply');
const states = codec.of('DialogueState');
const stage = createDialogueStage({ bots: await loadExampleBots() });
if (stage.scope !== 'conversation') throw new Error('the dialogue stage has another scope');

/** Sets a state unless the stored one reflects a later input. The position stands in front of the value. */
const SET_IF_NEWER = `
local old = redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1)
if old ~= '' and old > ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2])
return 1`;
const POSITION_LENGTH = '00000000-000000000000-00'.length;

const redis = new Redis(settings.redis);
const script = await redis.script('LOAD', SET_IF_NEWER) as string;
const stateKey = (partition: number, key: string): string => `${settings.prefix}hand:{s${partition}}:${key}`;

/** States of the conversations of a batch, in one round trip. */
async function readStates(partition: number, keys: readonly string[]): Promise<Map<string, DialogueState | undefined>> {
  const found = await redis.mgetBuffer(keys.map((key) => stateKey(partition, key)));
  return new Map(keys.map((key, i) => [key, found[i] ? states.decode(found[i].subarray(POSITION_LENGTH)) : undefined]));
}

await runLoop({
  ...settings, stage: 'dialogue', reads: 'intents.v1',
  work: async (batch, partition) => {
    const known = await readStates(partition, [...new Set(batch.map((record) => String(record.key)))]);
    const replyRecords = [];
    const stateRecords = [];
    const pipeline = redis.pipeline();
    for (const record of batch) {
      if (record.value === null) continue;
      const key = String(record.key);
      const input = { topic: 'intents.v1' as const, partition, offset: Number(record.offset), key, value: intents.decode(record.value), timestamp: Number(record.timestamp) };
      const made = stage.process(input, known.get(key), context);
      const { outputs, state } = made instanceof Promise ? await made : made;
      for (const output of outputs) replyRecords.push({ key, value: replies.encode(output.value as BotReply), partition, timestamp: record.timestamp });
      if (state === undefined || state === null) continue;
      const value = states.encode(state);
      known.set(key, state);
      stateRecords.push({ key, value, partition, timestamp: record.timestamp });
      pipeline.evalsha(script, 1, stateKey(partition, key), state.reflects, value);
    }
    await pipeline.exec();
    return [{ topic: `${settings.prefix}replies.v1`, messages: replyRecords }, { topic: `${settings.prefix}dialogue-states.v1`, messages: stateRecords }];
  },
});
