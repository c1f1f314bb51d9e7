import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { WebSocket } from 'ws';
import type { Authenticator, Principal } from '../auth/auth.js';
import { requireScope } from '../auth/auth.js';
import { ManualClock, settle } from '../clock-manual.js';
import { ConfabError } from '../errors.js';
import type { HttpServerOptions } from './server.js';
import { socketRoute } from './socket-route.js';
import { openSocket, testServer } from './testing.js';

const clock = (): ManualClock => new ManualClock(0);
/** Tokens read `subject:scope:expiresAt`. */
const authenticator: Authenticator = {
  required: true,
  authenticate: async (token): Promise<Principal> => {
    if (token === undefined) throw new ConfabError('CONFAB_TOKEN_MISSING');
    const [subject = '', scope = '', expiresAt] = token.split('.');
    if (subject === 'bad') throw new ConfabError('CONFAB_TOKEN_INVALID');
    if (subject === 'old') throw new ConfabError('CONFAB_TOKEN_EXPIRED');
    return { tenant: 'default', subject, scopes: new Set([scope]), conversations: new Set(), bot: undefined, expiresAt: expiresAt === undefined ? undefined : Number(expiresAt) };
  },
};

function echoServer(t: TestContext, options: Partial<HttpServerOptions> = {}): FastifyInstance {
  const app = testServer(t, { authenticator, ...options });
  void app.register((scope, _options, done) => {
    socketRoute(scope, {
      url: '/v1/echo', subprotocol: 'confab.v1',
      authorize: (principal) => { requireScope(principal, 'agent'); },
      open: (session) => ({ frame: (frame) => { session.send({ type: 'echo', frame } as { type: string }); }, closed: () => undefined }),
    });
    done();
  });
  return app;
}

test('the route\'s subprotocol is selected; the bearer is not echoed', async (t) => {
  const client = await openSocket(echoServer(t), '/v1/echo', 'confab.bearer.alice.agent, confab.v1');
  client.send({ type: 'x', n: 1 });
  assert.deepEqual(await client.next(), { type: 'echo', frame: { type: 'x', n: 1 } });
});

test('without the subprotocol, or without an upgrade, it is 426', async (t) => {
  const app = echoServer(t);
  await assert.rejects(openSocket(app, '/v1/echo', 'confab.bearer.alice.agent'), /426/);
  const plain = await app.inject({ url: '/v1/echo', headers: { authorization: 'Bearer alice.agent' } });
  assert.equal(plain.statusCode, 426);
  assert.equal(plain.json<{ code: string }>().code, 'CONFAB_SUBPROTOCOL_REQUIRED');
});

test('a foreign origin and a foreign host are refused before the upgrade', async (t) => {
  const app = echoServer(t);
  await assert.rejects(openSocket(app, '/v1/echo', 'confab.v1', { origin: 'https://evil.example' }), /403/);
  await assert.rejects(openSocket(app, '/v1/echo', 'confab.v1', { host: 'evil.example' }), /403/);
});

for (const [token, closeCode, code] of [
  ['', 4100, 'CONFAB_TOKEN_MISSING'], ['confab.bearer.bad, ', 4100, 'CONFAB_TOKEN_INVALID'], ['confab.bearer.old, ', 4100, 'CONFAB_TOKEN_EXPIRED'],
  ['confab.bearer.alice.other, ', 4101, 'CONFAB_SCOPE_MISSING'],
] as const) {
  test(`a socket with "${token}" is accepted, then closed ${closeCode} ${code}`, async (t) => {
    const client = await openSocket(echoServer(t), '/v1/echo', `${token}confab.v1`);
    assert.deepEqual(await client.closed, { code: closeCode, reason: { code } });
  });
}

test('what is not a JSON object with a type: an error frame, then 4102', async (t) => {
  const client = await openSocket(echoServer(t), '/v1/echo', 'confab.v1, confab.bearer.alice.agent');
  client.send('nonsense');
  assert.equal((await client.next()).code, 'CONFAB_FRAME_MALFORMED');
  assert.deepEqual(await client.closed, { code: 4102, reason: { code: 'CONFAB_FRAME_MALFORMED' } });
});

test('a frame beyond the limit closes 1009, a binary one 1003', async (t) => {
  const app = echoServer(t, { maxBodyBytes: 1000 });
  const large = await openSocket(app, '/v1/echo', 'confab.v1, confab.bearer.alice.agent');
  large.send({ type: 'x', text: 'a'.repeat(1000) });
  assert.deepEqual(await large.closed, { code: 1009, reason: { code: 'CONFAB_FRAME_TOO_LARGE' } });
  const binary = await openSocket(app, '/v1/echo', 'confab.v1, confab.bearer.alice.agent');
  binary.socket.send(Buffer.from('{"type":"x"}'), { binary: true });
  assert.equal((await binary.closed).code, 1003);
});

