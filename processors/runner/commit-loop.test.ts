/** When commits begin, and what becomes of a record that the log refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { ConfabError } from '../../platform/errors.js';
import type { Assignment, CommitGroup } from '../../platform/event-log/event-log.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { CommitLoop } from './commit-loop.js';
import type { Engine } from './engine.js';
import { PartitionShare } from './partition-share.js';
import { runnerMetrics } from './runner-metrics.js';
import type { Finished, Work } from './work.js';

/**
 * A revocation came while the record that the log refuses was looked for by halves. The second half was left out, neither
 * committed nor forgotten: where the partition stayed, its inputs stayed open for good, and later ones of the same
 * conversations went before them.
 */
test('when a revocation interrupts the search for a refused record, nothing that was taken is kept as if it were open', async () => {
  const share = new PartitionShare('messages.v1', 0, 0, []);
  const finished = [0, 1, 2, 3].map((offset): Finished => {
    const work = { offset, partition: 0, share, done: false } as Work;
    share.window.add(work);
    return { work, state: undefined, records: [{ topic: 'intents.v1', partition: 0, key: 'default/c', value: Buffer.from([offset]), timestamp: 0 }] };
  });
  const committed: number[] = [];
  let queue = finished;
  let failed = 0;
  let revoked: Promise<void> | undefined;
  const commit = async (_instance: string, group: CommitGroup): Promise<number[]> => {
    if (group.records.length > 2) throw new ConfabError('CONFAB_RECORD_TOO_LARGE');
    revoked ??= loop.handOver();
    committed.push(...group.records.map(({ value }) => value?.[0] ?? -1));
    return group.records.map((_, index) => index);
  };
  const loop = new CommitLoop({
    assignment: { commit } as unknown as Assignment, instance: 'I', clock: new ManualClock(), logger: silentLogger, metrics: runnerMetrics(createMetrics(), 'intent'),
    engine: { get hasFinished() { return queue.length > 0; }, take: () => queue.splice(0) } as unknown as Engine,
    stateTopic: undefined, commitEvery: 0, gatherMillis: 0, shares: () => [share], deadLetter: () => assert.fail('no record was found yet'),
    onCommitted: () => undefined, onFailed: () => { failed += 1; }, onFatal: () => assert.fail('fatal'),
  });
  queue = [...finished];
  loop.kick();
  for (let turn = 0; turn < 20 && failed === 0; turn += 1) await Promise.resolve();
  await revoked;
  assert.deepEqual(committed, [0, 1], 'the first half was under way when the revocation came');
  assert.equal(failed, 1, 'the rest is begun again from the log');
});

/** A loop over work that is finished by hand, one partition; commits are decided at once. */
function byHand(gatherMillis: number): { clock: ManualClock; sizes: number[]; finish: (count: number) => Promise<void> } {
  const clock = new ManualClock();
  const share = new PartitionShare('messages.v1', 0, 0, []);
  const sizes: number[] = [];
  const queue: Finished[] = [];
  let offset = 0;
  const commit = async (_instance: string, group: CommitGroup): Promise<number[]> => { sizes.push(group.records.length); return group.records.map((_, index) => index); };
  const loop = new CommitLoop({
    assignment: { commit } as unknown as Assignment, instance: 'I', clock, logger: silentLogger, metrics: runnerMetrics(createMetrics(), 'intent'),
    engine: { get hasFinished() { return queue.length > 0; }, take: () => queue.splice(0) } as unknown as Engine,
    stateTopic: undefined, commitEvery: 0, gatherMillis, shares: () => [share], deadLetter: () => assert.fail('nothing is refused'),
    onCommitted: () => undefined, onFailed: () => assert.fail('failed'), onFatal: () => assert.fail('fatal'),
  });
  const finish = async (count: number): Promise<void> => {
    for (let each = 0; each < count; each += 1) {
      const work = { offset, partition: 0, share, done: false } as Work;
      share.window.add(work);
      queue.push({ work, state: undefined, records: [{ topic: 'intents.v1', partition: 0, key: 'default/c', value: Buffer.from([offset]), timestamp: 0 }] });
      offset += 1;
    }
    loop.kick();
    await clock.advance(0);
  };
  return { clock, sizes, finish };
}

test('after a commit of several inputs the next one gathers, counted from when that one began', async () => {
  const { clock, sizes, finish } = byHand(6);
  await finish(4);
  assert.deepEqual(sizes, [4], 'the first waits for nobody');
  await clock.advance(4);
  await finish(2);
  await finish(3);
  assert.deepEqual(sizes, [4]);
  await clock.advance(2);
  assert.deepEqual(sizes, [4, 5]);
  await clock.advance(6);
  await finish(1);
  assert.deepEqual(sizes, [4, 5, 1], 'the time is over: it does not begin again');
});

test('after a commit of few inputs, or on a log where a commit costs nothing, the next one begins at once', async () => {
  const network = byHand(6);
  for (const count of [1, 3, 2]) await network.finish(count);
  assert.deepEqual(network.sizes, [1, 3, 2]);
  const inProcess = byHand(0);
  for (const count of [10, 20, 10]) await inProcess.finish(count);
  assert.deepEqual(inProcess.sizes, [10, 20, 10]);
});
