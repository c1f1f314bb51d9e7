import assert from 'node:assert/strict';
import { isCode } from '../../errors.js';
import { partitionOf } from '../../partitioner.js';
import { now, numbers, readAll, rule, text, valuesIn, type LogFactory } from './bench.contract.js';

export function appendContract(factory: LogFactory): void {
  rule(factory, 'records of a partition get growing offsets in the order of the append and read back in it', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'order');
    const offsets = await bench.append(log, numbers(5).map((n) => text(topic, `v${n}`)));
    assert.equal(offsets.length, 5);
    const records = await readAll(log, topic);
    assert.deepEqual(records.map((record) => record.offset), offsets);
    assert.deepEqual(valuesIn(records), ['v0', 'v1', 'v2', 'v3', 'v4']);
    assert.deepEqual([...offsets].sort((a, b) => a - b), offsets);
  });

  rule(factory, 'overlapping appends keep the order of the calls', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'overlap', 2);
    const appender = await log.appender();
    const calls = numbers(50).map((n) => appender.append([text(topic, `a${n}`), text(topic, `b${n}`, { partition: 1 })]));
    const offsets = await Promise.all(calls);
    assert.deepEqual(valuesIn(await readAll(log, topic, 0)), numbers(50).map((n) => `a${n}`));
    assert.deepEqual(valuesIn(await readAll(log, topic, 1)), numbers(50).map((n) => `b${n}`));
    assert.deepEqual((await readAll(log, topic, 1)).map((record) => record.offset), offsets.map((pair) => pair[1]));
    await appender.close();
  });

  rule(factory, 'a large append over several partitions arrives whole and in order', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'large', 4);
    const filler = 'x'.repeat(400);
    const offsets = await bench.append(log, numbers(12_000).map((n) => text(topic, `${n} ${filler}`, { partition: n % 4 })));
    assert.equal(offsets.length, 12_000);
    for (const partition of numbers(4)) {
      const records = await readAll(log, topic, partition);
      assert.deepEqual(records.map((record) => parseInt(String(record.value), 10)), numbers(3_000).map((n) => n * 4 + partition));
      assert.deepEqual(records.map((record) => record.offset), offsets.filter((_, n) => n % 4 === partition));
    }
  });

  rule(factory, 'without a partition the key decides, as the partitioner does', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'keys', 6);
    const keys = ['default/a', 'default/b', 'acme/c', 'default/a\0timer-1', 'Ünïcødé/d'];
    await bench.append(log, keys.map((key) => ({ topic, key, value: Buffer.from(key), timestamp: now() })));
    for (const key of keys) {
      const found = await readAll(log, topic, partitionOf(key, 6));
      assert.ok(found.some((record) => record.key === key), key);
    }
  });

  rule(factory, 'key, value, tombstone, empty value, headers and timestamp read back as they were written', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'fields');
    const timestamp = now() - 1_234;
    await bench.append(log, [
      text(topic, 'headers', { key: 'Schlüssel', timestamp, headers: { traceparent: '00-ab-cd-01', note: 'ä' } }),
      text(topic, '', { timestamp: timestamp + 1 }),
      { topic, partition: 0, key: 'gone', value: null, timestamp: timestamp + 2 },
      text(topic, 'no key', { key: null, timestamp: timestamp + 3 }),
      { topic, partition: 0, key: 'bytes', value: Buffer.from([0, 255, 1, 254]), timestamp: timestamp + 4 },
    ]);
    const records = await readAll(log, topic);
    assert.deepEqual(records.map((record) => record.key), ['Schlüssel', 'default/c', 'gone', null, 'bytes']);
    assert.deepEqual(records.map((record) => record.value?.toString('hex')), [Buffer.from('headers').toString('hex'), '', undefined, Buffer.from('no key').toString('hex'), '00ff01fe']);
    assert.equal(records[2]?.value, null);
    assert.deepEqual({ ...records[0]?.headers }, { traceparent: '00-ab-cd-01', note: 'ä' });
    assert.equal(records[1]?.headers, undefined);
    assert.deepEqual(records.map((record) => record.timestamp), numbers(5, timestamp));
  });

  rule(factory, 'message.timestamp.before.max.ms refuses an append that comes too late, whole', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'late', 1, { 'message.timestamp.before.max.ms': '10000' });
    await assert.rejects(bench.append(log, [text(topic, 'late', { timestamp: now() - 60_000 })]), (error) => isCode(error, 'CONFAB_TIMESTAMP_REFUSED'));
    await bench.append(log, [text(topic, 'in time', { timestamp: now() - 2_000 })]);
    assert.deepEqual(valuesIn(await readAll(log, topic)), ['in time']);
  });

  rule(factory, 'the largest record passes, a larger one is refused and nothing of its call is written', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'size');
    const key = 'default/c';
    await bench.append(log, [{ topic, partition: 0, key, value: Buffer.alloc(log.maxRecordBytes - key.length, 1), timestamp: now() }]);
    const tooLarge = { topic, partition: 0, key, value: Buffer.alloc(2 * log.maxRecordBytes), timestamp: now() };
    await assert.rejects(bench.append(log, [text(topic, 'beside it'), tooLarge]), (error) => isCode(error, 'CONFAB_RECORD_TOO_LARGE'));
    await bench.append(log, [text(topic, 'after it')]);
    assert.deepEqual((await readAll(log, topic)).map((record) => record.value?.length), [log.maxRecordBytes - key.length, 8]);
  });

  rule(factory, 'an unknown topic or partition is refused by its code', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'known');
    await assert.rejects(bench.append(log, [text(bench.harness.name('unknown'), 'x')]), (error) => isCode(error, 'CONFAB_TOPIC_UNKNOWN'));
    await assert.rejects(bench.append(log, [text(topic, 'x', { partition: 7 })]), (error) => isCode(error, 'CONFAB_PARTITION_UNKNOWN'));
    await bench.append(log, [text(topic, 'x')]);
  });

  rule(factory, 'an append of nothing is nothing', async (bench) => {
    const log = await bench.open();
    assert.deepEqual(await bench.append(log, []), []);
  });

  rule(factory, 'closing an appender waits for what is under way, then refuses', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'closing');
    const appender = await log.appender();
    const under = appender.append([text(topic, 'under way')]);
    await appender.close();
    await under;
    await assert.rejects(appender.append([text(topic, 'late')]), (error) => isCode(error, 'CONFAB_CLOSED'));
    assert.deepEqual(valuesIn(await readAll(log, topic)), ['under way']);
  });

  rule(factory, 'two appenders of a log are independent of each other', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'two');
    const [one, two] = [await log.appender(), await log.appender()];
    await Promise.all([one.append([text(topic, 'one')]), two.append([text(topic, 'two')])]);
    await one.close();
    await two.append([text(topic, 'three')]);
    await two.close();
    assert.deepEqual(valuesIn(await readAll(log, topic)).sort(), ['one', 'three', 'two']);
  });

  rule(factory, 'what was appended is there after the log was closed and opened again', async (bench) => {
    const before = await bench.open();
    const topic = await bench.topic(before, 'again', 2);
    const [offset = -1] = await bench.append(before, [text(topic, 'before')]);
    const { id } = await before.topic(topic);
    await before.close();
    const log = await bench.open();
    assert.equal((await log.topic(topic)).id, id);
    const [next = -1] = await bench.append(log, [text(topic, 'after')]);
    assert.ok(next > offset);
    assert.deepEqual(valuesIn(await readAll(log, topic)), ['before', 'after']);
  });

  rule(factory, 'a closed log refuses', async (bench) => {
    const log = await bench.open();
    await log.check();
    await log.close();
    await assert.rejects(log.appender(), (error) => isCode(error, 'CONFAB_CLOSED'));
    await assert.rejects(log.check(), (error) => isCode(error, 'CONFAB_CLOSED'));
    await log.close();
    await bench.open();
  });
}
