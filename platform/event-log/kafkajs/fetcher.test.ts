import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../clock.js';
import { eventually, skipWithout } from '../../testing.js';
import { numbers, text } from '../contract/bench.contract.js';
import { Directory } from './directory.js';
import { Fetcher } from './fetcher.js';
import { newTopic, openLog, openNetwork } from './testing.js';

const APPENDS = 30;

describe('fetcher', { skip: skipWithout('kafka') }, () => {
  test('brokers that may gather answer less often than records are appended, and leave nothing out', async (t) => {
    const log = await openLog(t);
    const topic = await newTopic(t, log);
    const appender = await log.appender();
    const network = openNetwork(t);
    const values: string[] = [];
    const fetcher = new Fetcher({
      network, directory: new Directory(network, systemClock), clock: systemClock, maxWaitMillis: 50, gatherMillis: 1_000,
      maxBytes: 4_194_304, maxBatchBytes: 1_048_576, maxBatchRecords: 1_000,
      records: ({ records }) => { for (const { value } of records) values.push(String(value)); },
      failed: (error) => { throw error; },
    });
    t.after(() => fetcher.stop());
    fetcher.start([{ topic, partition: 0, offset: 0 }]);
    await eventually('a fetch waits', () => (network.counts.get('Fetch') ?? 0) > 0);
    for (const n of numbers(APPENDS)) await appender.append([text(topic, `v${n}`)]);
    await eventually('all of them', () => values.length === APPENDS);
    assert.deepEqual(values, numbers(APPENDS).map((n) => `v${n}`));
    assert.ok((network.counts.get('Fetch') ?? 0) <= APPENDS / 2, `${network.counts.get('Fetch')} fetches`);
  });
});
