/** The rights that the topology gives to the edge `dead-letters`, and no more, are enough for the command. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { systemRandom } from '../../platform/random.js';
import { eventually, skipWithout } from '../../platform/testing.js';
import { guardedKafka } from '../../topology/testing.js';
import { LetterDesk } from './letter-desk.js';
import { LetterScene } from './testing.js';

test('Kafka with an authorizer: the principal of dead letters lists, shows, retries and discards', { skip: skipWithout('kafka-acl'), timeout: 120_000 }, async (t) => {
  const { admin, prefix, app: logIn } = await guardedKafka(t);
  const scene = await LetterScene.over(admin, prefix, 2);
  const app = await logIn('dead-letters');
  const [{ id }, intent] = [await scene.deadMessage('c1'), await scene.deadIntent('c2')];
  const desk = new LetterDesk({ log: app, codec: scene.codec, clock: systemClock, random: systemRandom, prefix });
  await eventually('the rights are known to the broker', () => desk.reader.list({}).then(({ letters }) => letters.length === 2, () => false));
  assert.equal((await desk.reader.one(id)).record.messageId, '01ARZ3NDEKTSV4RRFFQ69G5FAV');
  // A right may reach one broker later than the other.
  await eventually('both are closed', async () => {
    const results = [...await desk.settle([id], 'retry'), ...await desk.settle([intent], 'discard')];
    return results.every(({ error }) => { if (error && error.code !== 'CONFAB_LOG_REFUSED') throw error; return error === undefined; });
  }, 60_000);
  assert.equal((await scene.all('messages.v1')).filter(({ value }) => value.retryOf === id).length, 1);
});
