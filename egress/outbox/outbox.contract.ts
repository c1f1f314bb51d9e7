/** Contract suite of the Outbox port: what every adapter must do. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { formatPosition } from '../../platform/position.js';
import type { Outcome } from '../outcomes/outcome.js';
import type { Outbox, OutboxLimits } from './outbox.js';

export const EPOCH = '0a1b2c3d';
const at = (offset: number, index = 1): string => formatPosition(EPOCH, offset, index);
const outcome = (key: string, offset: number, prev: number | null | undefined, index = 1): Outcome => ({
  key, position: at(offset, index), prev: typeof prev === 'number' ? at(prev, 0) : prev, frame: `{"text":"${key} ü ${offset}.${index}"}`, timestamp: 1,
});

export interface OutboxFixture {
  readonly outbox: Outbox;
  readonly flush: () => Promise<void> | void;
}

/** Runs the suite against the adapter that `make` opens. */
export function outboxContract(name: string, make: (t: TestContext, limits: OutboxLimits) => Promise<OutboxFixture> | OutboxFixture, options: { skip?: string | false } = {}): void {
  const rule = (sentence: string, body: (fixture: OutboxFixture) => Promise<void>, limits: OutboxLimits = {}): void => {
    test(`${name} outbox: ${sentence}`, { skip: options.skip ?? false }, async (t) => {
      const fixture = await make(t, limits);
      try { await body(fixture); } finally { await fixture.outbox.close(); }
    });
  };
  const positions = async (outbox: Outbox, after: string, key = 't/a'): Promise<{ positions: string[]; complete: boolean; last: string | undefined }> => {
    const read = await outbox.read(3, key, after);
    return { positions: read.entries.map((entry) => entry.position), complete: read.complete, last: read.last };
  };

  rule('of an unknown conversation it knows nothing, which is not the same as that there is nothing', async ({ outbox }) => {
    assert.deepEqual(await positions(outbox, at(4)), { positions: [], complete: false, last: undefined });
    assert.deepEqual(await positions(outbox, ''), { positions: [], complete: false, last: undefined });
  });

  rule('it gives what comes after a position, in order and byte by byte', async ({ outbox }) => {
    const all = [outcome('t/a', 2, null), outcome('t/b', 3, null), outcome('t/a', 5, 2), outcome('t/a', 5, 5, 2), outcome('t/a', 100_000_000_001, 5)];
    const placed = await outbox.append(3, all);
    assert.deepEqual(placed.map(({ late }) => late), [false, false, false, false, false]);
    assert.deepEqual(await positions(outbox, at(5)), { positions: [at(5, 2), at(100_000_000_001)], complete: true, last: at(100_000_000_001) });
    assert.deepEqual((await outbox.read(3, 't/a', '')).entries.map((entry) => entry.frame), [0, 2, 3, 4].map((i) => all[i]?.frame));
    assert.deepEqual(await positions(outbox, at(100_000_000_001)), { positions: [], complete: true, last: at(100_000_000_001) });
  });

  rule('it tells each entry what came before it, dead letters included', async ({ outbox }) => {
    const placed = await outbox.append(3, [outcome('t/a', 2, null), outcome('t/a', 4, undefined), outcome('t/a', 6, 2)]);
    assert.deepEqual(placed.map(({ prev }) => prev), [null, at(2), at(4)]);
    assert.deepEqual(await positions(outbox, at(2)), { positions: [at(4), at(6)], complete: true, last: at(6) });
  });

  rule('repeats change nothing and are answered as the first time', async ({ outbox }) => {
    const all = [outcome('t/a', 2, null), outcome('t/a', 4, 2), outcome('t/a', 6, 4)];
    const first = await outbox.append(3, all);
    assert.deepEqual(await outbox.append(3, all.slice(0, 2)), first.slice(0, 2));
    assert.deepEqual(await outbox.append(3, [...all, outcome('t/a', 7, 6)]), [...first, { prev: at(6), late: false }]);
    assert.deepEqual(await positions(outbox, ''), { positions: [at(2), at(4), at(6), at(7)], complete: true, last: at(7) });
  });

  rule('beyond its length the oldest entries are gone, and a resume from before says so', async ({ outbox }) => {
    for (let i = 1; i <= 400; i += 1) await outbox.append(3, [outcome('t/a', i, i === 1 ? null : i - 1)]);
    assert.equal((await outbox.read(3, 't/a', at(1))).complete, false);
    const read = await outbox.read(3, 't/a', at(397));
    assert.deepEqual({ complete: read.complete, count: read.entries.length }, { complete: true, count: 3 });
  }, { maxEntries: 4 });

  rule('after a flush a resume is complete only for who has seen the message itself', async ({ outbox, flush }) => {
    await outbox.append(3, [outcome('t/a', 2, null), outcome('t/a', 4, undefined)]);
    await flush();
    assert.deepEqual(await positions(outbox, at(2)), { positions: [], complete: false, last: undefined });
    const placed = await outbox.append(3, [outcome('t/a', 6, 2), outcome('t/a', 8, 6)]);
    assert.deepEqual(placed.map(({ prev }) => prev), [at(2, 0), at(6)]);
    assert.equal((await outbox.read(3, 't/a', at(2))).complete, false, 'the dead letter in between is not in the chain of replies');
    assert.equal((await outbox.read(3, 't/a', at(6, 0))).complete, true);
    assert.equal((await outbox.read(3, 't/a', at(6))).complete, true);
  });

  // After a flush a dead letter was read again, and the next reply was chained to it: what lay between was missing from resumes that counted as complete.
  rule('after a flush an older outcome that comes again does not hide what lay between', async ({ outbox, flush }) => {
    await outbox.append(3, [outcome('t/a', 2, null), outcome('t/a', 4, 2), outcome('t/a', 6, 4)]);
    await flush();
    await outbox.append(3, [outcome('t/a', 2, null)]);
    assert.deepEqual(await outbox.append(3, [outcome('t/a', 8, 6)]), [{ prev: at(6, 0), late: false }]);
    assert.equal((await outbox.read(3, 't/a', at(2))).complete, false);
    assert.deepEqual(await positions(outbox, at(6)), { positions: [at(8)], complete: false, last: at(8) }, 'the log decides');
    assert.deepEqual(await positions(outbox, at(8, 0)), { positions: [at(8)], complete: true, last: at(8) });
    assert.deepEqual(await outbox.append(3, [outcome('t/a', 10, 8)]), [{ prev: at(8), late: false }]);
  });

  // After a flush one dead letter was read again, and the replies after it were not: who resumed behind it was told that there was nothing.
  rule('a dead letter of a conversation that it does not know may be late, and nothing is complete until a reply follows', async ({ outbox, flush }) => {
    await outbox.append(3, [outcome('t/a', 2, null), outcome('t/a', 4, undefined), outcome('t/a', 6, 2)]);
    await flush();
    const lonely = [{ prev: undefined, late: true }];
    assert.deepEqual(await outbox.append(3, [outcome('t/a', 4, undefined)]), lonely);
    assert.deepEqual(await outbox.append(3, [outcome('t/a', 4, undefined)]), lonely, 'a repeat');
    for (const after of [at(2), at(4, 0), at(4), at(5, 0), at(6)]) assert.deepEqual([(await outbox.read(3, 't/a', after)).complete, (await outbox.read(3, 't/a', after)).last], [false, at(4)]);
    assert.deepEqual(await outbox.append(3, [outcome('t/a', 7, undefined)]), lonely, 'the reply between them is not known either');
    assert.equal((await outbox.read(3, 't/a', at(4))).complete, false);
    assert.deepEqual(await outbox.append(3, [outcome('t/a', 8, 6)]), [{ prev: at(7), late: false }]);
    assert.deepEqual(await positions(outbox, at(7)), { positions: [at(8)], complete: true, last: at(8) });
    assert.deepEqual(await positions(outbox, at(7, 0)), { positions: [at(7), at(8)], complete: true, last: at(8) });
    assert.equal((await outbox.read(3, 't/a', at(4))).complete, false);
  });

  rule('a reply beyond what was missed makes a lonely dead letter be forgotten', async ({ outbox }) => {
    await outbox.append(3, [outcome('t/a', 4, undefined)]);
    assert.deepEqual(await outbox.append(3, [outcome('t/a', 8, 6)]), [{ prev: at(6, 0), late: false }]);
    assert.deepEqual(await positions(outbox, at(8)), { positions: [], complete: true, last: at(8) });
    assert.equal((await outbox.read(3, 't/a', at(4))).complete, false);
  });

  rule('who has seen an outcome that it does not know is not told that nothing is missing', async ({ outbox }) => {
    await outbox.append(3, [outcome('t/a', 2, null)]);
    assert.equal((await outbox.read(3, 't/a', at(3, 0))).complete, true, 'a message of its own');
    assert.equal((await outbox.read(3, 't/a', at(3))).complete, false);
  });

  rule('a late entry makes resumes from before it read the log, and later ones not', async ({ outbox }) => {
    await outbox.append(3, [outcome('t/a', 2, null), outcome('t/a', 6, 2)]);
    assert.deepEqual((await outbox.append(3, [outcome('t/a', 4, undefined)])).map(({ late }) => late), [true]);
    assert.deepEqual(await positions(outbox, at(2)), { positions: [], complete: false, last: at(6) });
    assert.equal((await positions(outbox, at(6))).complete, true);
    await outbox.append(3, [outcome('t/a', 8, 6)]);
    assert.deepEqual(await positions(outbox, at(6)), { positions: [at(8)], complete: true, last: at(8) });
    assert.equal((await positions(outbox, at(2))).complete, false);
  });

  rule('it is read a page at a time, and says when there is more', async ({ outbox }) => {
    await outbox.append(3, [2, 4, 6, 8, 10].map((offset) => outcome('t/a', offset, offset === 2 ? null : offset - 2)));
    const pages = [];
    for (let after = ''; ;) {
      const { entries, complete, more } = await outbox.read(3, 't/a', after, 2);
      pages.push([entries.map(({ position }) => position), complete, more]);
      if (!more) break;
      after = entries[entries.length - 1]?.position ?? '';
    }
    assert.deepEqual(pages, [[[at(2), at(4)], true, true], [[at(6), at(8)], true, true], [[at(10)], true, false]]);
    assert.deepEqual((await outbox.read(3, 't/a', at(10), 2)).more, false);
  });

  rule('conversations do not see each other, and large batches are whole', async ({ outbox }) => {
    const many = Array.from({ length: 1_050 }, (_, i) => outcome(`t/c${i % 50}`, i, i < 50 ? null : i - 50));
    const placed = await outbox.append(3, many);
    assert.equal(placed.length, many.length);
    assert.ok(placed.every(({ late }) => !late));
    const read = await outbox.read(3, 't/c49', '');
    assert.equal(read.entries.length, 21);
    assert.ok(read.complete);
  });
}
