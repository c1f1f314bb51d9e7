/** Whole flows: any valid messages through the topology in memory, with stages that come and go. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { packageRoot } from '../platform/package-root.js';
import { fixedBots, loadBots } from '../processors/bot/index.js';
import { TopologyDriver } from '../processors/topology-driver.js';
import type { Message } from '../schemas/types.js';
import { nastyText } from './bytes.js';
import { fuzz } from './harness.js';

const bots = fixedBots(await loadBots(join(packageRoot(), 'bots')));
const models = new Map<string, Buffer>();

/** What ingress lets through: no control characters, no lone surrogates. */
const plain = nastyText.map((text) => text.replace(/[^\P{Cc}\n\t]|\p{Cs}/gu, '').normalize('NFC')).filter((text) => text !== '');
const said = fc.oneof(fc.constantFrom('hello', 'where is my parcel', 'I want to change my delivery', 'PX123456789DE', 'friday', 'tomorrow', 'yes', 'no', 'stop', 'thanks', 'talk to a person', 'when do you open', '31.12.2026', 'x'.repeat(4096)), plain);
const content: fc.Arbitrary<Partial<Message>> = fc.oneof(
  { weight: 6, arbitrary: said.map((text) => ({ text })) },
  { weight: 2, arbitrary: fc.oneof(fc.constantFrom('intent:prices', 'intent:nosuch', 'flow:x', 'yes'), plain).map((payload) => ({ kind: 'postback' as const, payload, text: null })) },
  { weight: 1, arbitrary: fc.tuple(said, fc.dictionary(plain, plain, { maxKeys: 3 }), fc.option(fc.constantFrom('de-AT', 'en'))).map(([text, attributes, locale]) => ({ text, attributes, locale })) },
  { weight: 1, arbitrary: said.map((text) => ({ text, botId: 'nobody' })) },
);
type Step = { readonly conversation: string; readonly message: Partial<Message> } | { readonly stage: 'intent' | 'dialogue' } | { readonly millis: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ conversation: fc.constantFrom('c1', 'c2', 'c3', 'c4'), message: content }) },
  { weight: 1, arbitrary: fc.record({ stage: fc.constantFrom('intent' as const, 'dialogue' as const) }) },
  { weight: 2, arbitrary: fc.record({ millis: fc.constantFrom(1, 2000, 3_600_000) }) },
);

async function play(driver: TopologyDriver, steps: readonly Step[]): Promise<void> {
  const away = new Set<'intent' | 'dialogue'>();
  for (const one of steps) {
    if ('conversation' in one) await driver.send(one.conversation, one.message);
    else if ('millis' in one) await driver.run(one.millis);
    else if (away.delete(one.stage)) await driver.start(one.stage);
    else { away.add(one.stage); await driver.stop(one.stage); }
  }
  for (const stage of away) await driver.start(stage);
  for (let i = 0; i < 3; i += 1) await driver.run();
}

const by = (pairs: readonly (readonly [string, string])[]): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const [key, value] of pairs) found.set(key, [...found.get(key) ?? [], value]);
  return found;
};

fuzz('every message ends in exactly one outcome, replies in the order of the messages, whoever was away', fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }), {
  runs: 60, weight: (steps) => steps.length, limit: 30_000,
}, async (steps) => {
  const driver = await TopologyDriver.create({ bots, models });
  try {
    await play(driver, steps);
    const asked = (await driver.all('messages.v1')).map(({ record, value }) => [record.key ?? '', value.messageId] as const);
    const replies = (await driver.all('replies.v1')).map(({ record, value }) => [record.key ?? '', value.inReplyTo ?? ''] as const);
    const letters = (await driver.all('dead-letters.v1')).map(({ value }) => value.messageId ?? '');
    assert.deepEqual([...replies.map(([, messageId]) => messageId), ...letters].sort(), asked.map(([, messageId]) => messageId).sort(), 'one outcome each');
    const given = new Set(letters);
    assert.deepEqual(by(replies), by(asked.filter(([, messageId]) => !given.has(messageId))), 'in order');
    const prev = by((await driver.all('replies.v1')).map(({ record, value }) => [record.key ?? '', value.prev ?? '']));
    const positions = by((await driver.all('replies.v1')).map(({ record, value }) => [record.key ?? '', value.position]));
    for (const [key, found] of prev) assert.deepEqual(found, ['', ...(positions.get(key) ?? []).slice(0, -1)], 'the chain of replies is whole');
  } finally {
    await driver.close();
  }
});
