import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { openEmbeddedLog } from '../../platform/event-log/embedded.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { MemoryEventLog } from '../../platform/event-log/memory.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { systemRandom } from '../../platform/random.js';
import { scratchFolder, serviceAddress, skipWithout } from '../../platform/testing.js';
import { viewOf } from './letter.js';
import { lettersContract } from './letters.contract.js';
import { LetterScene } from './testing.js';
import { clean } from '../../topology/testing.js';

const options = { clock: systemClock, random: systemRandom, logger: silentLogger };

lettersContract('memory', false, async (t) => {
  const log = new MemoryEventLog(options);
  t.after(() => log.close());
  return { prefix: '', open: () => Promise.resolve(log) };
});

lettersContract('embedded', false, async (t) => {
  const log = await openEmbeddedLog({ ...options, folder: scratchFolder(t), readOnly: false });
  t.after(() => log.close());
  return { prefix: '', open: () => Promise.resolve(log) };
});

lettersContract('Kafka', skipWithout('kafka'), async (t) => {
  const prefix = `t${systemRandom.bytes(5).toString('hex')}.`;
  const open = async () => {
    const log = await openKafkaLog({ ...options, brokers: (serviceAddress('kafka') ?? '').split(','), clientId: 'letters-test' });
    t.after(() => log.close());
    return log;
  };
  t.after(async () => {
    const cleaner = await openKafkaLog({ ...options, brokers: (serviceAddress('kafka') ?? '').split(','), clientId: 'letters-test' });
    await clean(cleaner, prefix);
    await cleaner.close();
  });
  return { prefix, open };
});

async function scene(): Promise<LetterScene> {
  return LetterScene.over(new MemoryEventLog(options));
}

test('a list shows what fits, oldest first, the newest of them when there is a limit', async () => {
  const at = Date.UTC(2026, 4, 1);
  const made = await scene();
  const ids: string[] = [];
  for (let i = 0; i < 4; i += 1) ids.push((await made.deadMessage(`c${i}`, { at: at + i })).id);
  const late = await made.deadIntent('c9', { at: at + 9 });
  const desk = made.desk();
  await desk.settle([ids[0] ?? ''], 'retry');
  await desk.settle([ids[1] ?? ''], 'discard');
  const list = async (filter: Parameters<typeof desk.reader.list>[0]) => (await desk.reader.list(filter)).letters.map((letter) => viewOf(letter)).map(({ id, status }) => `${id} ${status}`);
  assert.deepEqual(await list({}), [`${ids[2]} open`, `${ids[3]} open`, `${late} open`]);
  assert.deepEqual(await list({ status: 'all' }), [`${ids[0]} retried`, `${ids[1]} discarded`, `${ids[2]} open`, `${ids[3]} open`, `${late} open`]);
  assert.deepEqual(await list({ status: 'retried' }), [`${ids[0]} retried`]);
  assert.deepEqual(await list({ stage: 'dialogue' }), [`${late} open`]);
  assert.deepEqual(await list({ since: at + 3 }), [`${ids[3]} open`, `${late} open`]);
  assert.deepEqual(await list({ limit: 1 }), [`${late} open`]);
  assert.equal((await desk.reader.list({ limit: 1 })).more, true);
  assert.equal((await desk.reader.list({ limit: 3 })).more, false);
});

test('records of other tools in the topic are no letters, and close none', async () => {
  const made = await scene();
  const { id } = await made.deadMessage('c1');
  await made.append('dead-letters.v1', 'default/c1', Buffer.from('junk'));
  await made.append('dead-letters.v1', 'default/c1', null);
  await made.letter('default/c1', { status: 'retried', closes: 'nonsense' });
  await made.letter('default/c1', { status: 'retried', closes: '999999-1' });
  const { letters } = await made.desk().reader.list({ status: 'all' });
  assert.deepEqual(letters.map((letter) => viewOf(letter)).map((view) => [view.id, view.status]), [[id, 'open']]);
});
