import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { MemoryOutbox } from './memory.js';
import { outboxContract } from './outbox.contract.js';

outboxContract('memory', (_t, limits) => {
  const outbox = new MemoryOutbox({ clock: new ManualClock(), ...limits });
  return { outbox, flush: () => { outbox.flush(); } };
});

const start = async (): Promise<string> => 'e-00-00';
const outcome = (key: string, offset: number) => ({ key, position: `e-${offset}-01`, prev: null, frame: 'x'.repeat(1_000), timestamp: 0 });

test('memory outbox: it stays within its bytes, and what was dropped is known of', async () => {
  const outbox = new MemoryOutbox({ clock: new ManualClock(), maxBytes: 10_000 });
  for (let i = 10; i < 40; i += 1) await outbox.append(0, [outcome(`t/${i}`, i)], start);
  assert.deepEqual(await outbox.read(0, 't/10', 'e-00-00'), { entries: [], complete: false, more: false, last: 'e-10-01', mark: '1' });
  assert.deepEqual(await outbox.read(0, 't/10', 'e-10-01'), { entries: [], complete: true, more: false, last: 'e-10-01', mark: '1' });
  assert.equal((await outbox.read(0, 't/39', 'e-00-00')).entries.length, 1);
});

test('memory outbox: entries go when their conversation has been quiet for long enough', async () => {
  const clock = new ManualClock();
  const outbox = new MemoryOutbox({ clock, maxAgeMillis: 1_000 });
  await outbox.append(0, [outcome('t/old', 1)], start);
  await clock.advance(2_000);
  await outbox.append(0, [outcome('t/new', 2)], start);
  assert.deepEqual(await outbox.read(0, 't/old', ''), { entries: [], complete: false, more: false, last: 'e-1-01', mark: '1' });
});

test('memory outbox: a text that needs two bytes a character counts twice, and a conversation counts beside its entries', async () => {
  const left = async (frame: string): Promise<number> => {
    const outbox = new MemoryOutbox({ clock: new ManualClock(), maxBytes: 30_000 });
    for (let i = 10; i < 60; i += 1) await outbox.append(0, [{ ...outcome(`t/${i}`, i), frame }], start);
    const reads = await Promise.all(Array.from({ length: 50 }, (_, i) => outbox.read(0, `t/${i + 10}`, 'e-00-00')));
    return reads.filter(({ entries }) => entries.length > 0).length;
  };
  assert.equal(await left('x'.repeat(1_000)), 20);
  assert.equal(await left('文'.repeat(1_000)), 12);
});

test('memory outbox: a conversation of which nothing is known any more does not look new', async () => {
  const outbox = new MemoryOutbox({ clock: new ManualClock(), maxKnown: 2 });
  const letter = (key: string, offset: number) => ({ ...outcome(key, offset), prev: undefined });
  await outbox.append(0, [letter('t/a', 10)], start);
  await outbox.append(1, [outcome('t/other', 11)], start);
  const { mark } = await outbox.read(0, 't/a', '');
  await outbox.append(0, [outcome('t/b', 12), outcome('t/c', 13)], start);
  assert.equal((await outbox.read(0, 't/a', '')).last, undefined);
  await outbox.append(0, [outcome('t/a', 20)], start);
  const read = async (after: string): Promise<boolean> => (await outbox.read(0, 't/a', after)).complete;
  assert.deepEqual([await read('e-05-00'), await read('e-12-01'), await read('e-19-00')], [false, true, true]);
  assert.notEqual((await outbox.read(0, 't/a', '')).mark, mark);
});
