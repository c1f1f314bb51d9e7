import assert from 'node:assert/strict';
import { isCode } from '../../errors.js';
import { eventually } from '../../testing.js';
import { readKeys } from '../scan.js';
import { now, numbers, PATIENCE, readAll, rule, TestMember, text, valuesIn, type LogFactory } from './bench.contract.js';

const DAY = 86_400_000;

export function readContract(factory: LogFactory): void {
  rule(factory, 'read gives the records from `from` up to `to`, exclusive', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'range');
    const offsets = await bench.append(log, numbers(10).map((n) => text(topic, `v${n}`)));
    assert.deepEqual(valuesIn(await readAll(log, topic, 0, offsets[3], offsets[6])), ['v3', 'v4', 'v5']);
    assert.deepEqual(valuesIn(await readAll(log, topic, 0, offsets[8])), ['v8', 'v9']);
    assert.deepEqual(valuesIn(await readAll(log, topic, 0, (offsets[9] ?? 0) + 1)), []);
  });

  rule(factory, 'read ends at the end there was when it was called', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'end');
    assert.deepEqual(await readAll(log, topic), []);
    await bench.append(log, numbers(3).map((n) => text(topic, `v${n}`)));
    const found: string[] = [];
    for await (const batch of log.read(topic, 0, 0)) {
      found.push(...valuesIn(batch.records));
      await bench.append(log, [text(topic, 'later')]);
    }
    assert.deepEqual(found, ['v0', 'v1', 'v2']);
  });

  rule(factory, 'batches of read follow on each other without a hole', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'chain');
    await bench.append(log, numbers(3_000).map((n) => text(topic, `v${n}`)));
    let expected = 0;
    let last = 0;
    for await (const batch of log.read(topic, 0, 0)) {
      assert.equal(batch.topic, topic);
      for (const record of batch.records) {
        assert.ok(record.offset >= expected);
        expected = record.offset + 1;
      }
      assert.ok(batch.nextOffset >= expected);
      assert.ok(batch.endOffset >= batch.nextOffset);
      expected = batch.nextOffset;
      last = batch.nextOffset;
    }
    assert.equal(last, (await log.admin.bounds(topic))[0]?.end);
  });

  rule(factory, 'a read for some keys gives their records alone, in batches without a hole', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'keyed');
    await bench.append(log, numbers(3_000).map((n) => text(topic, `v${n}`, { key: `default/c${n % 300}` })));
    const keys = new Set(['default/c7', 'default/c120', 'default/none']);
    const found: string[] = [];
    let expected = 100;
    for await (const batch of readKeys(log, { topic, partition: 0, from: 100, to: 2_500 }, keys)) {
      for (const { offset, key } of batch.records) {
        assert.ok(keys.has(key ?? '') && offset >= expected);
        expected = offset + 1;
      }
      assert.ok(batch.nextOffset >= expected);
      expected = batch.nextOffset;
      found.push(...valuesIn(batch.records));
    }
    assert.equal(expected, 2_500);
    assert.deepEqual(found, numbers(3_000).filter((n) => n >= 100 && n < 2_500 && (n % 300 === 7 || n % 300 === 120)).map((n) => `v${n}`));
    const rest: string[] = [];
    for await (const batch of readKeys(log, { topic, partition: 0, from: 2_000 }, new Set(['default/c299']))) rest.push(...valuesIn(batch.records));
    assert.deepEqual(rest, ['v2099', 'v2399', 'v2699', 'v2999']);
  });

  rule(factory, 'several reads run side by side, and one may be left early', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'side', 2);
    await bench.append(log, numbers(2_000).map((n) => text(topic, `v${n}`, { partition: n % 2 })));
    for await (const _ of log.read(topic, 0, 0)) break;
    const [one, two, three] = await Promise.all([readAll(log, topic, 0), readAll(log, topic, 1), readAll(log, topic, 0)]);
    assert.deepEqual([one.length, two.length, three.length], [1_000, 1_000, 1_000]);
    assert.deepEqual(valuesIn(one), valuesIn(three));
  });

  rule(factory, 'read and topic refuse what does not exist', async (bench) => {
    const log = await bench.open();
    const unknown = bench.harness.name('unknown');
    await assert.rejects(async () => readAll(log, unknown), (error) => isCode(error, 'CONFAB_TOPIC_UNKNOWN'));
    await assert.rejects(log.topic(unknown), (error) => isCode(error, 'CONFAB_TOPIC_UNKNOWN'));
    const topic = await bench.topic(log, 'known');
    await assert.rejects(async () => readAll(log, topic, 9), (error) => isCode(error, 'CONFAB_PARTITION_UNKNOWN'));
  });

  rule(factory, 'offsetAt is the first record at or after the timestamp, or the end', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'times');
    const base = now() - 100_000;
    const offsets: number[] = [];
    for (const n of numbers(5)) offsets.push(...await bench.append(log, [text(topic, `v${n}`, { timestamp: base + n * 1_000 })]));
    assert.equal(await log.admin.offsetAt(topic, 0, base - 5), offsets[0]);
    assert.equal(await log.admin.offsetAt(topic, 0, base + 2_000), offsets[2]);
    assert.equal(await log.admin.offsetAt(topic, 0, base + 2_001), offsets[3]);
    assert.equal(await log.admin.offsetAt(topic, 0, base + 4_001), (await log.admin.bounds(topic))[0]?.end);
  });

  rule(factory, 'a partition may be removed from the front; read begins at the new start', async (bench, t) => {
    const { harness } = bench;
    if (!harness.trim) { t.skip('the harness cannot trim'); return; }
    const log = await bench.open();
    const topic = await bench.topic(log, 'trimmed');
    const offsets = await bench.append(log, numbers(10).map((n) => text(topic, `v${n}`, { timestamp: n < 6 ? now() - 2 * DAY : now() })));
    await harness.trim(log, topic, 0, offsets[6] ?? 0);
    assert.equal((await log.admin.bounds(topic))[0]?.start, offsets[6]);
    assert.deepEqual(valuesIn(await readAll(log, topic)), ['v6', 'v7', 'v8', 'v9']);
  });

  rule(factory, 'starting below the start of the log is refused by its code, and nothing is started', async (bench, t) => {
    const { harness } = bench;
    if (!harness.trim) { t.skip('the harness cannot trim'); return; }
    const log = await bench.open();
    const topic = await bench.topic(log, 'below', 2);
    const old = { timestamp: now() - 2 * DAY };
    await bench.append(log, numbers(6).map((n) => text(topic, `v${n}`, n < 4 ? old : {})));
    await bench.append(log, [text(topic, 'other', { partition: 1 })]);
    await harness.trim(log, topic, 0, 4);
    const member = new TestMember({ assigned: async () => undefined });
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic] });
    const assignment = await member.running(2);
    const start = assignment.start([{ topic, partition: 1, offset: 0 }, { topic, partition: 0, offset: 1 }]);
    await assert.rejects(start, (error) => isCode(error, 'CONFAB_OFFSET_OUT_OF_RANGE'));
    await assignment.start([{ topic, partition: 0, offset: 4 }]);
    await member.received(topic, 2);
    assert.deepEqual(member.valuesOf(topic), ['v4', 'v5']);
  });

  rule(factory, 'compaction keeps the newest record of each key, and readers skip the gaps', async (bench, t) => {
    const { harness } = bench;
    if (!harness.compact) { t.skip('the harness cannot compact'); return; }
    const log = await bench.open();
    const topic = await bench.topic(log, 'compacted', 1, { ...harness.compactConfig, 'cleanup.policy': 'compact' });
    const total = 200;
    for (const n of numbers(total / 10)) await bench.append(log, numbers(10).map((m) => text(topic, `${n * 10 + m}`, { key: `k${m % 3}` })));
    await bench.append(log, numbers(10).map((m) => text(topic, `last${m}`, { key: `last${m}` })));
    await harness.compact(log, topic);
    await eventually('compaction', async () => (await readAll(log, topic)).length <= 20, PATIENCE);
    const records = await readAll(log, topic);
    const newest = new Map(records.map((record) => [record.key, String(record.value)]));
    assert.deepEqual([newest.get('k0'), newest.get('k1'), newest.get('k2')], ['199', '197', '198']);
    const end = (await log.admin.bounds(topic))[0]?.end ?? 0;
    assert.ok(end >= total + 10);
    const member = new TestMember();
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic] });
    await eventually('the end', () => member.batches.at(-1)?.nextOffset === end, PATIENCE);
    assert.deepEqual(member.valuesOf(topic), valuesIn(records));
  });
}
