import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientError } from './errors.js';
import type { StorageLike } from './platform.js';
import { problem, record, settle, setUp, World } from './testing.js';

test('a send resolves with what the server answered, under a key of its own', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('a/b');
  assert.deepEqual(await conversation.send({ text: 'one' }), { messageId: 'm1', position: world.position(1, 0), duplicate: false });
  await conversation.send({ postback: { payload: 'yes', replyId: 'm1-01' } }, { idempotencyKey: 'mine' });
  assert.deepEqual(world.posts.map(({ conversationId, body }) => ({ conversationId, body })), [
    { conversationId: 'a/b', body: { text: 'one' } }, { conversationId: 'a/b', body: { postback: { payload: 'yes', replyId: 'm1-01' } } },
  ]);
  assert.match(world.posts[0]?.key ?? '', /^[!-~]{10,128}$/);
  assert.equal(world.posts[1]?.key, 'mine');
});

const PASSING = [
  ['a network that is gone', { answer: 'cut' as const }],
  ['an answer that was cut after the message was accepted', { answer: 'cut' as const, accepted: true }],
  ['an outcome that is not known', { answer: problem(503, 'CONFAB_OUTCOME_UNKNOWN', true), accepted: true }],
  ['a server that drains', { answer: problem(503, 'CONFAB_DRAINING', true) }],
  ['too many requests', { answer: problem(429, 'CONFAB_RATE_LIMITED', true) }],
  ['the page of a proxy', { answer: { status: 502, body: '<html>' } }],
  ['the page of a captive portal', { answer: { status: 200, body: '<html>' } }],
  ['half an answer', { answer: { status: 202, body: '{"messageId":' }, accepted: true }],
] as const;

for (const [name, fault] of PASSING) {
  test(`${name}: the message is sent again with the same key, and is there once`, async (t) => {
    const { world, client } = setUp(t);
    const conversation = client.conversation('c');
    const lines = record(conversation);
    await settle();
    world.faults.push(fault);
    const first = conversation.send({ text: 'one' });
    const second = conversation.send({ text: 'two' });
    await world.clock.advance(60_000);
    assert.equal((await first).messageId, 'm1');
    assert.equal((await second).messageId, 'm2');
    assert.deepEqual(world.posts.map(({ body }) => body.text), ['one', 'one', 'two']);
    assert.equal(world.posts[0]?.key, world.posts[1]?.key);
    assert.notEqual(world.posts[0]?.key, world.posts[2]?.key);
    assert.deepEqual(lines, ['message one', 'reply re one', 'message two', 'reply re two']);
  });
}

test('a request without an answer is given up after 15 s and repeated', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  world.faults.push({ answer: 'hang', accepted: true });
  const sent = conversation.send({ text: 'one' });
  await world.clock.advance(16_000);
  assert.deepEqual([(await sent).duplicate, world.posts.length], [true, 2]);
});

test('the server says how long to wait, and the wait is not shorter', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  world.faults.push({ answer: problem(503, 'CONFAB_OVERLOADED', true, 7) });
  void conversation.send({ text: 'one' });
  await world.clock.advance(7_000);
  client.reconnect();
  await world.clock.advance(200);
  assert.equal(world.posts.length, 1);
  await world.clock.advance(50);
  assert.equal(world.posts.length, 2);
});

test('what the server refuses is rejected with its code and fields, and the next message goes on', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  world.faults.push({ answer: { status: 400, body: { code: 'CONFAB_BODY_INVALID', detail: 'no', retryable: false, errors: [{ pointer: '/text', detail: 'too long' }] } } });
  const first = conversation.send({ text: 'one' });
  const second = conversation.send({ text: 'two' });
  await assert.rejects(first, (error: ClientError) => error.code === 'CONFAB_BODY_INVALID' && error.status === 400 && !error.retryable && error.errors?.[0]?.pointer === '/text');
  assert.equal((await second).messageId, 'm1');
});

test('offline, messages wait in order, up to the bound of the client; the network brings them out at once', async (t) => {
  const { world, client } = setUp(t, { queueLimit: 3 });
  world.reachable = false;
  const [a, b] = [client.conversation('a'), client.conversation('b')];
  const sent = [a.send({ text: '1' }), b.send({ text: '2' }), a.send({ text: '3' })];
  await assert.rejects(b.send({ text: '4' }), { code: 'CONFAB_QUEUE_FULL', retryable: true });
  await world.clock.advance(120_000);
  assert.deepEqual(a.unsent.map(({ content }) => content.text), ['1', '3']);
  world.reachable = true;
  client.reconnect();
  await settle();
  await settle();
  assert.deepEqual((await Promise.all(sent)).map(({ duplicate }) => duplicate), [false, false, false]);
  assert.deepEqual(world.posts.filter(({ conversationId }) => conversationId === 'a').map(({ body }) => body.text), ['1', '3']);
  assert.deepEqual(a.unsent, []);
  await b.send({ text: '5' });
});

