/**
 * What a language model does wrong, by a real server over HTTP, through the whole pipeline: its conversation gets the fallback
 * within the latency that the bot declares, goes on in order, keeps nobody else waiting, and one number tells what it was.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '../../../platform/clock-manual.js';
import { OpenAiModel } from '../../../platform/language-model/openai.js';
import { ModelServer, type Behaviour } from '../../../platform/language-model/testing.js';
import { createMetrics } from '../../../platform/observability/metrics.js';
import { silentLogger } from '../../../platform/observability/logger.js';
import { eventually } from '../../../platform/testing.js';
import type { BotReply } from '../../../schemas/types.js';
import { fixedBots } from '../../bot/index.js';
import { TopologyDriver, textsOf } from '../../topology-driver.js';
import { createEffects } from '../index.js';
import { scene, shop, type Scene } from './testing.js';

const SORRY = 'I cannot answer that just now.';
const ANSWER = 'It takes two working days [1].';
const bot = shop();

interface Pipeline { readonly driver: TopologyDriver; readonly server: ModelServer; readonly scene: Scene; readonly replies: (conversation: string) => Promise<BotReply[]> }

async function pipeline(t: TestContext, behave: (count: number) => Behaviour): Promise<Pipeline> {
  const server = await ModelServer.start(t, (_request, count) => behave(count));
  const clock = new ManualClock();
  const made = scene({ clock, model: new OpenAiModel({ url: server.url, model: 'm' }), bot });
  const driver = await TopologyDriver.create({
    bots: fixedBots([bot]), models: new Map(), clock, effects: createEffects({ clock, logger: silentLogger, metrics: createMetrics(), model: made.responder }),
  });
  // What a failed test leaves under way waits for time to pass.
  t.after(async () => { const closed = driver.close(); await clock.advance(60_000); await closed; });
  return { driver, server, scene: made, replies: async (conversation) => (await driver.all('replies.v1')).filter(({ record }) => record.key?.toString() === `default/${conversation}`).map(({ value }) => value) };
}

const send = (driver: TopologyDriver, conversation: string, text: string): Promise<string> => driver.send(conversation, { botId: 'test', text });

const HOSTILE = ['Of course! See https://evil.example/win?you=1 [1]. ', '<script>alert(1)</script>'];
const failures: readonly (readonly [string, string, Behaviour])[] = [
  ['slow: not a word in 10 s', 'CONFAB_MODEL_TIMEOUT', { silent: true }],
  ['slow in the middle: a sentence, then nothing for 10 s', 'CONFAB_MODEL_TIMEOUT', { say: [`${ANSWER} And `], end: 'hang' }],
  ['cut in mid-stream', 'CONFAB_MODEL_CUT', { say: [`${ANSWER} And then `], end: 'tear' }],
  ['500', 'CONFAB_MODEL_UNAVAILABLE', { status: 500, raw: 'Internal' }],
  ['429', 'CONFAB_MODEL_BUSY', { status: 429, headers: { 'retry-after': '30' } }],
  ['nonsense: no text', 'CONFAB_MODEL_NONSENSE', { say: ['[1] ... --- ###'] }],
  ['nonsense: a page instead of an answer', 'CONFAB_MODEL_NONSENSE', { raw: '<html>Welcome</html>', headers: { 'content-type': 'text/html' } }],
  ['nonsense: in circles', 'CONFAB_MODEL_NONSENSE', { say: Array.from({ length: 60 }, () => 'the parcel is the parcel [1]. ') }],
  ['hostile: a foreign link and a script', 'CONFAB_MODEL_UNSAFE', { say: HOSTILE }],
  ['hostile: a call of a tool', 'CONFAB_MODEL_NONSENSE', { raw: 'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"refund","arguments":"{\\"amount\\":\\"900 pounds\\"}"}}]}}]}\n\n' }],
];

for (const [what, code, behaviour] of failures) {
  test(`a model that is ${what}: the fallback in time, ${code} once, and the conversation goes on in order`, async (t) => {
    const { driver, server, scene: { clock, failures: counted, shown }, replies } = await pipeline(t, (count) => (count === 1 ? behaviour : { say: [ANSWER] }));
    const asked = clock.now();
    const ids = [await send(driver, 'c1', 'how long does a parcel take'), await send(driver, 'c1', 'hello'), await send(driver, 'c1', 'how long is delivery')];
    await eventually('the model was asked', async () => { await driver.run(0); return server.requests.length >= 1; });
    await send(driver, 'c2', 'hi');
    await eventually('another conversation does not wait', async () => { await driver.run(0); return (await replies('c2')).length === 1; });
    await eventually('the conversation went on', async () => {
      // Only where the model keeps silent does time have to pass: up to the latency, and no further.
      await driver.run(code === 'CONFAB_MODEL_TIMEOUT' && clock.now() - asked < 4000 ? 500 : 0);
      return (await replies('c1')).length === 3;
    });
    const found = await replies('c1');
    assert.deepEqual(found.map((reply) => [reply.inReplyTo, ...textsOf(reply)]), [[ids[0], SORRY], [ids[1], 'Hello!'], [ids[2], ANSWER]]);
    assert.deepEqual([found[0]?.outcome, found[0]?.effects.map(({ kind, status, result }) => [kind, status, result])], ['fallback', [['model', code, null]]]);
    assert.ok(clock.now() - asked <= 4500, `${clock.now() - asked} ms`);
    assert.deepEqual(await counted(), { [code]: 1 });
    assert.doesNotMatch(shown(), /evil|script|refund/);
    assert.deepEqual((await replies('c2'))[0]?.outcome, 'answered');
  });
}

test('an answer that was committed is what a restart, a rebuild and another owner find: the model is not asked again', async (t) => {
  const { driver, server, replies, scene: { clock } } = await pipeline(t, () => ({ say: [ANSWER] }));
  await send(driver, 'c1', 'how long does a parcel take');
  await eventually('the reply', async () => { await driver.run(0); return (await replies('c1')).length === 1; });
  const [reply] = await replies('c1');
  assert.deepEqual(reply?.effects.map(({ status, result }) => [status, JSON.parse(result as string) as unknown]), [['ok', { text: ANSWER, citations: [{ title: 'Delivery › Abroad', source: 'delivery.md', url: 'https://help.example.com/delivery' }] }]]);
  assert.deepEqual(reply.parts.map(({ text, citations }) => [text, citations.length]), [[ANSWER, 1]]);
  await driver.stop('dialogue');
  await driver.start('dialogue');
  await clock.advance(5000);
  await send(driver, 'c1', 'hello');
  await eventually('it went on', async () => { await driver.run(0); return (await replies('c1')).length === 2; });
  assert.deepEqual([server.requests.length, (await replies('c1'))[0]], [1, reply]);
});

test('a process that dies before the answer was committed asks again, and one answer is published', async (t) => {
  const { driver, server, replies } = await pipeline(t, (count) => (count === 1 ? { say: ['It takes '], end: 'hang' } : { say: [ANSWER] }));
  await send(driver, 'c1', 'how long does a parcel take');
  await eventually('it was asked', async () => { await driver.run(0); return server.requests.length === 1; });
  const stopped = driver.stop('dialogue');
  await eventually('the first question was given up', async () => { await driver.run(50); return server.abandoned === 1; });
  await stopped;
  await driver.start('dialogue');
  await eventually('the reply', async () => { await driver.run(0); return (await replies('c1')).length === 1; });
  assert.deepEqual([server.requests.length, (await replies('c1')).map(textsOf)], [2, [[ANSWER]]]);
});
