import assert from 'node:assert/strict';
import { ConfabError, isCode } from '../../errors.js';
import { eventually } from '../../testing.js';
import { numbers, PATIENCE, rule, startAtCommitted, TestMember, text, valuesIn, type LogFactory } from './bench.contract.js';

export function groupContract(factory: LogFactory): void {
  deliveryContract(factory);
  membershipContract(factory);
}

function deliveryContract(factory: LogFactory): void {
  rule(factory, 'nothing is handed out before start, and then everything from the given offsets, in order', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'start', 2);
    const offsets = await bench.append(log, numbers(20).map((n) => text(topic, `v${n}`)));
    await bench.append(log, [text(topic, 'other', { partition: 1 })]);
    const member = new TestMember({ assigned: async () => undefined });
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic] });
    const assignment = await member.running(2);
    assert.deepEqual(assignment.partitions, [0, 1]);
    assert.equal(member.batches.length, 0);
    await assignment.start([{ topic, partition: 0, offset: offsets[5] ?? 0 }]);
    await member.received(topic, 15);
    assert.deepEqual(member.valuesOf(topic), numbers(15, 5).map((n) => `v${n}`));
    await assignment.start([{ topic, partition: 1, offset: 0 }]);
    await member.received(topic, 16);
    assert.deepEqual(member.valuesOf(topic, 1), ['other']);
  });

  rule(factory, 'records that are appended while the member runs arrive, in order and once', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'live', 3);
    const member = new TestMember();
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic] });
    await member.running(3);
    for (const n of numbers(30)) await bench.append(log, numbers(3).map((partition) => text(topic, `${partition}:${n}`, { partition })));
    await member.received(topic, 90);
    for (const partition of numbers(3)) assert.deepEqual(member.valuesOf(topic, partition), numbers(30).map((n) => `${partition}:${n}`));
  });

  rule(factory, 'a member that lets records gather gets all of them, in order and once', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'gather', 2);
    const member = new TestMember();
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic], gatherMillis: 200 });
    await member.running(2);
    for (const n of numbers(20)) await bench.append(log, numbers(2).map((partition) => text(topic, `${partition}:${n}`, { partition })));
    await member.received(topic, 40);
    for (const partition of numbers(2)) assert.deepEqual(member.valuesOf(topic, partition), numbers(20).map((n) => `${partition}:${n}`));
  });

  rule(factory, 'batches of a partition follow on each other, and the last one reaches the end', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'chain');
    await bench.append(log, numbers(2_500).map((n) => text(topic, `v${n}`)));
    const member = new TestMember();
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic] });
    await member.received(topic, 2_500);
    const end = (await log.admin.bounds(topic))[0]?.end;
    await eventually('the end', () => member.batches.at(-1)?.nextOffset === end, PATIENCE);
    let expected = 0;
    for (const batch of member.batches) {
      for (const record of batch.records) {
        assert.ok(record.offset >= expected);
        expected = record.offset + 1;
      }
      assert.ok(batch.nextOffset >= expected && batch.endOffset >= batch.nextOffset);
      expected = batch.nextOffset;
    }
  });

  rule(factory, 'a batch has at most maxBatchRecords records, behind the end and at it', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'bounded');
    await bench.append(log, numbers(95).map((n) => text(topic, `v${n}`)));
    const member = new TestMember();
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic], maxBatchRecords: 10 });
    await member.received(topic, 95);
    await bench.append(log, numbers(35, 95).map((n) => text(topic, `v${n}`)));
    await member.received(topic, 130);
    assert.ok(member.batches.every((batch) => batch.records.length <= 10));
    assert.deepEqual(member.valuesOf(topic), numbers(130).map((n) => `v${n}`));
  });

  rule(factory, 'a batch has at most maxBatchBytes, but a larger record passes alone', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'bytes');
    await bench.append(log, numbers(40).map((n) => text(topic, String(n).padEnd(n === 20 ? 60_000 : 1_000))));
    const member = new TestMember();
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic], maxBatchBytes: 20_000 });
    await member.received(topic, 40);
    for (const { records } of member.batches) assert.ok(records.length <= 1 || records.reduce((sum, record) => sum + (record.value?.length ?? 0), 0) <= 20_000);
    assert.deepEqual(member.valuesOf(topic).map((value) => parseInt(value, 10)), numbers(40));
  });

  rule(factory, 'a paused partition is not handed out, others are; resume goes on where it stopped', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'paused', 2);
    const member = new TestMember({
      onBatch: (batch, assignment) => { if (batch.partition === 0 && batch.records.length > 0) assignment.pause([{ topic, partition: 0 }]); },
    });
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic], maxBatchRecords: 10 });
    const assignment = await member.running(2);
    await bench.append(log, numbers(50).map((n) => text(topic, `v${n}`)));
    await member.received(topic, 1);
    const first = member.recordsOf(topic, 0).length;
    assert.ok(first <= 10);
    for (const n of numbers(3)) await bench.append(log, [text(topic, `late${n}`), text(topic, `other${n}`, { partition: 1 })]);
    await eventually('the other partition', () => member.recordsOf(topic, 1).length === 3, PATIENCE);
    assert.equal(member.recordsOf(topic, 0).length, first);
    assignment.pause([{ topic, partition: 0 }]);
    while (member.recordsOf(topic, 0).length < 53) {
      const before = member.recordsOf(topic, 0).length;
      assignment.resume([{ topic, partition: 0 }]);
      await eventually('more records', () => member.recordsOf(topic, 0).length > before, PATIENCE);
    }
    assert.deepEqual(member.valuesOf(topic, 0), [...numbers(50).map((n) => `v${n}`), 'late0', 'late1', 'late2']);
  });

  rule(factory, 'two groups each get every record', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'twogroups');
    const [one, two] = [new TestMember(), new TestMember()];
    await Promise.all([bench.join(log, one, { group: bench.harness.name('g1'), topics: [topic] }), bench.join(log, two, { group: bench.harness.name('g2'), topics: [topic] })]);
    await bench.append(log, numbers(10).map((n) => text(topic, `v${n}`)));
    await Promise.all([one.received(topic, 10), two.received(topic, 10)]);
    assert.deepEqual(one.valuesOf(topic), two.valuesOf(topic));
  });
}

