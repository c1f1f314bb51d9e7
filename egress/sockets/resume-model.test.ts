/**
 * Model: four devices on two conversations and two nodes, that are cut, come back from where they were, from the beginning, from
 * now on, or with a position of another epoch, while nodes die, the outbox is trimmed and flushed, announcements are lost and the
 * log forgets. The reference (resume-model/testing.ts) holds every frame against what was written.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryBus, MemoryFanout } from '../fanout/memory.js';
import { MemoryOutbox } from '../outbox/memory.js';
import { newLog, OUTBOX_MILLIS, steps, World, type Ground, type Step } from './resume-model/testing.js';
import { turns } from '../testing.js';

/** One seed, so that a commit passes or fails whenever it is tested. */
const SEED = 20_261_123;

async function memoryGround(maxEntries: number, partitions: number, maxKnown?: number): Promise<Ground> {
  const ground = await newLog(partitions);
  const outbox = new MemoryOutbox({ clock: ground.clock, maxEntries, maxAgeMillis: OUTBOX_MILLIS, ...(maxKnown === undefined ? {} : { maxKnown }) });
  const bus = new MemoryBus();
  return { ...ground, outbox, flush: () => { outbox.flush(); }, fanout: () => new MemoryFanout(bus), turns };
}

const play = async (list: readonly Step[], ...outbox: Parameters<typeof memoryGround>): Promise<string[]> => new World(await memoryGround(...outbox)).play(list);

/** Found once: two dead letters are the first of a conversation; "from now on" got the second before the first. */
const TWO_LETTERS: Step[] = [{ does: 'epoch', a: 7, b: 0 }, { does: 'talk', a: 0, b: 67 }, { does: 'talk', a: 0, b: 287 }];

test('cut, killed, trimmed, flushed, forgotten at every position: each outcome once and in order, hundreds of histories', async () => {
  const runs = Number(process.env.CONFAB_RESUME_RUNS ?? 300);
  await fc.assert(fc.asyncProperty(steps, fc.constantFrom(1, 2, 4, 256, 256, 256), fc.integer({ min: 1, max: 2 }), async (list, maxEntries, partitions) => {
    assert.deepEqual(await play(list, maxEntries, partitions), []);
  }), { seed: SEED, numRuns: runs, examples: [[TWO_LETTERS, 256, 1]] });
});

/** Found once: "from now on", deaf while two outcomes came that the outbox forgot again, was not sent them by the log when it heard again. */
const FORGOTTEN: Step[] = [
  ...(['talk', 'tick', 'lose', 'flush', 'retain', 'cut', 'talk'] as const).map((does) => ({ does, a: 0, b: 0 })), { does: 'talk', a: 0, b: 151 }, { does: 'talk', a: 1, b: 930 },
  ...(['talk', 'talk', 'hear', 'talk'] as const).map((does) => ({ does, a: 0, b: 0 })),
];

test('the same while the outbox forgets one conversation as soon as the other goes on', async () => {
  const runs = Number(process.env.CONFAB_RESUME_RUNS ?? 60);
  await fc.assert(fc.asyncProperty(steps, fc.constantFrom(2, 256), fc.integer({ min: 1, max: 2 }), async (list, maxEntries, partitions) => {
    assert.deepEqual(await play(list, maxEntries, partitions, 1), []);
  }), { seed: SEED, numRuns: runs, examples: [[FORGOTTEN, 2, 1]] });
});
