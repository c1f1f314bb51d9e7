/** What every claim index keeps. The factory gives handles on one store that forgets when told to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim, ClaimIndex } from './claim-index.js';

export interface ClaimIndexHarness {
  /** Another handle on the same store, as of another node. */
  open(): ClaimIndex;
  /** The store forgets everything. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const PARTITION = 3;
const request = (keyHash: string, messageId = `m-${keyHash}`, logEnd = 7) => ({ keyHash, messageId, bodyHash: `b-${keyHash}`, logEnd });

async function makeReady(index: ClaimIndex, partition = PARTITION): Promise<void> {
  assert.equal((await index.beginRebuild(partition, 'o1')).state, 'mine');
  assert.equal(await index.finishRebuild(partition, 'o1'), true);
}

export function claimIndexContract(name: string, create: () => Promise<ClaimIndexHarness>, options: { skip?: string | false } = {}): void {
  const rule = (text: string, run: (harness: ClaimIndexHarness, index: ClaimIndex) => Promise<void>): void => {
    test(`${name}: ${text}`, { skip: options.skip ?? false }, async (t) => {
      const harness = await create();
      t.after(() => harness.close());
      await run(harness, harness.open());
    });
  };

  rule('an index that was never built is lost; a built one is not', async (harness, index) => {
    assert.equal(await index.claim(PARTITION, [request('a')]), undefined);
    assert.equal(await index.read(PARTITION, ['a']), undefined);
    await makeReady(index);
    assert.notEqual(await index.claim(PARTITION, [request('a')]), undefined);
    assert.equal(await index.claim(PARTITION + 1, [request('a')]), undefined, 'partitions are separate');
    await harness.flush();
    assert.equal(await index.claim(PARTITION, [request('a')]), undefined);
  });

  rule('a key is claimed once, by whichever node comes first', async (harness, index) => {
    await makeReady(index);
    const other = harness.open();
    const first = await index.claim(PARTITION, [request('a', 'm1'), request('b', 'm2')]);
    assert.deepEqual(first?.known, [undefined, undefined]);
    const second = await other.claim(PARTITION, [request('b', 'm3'), request('c', 'm4')]);
    assert.deepEqual(second?.known, [{ messageId: 'm2', bodyHash: 'b-b', claimedAt: first.now, logEnd: 7, offset: null }, undefined]);
  });

  rule('of equal keys in one call the first is claimed', async (_harness, index) => {
    await makeReady(index);
    const answers = await index.claim(PARTITION, [request('a', 'm1'), request('a', 'm2')]);
    assert.equal(answers?.known[0], undefined);
    assert.equal(answers?.known[1]?.messageId, 'm1');
  });

  rule('a confirmed claim has its offset; another message\'s is left alone', async (_harness, index) => {
    await makeReady(index);
    const { now = 0 } = await index.claim(PARTITION, [request('a', 'm1')]) ?? {};
    const claim: Claim = { messageId: 'm1', bodyHash: 'b-a', claimedAt: now, logEnd: 7, offset: 12 };
    await index.confirm(PARTITION, [{ keyHash: 'a', claim }]);
    assert.deepEqual((await index.read(PARTITION, ['a']))?.claims, [claim]);
    await index.confirm(PARTITION, [{ keyHash: 'a', claim: { ...claim, messageId: 'm', offset: 13 } }, { keyHash: 'new', claim }]);
    assert.deepEqual((await index.read(PARTITION, ['a', 'new', 'none']))?.claims, [claim, claim, undefined]);
  });

  rule('only the very claim that was made, unconfirmed, is released', async (_harness, index) => {
    await makeReady(index);
    const { now = 0 } = await index.claim(PARTITION, [request('a', 'm1'), request('b', 'm2')]) ?? {};
    await index.confirm(PARTITION, [{ keyHash: 'b', claim: { messageId: 'm2', bodyHash: 'b-b', claimedAt: now, logEnd: 7, offset: 1 } }]);
    await index.release(PARTITION, [{ keyHash: 'a', messageId: 'm1', claimedAt: now - 1 }, { keyHash: 'b', messageId: 'm2', claimedAt: now }]);
    assert.deepEqual((await index.read(PARTITION, ['a', 'b']))?.claims.map((claim) => claim?.messageId), ['m1', 'm2']);
    await index.release(PARTITION, [{ keyHash: 'a', messageId: 'm1', claimedAt: now }]);
    assert.deepEqual((await index.read(PARTITION, ['a', 'b']))?.claims.map((claim) => claim?.messageId), [undefined, 'm2']);
  });

  rule('one node rebuilds at a time, and what it filled in is there', async (harness, index) => {
    const other = harness.open();
    const turn = await index.beginRebuild(PARTITION, 'o1');
    assert.equal(turn.state, 'mine');
    assert.equal((await other.beginRebuild(PARTITION, 'o2')).state, 'busy');
    assert.equal(await other.fill(PARTITION, 'o2', []), false);
    const claim: Claim = { messageId: 'm1', bodyHash: 'b', claimedAt: turn.state === 'mine' ? turn.now : 0, logEnd: 3, offset: 3 };
    assert.equal(await index.fill(PARTITION, 'o1', [{ keyHash: 'a', claim }]), true);
    assert.equal(await index.claim(PARTITION, [request('a')]), undefined, 'not before it is whole');
    assert.equal(await index.finishRebuild(PARTITION, 'o1'), true);
    assert.equal((await other.beginRebuild(PARTITION, 'o2')).state, 'ready');
    assert.deepEqual((await other.claim(PARTITION, [request('a')]))?.known, [claim]);
  });

  rule('a flush in the middle of a rebuild takes the turn away', async (harness, index) => {
    await index.beginRebuild(PARTITION, 'o1');
    await harness.flush();
    assert.equal(await index.fill(PARTITION, 'o1', []), false);
    assert.equal(await index.finishRebuild(PARTITION, 'o1'), false);
    assert.equal((await index.beginRebuild(PARTITION, 'o1')).state, 'mine');
  });

  rule('the time of the loss is that of its discovery, whoever goes on with the rebuild', async (_harness, index) => {
    const first = await index.beginRebuild(PARTITION, 'o1');
    const again = await index.beginRebuild(PARTITION, 'o1');
    assert.ok(first.state === 'mine' && again.state === 'mine' && first.lostAt === again.lostAt && first.lostAt <= first.now);
  });
}
