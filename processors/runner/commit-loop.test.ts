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
    stateTopic: undefined, commitEvery: 0, shares: () => [share], deadLetter: () => assert.fail('no record was found yet'),
    onCommitted: () => undefined, onFailed: () => { failed += 1; }, onFatal: () => assert.fail('fatal'),
  });
  queue = [...finished];
  loop.kick();
  for (let turn = 0; turn < 20 && failed === 0; turn += 1) await Promise.resolve();
  await revoked;
  assert.deepEqual(committed, [0, 1], 'the first half was under way when the revocation came');
  assert.equal(failed, 1, 'the rest is begun again from the log');
});