test('after 23 hours a message is given up, since the server may not know its key any more', async (t) => {
  const { world, client } = setUp(t);
  world.reachable = false;
  const sent = client.conversation('c').send({ text: 'one' });
  sent.catch(() => undefined);
  await world.clock.advance(23.1 * 3_600_000);
  await assert.rejects(sent, { code: 'CONFAB_OUTCOME_UNKNOWN' });
});

test('closing rejects what waits and leaves no timer', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  await settle();
  world.faults.push({ answer: 'hang' }, { answer: problem(503, 'CONFAB_OVERLOADED', true, 7) });
  const sent = [conversation.send({ text: 'one' }), conversation.send({ text: 'two' }), client.conversation('d').send({ text: 'three' })];
  await settle();
  client.close();
  for (const one of sent) await assert.rejects(one, { code: 'CONFAB_CLOSED' });
  await assert.rejects(conversation.send({ text: 'late' }), { code: 'CONFAB_CLOSED' });
  await assert.rejects(conversation.history(), { code: 'CONFAB_CLOSED' });
  assert.throws(() => client.conversation('c'), { code: 'CONFAB_CLOSED' });
  await settle();
  assert.equal(world.clock.waiting, 0);
});

class Shelf implements StorageLike {
  readonly items = new Map<string, string>();
  constructor(private readonly later: boolean) {}
  getItem(key: string): string | null | Promise<string | null> { const found = this.items.get(key) ?? null; return this.later ? Promise.resolve(found) : found; }
  setItem(key: string, value: string): void { this.items.set(key, value); }
  removeItem(key: string): void { this.items.delete(key); }
}

for (const later of [false, true]) {
  test(`after a reload unsent messages go out once and the stream goes on, with ${later ? 'asynchronous' : 'synchronous'} storage`, async (t) => {
    const storage = new Shelf(later);
    const world = new World();
    const before = setUp(t, { storage }, world);
    const first = before.client.conversation('c');
    await first.send({ text: 'one' });
    await settle();
    world.faults.push({ answer: 'cut', accepted: true }, { answer: 'hang' });
    first.send({ text: 'two' }).catch(() => undefined);
    first.send({ text: 'three' }).catch(() => undefined);
    await settle();
    before.client.close();
    world.reply(world.write('c', 'elsewhere'), true);

    const { client } = setUp(t, { storage }, world);
    const conversation = client.conversation('c');
    const lines = record(conversation);
    if (!later) assert.deepEqual(conversation.unsent.map(({ content }) => content.text), ['two', 'three']);
    world.faults.length = 0;
    await conversation.send({ text: 'four' });
    await settle();
    assert.deepEqual(lines.filter((line) => line.startsWith('reply')), ['reply re elsewhere', 'reply re three', 'reply re four']);
    assert.deepEqual(world.log('c').filter(({ type }) => type === 'message').map((event) => 'text' in event && event.text), ['one', 'two', 'elsewhere', 'three', 'four']);
    assert.deepEqual((JSON.parse(storage.items.get('confab:c') ?? '') as { unsent: unknown }).unsent, []);
  });
}

test('a storage that fails or holds nonsense is done without', async (t) => {
  for (const getItem of [() => { throw new Error('forbidden'); }, () => '{', () => '7', () => 'null', () => Promise.reject(new Error('x'))]) {
    const { client } = setUp(t, { storage: { getItem, setItem: () => { throw new Error('full'); }, removeItem: () => undefined } });
    assert.equal((await client.conversation('c').send({ text: 'one' })).messageId, 'm1');
  }
});

test('a send with the key of a message that waits is that message', async (t) => {
  const storage = new Shelf(false);
  storage.setItem('confab:c', JSON.stringify({ unsent: [{ idempotencyKey: 'k', content: { text: 'x' }, createdAt: Date.UTC(2026, 0, 1) }] }));
  const { world, client } = setUp(t, { storage });
  const conversation = client.conversation('c');
  const both = await Promise.all([conversation.send({ text: 'x' }, { idempotencyKey: 'k' }), conversation.send({ text: 'x' }, { idempotencyKey: 'k' })]);
  assert.deepEqual(both.map(({ messageId }) => messageId), ['m1', 'm1']);
  assert.deepEqual(world.posts.map(({ key }) => key), ['k']);
  assert.equal((await conversation.send({ text: 'x' }, { idempotencyKey: 'k' })).duplicate, true, 'once it is accepted, the server knows the key');
});

test('what a reload left over and the server refuses is told by an event', async (t) => {
  const storage = new Shelf(false);
  storage.setItem('confab:c', JSON.stringify({ unsent: [{ idempotencyKey: 'k', content: { text: 'x' }, createdAt: Date.UTC(2026, 0, 1) }] }));
  const world = new World();
  world.faults.push({ answer: problem(409, 'CONFAB_IDEMPOTENCY_KEY_REUSED', false) });
  const { client } = setUp(t, { storage }, world);
  const conversation = client.conversation('c');
  const lines = record(conversation);
  await settle();
  assert.deepEqual(lines, ['error CONFAB_IDEMPOTENCY_KEY_REUSED']);
  assert.deepEqual(conversation.unsent, []);
});
