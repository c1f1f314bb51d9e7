import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSocket, type TestSocket } from '../../platform/http/testing.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { MemoryOutbox } from '../outbox/memory.js';
import { part, Scene, testNode, turns } from '../testing.js';

type Frame = Record<string, unknown>;

const stream = (conversationId: string, after?: string): string => `/v1/conversations/${conversationId}/stream${after === undefined ? '' : `?after=${after}`}`;
const QUEUE = 100_000;
const text = 'x'.repeat(4_000);

async function frames(socket: TestSocket, count: number): Promise<Frame[]> {
  const got: Frame[] = [];
  for (let i = 0; i < count; i += 1) got.push(await socket.next());
  return got;
}

/** Replies of 4 KB, one after the other; their positions. */
async function write(scene: Scene, conversationId: string, count: number): Promise<string[]> {
  const positions: string[] = [];
  for (let i = 0; i < count; i += 1) {
    positions.push(await scene.answer(conversationId, await scene.accept(conversationId), { parts: [part(text)] }));
    await turns(2);
  }
  return positions;
}

const positionsOf = (found: readonly Frame[]): unknown[] => found.map(({ position }) => position);
/** What the server holds for its only, or first, socket. */
const underWay = (app: { confab: { sockets: Iterable<{ underWay: number }> } }): number => [...app.confab.sockets][0]?.underWay ?? 0;

test('who reads nothing for a while gets everything, in order, and the node holds no more than its queue', async (t) => {
  for (const maxEntries of [256, 4]) {
    const scene = await Scene.make();
    const { app } = await testNode(t, scene, { maxQueueBytes: QUEUE, outbox: new MemoryOutbox({ clock: scene.clock, maxEntries }) });
    const slow = await openSocket(app, stream('c1'), 'confab.v1');
    const quick = await openSocket(app, stream('c1'), 'confab.v1');
    await slow.next();
    await quick.next();
    slow.socket.pause();
    const all = await write(scene, 'c1', 100);
    assert.deepEqual(positionsOf(await frames(quick, 100)), all, 'others go on');
    assert.ok(underWay(app) > QUEUE / 2 && underWay(app) < QUEUE + 5_000, String(underWay(app)));
    slow.socket.resume();
    assert.deepEqual(positionsOf(await frames(slow, 100)), all);
    const [next] = await write(scene, 'c1', 1);
    assert.equal((await slow.next()).position, next, `live again, with ${maxEntries} entries in the outbox`);
  }
});

// Of new conversations the outbox cannot say that nothing came before, but it can say that nothing was forgotten since they are followed.
test('who reads new conversations slowly is served from the outbox, not from the log', async (t) => {
  const scene = await Scene.make();
  // As after a loss: messages of before, and an outbox that begins now.
  for (let i = 0; i < 8; i += 1) await scene.accept(`old${i}`);
  const metrics = createMetrics();
  const { app } = await testNode(t, scene, { maxQueueBytes: QUEUE, metrics });
  const sockets = [await openSocket(app, '/v1/stream', 'confab.v1'), await openSocket(app, '/v1/stream', 'confab.v1')] as const;
  const names = Array.from({ length: 6 }, (_, i) => `c${i}`);
  for (const conversationId of names) {
    sockets[0].send({ type: 'subscribe', conversationId });
    sockets[1].send({ type: 'subscribe', conversationId, after: await scene.accept(conversationId) });
  }
  for (const socket of sockets) { await frames(socket, names.length); socket.socket.pause(); }
  const scans = async (): Promise<string | undefined> => /confab_egress_log_scans_total (\d+)/.exec(await metrics.metrics())?.[1];
  const before = await scans();
  // The first conversation fills the network: of the others nothing was sent when they begin, with a dead letter.
  const all = new Map([['c0', await write(scene, 'c0', 40)]]);
  const letters = new Map<string, string>();
  for (const name of names.slice(1)) letters.set(name, await scene.giveUp(name, await scene.accept(name)));
  await turns();
  await scene.clock.advance(2_000);
  for (const [name, letter] of letters) all.set(name, [letter, ...await write(scene, name, 5)]);
  for (const socket of sockets) {
    socket.socket.resume();
    const got = await frames(socket, 40 + 6 * letters.size);
    for (const [name, positions] of all) assert.deepEqual(positionsOf(got.filter(({ conversationId }) => conversationId === name)), positions, name);
  }
  assert.equal(await scans(), before);
});

