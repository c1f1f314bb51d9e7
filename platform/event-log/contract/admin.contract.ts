import assert from 'node:assert/strict';
import { isCode } from '../../errors.js';
import { eventually } from '../../testing.js';
import { numbers, PATIENCE, rule, TestMember, text, valuesIn, readAll, type LogFactory } from './bench.contract.js';

export function adminContract(factory: LogFactory): void {
  rule(factory, 'a topic is made with its partitions and configuration, once', async (bench) => {
    const log = await bench.open();
    const config = { 'cleanup.policy': 'delete', 'retention.ms': '1209600000' };
    const topic = await bench.topic(log, 'made', 3, config);
    const description = await log.topic(topic);
    assert.deepEqual({ ...description, id: '' }, { name: topic, id: '', partitions: 3, config, replicas: 1 });
    assert.match(description.id, /^[0-9a-f]{32}$/);
    await assert.rejects(log.admin.createTopic({ name: topic, partitions: 3, config }), (error) => isCode(error, 'CONFAB_TOPIC_EXISTS'));
  });

  rule(factory, 'topics lists all, or those of the names that exist', async (bench) => {
    const log = await bench.open();
    const [one, two] = [await bench.topic(log, 'one', 1), await bench.topic(log, 'two', 2)];
    const named = await log.admin.topics([two, bench.harness.name('none'), one]);
    assert.deepEqual(named.map(({ name, partitions }) => ({ name, partitions })).sort((a, b) => a.partitions - b.partitions), [{ name: one, partitions: 1 }, { name: two, partitions: 2 }]);
    const all = (await log.admin.topics()).map((topic) => topic.name);
    assert.ok(all.includes(one) && all.includes(two));
    assert.ok(!all.some((name) => name.startsWith('__')));
    assert.deepEqual(await log.admin.topics([]), []);
  });

  rule(factory, 'setting one entry of the configuration leaves the others', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'config', 1, { 'retention.ms': '3600000', 'max.message.bytes': '500000' });
    await log.admin.setTopicConfig(topic, { 'retention.ms': '7200000' });
    await eventually('the new entry', async () => (await log.admin.topics([topic]))[0]?.config['retention.ms'] === '7200000', PATIENCE);
    assert.equal((await log.admin.topics([topic]))[0]?.config['max.message.bytes'], '500000');
    await assert.rejects(log.admin.setTopicConfig(bench.harness.name('none'), { 'retention.ms': '1' }), (error) => isCode(error, 'CONFAB_TOPIC_UNKNOWN'));
  });

  rule(factory, 'partitions can be added, and appends find them', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'grow', 1);
    await bench.append(log, [text(topic, 'first')]);
    await log.admin.addPartitions(topic, 3);
    await eventually('three partitions', async () => (await log.topic(topic)).partitions === 3, PATIENCE);
    await bench.append(log, [text(topic, 'third', { partition: 2 })]);
    assert.deepEqual(valuesIn(await readAll(log, topic, 2)), ['third']);
    assert.deepEqual(valuesIn(await readAll(log, topic, 0)), ['first']);
  });

  rule(factory, 'a deleted topic is unknown; made anew it is empty and has another id', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'anew', 1);
    await bench.append(log, [text(topic, 'old')]);
    const { id } = await log.topic(topic);
    await log.admin.deleteTopic(topic);
    await eventually('the topic to go', async () => (await log.admin.topics([topic])).length === 0, PATIENCE);
    await assert.rejects(log.topic(topic), (error) => isCode(error, 'CONFAB_TOPIC_UNKNOWN'));
    await log.admin.createTopic({ name: topic, partitions: 1, config: {} });
    await eventually('the new topic', async () => (await log.admin.topics([topic])).length === 1, PATIENCE);
    assert.notEqual((await log.topic(topic)).id, id);
    assert.deepEqual(await readAll(log, topic), []);
    await bench.append(log, [text(topic, 'new')]);
    assert.deepEqual(valuesIn(await readAll(log, topic)), ['new']);
  });

  rule(factory, 'what is unknown is refused by its code', async (bench) => {
    const log = await bench.open();
    const unknown = bench.harness.name('unknown');
    const { admin } = log;
    for (const call of [() => admin.deleteTopic(unknown), () => admin.bounds(unknown), () => admin.addPartitions(unknown, 2), () => admin.offsetAt(unknown, 0, 0)]) {
      await assert.rejects(call(), (error) => isCode(error, 'CONFAB_TOPIC_UNKNOWN'));
    }
    await assert.rejects(bench.join(log, new TestMember(), { group: bench.harness.name('g'), topics: [unknown] }), (error) => isCode(error, 'CONFAB_TOPIC_UNKNOWN'));
  });

  rule(factory, 'bounds give start and end of each partition', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'bounds', 2);
    const offsets = await bench.append(log, numbers(3).map((n) => text(topic, `v${n}`, { partition: 1 })));
    const bounds = (await log.admin.bounds(topic)).sort((a, b) => a.partition - b.partition);
    assert.deepEqual(bounds, [{ topic, partition: 0, start: 0, end: 0 }, { topic, partition: 1, start: 0, end: (offsets[2] ?? 0) + 1 }]);
  });

  rule(factory, 'a group without members can be moved, and goes on from there', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'moved', 2);
    const group = bench.harness.name('g');
    const offsets = await bench.append(log, numbers(6).map((n) => text(topic, `v${n}`)));
    assert.deepEqual((await log.admin.committed(group, topic)).map((entry) => entry.offset), [null, null]);
    await log.admin.setCommitted(group, [{ topic, partition: 0, offset: offsets[4] ?? 0, metadata: 'by hand' }]);
    const committed = (await log.admin.committed(group, topic)).sort((a, b) => a.partition - b.partition);
    assert.deepEqual(committed, [{ topic, partition: 0, offset: offsets[4] ?? 0, metadata: 'by hand' }, { topic, partition: 1, offset: null, metadata: '' }]);
    assert.ok((await log.admin.groups()).includes(group));
    const member = new TestMember();
    await bench.join(log, member, { group, topics: [topic] });
    await member.received(topic, 2);
    assert.deepEqual(member.valuesOf(topic), ['v4', 'v5']);
  });

  rule(factory, 'a group with members is not moved', async (bench) => {
    const log = await bench.open();
    const topic = await bench.topic(log, 'held');
    const group = bench.harness.name('g');
    const member = new TestMember();
    await bench.join(log, member, { group, topics: [topic] });
    await member.running(1);
    await assert.rejects(log.admin.setCommitted(group, [{ topic, partition: 0, offset: 0, metadata: '' }]), (error) => isCode(error, 'CONFAB_LOG_REFUSED'));
    assert.ok((await log.admin.groups()).includes(group));
  });
}
