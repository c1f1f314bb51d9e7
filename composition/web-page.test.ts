import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { testServer } from '../platform/http/testing.js';
import { scratchFolder } from '../platform/testing.js';
import { contentSecurityPolicy, hasWebPage, webPage } from './web-page.js';

type Server = ReturnType<typeof testServer>;

async function serving(t: { after(run: () => void | Promise<void>): void }, allowedOrigins: readonly string[] = []): Promise<Server> {
  const folder = scratchFolder(t);
  const files = { 'index.html': '<!doctype html>', 'widget.js': 'widget()', 'assets/chat-ABC.js': 'chat()'.repeat(100), 'assets/chat-ABC.css': 'body{}' };
  mkdirSync(join(folder, 'assets'));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  writeFileSync(join(folder, 'assets/chat-ABC.js.gz'), gzipSync(files['assets/chat-ABC.js']));
  writeFileSync(join(folder, '../confab-secret.txt'), 'secret');
  const app = testServer(t);
  await app.register(webPage, { folder, allowedOrigins });
  return app;
}

test('the page is asked for again each time and runs nothing that is not of this server', async (t) => {
  const app = await serving(t);
  const { statusCode, headers, body } = await app.inject('/');
  assert.deepEqual([statusCode, body, headers['content-type'], headers['cache-control']], [200, '<!doctype html>', 'text/html; charset=utf-8', 'no-cache']);
  assert.equal(headers['content-security-policy'], "default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors 'self'");
  assert.deepEqual([headers['x-content-type-options'], headers['referrer-policy']], ['nosniff', 'no-referrer']);
  assert.equal((await app.inject({ url: '/', headers: { 'if-none-match': String(headers.etag) } })).statusCode, 304);
  assert.equal((await app.inject({ url: '/', method: 'HEAD' })).statusCode, 200);
});

test('files with a hash in their name are kept for ever, and come compressed', async (t) => {
  const app = await serving(t);
  const plain = await app.inject('/assets/chat-ABC.js');
  assert.deepEqual([plain.statusCode, plain.headers['cache-control']], [200, 'public, max-age=31536000, immutable']);
  assert.match(String(plain.headers['content-type']), /^(text|application)\/javascript/);
  const packed = await app.inject({ url: '/assets/chat-ABC.js', headers: { 'accept-encoding': 'gzip, br' } });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.equal(gunzipSync(packed.rawPayload).toString(), plain.body);
});

test('the widget is for every site, and asked for again each time', async (t) => {
  const { headers, body } = await (await serving(t)).inject('/widget.js');
  assert.deepEqual([body, headers['cache-control'], headers['cross-origin-resource-policy']], ['widget()', 'no-cache', 'cross-origin']);
});

test('nothing outside of the build is served, and what is not there is a problem', async (t) => {
  const app = await serving(t);
  for (const url of ['/assets/../index.html', '/assets/%2e%2e/index.html', '/assets/..%2f..%2fconfab-secret.txt', '/assets/none.js', '/assets/', '/assets/%00', '/assets/a%00.js', '/assets/%zz', '/assets//chat-ABC.js', '/assets/.env', '/index.html', '/confab-secret.txt']) {
    const { statusCode, body } = await app.inject(url);
    assert.ok([400, 403, 404].includes(statusCode), `${url}: ${statusCode}`);
    assert.match(body, /"code":"CONFAB_/, url);
    assert.ok(!body.includes('secret'), url);
  }
  const post = await app.inject({ url: '/', method: 'POST' });
  assert.deepEqual([post.statusCode, post.headers.allow], [405, 'GET, HEAD']);
});

test('the origins of the allow-list may frame the page', () => {
  assert.match(contentSecurityPolicy(['https://shop.example', 'https://www.example']), /frame-ancestors 'self' https:\/\/shop\.example https:\/\/www\.example$/);
  assert.match(contentSecurityPolicy(['*']), /frame-ancestors \*$/);
});

test('a folder without a build is no page', (t) => {
  assert.equal(hasWebPage(scratchFolder(t)), false);
});
