import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, settle } from '../../platform/clock-manual.js';
import { ConfabError } from '../../platform/errors.js';
import { openSocket, type TestSocket } from '../../platform/http/testing.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { seededRandom } from '../../platform/random.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { Announcement } from '../fanout/fanout.js';
import { MemoryBus } from '../fanout/memory.js';
import { MemoryOutbox } from '../outbox/memory.js';
import { formatNotice, parseNotice } from './receipt-notice.js';
import { ReceiptPace } from './receipt-pace.js';
import { Receipts, type ReceiptSource } from './receipts.js';
import { Scene, testNode, turns, type TestNode } from '../testing.js';

const open = async ({ app }: TestNode, after?: string): Promise<TestSocket> => {
  const socket = await openSocket(app, `/v1/conversations/c1/stream${after === undefined ? '' : `?after=${after}`}`, 'confab.v1');
  assert.equal((await socket.next()).type, 'ready');
  return socket;
};
const tell = (socket: TestSocket, type: 'received' | 'read', position: unknown): void => { socket.send({ type, conversationId: 'c1', position }); };
const shown = (position: string, state: string): object => ({ type: 'receipt', conversationId: 'c1', position, state });

/** What deliveries.v1 holds, `state position` each. */
async function written(scene: Scene): Promise<string[]> {
  const found: string[] = [];
  for await (const { records } of scene.log.read('deliveries.v1', scene.partition('default/c1'), 0)) {
    for (const { value } of records) { const { state, position } = scene.codec.of('DeliveryUpdate').decode(value as Buffer); found.push(`${state} ${position}`); }
  }
  return found;
}

async function after(scene: Scene, millis: number): Promise<void> {
  await turns();
  await scene.clock.advance(millis);
  await turns();
}

test('a receipt is shown to the other sockets of the conversation, on every node, and not to who sent it', async (t) => {
  const scene = await Scene.make();
  const bus = new MemoryBus();
  const outbox = new MemoryOutbox({ clock: scene.clock });
  const nodes = [await testNode(t, scene, { bus, outbox }), await testNode(t, scene, { bus, outbox, reads: false, random: seededRandom(4) })] as const;
  const [mine, near, far] = [await open(nodes[0]), await open(nodes[0]), await open(nodes[1])];
  const position = await scene.answer('c1', await scene.accept('c1'));
  for (const socket of [mine, near, far]) assert.equal((await socket.next()).position, position);
  tell(mine, 'received', position);
  tell(mine, 'read', position);
  await after(scene, 50);
  for (const socket of [near, far]) assert.deepEqual([await socket.next(), await socket.next()], [shown(position, 'delivered'), shown(position, 'read')]);
  const next = await scene.answer('c1', await scene.accept('c1'));
  for (const socket of [mine, near, far]) assert.equal((await socket.next()).position, next, 'nothing came in between');
  await after(scene, 1_000);
  assert.deepEqual(await written(scene), [`delivered ${position}`, `read ${position}`]);
});

test('receipts are cumulative: none is shown after a newer one, whichever device is late', async (t) => {
  const scene = await Scene.make();
  const bus = new MemoryBus();
  const outbox = new MemoryOutbox({ clock: scene.clock });
  const nodes = [await testNode(t, scene, { bus, outbox }), await testNode(t, scene, { bus, outbox, reads: false, random: seededRandom(4) })] as const;
  const [quick, slow, other] = [await open(nodes[0]), await open(nodes[1]), await open(nodes[1])];
  const positions: string[] = [];
  for (let i = 0; i < 3; i += 1) positions.push(await scene.answer('c1', await scene.accept('c1')));
  const [first = '', second = '', third = ''] = positions;
  for (const socket of [quick, slow, other]) for (const position of positions) assert.equal((await socket.next()).position, position);
  tell(quick, 'read', second);
  await after(scene, 50);
  tell(slow, 'read', first);
  await after(scene, 50);
  tell(slow, 'received', first);
  tell(slow, 'read', third);
  await after(scene, 50);
  assert.deepEqual([await other.next(), await other.next(), await other.next()], [shown(second, 'read'), shown(first, 'delivered'), shown(third, 'read')]);
  assert.deepEqual([await quick.next(), await quick.next(), await quick.next()], [shown(first, 'read'), shown(first, 'delivered'), shown(third, 'read')], 'of the others, whatever it has read itself');
  assert.deepEqual(await slow.next(), shown(second, 'read'));
  tell(quick, 'read', third);
  await after(scene, 50);
  assert.deepEqual(await slow.next(), shown(third, 'read'), 'the other side has it too');
});

/** A client that claimed places beyond the log had them written, and the audit told of deliveries without a message. */
test('what a client cannot have is refused with a code and neither shown nor written', async (t) => {
  const scene = await Scene.make(1);
  const node = await testNode(t, scene);
  const old = await scene.answer('c1', await scene.accept('c1'));
  await turns();
  const [mine, other] = [await open(node), await open(node)];
  const position = await scene.answer('c1', await scene.accept('c1'));
  for (const socket of [mine, other]) assert.equal((await socket.next()).position, position);
  const future = await scene.accept('c1');
  const { epoch } = scene.topics;
  for (const bad of [future, position.replace(/1$/, '2'), `${epoch}-999999999999-99`, 'ffffffff-000000000000-01', '00000000-000000000000-01']) {
    tell(mine, 'received', bad);
    const error = await mine.next();
    assert.deepEqual([error.type, error.code, error.conversationId], ['error', 'CONFAB_RECEIPT_INVALID', 'c1'], bad);
  }
  // What lies before the subscription may have been had before.
  tell(mine, 'read', old);
  await after(scene, 1_000);
  assert.deepEqual(await other.next(), shown(old, 'read'));
  assert.deepEqual(await written(scene), [`read ${old}`]);
});

