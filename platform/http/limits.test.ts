import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { eventually } from '../testing.js';
import type { HttpServerOptions } from './server.js';
import { clientErrorCode } from './limits.js';
import { testServer } from './testing.js';

async function listening(t: TestContext, options: Partial<HttpServerOptions> = {}): Promise<FastifyInstance> {
  const app = testServer(t, options);
  void app.register((scope, _options, done) => { scope.post('/echo', (request, reply) => { void reply.send(request.body); }); done(); });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app;
}

/** Sends bytes over a raw socket, returns all that comes back until the server closes. */
async function raw(app: FastifyInstance, ...chunks: string[]): Promise<{ status: number; head: string; problem: Record<string, unknown> }> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('error', () => undefined);
  await once(socket, 'connect');
  for (const chunk of chunks) socket.write(chunk);
  await once(socket, 'close');
  const [head = '', body = ''] = text.split('\r\n\r\n');
  assert.match(head, /content-type: application\/problem\+json/i, text);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), head, problem: JSON.parse(body) as Record<string, unknown> };
}

for (const [name, status, code, request] of [
  ['headers beyond 16 KiB', 431, 'CONFAB_HEADERS_TOO_LARGE', `GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`],
  ['headers beyond what the parser takes', 431, 'CONFAB_HEADERS_TOO_LARGE', `GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'a'.repeat(60_000)}\r\n\r\n`],
  ['a URI beyond 8 KiB', 414, 'CONFAB_URI_TOO_LONG', `GET /v1?${'a'.repeat(9000)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`],
  ['a URI beyond what the parser takes', 414, 'CONFAB_URI_TOO_LONG', `GET /v1?${'a'.repeat(60_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`],
  ['bytes that are no HTTP', 400, 'CONFAB_REQUEST_MALFORMED', 'hello there\r\n\r\n'],
  ['a body whose length says too much', 413, 'CONFAB_BODY_TOO_LARGE', 'POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 70000\r\n\r\n{'],
] as const) {
  test(`${status} ${code}: ${name}`, async (t) => {
    const answer = await raw(await listening(t), request);
    assert.deepEqual([answer.status, answer.problem.code, answer.problem.status], [status, code, status]);
    assert.match(String(answer.problem.traceId), /^[0-9a-f]{32}$/);
  });
}

test('408 CONFAB_REQUEST_TIMEOUT: headers that never end', async (t) => {
  const answer = await raw(await listening(t, { requestTimeoutMillis: 200 }), 'GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\n');
  assert.deepEqual([answer.status, answer.problem.code], [408, 'CONFAB_REQUEST_TIMEOUT']);
});

test('408 CONFAB_REQUEST_TIMEOUT: a body that never ends', async (t) => {
  const answer = await raw(await listening(t, { requestTimeoutMillis: 200 }), 'POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{');
  assert.deepEqual([answer.status, answer.problem.code], [408, 'CONFAB_REQUEST_TIMEOUT']);
});

test('an offer of another protocol is ignored: the request is answered in HTTP/1.1', async (t) => {
  const app = await listening(t);
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; });
  const request = 'POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n';
  socket.write(`${request}{"a":`);
  socket.write('1}');
  await eventually('the answer', () => text.includes('{"a":1}'));
  assert.match(text, /^HTTP\/1\.1 200/);
  socket.end('POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}');
  await once(socket, 'close');
  assert.match(text, /\{\}$/);
});

for (const [what, packet, code] of [
  ['the whole request', `GET /${'a'.repeat(60_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 'CONFAB_URI_TOO_LONG'],
  ['the beginning of a URI', `GET /${'a'.repeat(60_000)}`, 'CONFAB_URI_TOO_LONG'],
  ['the middle of a URI', 'a'.repeat(60_000), 'CONFAB_URI_TOO_LONG'],
  ['the end of a URI', `${'a'.repeat(9_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 'CONFAB_URI_TOO_LONG'],
  ['a whole request with long headers', `GET / HTTP/1.1\r\nX: ${'a'.repeat(60_000)}\r\n\r\n`, 'CONFAB_HEADERS_TOO_LARGE'],
  ['the middle of a header', `${'a; '.repeat(20_000)}`, 'CONFAB_HEADERS_TOO_LARGE'],
  ['the end of a header', `${'a'.repeat(60_000)}\r\n\r\n`, 'CONFAB_HEADERS_TOO_LARGE'],
] as const) {
  test(`the packet in which the parser gave up holds ${what}: ${code}`, () => {
    assert.equal(clientErrorCode(Object.assign(new Error('Parse Error: Header overflow'), { code: 'HPE_HEADER_OVERFLOW', rawPacket: Buffer.from(packet) })), code);
  });
}
