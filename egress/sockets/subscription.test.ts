import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfabError } from '../../platform/errors.js';
import { openSocket } from '../../platform/http/testing.js';
import { MemoryBus } from '../fanout/memory.js';
import { MemoryOutbox } from '../outbox/memory.js';
import { Scene, testNode, turns } from '../testing.js';

const stream = (after?: string): string => `/v1/conversations/c1/stream${after === undefined ? '' : `?after=${after}`}`;

test('an outcome that comes late is sent, once, also when it is read again', async (t) => {
  const scene = await Scene.make(1);
  const { app, egress } = await testNode(t, scene, { holdMillis: 0, commitMillis: 1e9 });
  const socket = await openSocket(app, stream(), 'confab.v1');
  await socket.next();
  const [a, b] = [await scene.accept('c1'), await scene.accept('c1')];
  const later = await scene.answer('c1', b);
  assert.equal((await socket.next()).position, later);
  const late = await scene.giveUp('c1', a);
  await turns();
  await scene.clock.advance(5);
  assert.deepEqual([(await socket.next()).position, 'late'], [late, 'late']);
  // The offsets were not committed: whoever takes over reads all of it again.
  await egress.close();
  const bus = await testNode(t, scene, { holdMillis: 0 });
  assert.ok(bus.egress.ready());
  const next = await scene.answer('c1', await scene.accept('c1'));
  const other = await openSocket(bus.app, stream(later), 'confab.v1');
  await other.next();
  assert.equal((await other.next()).position, next);
});

test('from now on: what stands before ready does not come, also when it is announced again as late', async (t) => {
  const scene = await Scene.make(1);
  const { app, fanout } = await testNode(t, scene);
  const before = await scene.answer('c1', await scene.accept('c1'));
  const newest = await scene.answer('c1', await scene.accept('c1'));
  await turns();
  const socket = await openSocket(app, stream(), 'confab.v1');
  assert.equal((await socket.next()).position, newest);
  // As after a take-over, when the outbox no longer has what was not committed.
  await fanout.announce(0, [before, newest].map((position) => ({ key: 'default/c1', position, prev: undefined, late: true, timestamp: 0, frame: JSON.stringify({ type: 'reply', position }) })));
  const next = await scene.answer('c1', await scene.accept('c1'));
  assert.equal((await socket.next()).position, next);
});

/** A flush, then an append of before it that comes late: the outbox ends in the past, and says that it is complete. */
test('what an announcement stands behind is looked for in the log, whatever the outbox says', async (t) => {
  const scene = await Scene.make(1);
  const bus = new MemoryBus();
  const outbox = new MemoryOutbox({ clock: scene.clock });
  const reader = await testNode(t, scene, { bus, outbox });
  const holder = await testNode(t, scene, { bus, outbox, reads: false });
  const socket = await openSocket(holder.app, stream(), 'confab.v1');
  await socket.next();
  const first = await scene.answer('c1', await scene.accept('c1'));
  assert.equal((await socket.next()).position, first);
  await holder.fanout.close();
  const [second, third] = [await scene.answer('c1', await scene.accept('c1')), await scene.answer('c1', await scene.accept('c1'))];
  await turns();
  const entry = { key: 'default/c1', timestamp: 0, frame: '{}' };
  outbox.flush();
  await outbox.append(0, [{ ...entry, position: first, prev: null }], async () => `${scene.topics.epoch}-000000000003-00`);
  bus.nodes.add(holder.fanout);
  await holder.fanout.subscribe(0, 'default/c1');
  await reader.fanout.announce(0, [{ ...entry, position: third, prev: second, late: false, frame: JSON.stringify({ position: third }) }]);
  assert.deepEqual([(await socket.next()).position, (await socket.next()).position], [second, third]);
});

test('a reply that comes behind a dead letter, after the outbox was flushed: who resumes gets both', async (t) => {
  const scene = await Scene.make(1);
  const outbox = new MemoryOutbox({ clock: scene.clock });
  const { app } = await testNode(t, scene, { outbox, holdMillis: 0 });
  const [slow, broken] = [await scene.accept('c1'), await scene.accept('c1')];
  const letter = await scene.giveUp('c1', broken);
  await turns();
  outbox.flush();
  const reply = await scene.answer('c1', slow);
  await turns();
  for (const after of [slow, broken]) {
    const socket = await openSocket(app, stream(after), 'confab.v1');
    await socket.next();
    if (after === slow) assert.equal((await socket.next()).position, reply);
    assert.equal((await socket.next()).position, letter);
  }
});

/** Only the last eight outcomes were remembered: who resumed over more than these got the dead letter from the log, and once more when it was announced. */
test('an outcome that was recovered from the log is not sent again when it is announced late', async (t) => {
  const scene = await Scene.make(1);
  const { app } = await testNode(t, scene, { outbox: new MemoryOutbox({ clock: scene.clock, maxEntries: 2 }) });
  const asked = await scene.accept('c1');
  for (let i = 0; i < 12; i += 1) await scene.answer('c1', await scene.accept('c1'));
  await turns();
  const letter = await scene.giveUp('c1', asked);
  await turns();
  const socket = await openSocket(app, stream(asked), 'confab.v1');
  assert.equal((await socket.next()).type, 'ready');
  assert.equal((await socket.next()).position, letter, 'from the log, while the reader still holds it back');
  for (let i = 0; i < 12; i += 1) await socket.next();
  await scene.clock.advance(2_000);
  await turns();
  const next = await scene.answer('c1', await scene.accept('c1'));
  assert.equal((await socket.next()).position, next);
});

