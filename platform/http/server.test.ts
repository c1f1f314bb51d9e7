import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testServer } from './testing.js';

test('GET /v1 lists the features', async (t) => {
  const app = testServer(t, { features: ['a'] });
  const answer = await app.inject('/v1');
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(answer.json(), { features: ['a'] });
});

test('an unknown route is a problem of its own, a known one with another method names the methods', async (t) => {
  const app = testServer(t);
  const unknown = await app.inject('/nope');
  assert.equal(unknown.statusCode, 404);
  assert.match(unknown.headers['content-type'] as string, /^application\/problem\+json/);
  const problem = unknown.json<Record<string, unknown>>();
  assert.equal(problem.code, 'CONFAB_ROUTE_UNKNOWN');
  assert.equal(problem.type, '/docs/errors#CONFAB_ROUTE_UNKNOWN');
  assert.match(problem.traceId as string, /^[0-9a-f]{32}$/);
  const wrong = await app.inject({ method: 'DELETE', url: '/v1' });
  assert.equal(wrong.statusCode, 405);
  assert.equal(wrong.headers.allow, 'GET, HEAD');
});

test('the documentation has no inline script and names the problems', async (t) => {
  const app = testServer(t, { documentation: true });
  const page = await app.inject('/docs');
  assert.equal(page.statusCode, 200);
  assert.doesNotMatch(page.body, /<script(?![^>]*\bsrc=)/);
  assert.match(page.headers['content-security-policy'] as string, /script-src 'self';/);
  const errors = await app.inject('/docs/errors');
  assert.match(errors.body, /id="CONFAB_JSON_INVALID"/);
  const document = await app.inject('/openapi.json');
  assert.equal(document.json<{ openapi: string }>().openapi, '3.1.0');
});
