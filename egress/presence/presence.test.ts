import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from '../testing.js';
import type { Who } from './held.js';
import { leaseKey } from './presence-keys.js';
import { goneWithin, presenceTimes } from './presence-times.js';
import { mortal, pass, place, presenceNode as node, saidBy, stoppable } from './testing.js';

const ANNA: Who = { subject: 'anna', role: 'person' };
const times = presenceTimes();

const all = (scene: Scene): number[] => Array.from({ length: scene.topics.partitions }, (_, i) => i);

test('by default what a dead node had is gone within 60 s, reads and writes of a few seconds included', () => {
  assert.ok(goneWithin(times) <= 55_000, `${goneWithin(times)}`);
  assert.ok(times.lease > 2 * times.renew + times.skew, 'two signs of life may be missed, by clocks that differ');
  assert.ok(times.refresh < 24 * 3_600_000 / 2, 'far within the retention of the topic');
});

test('who comes is written after a second, who leaves after five: conversation, node, sockets and users', async (t) => {
  const scene = await Scene.make();
  const presence = await node(t, scene, 'n1');
  const start = scene.clock.now();
  presence.came(place(scene, 'c1'), ANNA);
  presence.came(place(scene, 'c1'), ANNA);
  presence.came(place(scene, 'c1'), { subject: 'bo', role: 'agent' });
  await pass(scene, 900);
  assert.equal((await saidBy(scene.log)).changes, 0);
  await pass(scene, 600);
  const found = (await saidBy(scene.log)).entries.get('default/c1 n1');
  assert.deepEqual(found, {
    node: 'n1', sockets: 3, since: start, until: start + 1_000 + times.lease,
    users: [{ userId: 'anna', role: 'person', sockets: 2, since: start }, { userId: 'bo', role: 'agent', sockets: 1, since: start }],
  });
  presence.left(place(scene, 'c1'), ANNA);
  presence.left(place(scene, 'c1'), ANNA);
  presence.left(place(scene, 'c1'), { subject: 'bo', role: 'agent' });
  await pass(scene, 4_500);
  assert.equal((await saidBy(scene.log)).entries.size, 1);
  await pass(scene, 2_000);
  assert.deepEqual(await saidBy(scene.log), { entries: new Map(), leases: new Map(), changes: 2 });
});

test('who is back within the debounce is no news, and has been there since before', async (t) => {
  const scene = await Scene.make();
  const presence = await node(t, scene, 'n1');
  const start = scene.clock.now();
  presence.came(place(scene, 'c1'), ANNA);
  await pass(scene, 2_000);
  for (let i = 0; i < 5; i += 1) {
    presence.left(place(scene, 'c1'), ANNA);
    await pass(scene, 4_000);
    presence.came(place(scene, 'c1'), ANNA);
    await pass(scene, 4_000);
  }
  const { changes, entries } = await saidBy(scene.log);
  assert.equal(changes, 1);
  assert.equal(entries.get('default/c1 n1')?.users[0]?.since, start);
  // Somebody who only looked in was never there.
  presence.came(place(scene, 'c2'), ANNA);
  presence.left(place(scene, 'c2'), ANNA);
  await pass(scene, 8_000);
  assert.equal((await saidBy(scene.log)).changes, 1);
});

test('a storm of 5,000 conversations costs a few appends, and its end as many', async (t) => {
  const scene = await Scene.make();
  const life = mortal(scene.log);
  const presence = await node(t, scene, 'n1', { log: life.log });
  for (let i = 0; i < 5_000; i += 1) presence.came(place(scene, `c${i}`), ANNA);
  await pass(scene, 3_000);
  assert.equal((await saidBy(scene.log)).entries.size, 5_000);
  assert.ok(life.appends <= 10, `${life.appends} appends`);
  for (let i = 0; i < 5_000; i += 1) presence.left(place(scene, `c${i}`), ANNA);
  await pass(scene, 7_000);
  assert.equal((await saidBy(scene.log)).entries.size, 0);
  assert.ok(life.appends <= 20, `${life.appends} appends`);
});

test('signs of life are one small record a partition, whatever it holds; what holds for long is never written again for them', async (t) => {
  const scene = await Scene.make();
  const presence = await node(t, scene, 'n1', { owned: () => all(scene) });
  for (let i = 0; i < 100; i += 1) presence.came(place(scene, `c${i}`), ANNA);
  await pass(scene, 300_000, 1_000);
  const { changes, leases, entries } = await saidBy(scene.log);
  assert.equal(changes, 100);
  assert.equal(entries.size, 100);
  assert.equal(leases.size, 4);
  for (const { until } of leases.values()) assert.ok(until > scene.clock.now() + times.lease - times.renew - 1_000);
  assert.deepEqual((await presence.of(place(scene, 'c7')))[0]?.sockets, 1);
});

test('what is held for hours is written again, far within the retention of the topic', async (t) => {
  const scene = await Scene.make();
  const presence = await node(t, scene, 'n1');
  presence.came(place(scene, 'c1'), ANNA);
  await pass(scene, times.refresh + 60_000, 10_000);
  assert.equal((await saidBy(scene.log)).changes, 2);
});

