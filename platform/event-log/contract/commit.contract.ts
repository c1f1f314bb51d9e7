import assert from 'node:assert/strict';
import { isCode } from '../../errors.js';
import { eventually } from '../../testing.js';
import type { EventLog } from '../event-log.js';
import { now, numbers, PATIENCE, readAll, rule, TestMember, text, valuesIn, type LogFactory } from './bench.contract.js';

/** A commit is decided when it resolves; on some logs readers see it a moment later. */
async function visible(log: EventLog, topic: string, count: number, partition = 0): Promise<void> {
  await eventually(`${count} records of ${topic}`, async () => (await readAll(log, topic, partition)).length >= count, PATIENCE);
}

export function commitContract(factory: LogFactory): void {
  rule(factory, 'a commit writes records and offsets together and tells the offsets of the records', async (bench) => {
    const log = await bench.open();
    const [input, output] = [await bench.topic(log, 'in', 2), await bench.topic(log, 'out', 2)];
    const group = bench.harness.name('g');
    const member = new TestMember();
    await bench.join(log, member, { group, topics: [input] });
    const assignment = await member.running(2);
    assert.deepEqual((await assignment.committed({ stable: true })).map(({ offset, metadata }) => ({ offset, metadata })), [{ offset: null, metadata: '' }, { offset: null, metadata: '' }]);
    const offsets = await assignment.commit('one', {
      records: [text(output, 'a'), text(output, 'b', { partition: 1 }), text(output, 'c')],
      offsets: [{ topic: input, partition: 0, offset: 7, metadata: 'm0' }, { topic: input, partition: 1, offset: 9, metadata: '' }],
    });
    await visible(log, output, 2);
    await visible(log, output, 1, 1);
    const found = await readAll(log, output);
    assert.deepEqual(valuesIn(found), ['a', 'c']);
    assert.deepEqual(found.map((record) => record.offset), [offsets[0], offsets[2]]);
    assert.deepEqual((await readAll(log, output, 1)).map((record) => record.offset), [offsets[1]]);
    const committed = (await assignment.committed({ stable: true })).sort((a, b) => a.partition - b.partition);
    assert.deepEqual(committed, [{ topic: input, partition: 0, offset: 7, metadata: 'm0' }, { topic: input, partition: 1, offset: 9, metadata: '' }]);
    assert.deepEqual((await log.admin.committed(group, input)).sort((a, b) => a.partition - b.partition), committed);
  });

  rule(factory, 'many commits in turn keep order, and readers behind them reach the end', async (bench) => {
    const log = await bench.open();
    const [input, output] = [await bench.topic(log, 'in'), await bench.topic(log, 'out')];
    const member = new TestMember();
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [input] });
    const reader = new TestMember();
    await bench.join(log, reader, { group: bench.harness.name('r'), topics: [output] });
    const assignment = await member.running(1);
    for (const n of numbers(20)) await assignment.commit('one', { records: [text(output, `v${n}`)], offsets: [{ topic: input, partition: 0, offset: n + 1, metadata: '' }] });
    await reader.received(output, 20);
    assert.deepEqual(reader.valuesOf(output), numbers(20).map((n) => `v${n}`));
    const end = (await log.admin.bounds(output))[0]?.end;
    await eventually('the end', () => reader.batches.at(-1)?.nextOffset === end, PATIENCE);
    await eventually('the offset', async () => (await log.admin.committed(bench.harness.name('g'), input))[0]?.offset === 20, PATIENCE);
  });

  rule(factory, 'metadata of 4,096 bytes passes; more is refused and nothing is written', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'metadata');
    const output = await bench.topic(log, 'out');
    const member = new TestMember();
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic] });
    const assignment = await member.running(1);
    const commit = (metadata: string): Promise<unknown> => assignment.commit('one', { records: [text(output, 'v')], offsets: [{ topic, partition: 0, offset: 1, metadata }] });
    await commit('m'.repeat(4_096));
    assert.equal((await assignment.committed({ stable: true }))[0]?.metadata.length, 4_096);
    for (const metadata of ['m'.repeat(4_097), 'ä'.repeat(2_049)]) await assert.rejects(commit(metadata), (error) => isCode(error, 'CONFAB_METADATA_TOO_LARGE'));
    await visible(log, output, 1);
    await commit('');
    await visible(log, output, 2);
    assert.equal((await readAll(log, output)).length, 2);
  });

  rule(factory, 'a commit that is refused writes nothing, and the member goes on', async (bench) => {
    const log = await bench.open();
    const [input, output] = [await bench.topic(log, 'in'), await bench.topic(log, 'out', 1, { 'message.timestamp.before.max.ms': '10000' })];
    const member = new TestMember();
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [input] });
    const assignment = await member.running(1);
    const commit = (last: ReturnType<typeof text>): Promise<unknown> => assignment.commit('one', { records: [text(output, 'first'), last], offsets: [{ topic: input, partition: 0, offset: 5, metadata: '' }] });
    await assert.rejects(commit({ ...text(output, ''), value: Buffer.alloc(2 * log.maxRecordBytes) }), (error) => isCode(error, 'CONFAB_RECORD_TOO_LARGE'));
    await assert.rejects(commit(text(output, 'late', { timestamp: now() - 60_000 })), (error) => isCode(error, 'CONFAB_TIMESTAMP_REFUSED'));
    assert.deepEqual(await readAll(log, output), []);
    assert.equal((await assignment.committed({ stable: true }))[0]?.offset, null);
    await commit(text(output, 'second'));
    await visible(log, output, 2);
    assert.deepEqual(valuesIn(await readAll(log, output)), ['first', 'second']);
    assert.equal((await assignment.committed({ stable: true }))[0]?.offset, 5);
  });

  rule(factory, 'stable committed offsets wait for a commit that is under way when the group changes hands', async (bench) => {
    const log = await bench.open();
    const [input, output] = [await bench.topic(log, 'in'), await bench.topic(log, 'out')];
    const group = bench.harness.name('g');
    let outcome: Promise<boolean> | undefined;
    const one = new TestMember({
      revoking: async (assignment) => {
        outcome = assignment.commit('one', { records: numbers(50).map((n) => text(output, `v${n}`)), offsets: [{ topic: input, partition: 0, offset: 3, metadata: '' }] }).then(() => true, () => false);
      },
    });
    const joined = await bench.join(log, one, { group, topics: [input] });
    await one.running(1);
    let seen: number | null | undefined;
    const two = new TestMember({
      assigned: async (assignment) => {
        await assignment.fence('one');
        seen = (await assignment.committed({ stable: true }))[0]?.offset;
      },
    });
    await joined.close();
    await bench.join(log, two, { group, topics: [input] });
    await two.running(1);
    const committed = await outcome;
    assert.equal(seen, committed === true ? 3 : null);
    assert.equal((await readAll(log, output)).length, committed === true ? 50 : 0);
  });

  rule(factory, 'records of a commit reach the members of other groups while they run', async (bench) => {
    const log = await bench.open();
    const [input, output] = [await bench.topic(log, 'in', 3), await bench.topic(log, 'out', 3)];
    const next = new TestMember();
    const stage = new TestMember({
      onBatch: (batch, assignment) => {
        if (batch.records.length === 0) return;
        pending = pending.then(async () => {
          await assignment.commit('one', {
            records: batch.records.map((record) => ({ topic: output, partition: batch.partition, key: record.key, value: record.value, timestamp: record.timestamp })),
            offsets: [{ topic: input, partition: batch.partition, offset: batch.nextOffset, metadata: '' }],
          });
        });
      },
    });
    let pending = Promise.resolve();
    await bench.join(log, next, { group: bench.harness.name('n'), topics: [output] });
    await bench.join(log, stage, { group: bench.harness.name('s'), topics: [input] });
    await Promise.all([stage.running(3), next.running(3)]);
    for (const n of numbers(30)) await bench.append(log, numbers(3).map((partition) => text(input, `${partition}:${n}`, { partition })));
    await next.received(output, 90);
    await pending;
    for (const partition of numbers(3)) assert.deepEqual(next.valuesOf(output, partition), numbers(30).map((n) => `${partition}:${n}`));
    await eventually('a lag of zero', async () => {
      const bounds = await log.admin.bounds(input);
      return (await log.admin.committed(bench.harness.name('s'), input)).every(({ partition, offset }) => bounds.some((bound) => bound.partition === partition && bound.end === offset));
    }, PATIENCE);
  });

  rule(factory, 'committed offsets outlive the log being closed', async (bench) => {
    const before = await bench.open();
    const topic = await bench.topic(before, 'again');
    const group = bench.harness.name('g');
    const member = new TestMember();
    await bench.join(before, member, { group, topics: [topic] });
    await bench.append(before, numbers(4).map((n) => text(topic, `v${n}`)));
    await member.received(topic, 4);
    await member.current?.commit('one', { records: [], offsets: [{ topic, partition: 0, offset: (member.recordsOf(topic)[2]?.offset ?? 0) + 1, metadata: 'kept' }] });
    await before.close();
    const log = await bench.open();
    assert.deepEqual((await log.admin.committed(group, topic)).map((entry) => entry.metadata), ['kept']);
    const again = new TestMember();
    await bench.join(log, again, { group, topics: [topic] });
    await again.received(topic, 1);
    assert.deepEqual(again.valuesOf(topic), ['v3']);
  });
}
