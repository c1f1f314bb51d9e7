import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { nextTurn } from '../../platform/clock.js';
import { seededRandom } from '../../platform/random.js';
import { DoneOffsets, MAX_METADATA_LENGTH, decodeMetadata, encodeMetadata } from './offset-metadata.js';
import { MAX_WINDOW_LOAD, Window, type Slot } from './window.js';

const INSTANCE = '01HZZZZZZZZZZZZZZZZZZZZZZZ';
const slot = (offset: number): Slot => ({ offset, done: false });

test('the low water is the first unfinished offset, and gaps count as finished', () => {
  const window = new Window(10);
  assert.equal(window.lowWater, 10);
  const slots = [12, 13, 20].map(slot);
  slots.forEach((each) => { window.add(each); });
  window.cover(25);
  assert.equal(window.lowWater, 12);
  slots[0]!.done = true;
  assert.equal(window.lowWater, 13);
  slots[2]!.done = true;
  assert.deepEqual(window.runs(), [1, 11], 'offset 13 open, 14 to 24 done');
  slots[1]!.done = true;
  assert.equal(window.lowWater, 25);
  assert.deepEqual(window.runs(), []);
});

test('a successor does again exactly what was open', () => {
  const random = seededRandom(7);
  for (let round = 0; round < 300; round += 1) {
    const start = Math.floor(random.float() * 1e6);
    const window = new Window(start);
    const slots: Slot[] = [];
    let offset = start;
    for (let i = 0; i < 200; i += 1) {
      offset += random.float() < 0.2 ? 3 : 1;
      const each = slot(offset);
      slots.push(each);
      window.add(each);
      each.done = random.float() < 0.5;
    }
    window.cover(offset + 2);
    const { runs, instance } = decodeMetadata(window.commitPoint(INSTANCE).metadata);
    assert.equal(instance, INSTANCE);
    const low = window.lowWater;
    const next = new Window(low, runs);
    const again = slots.filter((each) => each.offset >= low && !next.isDone(each.offset)).map((each) => each.offset);
    assert.deepEqual(again, slots.filter((each) => !each.done).map((each) => each.offset));
  }
});

test('the metadata of a full window stays within its limit, however it is fragmented', () => {
  const window = new Window(0);
  for (let i = 0; i < MAX_WINDOW_LOAD; i += 1) window.add({ offset: i * 3, done: i % 2 === 1 });
  assert.ok(window.isFull);
  assert.ok(window.commitPoint(INSTANCE).metadata.length <= MAX_METADATA_LENGTH);
});

test('metadata of other tools says nothing', () => {
  for (const text of ['', 'hello', '2;x;y', '1;short;', `1;${INSTANCE};!`, '{"a":1}']) assert.deepEqual(decodeMetadata(text), { instance: '', runs: [] });
  assert.deepEqual(decodeMetadata(`1;${INSTANCE};gICAgICAgICAgIAB`), { instance: INSTANCE, runs: [] }, 'a number beyond all offsets');
});

test('runs of any length read back', () => {
  const runs = [1, 127, 128, 300, 70_000, 5_000_000_000];
  assert.deepEqual(decodeMetadata(encodeMetadata({ instance: INSTANCE, runs })).runs, runs);
  const done = new DoneOffsets(100, [1, 2, 3, 4]);
  assert.deepEqual([100, 101, 102, 103, 106, 109, 110].map((offset) => done.has(offset)), [false, true, true, false, true, true, false]);
});

test('what a former owner had done is handed on by one that has read none or only some of it', () => {
  for (const read of [0, 1, 3, 6, 40]) {
    // Offset 100 open, 101 to 104 done, 105 and 106 open, 107 to 116 done.
    const window = new Window(100, [1, 4, 2, 10]);
    for (let offset = 100; offset < 100 + read; offset += 1) if (!window.isDone(offset)) window.add(slot(offset));
    window.cover(100 + read);
    const { offset, metadata } = window.commitPoint(INSTANCE);
    const next = new Window(offset, decodeMetadata(metadata).runs);
    const open = Array.from({ length: 17 }, (_, i) => 100 + i).filter((each) => !next.isDone(each));
    assert.deepEqual(open, [100, 105, 106], `after ${read} offsets`);
  }
});

test('the metadata stays within its limit also when a gap follows every record', () => {
  const window = new Window(0);
  for (let i = 0; i < MAX_WINDOW_LOAD * 1.25; i += 1) window.add({ offset: i * 2, done: false });
  window.cover(MAX_WINDOW_LOAD * 2.5);
  const { metadata } = window.commitPoint(INSTANCE);
  assert.ok(metadata.length <= MAX_METADATA_LENGTH);
  assert.ok(metadata.length > MAX_METADATA_LENGTH * 0.8, 'as much as fits');
});

test('what was committed is let go, so that a window holds no more records than it has open', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const window = new Window(0);
  const refs: WeakRef<Slot>[] = [];
  // In a function of its own: no local of the test keeps a slot alive.
  (() => {
    for (let offset = 0; offset < 100; offset += 1) {
      const each = { offset, done: offset < 90 };
      refs.push(new WeakRef(each));
      window.add(each);
    }
  })();
  window.settle();
  // A weak reference holds its target until the job that made it has ended.
  await nextTurn();
  collect();
  assert.equal(refs.filter((ref) => ref.deref() !== undefined).length, 10);
  assert.equal(window.size, 10);
  assert.equal(window.lowWater, 90);
});