test('a node that dies is gone from every answer after its lease, and from the topic within its time: the owner of the partition tidies up', async (t) => {
  const scene = await Scene.make();
  const life = mortal(scene.log);
  const dying = await node(t, scene, 'n1', { log: life.log });
  const living = await node(t, scene, 'n2', { owned: () => all(scene) });
  for (let i = 0; i < 20; i += 1) dying.came(place(scene, `c${i}`), ANNA);
  living.came(place(scene, 'c1'), { subject: 'bo', role: 'person' });
  await pass(scene, 70_000);
  assert.equal((await living.of(place(scene, 'c1'))).length, 2);
  life.dead = true;
  await pass(scene, times.lease + 1_000);
  assert.deepEqual((await living.of(place(scene, 'c1'))).map(({ node: name }) => name), ['n2']);
  await pass(scene, goneWithin(times) - times.grace - times.lease);
  const { entries, leases } = await saidBy(scene.log);
  assert.deepEqual([...entries.keys()], ['default/c1 n2']);
  assert.ok([...leases.keys()].every((name) => name.startsWith('n2 ')), 'its leases too');
});

test('where no owner of the partition knows of presence, others tidy up, a little later', async (t) => {
  const scene = await Scene.make();
  const life = mortal(scene.log);
  const dying = await node(t, scene, 'n1', { log: life.log });
  const living = await node(t, scene, 'n2');
  dying.came(place(scene, 'c1'), ANNA);
  living.came(place(scene, 'c2'), ANNA);
  await pass(scene, 20_000);
  life.dead = true;
  await pass(scene, goneWithin(times));
  assert.deepEqual([...(await saidBy(scene.log)).entries.keys()], ['default/c2 n2']);
});

test('a node that was only stopped puts its entries back when it goes on', async (t) => {
  const scene = await Scene.make();
  // Stopped, it neither writes nor has time: its clock jumps when it goes on.
  const clock = stoppable(scene);
  const stopped = await node(t, scene, 'n1', { clock });
  const living = await node(t, scene, 'n2', { owned: () => all(scene) });
  for (let i = 0; i < 20; i += 1) stopped.came(place(scene, `c${i}`), ANNA);
  await pass(scene, 20_000);
  clock.stop();
  await pass(scene, 90_000);
  assert.equal((await saidBy(scene.log)).entries.size, 0);
  clock.goOn();
  await pass(scene, 3_000);
  assert.equal((await saidBy(scene.log)).entries.size, 20);
  assert.equal((await living.of(place(scene, 'c3'))).length, 1);
  const { changes } = await saidBy(scene.log);
  await pass(scene, 60_000);
  assert.equal((await saidBy(scene.log)).changes, changes, 'and that is the end of it');
});

test('a tombstone that comes late, of a node that was taken for dead, is noticed and undone', async (t) => {
  const scene = await Scene.make();
  const presence = await node(t, scene, 'n1');
  presence.came(place(scene, 'c1'), ANNA);
  await pass(scene, 10_000);
  const { key, partition } = place(scene, 'c1');
  await (await scene.log.appender()).append([{ topic: 'presence.v1', partition, key: `${key}\0n1`, value: null, timestamp: scene.clock.now() }]);
  assert.equal((await saidBy(scene.log)).entries.size, 0);
  await pass(scene, times.look + 2_000);
  const { entries, changes } = await saidBy(scene.log);
  assert.deepEqual([entries.size, changes], [1, 3]);
});

test('a node that goes says so of all that it has, at once', async (t) => {
  const scene = await Scene.make();
  const presence = await node(t, scene, 'n1');
  for (let i = 0; i < 1_200; i += 1) presence.came(place(scene, `c${i}`), ANNA);
  await pass(scene, 30_000);
  assert.equal((await saidBy(scene.log)).entries.size, 1_200);
  await presence.close();
  const { entries, leases } = await saidBy(scene.log);
  assert.deepEqual([entries.size, leases.size], [0, 0]);
});

test('while the log refuses, nothing is lost: it is written when it is back', async (t) => {
  const scene = await Scene.make();
  const life = mortal(scene.log);
  life.dead = true;
  const presence = await node(t, scene, 'n1', { log: life.log });
  presence.came(place(scene, 'c1'), ANNA);
  presence.came(place(scene, 'c2'), ANNA);
  await pass(scene, 20_000);
  presence.left(place(scene, 'c2'), ANNA);
  await pass(scene, 40_000);
  life.dead = false;
  await pass(scene, 5_000);
  assert.deepEqual([...(await saidBy(scene.log)).entries.keys()], ['default/c1 n1']);
});

test('of a conversation that very many follow some are named, all are counted, and all can leave', async (t) => {
  const scene = await Scene.make();
  const presence = await node(t, scene, 'n1');
  const crowd = Array.from({ length: 1_000 }, (_, i): Who => ({ subject: `user${i}`, role: 'person' }));
  for (const who of crowd) presence.came(place(scene, 'c1'), who);
  await pass(scene, 2_000);
  const found = (await saidBy(scene.log)).entries.get('default/c1 n1');
  assert.deepEqual([found?.sockets, found?.users.length], [1_000, 32]);
  for (const who of crowd) presence.left(place(scene, 'c1'), who);
  await pass(scene, 8_000);
  assert.equal((await saidBy(scene.log)).entries.size, 0);
});

test('bytes and keys that are no record of presence are passed over', async (t) => {
  const scene = await Scene.make();
  const { key, partition } = place(scene, 'c1');
  const timestamp = scene.clock.now();
  await (await scene.log.appender()).append([
    { topic: 'presence.v1', partition, key: `${key}\0n9`, value: Buffer.from('nonsense'), timestamp }, { topic: 'presence.v1', partition, key: 'nonsense', value: null, timestamp },
    { topic: 'presence.v1', partition, key: leaseKey(''), value: null, timestamp }, { topic: 'presence.v1', partition, key: null, value: Buffer.from('x'), timestamp },
  ]);
  const presence = await node(t, scene, 'n1', { owned: () => all(scene) });
  presence.came(place(scene, 'c1'), ANNA);
  await pass(scene, 60_000);
  assert.equal((await presence.of(place(scene, 'c1'))).length, 1);
});
