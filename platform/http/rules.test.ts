import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { authenticatorOff, type Authenticator } from '../auth/auth.js';
import { ConfabError, isCode } from '../errors.js';
import { testServer } from './testing.js';

const guarded: Authenticator = {
  required: true,
  authenticate: async (token) => {
    if (token === undefined) throw new ConfabError('CONFAB_TOKEN_MISSING');
    return { tenant: 'default', subject: 's', scopes: new Set([token.replace('.', ':')]), conversations: new Set(), bot: undefined, expiresAt: undefined };
  },
};
const get = async (app: FastifyInstance, headers: Record<string, string>, url = '/v1'): Promise<number> => (await app.inject({ url, headers })).statusCode;

test('without authentication a wide bind is refused, unless asked for', (t) => {
  assert.throws(() => testServer(t, { host: '0.0.0.0' }), (error) => isCode(error, 'CONFAB_AUTH_REQUIRED') && /CONFAB_AUTH_SECRET/.test(error.detail));
  for (const host of ['127.0.0.1', 'localhost', '::1', '127.0.0.53']) testServer(t, { host });
  testServer(t, { host: '0.0.0.0', insecure: true });
  testServer(t, { host: '0.0.0.0', authenticator: guarded });
});

test('while authentication is on, any origin is refused as a setting', (t) => {
  assert.throws(() => testServer(t, { authenticator: guarded, allowedOrigins: ['*'] }), (error) => isCode(error, 'CONFAB_CONFIG_INVALID'));
  testServer(t, { authenticator: authenticatorOff(), allowedOrigins: ['*'] });
});

test('hosts: loopback by any name and port, and the public one', async (t) => {
  const app = testServer(t, { host: '0.0.0.0', insecure: true, publicUrl: 'https://chat.example' });
  for (const host of ['localhost', 'localhost:8080', '127.0.0.1:1', '[::1]:8080', 'chat.example', 'CHAT.example:443']) assert.equal(await get(app, { host }), 200, host);
  for (const host of ['evil.example', 'chat.example.evil', '10.0.0.1', 'localhost.evil', '127.0.0.1.nip.example']) assert.equal(await get(app, { host }), 403, host);
  assert.equal(await get(app, { host: '10.0.0.1' }, '/health/live'), 200, 'probes come by address');
});

test('origins: the own one, and those of the list', async (t) => {
  const own = testServer(t);
  assert.equal(await get(own, { host: 'localhost:8080', origin: 'http://localhost:8080' }), 200);
  for (const origin of ['http://localhost:8081', 'https://localhost:8080', 'http://evil.example', 'null']) assert.equal(await get(own, { host: 'localhost:8080', origin }), 403, origin);
  const listed = testServer(t, { allowedOrigins: ['https://shop.example'] });
  assert.equal(await get(listed, { host: 'localhost', origin: 'https://shop.example' }), 200);
  // The server's own page talks to it, whatever other pages may do so too.
  assert.equal(await get(listed, { host: 'localhost', origin: 'http://localhost' }), 200);
  assert.equal(await get(listed, { host: 'localhost', origin: 'https://shop.example.evil' }), 403);
});

test('a preflight is answered; of a foreign origin it is refused', async (t) => {
  const app = testServer(t, { allowedOrigins: ['https://shop.example'] });
  const preflight = (origin: string): ReturnType<typeof app.inject> => app.inject({ method: 'OPTIONS', url: '/v1/conversations/c/messages', headers: { host: 'localhost', origin, 'access-control-request-method': 'POST' } }) as never;
  const answer = await preflight('https://shop.example');
  assert.equal((answer as unknown as { statusCode: number }).statusCode, 204);
  const { headers } = answer as unknown as { headers: Record<string, string> };
  assert.equal(headers['access-control-allow-origin'], 'https://shop.example');
  assert.match(headers['access-control-allow-headers'] ?? '', /idempotency-key/);
  assert.equal((await preflight('https://evil.example') as unknown as { statusCode: number }).statusCode, 403);
});

test('ready follows the process and the drain; a failing check is not ready', async (t) => {
  let ready = false;
  const app = testServer(t, { ready: () => { if (!ready) throw new Error('not yet'); return true; } });
  assert.equal(await get(app, {}, '/health/ready'), 503);
  ready = true;
  assert.equal(await get(app, {}, '/health/ready'), 200);
  app.confab.drain();
  assert.equal(await get(app, {}, '/health/ready'), 503);
});

test('metrics are open on loopback; elsewhere and behind a proxy they need the scope', async (t) => {
  const app = testServer(t, { authenticator: guarded, host: '127.0.0.1' });
  const status = async (remoteAddress: string, headers: Record<string, string> = {}): Promise<number> => (await app.inject({ url: '/metrics', headers, remoteAddress })).statusCode;
  assert.equal(await status('127.0.0.1'), 200);
  assert.equal(await status('127.0.0.1', { 'x-forwarded-for': '10.0.0.9' }), 401);
  assert.equal(await status('10.0.0.9'), 401);
  assert.equal(await status('10.0.0.9', { authorization: 'Bearer other' }), 403);
  assert.equal(await status('10.0.0.9', { authorization: 'Bearer metrics.read' }), 200);
});

test('an error of a route is 500 INTERNAL and shows nothing of its cause', async (t: TestContext) => {
  const app = testServer(t);
  void app.register((scope, _options, done) => { scope.get('/boom', () => { throw new Error('secret words'); }); done(); });
  const answer = await app.inject('/boom');
  assert.equal(answer.statusCode, 500);
  assert.equal(answer.json<{ code: string }>().code, 'CONFAB_INTERNAL');
  assert.doesNotMatch(answer.body, /secret words/);
});
