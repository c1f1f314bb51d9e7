import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../../platform/clock-manual.js';
import { scratchFolder } from '../../platform/testing.js';
import { fixedBots, loadBot } from '../../processors/bot/index.js';
import { TopologyDriver } from '../../processors/topology-driver.js';
import type { Message } from '../../schemas/types.js';
import { StoryReader, storyTopics } from '../index.js';
import { readSubject, recordTest, runTests } from './index.js';
import { ScriptedEffects } from './scripted-effects.js';
import { lamps } from './testing.js';
import { yamlOf } from './yaml-text.js';

test('a conversation that took place becomes a test that passes', async (t) => {
  const bot = await loadBot(lamps(t));
  const effects = new ScriptedEffects({ actions: new Map([['count', [{ fail: 'CONFAB_ACTION_TIMEOUT' }, { result: '{"left":3}' }]]]), model: [] });
  const driver = await TopologyDriver.create({ bots: fixedBots([bot]), models: new Map(), partitions: 1, effects });
  t.after(async () => {
    let open = true;
    const closed = driver.close().finally(() => { open = false; });
    while (open) await driver.clock.advance(50);
    await closed;
  });
  const inputs: (Partial<Message> | number)[] = [
    { text: 'I want to buy a lamp' }, { text: 'opening hours: "now"? #1' }, { kind: 'postback', payload: 'red' }, 180_000, { text: 'what is in stock' }, { text: 'what is in stock' },
    { text: 'remind me later' }, 7_300_000, { kind: 'agent', text: '/Ann/', author: { type: 'agent', name: 'Ann' } }, { kind: 'handoff', payload: '{"to":"person","reason":"no"}' }, { text: 'hi' }, { kind: 'system', payload: '{"event":"end"}' },
  ];
  for (const input of inputs) {
    if (typeof input === 'number') await driver.clock.advance(input);
    else await driver.send('c1', { botId: 'lamps', attributes: { tier: 'gold' }, ...input });
    for (let i = 0; i < 40; i++) await settle();
    await driver.clock.advance(100);
  }
  const topics = await storyTopics(driver.log, '');
  const { story } = await new StoryReader({ log: driver.log, codec: driver.codec, topics, clock: driver.clock }).read({ tenant: 'default', conversationId: 'c1', limit: 100 });
  const text = recordTest(story, { name: 'as it was: "c1"', bot });
  assert.match(text, /tap: red/);
  assert.match(text, /wait: 3m/);
  assert.match(text, /outcome: timer/);
  assert.match(text, /- fail: CONFAB_ACTION_TIMEOUT\n {10}- result: \{left: 3\}/);
  const run = await runTests(await readSubject(lamps(t, { 'tests/recorded.yml': text })), { modelsFolder: scratchFolder(t) });
  assert.deepEqual([run.faults, run.outcomes.flatMap(({ failures }) => failures)], [[], []], text);
  assert.equal(run.outcomes.length, 1);
});

test('texts are written so that YAML reads them as they are', () => {
  assert.deepEqual(['hello there', 'no', 'a: b', '#1', '', ' x', 'line\nbreak', 'null', '12', '"', '\u2028', 'C:\\x', '- x', '{a}'].map(yamlOf), [
    'hello there', '"no"', '"a: b"', '"#1"', '""', '" x"', '"line\\nbreak"', '"null"', '"12"', '"\\""', '"\\u2028"', '"C:\\\\x"', '"- x"', '"{a}"',
  ]);
  assert.equal(yamlOf({ a: [], b: {}, c: [null, true, 1.5, { 'x y': 'z, w' }] }), '{a: [], b: {}, c: [null, true, 1.5, {x y: "z, w"}]}');
});
