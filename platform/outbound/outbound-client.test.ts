import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { isCode, type ErrorCode } from '../errors.js';
import { addressRule } from './address-rule.js';
import { hostRule } from './host-rule.js';
import { OutboundClient, type FoundAddress, type OutboundRequest } from './outbound-client.js';
import { json, testServer } from './testing.js';

const LOOPBACK: FoundAddress = { address: '127.0.0.1', family: 4 };

interface Parts { readonly hosts: readonly string[]; readonly ranges?: readonly string[]; readonly resolve?: (host: string) => Promise<readonly FoundAddress[]> }

function clientOf(t: TestContext, { hosts, ranges = ['127.0.0.1'], resolve }: Parts): OutboundClient {
  const client = new OutboundClient({ hosts: hostRule(hosts), addresses: addressRule(ranges), ...(resolve === undefined ? {} : { resolve }) });
  t.after(() => { client.close(); });
  return client;
}

const get = (url: string, change: Partial<OutboundRequest> = {}): OutboundRequest => ({
  url: new URL(url), method: 'GET', headers: {}, own: new Set(), body: undefined, redirects: 0, maxBytes: 10_000, reuse: true, signal: new AbortController().signal, ...change,
});

const refused = (promise: Promise<unknown>, code: ErrorCode): Promise<void> => assert.rejects(promise, (error) => isCode(error, code) || assert.fail(String(error)));

test('a host that the operator does not list is not called, in whatever form it is written', async (t) => {
  const server = await testServer(t, (response) => { json(response, {}); });
  const client = clientOf(t, { hosts: [`http://good.test:${server.port}`, 'https://*.example.com'], resolve: () => Promise.resolve([LOOPBACK]) });
  const port = server.port;
  for (const url of [
    `http://bad.test:${port}/`, `http://127.0.0.1:${port}/`, `http://2130706433:${port}/`, `http://0x7f.1:${port}/`, `http://0177.0.0.1:${port}/`, `http://[::ffff:127.0.0.1]:${port}/`,
    `http://good.test:${port + 1}/`, `https://good.test:${port}/`, `http://user:pass@good.test:${port}/`, `http://good.test.evil.test:${port}/`, `http://evilgood.test:${port}/`,
    'https://example.com/', 'https://evil-example.com/', 'http://a.example.com/',
  ]) await refused(client.request(get(url)), 'CONFAB_ACTION_HOST_FORBIDDEN');
  assert.equal(server.connections, 0);
  assert.equal((await client.request(get(`http://GOOD.test.:${port}/`))).status, 200);
});

test('an address that is not public is not called, though its host stands in the list', async (t) => {
  const server = await testServer(t, (response) => { json(response, {}); });
  for (const address of ['127.0.0.1', '169.254.169.254', '10.0.0.1', '::1', '::ffff:127.0.0.1', 'fd00::1', '64:ff9b::7f00:1']) {
    const client = clientOf(t, { hosts: [`http://good.test:${server.port}`], ranges: [], resolve: () => Promise.resolve([{ address, family: address.includes(':') ? 6 : 4 }]) });
    await refused(client.request(get(`http://good.test:${server.port}/`)), 'CONFAB_ACTION_ADDRESS_FORBIDDEN');
  }
  const literal = clientOf(t, { hosts: [`http://127.0.0.1:${server.port}`, `http://[::1]:${server.port}`], ranges: [] });
  for (const host of ['127.0.0.1', '2130706433', '0x7f000001', '0177.1', '127.1', '[::1]']) await refused(literal.request(get(`http://${host}:${server.port}/`)), 'CONFAB_ACTION_ADDRESS_FORBIDDEN');
  assert.equal(server.connections, 0);
});

test('one inner address among outer ones is enough to refuse', async (t) => {
  const client = clientOf(t, { hosts: ['http://good.test'], ranges: [], resolve: () => Promise.resolve([{ address: '8.8.8.8', family: 4 }, { address: '10.0.0.1', family: 4 }]) });
  await refused(client.request(get('http://good.test/')), 'CONFAB_ACTION_ADDRESS_FORBIDDEN');
});

test('re-binding: each connection goes to the address that was looked at, and a name is looked up once for it', async (t) => {
  const server = await testServer(t, (response) => { json(response, {}); });
  const answers = ['127.0.0.1', '127.0.0.2', '169.254.169.254'];
  let asked = 0;
  const client = clientOf(t, { hosts: [`http://good.test:${server.port}`], resolve: () => Promise.resolve([{ address: answers[asked++] ?? '', family: 4 }]) });
  const url = `http://good.test:${server.port}/`;
  assert.equal((await client.request(get(url, { reuse: false }))).status, 200);
  assert.equal(asked, 1);
  // The second and third answers of the name server lead elsewhere; nothing gets there.
  await refused(client.request(get(url, { reuse: false })), 'CONFAB_ACTION_ADDRESS_FORBIDDEN');
  await refused(client.request(get(url, { reuse: false })), 'CONFAB_ACTION_ADDRESS_FORBIDDEN');
  assert.equal(asked, 3);
  assert.equal(server.connections, 1);
});

test('a connection that is used again is to the address that was looked at', async (t) => {
  const server = await testServer(t, (response) => { json(response, {}); });
  let asked = 0;
  const client = clientOf(t, { hosts: [`http://good.test:${server.port}`], resolve: () => { asked += 1; return Promise.resolve([LOOPBACK]); } });
  for (let i = 0; i < 5; i += 1) assert.equal((await client.request(get(`http://good.test:${server.port}/`))).status, 200);
  assert.deepEqual([asked, server.connections], [1, 1]);
});

