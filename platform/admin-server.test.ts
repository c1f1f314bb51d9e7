import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { AdminServer, type AdminServerOptions } from './admin-server.js';
import type { Authenticator } from './auth/auth.js';
import { ConfabError, isCode } from './errors.js';
import { silentLogger } from './observability/logger.js';
import { createProcessMetrics } from './observability/metrics.js';
import { OriginGuard } from './http/origin.js';
import { systemRandom } from './random.js';

async function serve(t: TestContext, more: Partial<AdminServerOptions> = {}) {
  const server = new AdminServer({
    host: '127.0.0.1', port: 0, metrics: createProcessMetrics({ version: '0', roles: [] }), ready: () => true, logger: silentLogger, random: systemRandom, authenticator: undefined, ...more,
  });
  await server.start();
  t.after(() => server.stop());
  return (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
}

const authenticator: Authenticator = {
  required: true,
  authenticate: (token) => (token === undefined ? Promise.reject(new ConfabError('CONFAB_TOKEN_MISSING')) : Promise.resolve({
    tenant: 'default', subject: 's', scopes: new Set([token]), conversations: new Set<string>(), bot: undefined, expiresAt: undefined,
  })),
};

test('it is live at once, and ready only while the process can do its job', async (t) => {
  let ready: () => boolean = () => false;
  const get = await serve(t, { ready: () => ready() });
  assert.equal((await get('/health/live')).status, 200);
  assert.equal((await get('/health/ready')).status, 503);
  ready = () => true;
  assert.equal((await get('/health/ready?x=1')).status, 200);
  ready = () => { throw new Error('no'); };
  assert.equal((await get('/health/ready')).status, 503);
});

test('metrics are open to this machine, and to others by scope', async (t) => {
  const get = await serve(t, { authenticator });
  const open = await get('/metrics');
  assert.equal(open.status, 200);
  assert.match(await open.text(), /confab_build_info/);
  const forwarded = { 'x-forwarded-for': '10.1.1.1' };
  const missing = await get('/metrics', { headers: forwarded });
  assert.deepEqual([missing.status, missing.headers.get('www-authenticate'), ((await missing.json()) as { code: string }).code], [401, 'Bearer', 'CONFAB_TOKEN_MISSING']);
  assert.equal((await get('/metrics', { headers: { ...forwarded, authorization: 'Bearer agent' } })).status, 403);
  assert.equal((await get('/metrics', { headers: { ...forwarded, authorization: 'Bearer metrics:read' } })).status, 200);
});

test('other routes and methods are refused with problems', async (t) => {
  const get = await serve(t);
  const unknown = await get('/');
  assert.deepEqual([unknown.status, unknown.headers.get('content-type')], [404, 'application/problem+json; charset=utf-8']);
  const post = await get('/health/live', { method: 'POST' });
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
});

test('a taken port is refused in the words of the public one', async (t) => {
  const first = new AdminServer({ host: '127.0.0.1', port: 0, metrics: createProcessMetrics({ version: '0', roles: [] }), ready: () => true, logger: silentLogger, random: systemRandom, authenticator: undefined });
  await first.start();
  t.after(() => first.stop());
  const second = new AdminServer({ host: '127.0.0.1', port: first.port, metrics: createProcessMetrics({ version: '0', roles: [] }), ready: () => true, logger: silentLogger, random: systemRandom, authenticator: undefined });
  await assert.rejects(second.start(), (error) => isCode(error, 'CONFAB_PORT_TAKEN') && error.detail === `Another program listens on 127.0.0.1:${first.port}.`);
  await second.stop();
});

test('a problem is whole: trace id, and when to come again; metrics are not read under a foreign host', async (t) => {
  const guard = new OriginGuard({ host: '127.0.0.1', authRequired: false });
  const away: Authenticator = { required: true, authenticate: () => Promise.reject(new ConfabError('CONFAB_KEYS_UNAVAILABLE', { retryAfterMs: 1500 })) };
  const get = await serve(t, { authenticator: away, checkHost: (host) => { guard.checkHost(host === undefined ? host : host.replace('127.0.0.1', name)); } });
  let name = 'evil.example';
  const refused = await get('/metrics');
  assert.deepEqual([refused.status, (await refused.json() as { code: string }).code], [403, 'CONFAB_HOST_FORBIDDEN']);
  assert.equal((await get('/health/live')).status, 200, 'health is for whoever probes');
  name = '127.0.0.1';
  const answer = await get('/metrics', { headers: { 'x-forwarded-for': '203.0.113.9' } });
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '2']);
  assert.match((await answer.json() as { traceId: string }).traceId, /^[0-9a-f]{32}$/);
});
