import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfabError } from '../../platform/errors.js';
import { openSocket, type TestSocket } from '../../platform/http/testing.js';
import { Acceptor } from '../acceptance/acceptor.js';
import type { Pending } from '../acceptance/pending.js';
import { codec, PARTITIONS, testIngress, type TestIngress } from '../testing.js';

const PEOPLE = {
  alice: { scopes: ['messages:write'], conversations: ['c1'] },
  machine: { scopes: ['integration'] },
  reader: { scopes: ['conversations:read'], conversations: ['c1'] },
} as const;

const open = (ingress: TestIngress, token = 'machine'): Promise<TestSocket> => openSocket(ingress.app, '/v1/ingest', `confab.ingest.v1, confab.bearer.${token}`);
const message = (ref: string, more: object = {}): object => ({ type: 'message', ref, conversationId: 'c1', text: 'hello', ...more });

test('a message is accepted with its place in the log', async (t) => {
  const ingress = await testIngress(t, { people: PEOPLE });
  const client = await open(ingress);
  client.send(message('r1', { userId: 'u1', attributes: { a: 'b' } }));
  const answer = await client.next();
  const [written] = await ingress.messages();
  assert.deepEqual({ ...answer, position: '' }, { type: 'accepted', ref: 'r1', messageId: written?.messageId, position: '', duplicate: false });
  assert.match(String(answer.position), /^[0-9a-f]{8}-000000000000-00$/);
  assert.deepEqual([written?.text, written?.userId, written?.channel], ['hello', 'u1', 'api']);
});

test('a key means the same over HTTP and over a socket', async (t) => {
  const ingress = await testIngress(t);
  const posted = await ingress.app.inject({ method: 'POST', url: '/v1/conversations/c1/messages', headers: { 'idempotency-key': 'k' }, payload: { text: 'hello' } });
  const client = await open(ingress);
  client.send(message('r1', { idempotencyKey: 'k' }));
  client.send(message('r2', { idempotencyKey: 'k', text: 'other' }));
  const [first, second] = [await client.next(), await client.next()];
  assert.deepEqual([first.messageId, first.duplicate], [posted.json<{ messageId: string }>().messageId, true]);
  assert.deepEqual([second.type, second.ref, second.code], ['rejected', 'r2', 'CONFAB_IDEMPOTENCY_KEY_REUSED']);
});

for (const [name, code, more] of [
  ['an unknown field', 'CONFAB_FRAME_INVALID', { colour: 'red' }], ['no text', 'CONFAB_FRAME_INVALID', { text: undefined }], ['control characters', 'CONFAB_FRAME_INVALID', { text: 'a\u0000' }],
  ['a malformed conversation', 'CONFAB_CONVERSATION_ID_INVALID', { conversationId: 'a/b' }], ['a malformed key', 'CONFAB_IDEMPOTENCY_KEY_INVALID', { idempotencyKey: 'a b' }],
  ['another\'s conversation', 'CONFAB_CONVERSATION_FORBIDDEN', { conversationId: 'c2' }], ['another user', 'CONFAB_USER_MISMATCH', { userId: 'bob' }], ['a bot', 'CONFAB_SCOPE_MISSING', { botId: 'x' }],
] as const) {
  test(`rejected ${code}: ${name}; the socket stays`, async (t) => {
    const ingress = await testIngress(t, { people: PEOPLE });
    const client = await open(ingress, 'alice');
    client.send(message('r1', more));
    const answer = await client.next();
    assert.deepEqual([answer.type, answer.ref, answer.code], ['rejected', 'r1', code]);
    assert.ok(typeof answer.detail === 'string' && answer.detail.length > 0);
    assert.deepEqual(await ingress.messages(), []);
    client.send(message('r2'));
    assert.equal((await client.next()).type, 'accepted');
  });
}

test('a frame without ref, or of an unknown type, is an error frame', async (t) => {
  const client = await open(await testIngress(t));
  client.send({ type: 'message', conversationId: 'c1', text: 'a' });
  assert.deepEqual([(await client.next()).code], ['CONFAB_FRAME_INVALID']);
  client.send({ type: 'dance' });
  assert.deepEqual([(await client.next()).code], ['CONFAB_FRAME_INVALID']);
});

