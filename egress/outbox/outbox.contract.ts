/** Contract suite of the Outbox port: what every adapter must do. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { formatPosition } from '../../platform/position.js';
import type { Outcome } from '../outcomes/outcome.js';
import { isAllSince, type Outbox, type OutboxLimits, type Placed } from './outbox.js';

export const EPOCH = '0a1b2c3d';
const at = (offset: number, index = 1): string => formatPosition(EPOCH, offset, index);
const outcome = (key: string, offset: number, prev: number | null | undefined, index = 1): Outcome => ({
  key, position: at(offset, index), prev: typeof prev === 'number' ? at(prev, 0) : prev, frame: `{"text":"${key} ü ${offset}.${index}"}`, timestamp: 1,
});

export interface OutboxFixture {
  readonly outbox: Outbox;
  readonly flush: () => Promise<void> | void;
}

/** What the rules work with. */
interface Played {
  readonly outbox: Outbox;
  readonly append: (outcomes: readonly Outcome[]) => Promise<readonly Placed[]>;
  /** Everything is lost while messages.v1 ends at this offset. */
  readonly lose: (end: number) => Promise<void>;
  /** What is told of where messages.v1 ends. */
  readonly asked: () => number;
}

/** Runs the suite against the adapter that `make` opens. */
export function outboxContract(name: string, make: (t: TestContext, limits: OutboxLimits) => Promise<OutboxFixture> | OutboxFixture, options: { skip?: string | false } = {}): void {
  const rule = (sentence: string, body: (played: Played) => Promise<void>, limits: OutboxLimits = {}): void => {
    test(`${name} outbox: ${sentence}`, { skip: options.skip ?? false }, async (t) => {
      const { outbox, flush } = await make(t, limits);
      let [end, asked] = [0, 0];
      const behind = async (): Promise<string> => { asked += 1; return at(end, 0); };
      try {
        await body({
          outbox, asked: () => asked,
          append: (outcomes) => outbox.append(3, outcomes, behind),
          lose: async (now) => { await flush(); end = now; },
        });
      } finally { await outbox.close(); }
    });
  };
  const positions = async (outbox: Outbox, after: string, key = 't/a'): Promise<{ positions: string[]; complete: boolean; last: string | undefined }> => {
    const read = await outbox.read(3, key, after);
    return { positions: read.entries.map((entry) => entry.position), complete: read.complete, last: read.last };
  };
  const isComplete = async (outbox: Outbox, after: string): Promise<boolean> => (await outbox.read(3, 't/a', after)).complete;

  rule('of an unknown conversation it knows nothing, which is not the same as that there is nothing', async ({ outbox }) => {
    assert.deepEqual(await positions(outbox, at(4)), { positions: [], complete: false, last: undefined });
    assert.deepEqual(await positions(outbox, ''), { positions: [], complete: false, last: undefined });
  });

  rule('it gives what comes after a position, in order and byte by byte', async ({ outbox, append }) => {
    const all = [outcome('t/a', 2, null), outcome('t/b', 3, null), outcome('t/a', 5, 2), outcome('t/a', 5, 5, 2), outcome('t/a', 100_000_000_001, 5)];
    const placed = await append(all);
    assert.deepEqual(placed.map(({ late }) => late), [false, false, false, false, false]);
    assert.deepEqual(await positions(outbox, at(5)), { positions: [at(5, 2), at(100_000_000_001)], complete: true, last: at(100_000_000_001) });
    assert.deepEqual((await outbox.read(3, 't/a', '')).entries.map((entry) => entry.frame), [0, 2, 3, 4].map((i) => all[i]?.frame));
    assert.deepEqual(await positions(outbox, at(100_000_000_001)), { positions: [], complete: true, last: at(100_000_000_001) });
  });

  rule('it tells each entry what came before it, dead letters included', async ({ outbox, append }) => {
    const placed = await append([outcome('t/a', 2, null), outcome('t/a', 4, undefined), outcome('t/a', 6, 2)]);
    assert.deepEqual(placed.map(({ prev }) => prev), [null, at(2), at(4)]);
    assert.deepEqual(await positions(outbox, at(2)), { positions: [at(4), at(6)], complete: true, last: at(6) });
  });

  rule('repeats change nothing and are answered as the first time', async ({ outbox, append }) => {
    const all = [outcome('t/a', 2, null), outcome('t/a', 4, 2), outcome('t/a', 6, 4)];
    const first = await append(all);
    assert.deepEqual(await append(all.slice(0, 2)), first.slice(0, 2));
    assert.deepEqual(await append([...all, outcome('t/a', 7, 6)]), [...first, { prev: at(6), late: false }]);
    assert.deepEqual(await positions(outbox, at(0, 0)), { positions: [at(2), at(4), at(6), at(7)], complete: true, last: at(7) });
  });

  rule('beyond its length the oldest entries are gone, and a resume from before says so', async ({ outbox, append }) => {
    for (let i = 1; i <= 400; i += 1) await append([outcome('t/a', i, i === 1 ? null : i - 1)]);
    assert.equal(await isComplete(outbox, at(1)), false);
    const read = await outbox.read(3, 't/a', at(397));
    assert.deepEqual({ complete: read.complete, count: read.entries.length }, { complete: true, count: 3 });
  }, { maxEntries: 4 });

  rule('after a flush a resume is complete only from behind all that was lost', async ({ outbox, append, lose }) => {
    await append([outcome('t/a', 2, null), outcome('t/a', 4, undefined)]);
    await lose(6);
    assert.deepEqual(await positions(outbox, at(2)), { positions: [], complete: false, last: undefined });
    const placed = await append([outcome('t/a', 6, 2), outcome('t/a', 8, 6)]);
    assert.deepEqual(placed.map(({ prev }) => prev), [at(2, 0), at(6)]);
    assert.equal(await isComplete(outbox, at(2)), false, 'the dead letter in between is not in the chain of replies');
    assert.equal(await isComplete(outbox, at(6, 0)), true);
    assert.equal(await isComplete(outbox, at(6)), true);
  });

  // The dead letter came first, was lost, and the record of the reply says that nothing came before it: who had been away never got the letter.
  rule('after a flush the first reply of a conversation does not hide a dead letter before it', async ({ outbox, append, lose }) => {
    await append([outcome('t/a', 2, undefined)]);
    await lose(3);
    assert.deepEqual(await append([outcome('t/a', 4, null)]), [{ prev: null, late: false }]);
    for (const after of ['', at(0, 0), at(2, 0)]) assert.deepEqual(await positions(outbox, after), { positions: [at(4)], complete: false, last: at(4) });
    for (const after of [at(3, 0), at(4, 0)]) assert.deepEqual(await positions(outbox, after), { positions: [at(4)], complete: true, last: at(4) });
  });

  // Outcomes of a partition do not come in the order of positions: a position that was taken from the first one that came after a loss said too much.
  rule('after a flush what comes first may be older than what was lost', async ({ outbox, append, lose }) => {
    await append([outcome('t/a', 6, undefined)]);
    await lose(7);
    await append([outcome('t/b', 2, null), outcome('t/a', 8, null)]);
    for (const after of [at(2), at(5, 0), at(6, 0)]) assert.equal(await isComplete(outbox, after), false, after);
    assert.equal(await isComplete(outbox, at(7, 0)), true);
  });

  rule('of a new conversation all is known, from its first message on', async ({ outbox, append, lose }) => {
    await append([outcome('t/b', 2, null)]);
    await lose(3);
    await append([outcome('t/a', 4, undefined), outcome('t/a', 5, null), outcome('t/a', 6, 5)]);
    for (const after of [at(3, 0), at(4, 0)]) assert.deepEqual(await positions(outbox, after), { positions: [at(4), at(5), at(6)], complete: true, last: at(6) });
  });

  rule('who followed a conversation before anything was known of it gets all that came since, unless something was forgotten', async ({ outbox, append, lose }) => {
    const all = async (mark: string | undefined): Promise<boolean> => isAllSince(await outbox.read(3, 't/a', ''), mark);
    assert.equal(await all((await outbox.read(3, 't/a', '')).mark), false, 'nothing was appended: the partition is not whole yet');
    await lose(6);
    await append([]);
    const { mark } = await outbox.read(3, 't/a', '');
    assert.equal(await all(mark), true, 'nothing has come');
    await append([outcome('t/a', 2, undefined), outcome('t/b', 5, null), outcome('t/a', 4, null), outcome('t/a', 7, 4)]);
    assert.equal(await all(mark), true);
    await lose(8);
    assert.equal(await all(mark), false);
    await append([outcome('t/a', 9, 7)]);
    assert.equal(await all(mark), false, 'what came before the loss is missing');
    for (let i = 10; i <= 400; i += 1) await append([outcome('t/a', i, i - 1)]);
    assert.equal(await all((await outbox.read(3, 't/a', '')).mark), false, 'the first ones were trimmed');
  }, { maxEntries: 4 });

  rule('where messages.v1 ends is asked once a loss', async ({ append, lose, asked }) => {
    for (let i = 2; i < 6; i += 1) await append([outcome('t/a', i, null), outcome('t/b', i, null)]);
    assert.equal(asked(), 1);
    await lose(9);
    await append([]);
    await append([outcome('t/a', 9, null)]);
    assert.equal(asked(), 2);
  });

  // After a flush a dead letter was read again, and the next reply was chained to it: what lay between was missing from resumes that counted as complete.
  rule('after a flush an older outcome that comes again does not hide what lay between', async ({ outbox, append, lose }) => {
    await append([outcome('t/a', 2, null), outcome('t/a', 4, 2), outcome('t/a', 6, 4)]);
    await lose(7);
    await append([outcome('t/a', 2, null)]);
    assert.equal(await isComplete(outbox, at(3, 0)), false, 'not for who has sent a message since, either');
    assert.deepEqual(await append([outcome('t/a', 8, 6)]), [{ prev: at(6, 0), late: false }]);
    assert.equal(await isComplete(outbox, at(2)), false);
    assert.deepEqual(await positions(outbox, at(6)), { positions: [at(8)], complete: false, last: at(8) }, 'the log decides');
    assert.deepEqual(await positions(outbox, at(8, 0)), { positions: [at(8)], complete: true, last: at(8) });
    assert.deepEqual(await append([outcome('t/a', 10, 8)]), [{ prev: at(8), late: false }]);
  });

  // As before, but the one between was a dead letter, which is in no record's chain.
  rule('after a flush an older outcome that comes again does not hide a dead letter that does not', async ({ outbox, append, lose }) => {
    await append([outcome('t/a', 2, null), outcome('t/a', 4, undefined)]);
    await lose(5);
    await append([outcome('t/a', 2, null)]);
    assert.deepEqual(await append([outcome('t/a', 6, 2)]), [{ prev: at(2), late: false }]);
    for (const after of [at(2, 0), at(2), at(3, 0)]) assert.equal(await isComplete(outbox, after), false, after);
    assert.equal(await isComplete(outbox, at(6, 0)), true);
  });

  // After a flush one dead letter was read again, and the replies after it were not: who resumed behind it was told that there was nothing.
  rule('a dead letter from before a loss may be late, and nothing from before the loss is complete', async ({ outbox, append, lose }) => {
    await append([outcome('t/a', 2, null), outcome('t/a', 4, undefined), outcome('t/a', 6, 2), outcome('t/a', 7, undefined)]);
    await lose(8);
    const lonely = [{ prev: undefined, late: true }];
    assert.deepEqual(await append([outcome('t/a', 4, undefined)]), lonely);
    assert.deepEqual(await append([outcome('t/a', 4, undefined)]), lonely, 'a repeat');
    for (const after of [at(2), at(4, 0), at(4), at(5, 0), at(6)]) assert.deepEqual([await isComplete(outbox, after), (await outbox.read(3, 't/a', after)).last], [false, at(4)]);
    assert.deepEqual(await append([outcome('t/a', 7, undefined)]), lonely, 'the reply between them is not known either');
    assert.deepEqual(await append([outcome('t/a', 7, undefined)]), lonely, 'a repeat');
    assert.equal(await isComplete(outbox, at(4)), false);
    assert.deepEqual(await append([outcome('t/a', 8, 6), outcome('t/a', 9, undefined)]), [{ prev: at(7), late: false }, { prev: at(8), late: false }]);
    assert.deepEqual(await positions(outbox, at(8, 0)), { positions: [at(8), at(9)], complete: true, last: at(9) });
    assert.equal(await isComplete(outbox, at(4)), false);
  });

  rule('a dead letter that comes first in a new conversation is not late', async ({ outbox, append, lose }) => {
    await lose(3);
    assert.deepEqual(await append([outcome('t/a', 4, undefined)]), [{ prev: undefined, late: false }]);
    assert.deepEqual(await append([outcome('t/a', 4, undefined), outcome('t/a', 5, undefined)]), [{ prev: undefined, late: false }, { prev: at(4), late: false }]);
    assert.deepEqual(await positions(outbox, at(4, 0)), { positions: [at(4), at(5)], complete: true, last: at(5) });
  });

  rule('a reply beyond what was missed makes a lonely dead letter be forgotten', async ({ outbox, append, lose }) => {
    await lose(8);
    await append([outcome('t/a', 4, undefined)]);
    assert.deepEqual(await append([outcome('t/a', 8, 6)]), [{ prev: at(6, 0), late: false }]);
    assert.deepEqual(await positions(outbox, at(8)), { positions: [], complete: true, last: at(8) });
    assert.equal(await isComplete(outbox, at(4)), false);
  });

  rule('who has seen an outcome that it does not know is not told that nothing is missing', async ({ outbox, append }) => {
    await append([outcome('t/a', 2, null)]);
    assert.equal(await isComplete(outbox, at(3, 0)), true, 'a message of its own');
    assert.equal(await isComplete(outbox, at(3)), false);
  });

  rule('a late entry makes resumes from before it read the log, and later ones not', async ({ outbox, append }) => {
    await append([outcome('t/a', 2, null), outcome('t/a', 6, 2)]);
    assert.deepEqual((await append([outcome('t/a', 4, undefined)])).map(({ late }) => late), [true]);
    assert.deepEqual(await positions(outbox, at(2)), { positions: [], complete: false, last: at(6) });
    assert.equal((await positions(outbox, at(6))).complete, true);
    await append([outcome('t/a', 8, 6)]);
    assert.deepEqual(await positions(outbox, at(6)), { positions: [at(8)], complete: true, last: at(8) });
    assert.equal(await isComplete(outbox, at(2)), false);
  });

  rule('it is read a page at a time, and says when there is more', async ({ outbox, append }) => {
    await append([2, 4, 6, 8, 10].map((offset) => outcome('t/a', offset, offset === 2 ? null : offset - 2)));
    const pages = [];
    for (let after = at(0, 0); ;) {
      const { entries, complete, more } = await outbox.read(3, 't/a', after, 2);
      pages.push([entries.map(({ position }) => position), complete, more]);
      if (!more) break;
      after = entries[entries.length - 1]?.position ?? '';
    }
    assert.deepEqual(pages, [[[at(2), at(4)], true, true], [[at(6), at(8)], true, true], [[at(10)], true, false]]);
    assert.deepEqual((await outbox.read(3, 't/a', at(10), 2)).more, false);
  });

  rule('conversations do not see each other, and large batches are whole', async ({ outbox, append }) => {
    const many = Array.from({ length: 1_050 }, (_, i) => outcome(`t/c${i % 50}`, i, i < 50 ? null : i - 50));
    const placed = await append(many);
    assert.equal(placed.length, many.length);
    assert.ok(placed.every(({ late }) => !late));
    const read = await outbox.read(3, 't/c49', at(0, 0));
    assert.equal(read.entries.length, 21);
    assert.ok(read.complete);
  });
}
