/** Contract suite of the StateStore port: what every adapter must do. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { StateEntry, StateStore } from './state-store.js';

export interface StateStoreFixture {
  readonly store: StateStore;
  /** Loses everything, as a flushed server does. */
  readonly flush?: () => Promise<void> | void;
  /** Remembers what is held; the result restores it, as from a backup. */
  readonly snapshot?: () => Promise<() => Promise<void> | void> | (() => Promise<void> | void);
}

const EPOCH = '0a1b2c3d';
const at = (offset: number): string => `00000001-${offset.toString().padStart(12, '0')}-00`;
const entry = (key: string, offset: number, value: Buffer | string | null = `value ${offset}`): StateEntry => ({
  key, reflects: at(offset), value: typeof value === 'string' ? Buffer.from(value) : value,
});

/** Runs the suite against the adapter that `make` opens. `lossless`: nobody can flush it or roll it back from outside. */
export function stateStoreContract(name: string, make: (t: TestContext) => Promise<StateStoreFixture> | StateStoreFixture, options: { skip?: string | false; lossless?: boolean } = {}): void {
  const rule = (sentence: string, body: (fixture: StateStoreFixture) => Promise<void>): void => {
    test(`${name} state store: ${sentence}`, { skip: options.skip ?? false }, async (t) => {
      const fixture = await make(t);
      try { await body(fixture); } finally { await fixture.store.close(); }
    });
  };
  const plain = async (store: StateStore, keys: string[], partition = 0): Promise<(string | null | undefined)[]> => {
    const read = await store.read('view', partition, keys);
    assert.deepEqual(read.entries.map((found, i) => found?.key ?? keys[i]), keys);
    return read.entries.map((found) => (found === undefined ? undefined : found.value?.toString() ?? null));
  };

  rule('a new store has neither values nor a watermark', async ({ store }) => {
    assert.deepEqual(await store.read('view', 0, ['a', 'b']), { entries: [undefined, undefined], watermark: undefined });
    assert.deepEqual(await store.read('view', 0, []), { entries: [], watermark: undefined });
    await store.check();
  });

  rule('it refuses a write before a reset, for its watermark would be a lie', async ({ store }) => {
    assert.equal(await store.write('view', 0, [entry('a', 1)], { epoch: EPOCH, offset: 5 }, 0), false);
    assert.deepEqual(await store.read('view', 0, ['a']), { entries: [undefined], watermark: undefined });
  });

  rule('it gives values back byte by byte, with position and watermark, in the order asked for', async ({ store }) => {
    await store.reset('view', 0, EPOCH);
    const bytes = Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255));
    assert.equal(await store.write('view', 0, [entry('t/a', 3, bytes), entry('t/ü:{x}', 4, Buffer.alloc(0))], { epoch: EPOCH, offset: 7 }, 0), true);
    const read = await store.read('view', 0, ['t/ü:{x}', 'none', 't/a', 't/a']);
    assert.deepEqual(read.watermark, { epoch: EPOCH, offset: 7 });
    assert.deepEqual(read.entries[0], { key: 't/ü:{x}', reflects: at(4), value: Buffer.alloc(0) });
    assert.equal(read.entries[1], undefined);
    assert.deepEqual(read.entries[2], { key: 't/a', reflects: at(3), value: bytes });
    assert.deepEqual(read.entries[3], read.entries[2]);
  });

  rule('a lower position never overwrites, an equal or higher one does', async ({ store }) => {
    await store.reset('view', 0, EPOCH);
    await store.write('view', 0, [entry('a', 10, 'ten'), entry('b', 10, 'ten')], { epoch: EPOCH, offset: 2 }, 0);
    assert.equal(await store.write('view', 0, [entry('a', 9, 'late'), entry('b', 11, 'eleven')], { epoch: EPOCH, offset: 3 }, 0), true);
    assert.deepEqual(await plain(store, ['a', 'b']), ['ten', 'eleven']);
    await store.write('view', 0, [entry('a', 10, 'again')], { epoch: EPOCH, offset: 3 }, 0);
    assert.deepEqual(await plain(store, ['a']), ['again']);
  });

  rule('a tombstone is kept with its position, so that a late write does not bring the state back', async ({ store }) => {
    await store.reset('view', 0, EPOCH);
    await store.write('view', 0, [entry('a', 10)], { epoch: EPOCH, offset: 2 }, 0);
    await store.write('view', 0, [entry('a', 11, null)], { epoch: EPOCH, offset: 3 }, 0);
    await store.write('view', 0, [entry('a', 10)], { epoch: EPOCH, offset: 3 }, 0);
    assert.deepEqual((await store.read('view', 0, ['a'])).entries, [{ key: 'a', reflects: at(11), value: null }]);
  });

  rule('the watermark goes forward only', async ({ store }) => {
    await store.reset('view', 0, EPOCH);
    for (const [offset, expected] of [[100, 100], [40, 100], [101, 101]] as const) {
      assert.equal(await store.write('view', 0, [], { epoch: EPOCH, offset }, 0), true);
      assert.deepEqual((await store.read('view', 0, [])).watermark, { epoch: EPOCH, offset: expected });
    }
  });

  rule('a write of another epoch is refused as a whole', async ({ store }) => {
    await store.reset('view', 0, EPOCH);
    await store.write('view', 0, [entry('a', 1, 'one')], { epoch: EPOCH, offset: 2 }, 0);
    assert.equal(await store.write('view', 0, [entry('a', 9, 'nine'), entry('b', 9)], { epoch: 'ffffffff', offset: 50 }, 0), false);
    assert.deepEqual(await plain(store, ['a', 'b']), ['one', undefined]);
    assert.deepEqual((await store.read('view', 0, [])).watermark, { epoch: EPOCH, offset: 2 });
  });

  rule('a write that continues from beyond the watermark is refused as a whole', async ({ store }) => {
    await store.reset('view', 0, EPOCH);
    assert.equal(await store.write('view', 0, [entry('a', 1, 'one')], { epoch: EPOCH, offset: 2 }, 0), true);
    assert.equal(await store.write('view', 0, [entry('a', 4, 'four')], { epoch: EPOCH, offset: 6 }, 4), false);
    assert.deepEqual(await plain(store, ['a']), ['one']);
    assert.equal(await store.write('view', 0, [entry('a', 3, 'three')], { epoch: EPOCH, offset: 4 }, 2), true);
  });

  rule('a reset forgets the partition and sets the watermark to the start', async ({ store }) => {
    for (const partition of [0, 1]) {
      await store.reset('view', partition, EPOCH);
      await store.write('view', partition, [entry('a', 9, 'nine')], { epoch: EPOCH, offset: 2 }, 0);
    }
    await store.reset('view', 0, 'beefbeef');
    assert.deepEqual(await store.read('view', 0, ['a']), { entries: [undefined], watermark: { epoch: 'beefbeef', offset: 0 } });
    assert.equal(await store.write('view', 0, [entry('a', 3, 'three')], { epoch: 'beefbeef', offset: 1 }, 0), true, 'a forgotten value does not stand in the way');
    assert.deepEqual(await plain(store, ['a']), ['three']);
    assert.deepEqual(await plain(store, ['a'], 1), ['nine'], 'other partitions are left alone');
  });

  rule('a reset for the epoch that is there does nothing: another process was first', async ({ store }) => {
    await store.reset('view', 0, EPOCH);
    await store.write('view', 0, [entry('a', 3, 'three')], { epoch: EPOCH, offset: 4 }, 0);
    await store.reset('view', 0, EPOCH);
    assert.deepEqual(await plain(store, ['a']), ['three']);
    assert.deepEqual((await store.read('view', 0, [])).watermark, { epoch: EPOCH, offset: 4 });
  });

  rule('views and partitions do not see each other', async ({ store }) => {
    await store.reset('view', 0, EPOCH);
    await store.reset('view', 10, EPOCH);
    await store.reset('other', 0, EPOCH);
    await store.write('view', 0, [entry('a', 1, 'one')], { epoch: EPOCH, offset: 4 }, 0);
    assert.deepEqual(await store.read('other', 0, ['a']), { entries: [undefined], watermark: { epoch: EPOCH, offset: 0 } });
    assert.deepEqual(await store.read('view', 10, ['a']), { entries: [undefined], watermark: { epoch: EPOCH, offset: 0 } });
  });

  rule('large batches are whole, and writes that overlap keep their order', async ({ store }) => {
    await store.reset('view', 0, EPOCH);
    const keys = Array.from({ length: 2_500 }, (_, i) => `t/c${i}`);
    const writes = [1, 2, 3].map((round) => store.write('view', 0, keys.map((key) => entry(key, round, `round ${round}`)), { epoch: EPOCH, offset: round * 10 }, (round - 1) * 10));
    assert.deepEqual(await Promise.all(writes), [true, true, true]);
    const read = await store.read('view', 0, keys);
    assert.ok(read.entries.every((found) => found?.value?.toString() === 'round 3'));
    assert.deepEqual(read.watermark, { epoch: EPOCH, offset: 30 });
  });

  // Only stores outside of the process can be flushed or restored behind its back.
  if (options.lossless) return;

  rule('after a flush there is no watermark, and writes are refused until a reset', async ({ store, flush }) => {
    assert.ok(flush);
    await store.reset('view', 0, EPOCH);
    await store.write('view', 0, [entry('a', 1)], { epoch: EPOCH, offset: 2 }, 0);
    await flush();
    assert.equal(await store.write('view', 0, [entry('b', 2)], { epoch: EPOCH, offset: 3 }, 2), false);
    assert.deepEqual(await store.read('view', 0, ['a', 'b']), { entries: [undefined, undefined], watermark: undefined });
    await store.reset('view', 0, EPOCH);
    assert.equal(await store.write('view', 0, [entry('b', 2, 'two')], { epoch: EPOCH, offset: 3 }, 0), true);
    assert.deepEqual(await plain(store, ['a', 'b']), [undefined, 'two']);
  });

  rule('after a roll-back values and watermark are those of then, and the next write is refused', async ({ store, snapshot }) => {
    assert.ok(snapshot);
    await store.reset('view', 0, EPOCH);
    await store.write('view', 0, [entry('a', 1, 'one')], { epoch: EPOCH, offset: 2 }, 0);
    const restore = await snapshot();
    await store.write('view', 0, [entry('a', 2, 'two'), entry('b', 3)], { epoch: EPOCH, offset: 4 }, 2);
    await restore();
    assert.equal(await store.write('view', 0, [entry('c', 4)], { epoch: EPOCH, offset: 5 }, 4), false);
    assert.deepEqual(await plain(store, ['a', 'b', 'c']), ['one', undefined, undefined]);
    assert.deepEqual((await store.read('view', 0, [])).watermark, { epoch: EPOCH, offset: 2 });
  });
}