test('a token without the right to write closes 4101', async (t) => {
  const client = await open(await testIngress(t, { people: PEOPLE }), 'reader');
  assert.deepEqual(await client.closed, { code: 4101, reason: { code: 'CONFAB_SCOPE_MISSING' } });
});

/** An acceptor whose answers come when the test says so. */
function heldAcceptor(t: { after(run: () => void): void }): { acceptor: Acceptor; held: Pending[] } {
  void t;
  const held: Pending[] = [];
  const clock = { now: () => 0, monotonic: () => 0, after: () => ({ cancel: () => undefined }), sleep: () => Promise.resolve() };
  const acceptor = new Acceptor({
    clock, topic: 'messages.v1', partitions: PARTITIONS, encode: (value) => codec.of('Message').encode(value), maxRecordBytes: 1_000_000,
    writer: { write: async (batch) => { held.push(...batch); }, close: async () => undefined },
  });
  return { acceptor, held };
}

const accepted = (n: number) => ({ messageId: `m${n}`, position: `p${n}`, duplicate: false });

test('answers of a conversation keep the order of its messages; others overtake', async (t) => {
  const { acceptor, held } = heldAcceptor(t);
  const client = await open(await testIngress(t, { acceptor }));
  for (const [ref, conversationId] of [['r0', 'c1'], ['r1', 'c1'], ['r2', 'c2'], ['r3', 'c1']]) client.send(message(ref ?? '', { conversationId }));
  client.send(message('r4', { text: 5 }));
  while (held.length < 4) await new Promise((resolve) => { setImmediate(resolve); });
  held[3]?.accept(accepted(3));
  held[1]?.refuse(new ConfabError('CONFAB_OUTCOME_UNKNOWN', { retryAfterMs: 1500 }));
  held[2]?.accept(accepted(2));
  assert.equal((await client.next()).ref, 'r2');
  held[0]?.accept(accepted(0));
  const rest = [await client.next(), await client.next(), await client.next(), await client.next()];
  assert.deepEqual(rest.map(({ ref, type }) => [ref, type]), [['r0', 'accepted'], ['r1', 'rejected'], ['r3', 'accepted'], ['r4', 'rejected']]);
  assert.equal(rest[1]?.retryAfterMs, 1500);
});

test('a socket with too much in flight is not read until half of it is answered', async (t) => {
  const { acceptor, held } = heldAcceptor(t);
  const ingress = await testIngress(t, { acceptor, socketInFlight: 4 });
  const client = await open(ingress);
  for (let n = 0; n < 4; n += 1) client.send(message(`r${n}`, { conversationId: `c${n}` }));
  while (held.length < 4) await new Promise((resolve) => { setImmediate(resolve); });
  const [server] = [...ingress.app.websocketServer.clients];
  assert.equal(server?.isPaused, true);
  client.send(message('late', { conversationId: 'c9' }));
  for (let n = 0; n < 2; n += 1) held[n]?.accept(accepted(n));
  await client.next();
  await client.next();
  while (held.length < 5) await new Promise((resolve) => { setImmediate(resolve); });
  assert.equal(server?.isPaused, false);
});

test('thousands of messages are answered each once, and stand in order', async (t) => {
  const ingress = await testIngress(t);
  const client = await open(ingress);
  const total = 3000;
  for (let n = 0; n < total; n += 1) client.send(message(`${n}`, { conversationId: `c${n % 7}`, text: `${n}` }));
  const refs = new Map<string, number[]>();
  for (let n = 0; n < total; n += 1) {
    const { ref, type } = await client.next();
    assert.equal(type, 'accepted');
    const list = refs.get(`c${Number(ref) % 7}`) ?? [];
    list.push(Number(ref));
    refs.set(`c${Number(ref) % 7}`, list);
  }
  for (const list of refs.values()) assert.deepEqual(list, [...list].sort((a, b) => a - b));
  const written = await ingress.messages();
  assert.equal(written.length, total);
  for (let c = 0; c < 7; c += 1) {
    const texts = written.filter(({ key }) => key === `default/c${c}`).map(({ text }) => Number(text));
    assert.deepEqual(texts, [...texts].sort((a, b) => a - b));
  }
});