function membershipContract(factory: LogFactory): void {
  rule(factory, 'from one member to two and back: equal partition numbers of all topics stay together and with their owner', async (bench) => {
    const log = await bench.open();
    const topics = [await bench.topic(log, 'left', 6), await bench.topic(log, 'right', 6)];
    const group = bench.harness.name('g');
    const [one, two] = [new TestMember(), new TestMember()];
    await bench.join(log, one, { group, topics });
    assert.deepEqual((await one.running(6)).partitions, numbers(6));
    const second = await bench.join(log, two, { group, topics });
    const [ofOne, ofTwo] = [await one.running(3), await two.running(3)];
    assert.deepEqual([...ofOne.partitions, ...ofTwo.partitions].sort((a, b) => a - b), numbers(6));
    assert.ok(ofOne.generation > 1 || ofOne.generation === ofTwo.generation);
    assert.deepEqual((await ofTwo.bounds()).length, 6);
    for (const partition of numbers(6)) await bench.append(log, topics.map((topic) => text(topic, `v${partition}`, { partition })));
    for (const topic of topics) await eventually('all records', () => one.recordsOf(topic).length === 3 && two.recordsOf(topic).length === 3, PATIENCE);
    for (const [member, { partitions }] of [[one, ofOne], [two, ofTwo]] as const) {
      for (const topic of topics) assert.deepEqual([...new Set(member.batches.filter((batch) => batch.topic === topic && batch.records.length > 0).map((batch) => batch.partition))].sort(), [...partitions]);
    }
    await one.current?.commit('one', { records: [], offsets: ofOne.partitions.map((partition) => ({ topic: topics[0] ?? '', partition, offset: 1, metadata: '' })) });
    await second.close();
    assert.deepEqual((await one.running(6)).partitions, numbers(6));
    assert.deepEqual(two.events.slice(-2), ['revoking', 'revoked']);
  });

  rule(factory, 'who stays keeps what it has, as far as even shares allow', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'sticky', 6);
    const group = bench.harness.name('g');
    const members = [new TestMember(), new TestMember(), new TestMember()] as const;
    await bench.join(log, members[0], { group, topics: [topic] });
    await members[0].running(6);
    const second = await bench.join(log, members[1], { group, topics: [topic] });
    const halves = [await members[0].running(3), await members[1].running(3)] as const;
    await bench.join(log, members[2], { group, topics: [topic] });
    const thirds = [await members[0].running(2), await members[1].running(2), await members[2].running(2)] as const;
    for (const index of [0, 1] as const) assert.ok(thirds[index].partitions.every((partition) => halves[index].partitions.includes(partition)));
    await second.close();
    const last = [await members[0].running(3), await members[2].running(3)] as const;
    assert.ok(thirds[0].partitions.every((partition) => last[0].partitions.includes(partition)));
    assert.ok(thirds[2].partitions.every((partition) => last[1].partitions.includes(partition)));
  });

  rule(factory, 'revoking is awaited and may commit; the next owner goes on from there', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'drain');
    const group = bench.harness.name('g');
    const one = new TestMember({
      revoking: async (assignment) => {
        await assignment.committed({ stable: false });
        await assignment.commit('one', { records: [], offsets: [{ topic, partition: 0, offset: one.batches.at(-1)?.nextOffset ?? 0, metadata: 'handed over' }] });
      },
    });
    const first = await bench.join(log, one, { group, topics: [topic] });
    await one.running(1);
    await bench.append(log, numbers(5).map((n) => text(topic, `v${n}`)));
    await one.received(topic, 5);
    await first.close();
    const two = new TestMember();
    await bench.join(log, two, { group, topics: [topic] });
    const assignment = await two.running(1);
    assert.deepEqual((await assignment.committed({ stable: true })).map((entry) => entry.metadata), ['handed over']);
    await bench.append(log, [text(topic, 'next')]);
    await two.received(topic, 1);
    assert.deepEqual(two.valuesOf(topic), ['next']);
  });

  rule(factory, 'the signal aborts once the generation has ended, after revoking has settled', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'signal');
    let abortedInRevoking: boolean | undefined;
    const member = new TestMember({ revoking: async (assignment) => { await Promise.resolve(); abortedInRevoking = assignment.signal.aborted; } });
    const joined = await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic] });
    const old = await member.running(1);
    assert.equal(old.signal.aborted, false);
    await joined.rejoin();
    await eventually('a new generation', () => member.assignments.length === 2 && member.current !== undefined, PATIENCE);
    assert.equal(abortedInRevoking, false);
    assert.equal(old.signal.aborted, true);
    assert.ok((member.current?.generation ?? 0) > old.generation);
    assert.deepEqual(member.events, ['assigned', 'revoking', 'revoked', 'assigned']);
  });

  rule(factory, 'after its generation an assignment refuses everything as fenced', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'fenced');
    const group = bench.harness.name('g');
    const member = new TestMember();
    const joined = await bench.join(log, member, { group, topics: [topic] });
    const old = await member.running(1);
    await joined.rejoin();
    await eventually('a new generation', () => member.assignments.length === 2 && member.current !== undefined, PATIENCE);
    const place = [{ topic, partition: 0 }];
    const calls: (() => unknown)[] = [
      () => old.commit('old', { records: [text(topic, 'zombie')], offsets: [{ topic, partition: 0, offset: 1, metadata: '' }] }),
      () => old.committed({ stable: true }), () => old.bounds(), () => old.fence('x'), () => old.start([{ topic, partition: 0, offset: 0 }]),
      () => { old.pause(place); }, () => { old.resume(place); },
    ];
    for (const call of calls) await assert.rejects(async () => call(), (error) => isCode(error, 'CONFAB_FENCED'));
    assert.deepEqual((await log.admin.committed(group, topic)).map((entry) => entry.offset), [null]);
    await bench.append(log, [text(topic, 'live')]);
    await member.received(topic, 1);
    assert.deepEqual(member.valuesOf(topic), ['live']);
  });

  rule(factory, 'a listener that does not finish revoking holds the group no longer than drainMillis', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'stubborn');
    const member = new TestMember({ revoking: () => new Promise(() => undefined) });
    const joined = await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic], drainMillis: 50 });
    const old = await member.running(1);
    await joined.rejoin();
    await eventually('a new generation', () => member.assignments.length === 2, PATIENCE);
    await assert.rejects(old.commit('old', { records: [], offsets: [] }), (error) => isCode(error, 'CONFAB_FENCED'));
  });

  rule(factory, 'when `assigned` fails the member hears of it and is assigned again', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'retry');
    await bench.append(log, [text(topic, 'v')]);
    let attempts = 0;
    const member = new TestMember({
      assigned: async (assignment) => {
        attempts += 1;
        if (attempts === 1) throw new ConfabError('CONFAB_STATE_UNAVAILABLE');
        await startAtCommitted(assignment);
      },
    });
    await bench.join(log, member, { group: bench.harness.name('g'), topics: [topic] });
    await member.received(topic, 1);
    assert.deepEqual(member.failures, [{ code: 'CONFAB_STATE_UNAVAILABLE', fatal: false }]);
    assert.equal(member.assignments[0]?.signal.aborted, true);
  });

  rule(factory, 'a member that closes drains, and a successor gets what was not committed', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'handover', 2);
    const group = bench.harness.name('g');
    const [one, two] = [new TestMember(), new TestMember()];
    const first = await bench.join(log, one, { group, topics: [topic] });
    const assignment = await one.running(2);
    await bench.append(log, numbers(4).map((n) => text(topic, `v${n}`)));
    await one.received(topic, 4);
    await assignment.commit('one', { records: [], offsets: [{ topic, partition: 0, offset: (one.recordsOf(topic)[1]?.offset ?? 0) + 1, metadata: '' }] });
    await first.close();
    assert.deepEqual(one.events, ['assigned', 'revoking', 'revoked']);
    await bench.join(log, two, { group, topics: [topic] });
    await two.received(topic, 2);
    assert.deepEqual(valuesIn(two.recordsOf(topic)), ['v2', 'v3']);
    await first.close();
  });

  rule(factory, 'closing the log closes its members in order', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'closelog');
    const member = new TestMember();
    await log.join({ group: bench.harness.name('g'), topics: [topic] }, member);
    const assignment = await member.running(1);
    await log.close();
    assert.deepEqual(member.events, ['assigned', 'revoking', 'revoked']);
    assert.equal(assignment.signal.aborted, true);
    await bench.open();
  });
}