test('60 s before the token ends comes expiring; unrenewed the socket closes 4003', async (t) => {
  const time = clock();
  const client = await openSocket(echoServer(t, { clock: time }), '/v1/echo', 'confab.v1, confab.bearer.alice.agent.100000');
  await time.advance(40_000);
  assert.deepEqual(await client.next(), { type: 'expiring', expiresAt: '1970-01-01T00:01:40.000Z' });
  for (let step = 0; step < 6; step += 1) {
    // Lets the answer to a ping come back through the socket's streams.
    for (let turn = 0; turn < 20; turn += 1) await settle();
    await time.advance(10_000);
  }
  assert.deepEqual(await client.closed, { code: 4003, reason: { code: 'CONFAB_TOKEN_EXPIRED' } });
});

test('an auth frame renews in place', async (t) => {
  const time = clock();
  const client = await openSocket(echoServer(t, { clock: time }), '/v1/echo', 'confab.v1, confab.bearer.alice.agent.100000');
  client.send({ type: 'auth', token: 'alice.agent.1000000' });
  assert.deepEqual(await client.next(), { type: 'authenticated', expiresAt: '1970-01-01T00:16:40.000Z' });
  await time.advance(20_000);
  client.socket.pong();
  client.send({ type: 'x' });
  assert.equal((await client.next()).type, 'echo');
});

test('a renewal by another subject closes 4100', async (t) => {
  const client = await openSocket(echoServer(t), '/v1/echo', 'confab.v1, confab.bearer.alice.agent.100000');
  client.send({ type: 'auth', token: 'bob.agent.1000000' });
  assert.deepEqual(await client.closed, { code: 4100, reason: { code: 'CONFAB_TOKEN_INVALID' } });
});

test('a draining node closes sockets with 1012 and refuses new ones', async (t) => {
  const app = echoServer(t);
  const client = await openSocket(app, '/v1/echo', 'confab.v1, confab.bearer.alice.agent');
  app.confab.drain();
  app.confab.sockets.closeAll(1012);
  assert.deepEqual(await client.closed, { code: 1012, reason: { code: 'CONFAB_DRAINING' } });
  const late = await openSocket(app, '/v1/echo', 'confab.v1, confab.bearer.alice.agent');
  assert.equal((await late.closed).code, 1012);
});

test('a socket that does not answer a ping is cut', async (t) => {
  const time = clock();
  const client = await openSocket(echoServer(t, { clock: time }), '/v1/echo', 'confab.v1, confab.bearer.alice.agent');
  client.socket.pong = () => undefined;
  await time.advance(25_000);
  await time.advance(25_000);
  assert.equal((await client.closed).code, 1006);
});

test('a real client over the network: confab.v1 is selected, the token is not in the answer, deflate is off', async (t) => {
  const app = echoServer(t);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/echo`, ['confab.bearer.alice.agent', 'confab.v1'], { perMessageDeflate: true, origin: `http://127.0.0.1:${port}` });
  t.after(() => { socket.terminate(); });
  const [[answer]] = await Promise.all([once(socket, 'upgrade') as Promise<[IncomingMessage]>, once(socket, 'open')]);
  assert.doesNotMatch(JSON.stringify(answer.rawHeaders), /alice/);
  assert.equal(socket.protocol, 'confab.v1');
  assert.equal(socket.extensions, '');
  socket.send('{"type":"x"}');
  const [data] = await once(socket, 'message') as [Buffer];
  assert.equal(data.toString(), '{"type":"echo","frame":{"type":"x"}}');
});

test('a refused handshake answers with a problem and closes the connection', async (t) => {
  const app = echoServer(t);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  for (const [options, status, code] of [[{ origin: 'https://evil.example' }, 403, 'CONFAB_ORIGIN_FORBIDDEN'], [{ headers: { host: 'evil.example' } }, 403, 'CONFAB_HOST_FORBIDDEN']] as const) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/echo`, ['confab.v1'], options);
    socket.on('error', () => undefined);
    const [, response] = await once(socket, 'unexpected-response') as [unknown, IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    assert.equal(response.statusCode, status);
    assert.equal((JSON.parse(Buffer.concat(chunks).toString()) as { code: string }).code, code);
  }
  assert.equal(app.websocketServer.clients.size, 0);
});

test('a refused handshake ends its connection, also when its path cannot be decoded and its client keeps its own side', async (t) => {
  const app = echoServer(t);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  for (const [path, status] of [['/v1/%/stream', 404], ['/v1/nothing', 404]] as const) {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => { answer += text; });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    await once(socket, 'end');
    socket.end();
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\n\r\n\\{"type"`), path);
  }
});

test('an upgrade of a route that is no socket is answered and closed', async (t) => {
  const app = echoServer(t);
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  for (const path of ['/v1/nothing', '/health/live']) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, ['confab.v1']);
    await assert.rejects(once(socket, 'open'), /.*/);
  }
});