test('a subscription that claims to resume from a place that the log does not have cannot acknowledge it', async (t) => {
  const scene = await Scene.make(1);
  const node = await testNode(t, scene);
  const known = await scene.answer('c1', await scene.accept('c1'));
  await turns();
  // The outbox is complete up to a message that it does not know: so it says nothing against this one.
  const claimed = `${scene.topics.epoch}-000000000900-00`;
  const liar = await open(node, claimed);
  tell(liar, 'read', claimed);
  assert.equal((await liar.next()).code, 'CONFAB_RECEIPT_INVALID');
  const honest = await open(node, known);
  let away = true;
  const bounds = scene.log.admin.bounds.bind(scene.log.admin);
  scene.log.admin.bounds = (topic) => (away ? Promise.reject(new ConfabError('CONFAB_LOG_UNAVAILABLE')) : bounds(topic));
  await after(scene, 1_000);
  const later = await scene.accept('c1');
  const waiting = await open(node, later);
  tell(waiting, 'read', later);
  const error = await waiting.next();
  assert.deepEqual([error.code, error.retryAfterMs], ['CONFAB_LOG_UNAVAILABLE', 1_000]);
  away = false;
  tell(honest, 'read', known);
  tell(waiting, 'read', later);
  await after(scene, 1_000);
  assert.deepEqual(await written(scene), [`read ${later}`], 'of two devices the newest');
});

test('a socket that reports too often is told so once a second, and harms nobody', async (t) => {
  const scene = await Scene.make(1);
  const node = await testNode(t, scene);
  const [mine, other] = [await open(node), await open(node)];
  const position = await scene.answer('c1', await scene.accept('c1'));
  for (const socket of [mine, other]) assert.equal((await socket.next()).position, position);
  for (let i = 0; i < 200; i += 1) tell(mine, i % 2 === 0 ? 'received' : 'read', position);
  const error = await mine.next();
  assert.deepEqual([error.code, error.retryAfterMs], ['CONFAB_RATE_LIMITED', 1_000]);
  await after(scene, 1_000);
  assert.deepEqual([await other.next(), await other.next()], [shown(position, 'delivered'), shown(position, 'read')]);
  const next = await scene.answer('c1', await scene.accept('c1'));
  for (const socket of [mine, other]) assert.equal((await socket.next()).position, next);
  assert.equal((await written(scene)).length, 2);
});

test('the pace of a socket grows with what it follows, and a second later it may again', () => {
  const pace = new ReceiptPace();
  const taken = (now: number, subscriptions: number): number => Array.from({ length: 500 }).filter(() => { try { return pace.allows(now, subscriptions); } catch { return false; } }).length;
  assert.deepEqual([taken(1_000, 1), taken(1_999, 1), taken(2_000, 100), taken(3_500, 0)], [24, 0, 420, 20]);
  // A clock that was put back does not silence the socket.
  assert.equal(taken(10, 1), 24);
});

test('a notice says what it was given; what else stands in its place is none', () => {
  for (const notice of [{ state: 'read', position: 'p-1', from: 'S' }, { state: 'delivered', position: 'p-2', from: '' }] as const) assert.deepEqual(parseNotice(formatNotice(notice)), notice);
  for (const text of ['', '01J', '@e-1', '?']) assert.equal(parseNotice(text), undefined);
});

const source = (key: string, reach: 'sent' | 'never' = 'sent'): ReceiptSource => ({ partition: 0, key, conversationId: key, reach: () => reach });

test('while the fan-out hangs nothing more is given to it, and then the newest', async () => {
  const clock = new ManualClock();
  const announced: (readonly Announcement[])[] = [];
  let go: () => void = () => undefined;
  const receipts = new Receipts({
    clock, logger: silentLogger, topic: 'deliveries.v1', codec: createLocalCodec().of('DeliveryUpdate'), ends: undefined as never,
    appender: { append: () => Promise.resolve([]), close: () => Promise.resolve() },
    fanout: { announce: (_partition, list) => { announced.push(list); return new Promise((resolve) => { go = resolve; }); } },
  });
  for (let i = 1; i <= 9; i += 1) {
    assert.equal(receipts.report(source('t/a'), { state: 'read', position: `p${i}`, from: 's' }), undefined);
    await clock.advance(100);
  }
  assert.equal(announced.length, 1);
  go();
  await settle();
  await clock.advance(50);
  assert.deepEqual(announced.map((list) => list.map(({ prev }) => prev)), [['!rp1 s'], ['!rp9 s']]);
  go();
  await receipts.close();
});

test('what waits is bounded, and is written once more when the process ends', async () => {
  const clock = new ManualClock();
  const batches: number[] = [];
  const receipts = new Receipts({
    clock, logger: silentLogger, topic: 'deliveries.v1', codec: createLocalCodec().of('DeliveryUpdate'), ends: undefined as never,
    appender: { append: (records: readonly object[]) => { batches.push(records.length); return Promise.reject(new ConfabError('CONFAB_LOG_UNAVAILABLE')); }, close: () => Promise.resolve() },
    fanout: { announce: () => Promise.resolve() },
  });
  for (let i = 0; i < 25_000; i += 1) void receipts.report(source(`t/${i}`), { state: 'read', position: 'p1', from: 's' });
  assert.throws(() => receipts.report(source('t/x', 'never'), { state: 'read', position: 'p1', from: 's' }), { code: 'CONFAB_RECEIPT_INVALID' });
  await clock.advance(1_000);
  void receipts.report(source('t/a'), { state: 'read', position: 'p1', from: 's' });
  await receipts.close();
  assert.deepEqual(batches, [20_000, 1]);
});
