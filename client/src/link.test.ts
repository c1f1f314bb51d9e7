import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoff } from './backoff.js';
import type { ClientError } from './errors.js';
import { createClient } from './index.js';
import { mayReconnect } from './link.js';
import { problem, record, settle, setUp, World } from './testing.js';

const BACK = [1001, 1005, 1006, 1008, 1011, 1012, 1013, 1015, 4000, 4003];
const GONE = [1000, 1002, 1003, 1007, 1009, 4100, 4101, 4102, 4103, 4199];

test('every close code of the protocol leads where it should', () => {
  for (const code of BACK) assert.equal(mayReconnect(code), true, String(code));
  for (const code of GONE) assert.equal(mayReconnect(code), false, String(code));
});

for (const code of BACK) {
  test(`close ${code}: it comes back and resumes`, async (t) => {
    const { world, client, connections } = setUp(t, { token: () => 'new' });
    const conversation = client.conversation('c');
    const lines = record(conversation);
    await conversation.send({ text: 'one' });
    await settle();
    world.socket.end(code, { code: 'CONFAB_DRAINING' });
    assert.equal(client.connection.state, 'waiting');
    assert.equal(client.connection.reason?.status, code);
    world.reply(world.write('c', 'meanwhile'), true);
    await world.clock.advance(500);
    assert.deepEqual(connections, ['connecting', 'open', 'waiting', 'connecting', 'open']);
    assert.deepEqual(lines, ['message one', 'reply re one', 'message meanwhile', 'reply re meanwhile']);
  });
}

for (const code of GONE) {
  test(`close ${code}: it stays away and says so, until it is told to try again`, async (t) => {
    const { world, client } = setUp(t);
    const conversation = client.conversation('c');
    const lines = record(conversation);
    await settle();
    world.socket.end(code, { code: 'CONFAB_TOKEN_INVALID' });
    await world.clock.advance(3_600_000);
    assert.equal(world.sockets.length, 1);
    assert.deepEqual([client.connection.state, client.connection.reason?.code, client.connection.reason?.status], ['closed', 'CONFAB_TOKEN_INVALID', code]);
    assert.deepEqual(lines, code === 1000 ? [] : ['error CONFAB_TOKEN_INVALID']);
    client.reconnect();
    await settle();
    assert.equal(client.connection.state, 'open');
  });
}

test('a token that cannot be renewed is not tried again after 4003', async (t) => {
  const { world, client } = setUp(t, { token: 'old' });
  const lines = record(client.conversation('c'));
  await settle();
  assert.deepEqual(world.socket.protocols, ['confab.v1', 'confab.bearer.old']);
  world.socket.end(4003, { code: 'CONFAB_TOKEN_EXPIRED' });
  assert.equal(client.connection.state, 'closed');
  assert.deepEqual(lines, ['error CONFAB_TOKEN_EXPIRED']);
});

test('a token is asked for anew before each connection, and given in band when the old one ends', async (t) => {
  let made = 0;
  const { world, client } = setUp(t, { token: async () => `t${made += 1}` });
  client.conversation('c');
  await settle();
  world.socket.push({ type: 'expiring', expiresAt: 'soon' });
  await settle();
  assert.deepEqual(world.socket.sent.at(-1), { type: 'auth', token: 't2' });
  world.socket.end(4003);
  await world.clock.advance(500);
  assert.deepEqual(world.sockets.map(({ protocols }) => protocols[1]), ['confab.bearer.t1', 'confab.bearer.t3']);
});

test('an application that has no token at the moment is asked again, later', async (t) => {
  let fail = true;
  const { world, client } = setUp(t, { token: () => { if (fail) throw new Error('not logged in'); return 'now'; } });
  const conversation = client.conversation('c');
  const sent = conversation.send({ text: 'one' });
  await settle();
  assert.deepEqual([client.connection.state, client.connection.reason?.code], ['waiting', 'CONFAB_TOKEN_UNAVAILABLE']);
  assert.match(client.connection.reason?.detail ?? '', /not logged in/);
  fail = false;
  await world.clock.advance(1_000);
  assert.equal(client.connection.state, 'open');
  assert.equal((await sent).messageId, 'm1');
});

test('a renewal that fails is repeated while the socket lasts', async (t) => {
  let calls = 0;
  const { world, client } = setUp(t, { token: () => { calls += 1; if (calls === 2) throw new Error('away'); return `t${calls}`; } });
  client.conversation('c');
  await settle();
  world.socket.push({ type: 'expiring', expiresAt: 'soon' });
  await world.clock.advance(10_000);
  assert.deepEqual(world.socket.sent.at(-1), { type: 'auth', token: 't3' });
});

test('a request that is refused with 401 is repeated once with a new token', async (t) => {
  let made = 0;
  const { world, client } = setUp(t, { token: () => `t${made += 1}` });
  const conversation = client.conversation('c');
  await settle();
  world.faults.push({ answer: problem(401, 'CONFAB_TOKEN_EXPIRED', false) });
  assert.equal((await conversation.send({ text: 'one' })).messageId, 'm1');
  assert.deepEqual(world.posts.map(({ token }) => token), ['t1', 't2']);
  world.faults.push({ answer: problem(401, 'CONFAB_TOKEN_INVALID', false) }, { answer: problem(401, 'CONFAB_TOKEN_INVALID', false) });
  await assert.rejects(conversation.send({ text: 'two' }), { code: 'CONFAB_TOKEN_INVALID', status: 401 });
});