test('only who reads nothing at all for the whole time is closed with 4000', async (t) => {
  const scene = await Scene.make();
  const metrics = createMetrics();
  const { app } = await testNode(t, scene, { maxQueueBytes: QUEUE, metrics, http: { slowClientMillis: 30_000 } });
  const [never, sometimes] = [await openSocket(app, stream('c1'), 'confab.v1'), await openSocket(app, stream('c1'), 'confab.v1')];
  await never.next();
  await sometimes.next();
  for (const { socket } of [never, sometimes]) socket.pause();
  const all = await write(scene, 'c1', 60);
  assert.match(await metrics.metrics(), /confab_egress_sockets_behind 2/);
  for (let second = 0; second < 29; second += 1) { await turns(4); await scene.clock.advance(1_000); }
  assert.equal(never.socket.readyState, never.socket.OPEN);
  // It reads a little, and stops again.
  sometimes.socket.resume();
  await sometimes.next();
  sometimes.socket.pause();
  await turns();
  for (let second = 0; second < 5; second += 1) { await turns(4); await scene.clock.advance(1_000); }
  assert.match(await metrics.metrics(), /confab_egress_slow_closes_total 1/);
  never.socket.resume();
  assert.deepEqual(await never.closed, { code: 4000, reason: { code: 'CONFAB_SLOW_CONSUMER', retryAfterMs: 0 } });
  sometimes.socket.resume();
  assert.deepEqual(positionsOf(await frames(sometimes, 59)), all.slice(1));
  // Who was closed resumes from what it saw.
  const seen = (never as unknown as { frames: Frame[] }).frames;
  const back = await openSocket(app, stream('c1', String(seen[seen.length - 1]?.position)), 'confab.v1');
  await back.next();
  assert.deepEqual(positionsOf([...seen, ...await frames(back, 60 - seen.length)]), all);
});

test('one slow socket with many conversations: each gets its share, and nothing is queued for them', async (t) => {
  const scene = await Scene.make();
  let reads = 0;
  class Counting extends MemoryOutbox {
    override read(...asked: Parameters<MemoryOutbox['read']>): ReturnType<MemoryOutbox['read']> { reads += 1; return super.read(...asked); }
  }
  const { app } = await testNode(t, scene, { maxQueueBytes: QUEUE, outbox: new Counting({ clock: scene.clock }) });
  const socket = await openSocket(app, '/v1/stream', 'confab.v1');
  const names = Array.from({ length: 30 }, (_, i) => `c${i}`);
  for (const conversationId of names) socket.send({ type: 'subscribe', conversationId });
  await frames(socket, names.length);
  socket.socket.pause();
  // The first conversation is the busy one: 400 KB of it stand before one reply of each other.
  const busy = await write(scene, 'c0', 100);
  const others = new Map<string, string>();
  for (const name of names.slice(1)) others.set(name, (await write(scene, name, 1))[0] ?? '');
  await turns();
  const before = reads;
  await turns(40);
  assert.equal(reads, before, 'nobody looks into the outbox while the network is full');
  assert.ok(underWay(app) < QUEUE + 20_000);
  socket.socket.resume();
  const got = await frames(socket, 100 + others.size);
  assert.deepEqual(positionsOf(got.filter(({ conversationId }) => conversationId === 'c0')), busy);
  assert.deepEqual(new Map(got.filter(({ conversationId }) => conversationId !== 'c0').map(({ conversationId, position }) => [conversationId, position])), others);
  const last = got.findLastIndex(({ conversationId }) => conversationId !== 'c0');
  assert.ok(last < got.length - 1, 'the others do not wait for the end of the busy one');
});

test('typing is dropped first, receipts later, replies never', async (t) => {
  const scene = await Scene.make(1);
  const metrics = createMetrics();
  const { app, fanout } = await testNode(t, scene, { maxQueueBytes: QUEUE, metrics });
  const socket = await openSocket(app, stream('c1'), 'confab.v1');
  await socket.next();
  socket.socket.pause();
  let position = '';
  const lossy = async (name: string): Promise<void> => {
    const rest = { key: 'default/c1', position: '', late: false, timestamp: 0 };
    await fanout.announce(0, [{ ...rest, prev: 'another', frame: `{"type":"typing","at":"${name}"}` }, { ...rest, prev: `!r${position} another`, frame: `{"type":"receipt","at":"${name}"}` }]);
  };
  const all: string[] = [];
  const until = async (share: number): Promise<void> => { while (underWay(app) < QUEUE * share) { all.push(...await write(scene, 'c1', 1)); position = all[all.length - 1] ?? ''; } };
  await until(0.1);
  await lossy('little');
  await until(0.3);
  await lossy('some');
  await until(0.6);
  await lossy('much');
  assert.match(await metrics.metrics(), /confab_egress_dropped_frames_total 3/);
  socket.socket.resume();
  const got = await frames(socket, all.length + 3);
  assert.deepEqual(got.filter(({ at }) => at !== undefined).map(({ type, at }) => [type, at]), [['typing', 'little'], ['receipt', 'little'], ['receipt', 'some']]);
  assert.deepEqual(positionsOf(got.filter(({ type }) => type === 'reply')), all);
});