/** The outbox was flushed, or its answer lost: it had only the later ones, and these went out before what was announced late. */
test('from now on, of a conversation of which nothing was known: what the outbox lacks comes from the log, in order', async (t) => {
  const scene = await Scene.make(1);
  const outbox = new MemoryOutbox({ clock: scene.clock });
  const { app, fanout } = await testNode(t, scene, { outbox, reads: false });
  await scene.answer('c1', await scene.accept('c1'));
  const socket = await openSocket(app, stream(), 'confab.v1');
  assert.equal((await socket.next()).type, 'ready');
  const positions: string[] = [];
  for (let i = 0; i < 5; i += 1) positions.push(await scene.answer('c1', await scene.accept('c1')));
  const later = positions.slice(3).map((position, i) => ({ key: 'default/c1', position, prev: positions[i + 2], timestamp: 0, frame: JSON.stringify({ position }) }));
  await outbox.append(0, later, async () => later[0]?.position ?? '');
  await fanout.announce(0, later.map((outcome) => ({ ...outcome, late: false })));
  for (const position of positions) assert.equal((await socket.next()).position, position);
  await fanout.announce(0, positions.slice(0, 3).map((position) => ({ key: 'default/c1', position, prev: undefined, late: true, timestamp: 0, frame: JSON.stringify({ position }) })));
  const next = await scene.answer('c1', await scene.accept('c1'));
  const last = { key: 'default/c1', position: next, prev: positions[4], timestamp: 0, frame: JSON.stringify({ position: next }) };
  await outbox.append(0, [last], async () => '');
  await fanout.announce(0, [{ ...last, late: false }]);
  assert.equal((await socket.next()).position, next);
});

/** Of a conversation that the outbox had forgotten, it cannot be said whether a dead letter is late: it was sent at once, and what it had overtaken never. */
test('one that may be late does not go before what is missing', async (t) => {
  const scene = await Scene.make(1);
  const { app, fanout } = await testNode(t, scene, { reads: false });
  const [a, b] = [await scene.accept('c1'), await scene.accept('c1')];
  const socket = await openSocket(app, stream(a), 'confab.v1');
  assert.equal((await socket.next()).type, 'ready');
  const reply = await scene.answer('c1', a);
  const letter = await scene.giveUp('c1', b);
  await fanout.announce(0, [{ key: 'default/c1', position: letter, prev: undefined, late: true, timestamp: 0, frame: '{"of":"the announcement"}' }]);
  assert.deepEqual([(await socket.next()).position, (await socket.next()).position], [reply, letter]);
});

test('without an outbox the log serves resumes; recovering comes every 5 s while it cannot', async (t) => {
  const scene = await Scene.make(1);
  class Away extends MemoryOutbox {
    override read(): ReturnType<MemoryOutbox['read']> { return Promise.reject(new ConfabError('CONFAB_STATE_UNAVAILABLE')); }
  }
  const { app } = await testNode(t, scene, { outbox: new Away({ clock: scene.clock }) });
  const asked = await scene.accept('c1');
  const reply = await scene.answer('c1', asked);
  const socket = await openSocket(app, stream(asked), 'confab.v1');
  assert.equal((await socket.next()).type, 'ready');
  assert.equal((await socket.next()).position, reply);

  let logAway = true;
  const bounds = scene.log.admin.bounds.bind(scene.log.admin);
  scene.log.admin.bounds = (topic) => (logAway ? Promise.reject(new ConfabError('CONFAB_LOG_UNAVAILABLE')) : bounds(topic));
  const waiting = await openSocket(app, stream(asked), 'confab.v1');
  const error = await waiting.next();
  assert.deepEqual([error.type, error.code, error.conversationId, error.retryAfterMs], ['error', 'CONFAB_LOG_UNAVAILABLE', 'c1', 1_000]);
  for (let i = 0; i < 12; i += 1) await scene.clock.advance(1_000);
  assert.deepEqual([await waiting.next(), await waiting.next()].map(({ type }) => type), ['recovering', 'recovering']);
  logAway = false;
  await scene.clock.advance(1_000);
  await turns();
  assert.deepEqual([(await waiting.next()).type, (await waiting.next()).position], ['ready', reply]);
});

test('what retention has removed is not recovered, and the client goes on from now', async (t) => {
  const scene = await Scene.make(1);
  const { app, outbox } = await testNode(t, scene);
  const asked = await scene.accept('c1');
  await scene.answer('c1', asked);
  await turns();
  outbox.flush();
  const bounds = scene.log.admin.bounds.bind(scene.log.admin);
  scene.log.admin.bounds = async (topic) => (await bounds(topic)).map((found) => (topic === 'messages.v1' ? { ...found, start: 1, end: 5 } : found));
  const socket = await openSocket(app, stream(asked), 'confab.v1');
  const ready = await socket.next();
  assert.deepEqual([ready.type, ready.recovered], ['ready', false]);
  assert.ok(String(ready.position) <= `${scene.topics.epoch}-000000000001-00`);
  const next = await scene.answer('c1', await scene.accept('c1'));
  const got = [await socket.next()];
  assert.deepEqual(got.map(({ position }) => position), [next]);
});

test('a reply that comes between the connection and ready is not lost', async (t) => {
  const scene = await Scene.make(1);
  const { app } = await testNode(t, scene);
  const first = await scene.answer('c1', await scene.accept('c1'));
  await turns();
  for (let i = 0; i < 8; i += 1) {
    const opening = openSocket(app, stream(first), 'confab.v1');
    await turns(i);
    const reply = await scene.answer('c1', await scene.accept('c1'));
    const socket = await opening;
    const got: unknown[] = [];
    while (got[got.length - 1] !== reply) { const frame = await socket.next(); if (frame.type !== 'ready') got.push(frame.position); }
    assert.equal(new Set(got).size, i + 1);
    assert.deepEqual(got, [...got].sort());
    socket.socket.close(1000);
  }
});