test('waits grow up to 30 s, lie anywhere below that, and never below what the server asks for', () => {
  const random = [0, 0.25, 0.999];
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const most = Math.min(30_000, 500 * 2 ** attempt);
    assert.equal(backoff(attempt, () => 0), 0);
    for (const one of random) {
      const wait = backoff(attempt, () => one);
      assert.ok(wait >= one * most && wait <= one * most + 1, `${attempt}: ${wait}`);
      assert.ok(backoff(attempt, () => one, 7_000) >= 7_000);
    }
  }
});

test('a server that takes sockets and refuses them is asked less and less often', async (t) => {
  const { world, client } = setUp(t);
  client.conversation('c');
  world.deaf = true;
  const waits: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    await settle();
    world.socket.end(1013, { code: 'CONFAB_OVERLOADED', retryAfterMs: 2_000 });
    waits.push(client.connection.retryInMs ?? -1);
    await world.clock.advance(client.connection.retryInMs ?? 0);
  }
  assert.deepEqual(waits, [2_250, 2_500, 3_000, 4_000, 6_000, 10_000, 17_000, 17_000]);
  world.deaf = false;
  await settle();
  world.socket.end(1013);
  await world.clock.advance(20_000);
  world.socket.end(1013);
  assert.equal(client.connection.retryInMs, 250, 'a server that serves is near again');
});

test('a handshake that hangs is given up after 10 s', async (t) => {
  const { world, client } = setUp(t);
  world.hangs = true;
  client.conversation('c');
  await world.clock.advance(9_999);
  assert.equal(client.connection.state, 'connecting');
  await world.clock.advance(1);
  assert.deepEqual([client.connection.state, client.connection.reason?.code], ['waiting', 'CONFAB_SERVER_UNREACHABLE']);
  assert.equal(world.socket.closedWith, 1000);
  world.socket.readyState = 0;
  world.socket.end(1006);
  assert.equal(client.connection.state, 'waiting', 'what the old socket says does not count');
});

test('silence is asked about, and a line without an answer is replaced', async (t) => {
  const { world, client, connections } = setUp(t);
  const conversation = client.conversation('c');
  const lines = record(conversation, true);
  await conversation.send({ text: 'one' });
  await world.clock.advance(45_000);
  assert.deepEqual(world.socket.sent.map(({ type }) => type), ['subscribe', 'subscribe']);
  assert.equal(world.socket.sent[1]?.after, conversation.position);
  await world.clock.advance(44_000);
  assert.equal(client.connection.state, 'open', 'it was answered');
  world.deaf = true;
  world.reply(world.write('c', 'unheard'), true);
  await world.clock.advance(60_000);
  world.deaf = false;
  await world.clock.advance(60_000);
  assert.deepEqual(connections.slice(0, 3), ['connecting', 'open', 'waiting']);
  assert.equal(client.connection.state, 'open');
  assert.deepEqual(lines.filter((line) => !line.startsWith('ready')), ['message one', 'reply re one', 'message unheard', 'reply re unheard']);
});

test('where the platform shows pings, a living line is never asked', async (t) => {
  const world = new World();
  world.showsPings = true;
  const { client } = setUp(t, {}, world);
  client.conversation('c');
  await settle();
  for (let i = 0; i < 10; i += 1) { await world.clock.advance(25_000); world.socket.pinged(); }
  assert.deepEqual(world.socket.sent.map(({ type }) => type), ['subscribe']);
  await world.clock.advance(56_000);
  assert.equal(world.sockets.length, 1, 'it was asked and answered');
});

test('reconnect() does not wait, and asks an open line whether it lives', async (t) => {
  const { world, client } = setUp(t);
  client.conversation('c');
  world.reachable = false;
  await world.clock.advance(100_000);
  world.reachable = true;
  const before = world.sockets.length;
  assert.equal(client.connection.state, 'waiting');
  client.reconnect();
  await settle();
  assert.deepEqual([client.connection.state, world.sockets.length], ['open', before + 1]);
  world.deaf = true;
  client.reconnect();
  await world.clock.advance(10_000);
  assert.equal(client.connection.reason?.detail, 'http://server does not answer.');
});

test('what cannot work is said at once', () => {
  const { fetch } = new World().platform;
  const code = (run: () => unknown): unknown => { try { run(); return undefined; } catch (error) { return (error as ClientError).code; } };
  for (const url of ['', 'localhost:8080', '/x', 'ws://host', 'http://']) assert.equal(code(() => createClient({ ...new World().platform, url })), 'CONFAB_URL_INVALID', url);
  assert.equal(code(() => createClient({ url: 'http://host', ...(fetch && { fetch }) })), process.versions.node.startsWith('20.') ? 'CONFAB_PLATFORM_LACKS' : undefined);
});

test('frames that are not understood are ignored', async (t) => {
  const { world, client } = setUp(t);
  const lines = record(client.conversation('c'));
  await settle();
  for (const data of ['', '{', 'null', '[]', '7', '{"type":5}', '{"type":"later","conversationId":"c"}', '{"type":"reply"}', new Uint8Array(3)]) world.socket.raw(data);
  world.socket.push({ type: 'reply', conversationId: 'other', position: 'x', text: 'not ours' });
  await settle();
  assert.deepEqual(lines, []);
  assert.equal(client.connection.state, 'open');
});
