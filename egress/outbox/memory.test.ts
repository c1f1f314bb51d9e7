import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { MemoryOutbox } from './memory.js';
import { outboxContract } from './outbox.contract.js';

outboxContract('memory', (_t, limits) => {
  const outbox = new MemoryOutbox({ clock: new ManualClock(), ...limits });
  return { outbox, flush: () => { outbox.flush(); } };
});

const outcome = (key: string, offset: number) => ({ key, position: `e-${offset}-01`, prev: null, frame: 'x'.repeat(1_000), timestamp: 0 });

test('memory outbox: it stays within its bytes, and what was dropped is known of', async () => {
  const outbox = new MemoryOutbox({ clock: new ManualClock(), maxBytes: 10_000 });
  for (let i = 10; i < 40; i += 1) await outbox.append(0, [outcome(`t/${i}`, i)]);
  assert.deepEqual(await outbox.read(0, 't/10', 'e-00-00'), { entries: [], complete: false, more: false, last: 'e-10-01' });
  assert.deepEqual(await outbox.read(0, 't/10', 'e-10-01'), { entries: [], complete: true, more: false, last: 'e-10-01' });
  assert.equal((await outbox.read(0, 't/39', 'e-00-00')).entries.length, 1);
});

test('memory outbox: entries go when their conversation has been quiet for long enough', async () => {
  const clock = new ManualClock();
  const outbox = new MemoryOutbox({ clock, maxAgeMillis: 1_000 });
  await outbox.append(0, [outcome('t/old', 1)]);
  await clock.advance(2_000);
  await outbox.append(0, [outcome('t/new', 2)]);
  assert.deepEqual(await outbox.read(0, 't/old', ''), { entries: [], complete: false, more: false, last: 'e-1-01' });
});

test('memory outbox: a text that needs two bytes a character counts twice, and a conversation counts beside its entries', async () => {
  const left = async (frame: string): Promise<number> => {
    const outbox = new MemoryOutbox({ clock: new ManualClock(), maxBytes: 30_000 });
    for (let i = 10; i < 60; i += 1) await outbox.append(0, [{ ...outcome(`t/${i}`, i), frame }]);
    const reads = await Promise.all(Array.from({ length: 50 }, (_, i) => outbox.read(0, `t/${i + 10}`, 'e-00-00')));
    return reads.filter(({ entries }) => entries.length > 0).length;
  };
  assert.equal(await left('x'.repeat(1_000)), 20);
  assert.equal(await left('文'.repeat(1_000)), 12);
});