test('a redirect is a new hop: listed, looked at, counted', async (t) => {
  const inner = await testServer(t, (response) => { json(response, { secret: 'inside' }); });
  const server = await testServer(t, (response, { url }) => {
    const to = { '/inner': `${inner.origin}/`, '/other': 'http://bad.test/', '/again': '/again', '/user': `http://a:b@good.test:${server.port}/end`, '/file': 'file:///etc/passwd', '/two': '/one', '/one': '/end' }[url];
    if (to === undefined) json(response, { url }); else response.writeHead(302, { location: to }).end();
  });
  const client = clientOf(t, { hosts: [`http://good.test:${server.port}`], resolve: () => Promise.resolve([LOOPBACK]) });
  const ask = (path: string, redirects = 3): ReturnType<OutboundClient['request']> => client.request(get(`http://good.test:${server.port}${path}`, { redirects }));
  for (const path of ['/inner', '/other', '/user', '/file']) await refused(ask(path), 'CONFAB_ACTION_HOST_FORBIDDEN');
  await refused(ask('/again'), 'CONFAB_ACTION_REDIRECT_REFUSED');
  await refused(ask('/two', 1), 'CONFAB_ACTION_REDIRECT_REFUSED');
  await refused(ask('/one', 0), 'CONFAB_ACTION_REDIRECT_REFUSED');
  assert.equal((await ask('/two', 2)).body.toString(), '{"url":"/end"}');
  assert.equal(inner.connections, 0);
});

test('a redirect to an allowed name that leads inside is refused', async (t) => {
  const server = await testServer(t, (response) => { response.writeHead(307, { location: 'http://meta.test/latest/meta-data' }).end(); });
  const client = clientOf(t, { hosts: [`http://good.test:${server.port}`, 'http://meta.test'], resolve: (host) => Promise.resolve([host === 'meta.test' ? { address: '169.254.169.254', family: 4 } : LOOPBACK]) });
  await refused(client.request(get(`http://good.test:${server.port}/`, { redirects: 3 })), 'CONFAB_ACTION_ADDRESS_FORBIDDEN');
});

test('what is for the first host does not travel to another; the key does', async (t) => {
  const other = await testServer(t, (response) => { json(response, {}); });
  const server = await testServer(t, (response) => { response.writeHead(307, { location: `http://other.test:${other.port}/` }).end(); });
  const client = clientOf(t, { hosts: [`http://good.test:${server.port}`, `http://other.test:${other.port}`], resolve: () => Promise.resolve([LOOPBACK]) });
  await client.request(get(`http://good.test:${server.port}/`, { method: 'POST', body: '{}', redirects: 1, headers: { authorization: 'Bearer x', 'idempotency-key': 'k', 'x-plain': 'y' }, own: new Set(['authorization']) }));
  assert.equal(server.asked[0]?.headers.authorization, 'Bearer x');
  const { headers = {}, method, body } = other.asked[0] ?? {};
  assert.deepEqual([headers.authorization, headers['idempotency-key'], headers['x-plain'], method, body], [undefined, 'k', 'y', 'POST', '{}']);
});

test('what changes something is not made a GET on the way, but by 303', async (t) => {
  const server = await testServer(t, (response, { url }) => { if (url === '/end') json(response, {}); else response.writeHead(Number(url.slice(1)), { location: '/end' }).end(); });
  const client = clientOf(t, { hosts: [server.origin] });
  const post = (path: string): ReturnType<OutboundClient['request']> => client.request(get(`${server.origin}${path}`, { method: 'POST', body: '{}', redirects: 1 }));
  for (const status of ['/301', '/302']) await refused(post(status), 'CONFAB_ACTION_REDIRECT_REFUSED');
  await post('/303');
  await post('/308');
  assert.deepEqual(server.asked.slice(-3).map(({ method, body }) => [method, body]), [['GET', ''], ['POST', '{}'], ['POST', '{}']]);
});

test('an answer that is too long is cut off, whether it says so or not', async (t) => {
  const server = await testServer(t, (response, { url }) => {
    if (url === '/says') { response.writeHead(200, { 'content-length': '1000000' }).write('x'); return; }
    const more = (): void => { if (!response.destroyed) response.write('x'.repeat(1000), more); };
    more();
  });
  const client = clientOf(t, { hosts: [server.origin] });
  await refused(client.request(get(`${server.origin}/says`)), 'CONFAB_ACTION_ANSWER_TOO_LARGE');
  await refused(client.request(get(`${server.origin}/streams`)), 'CONFAB_ACTION_ANSWER_TOO_LARGE');
});

test('an answer that breaks off, a server that is away and a name that leads nowhere are unreachable', async (t) => {
  const server = await testServer(t, (response) => { response.writeHead(200, { 'content-length': '100' }); response.write('half', () => { response.destroy(); }); });
  const client = clientOf(t, { hosts: [server.origin, 'http://127.0.0.1:1', 'http://nowhere.test'], resolve: () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })) });
  for (const url of [`${server.origin}/`, 'http://127.0.0.1:1/', 'http://nowhere.test/']) await refused(client.request(get(url)), 'CONFAB_ACTION_UNREACHABLE');
});

test('the signal ends a call that hangs, with its reason', async (t) => {
  const abort = new AbortController();
  const server = await testServer(t, () => { abort.abort(new Error('enough')); });
  const client = clientOf(t, { hosts: [server.origin] });
  await assert.rejects(client.request(get(`${server.origin}/`, { signal: abort.signal })), /enough/);
});
