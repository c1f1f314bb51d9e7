/** HTTP: every route, by requests that are nearly right and by bytes that are none, over real connections. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after } from 'node:test';
import { call, SECRET } from '../composition/protocol/testing.js';
import { bytes, mutated, nastyJson, nastyText, wellFormed } from './bytes.js';
import { fuzz } from './harness.js';
import { answersOf, exchange, judge, Target } from './server.js';

const cleaning: (() => Promise<void> | void)[] = [];
after(async () => { for (const run of cleaning.reverse()) await run(); });
const file = { after: (run: () => Promise<void> | void): void => { cleaning.push(run); } };
const [open, guarded] = await Promise.all([Target.start(file), Target.start(file, { CONFAB_AUTH_SECRET: SECRET, CONFAB_ALLOWED_ORIGINS: 'https://shop.example' })]);

const { paths } = JSON.parse((await call(open.url, '/openapi.json')).text) as { paths: Readonly<Record<string, Readonly<Record<string, object>>>> };
const described = Object.entries(paths).map(([path, methods]) => ({ path, methods: Object.keys(methods).map((method) => method.toUpperCase()) }));
const SOCKETS = ['/v1/stream', '/v1/ingest', '/v1/conversations/{conversationId}/stream', '/v1/admin/conversations/{conversationId}/xray'];
const routes = [...described, ...SOCKETS.map((path) => ({ path, methods: ['GET'] })), ...['/', '/metrics', '/health/live', '/health/ready', '/docs', '/docs/', '/docs/static/index.css', '/docs/errors', '/openapi.json', '/docs/json', '*'].map((path) => ({ path, methods: ['GET', 'HEAD'] }))];
assert.ok(described.length >= 3, 'the description lists the routes');

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'M-SEARCH', 'QUERY', 'get', 'SOURCE'];
const id = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('c1', 'honest', 'ch:web:1', 'v:1', '.', '..', '%2e%2e', '%2F', 'x'.repeat(128), 'x'.repeat(129), '%', '%E0%A4%A', '%00', 'a;b', '__proto__', 'latest') }, { weight: 1, arbitrary: nastyText.map(encodeURIComponentSafe) });
const position = fc.oneof(fc.constantFrom('latest', '00000000-000000000000-00', 'ffffffff-999999999999-99', '00000000-000000000000-0', ''), nastyText.map(encodeURIComponentSafe));
const parameter = fc.oneof(
  fc.tuple(fc.constantFrom('after', 'before', 'from', 'status', 'topic', 'since'), position), fc.tuple(fc.constantFrom('limit'), fc.oneof(fc.integer().map(String), fc.constantFrom('0', '501', '1e3', '1.5', 'ten', '')), ),
  fc.tuple(fc.constant('atLeast'), nastyText.map(encodeURIComponentSafe)), fc.tuple(nastyText.map(encodeURIComponentSafe), nastyText.map(encodeURIComponentSafe)),
).map(([name, value]) => `${name}=${value}`);

/** Lone halves of pairs have no percent form. */
function encodeURIComponentSafe(text: string): string { return encodeURIComponent(wellFormed(text)); }

const target = fc.tuple(fc.constantFrom(...routes), fc.array(id, { minLength: 3, maxLength: 3 }), fc.array(parameter, { maxLength: 3 }), fc.constantFrom('', '', '', '', '/', '//', '/x', '#x', ';x', '%', 'http'))
  .map(([route, ids, query, tail]) => {
    const path = route.path.replace(/\{[^}]+\}/g, () => ids.pop() ?? 'c1');
    return { methods: route.methods, text: `${tail === 'http' ? `http://127.0.0.1${path}` : `${path}${tail}`}${query.length === 0 ? '' : `?${query.join('&')}`}` };
  });

/** What cannot stand in a header is left to the test of bytes. */
const headerText = nastyText.map((text) => Buffer.from(text).toString('latin1').replace(/[\0\r\n]/g, ' '));
const header = fc.oneof(
  fc.tuple(fc.constant('Content-Type'), fc.oneof(fc.constantFrom('application/json', 'application/json; charset=utf-8', 'application/json;', 'application/json; charset=utf-16', 'text/plain', 'multipart/form-data; boundary=x', 'application/problem+json', '/', ';', 'application/json, application/json'), headerText)),
  fc.tuple(fc.constant('Idempotency-Key'), fc.oneof(fc.constantFrom('k1', 'k2', 'k'.repeat(128), 'k'.repeat(129), 'a b', ''), headerText)),
  fc.tuple(fc.constant('Authorization'), fc.oneof(fc.constantFrom('Bearer', 'Bearer x', 'bearer a.b.c', 'Basic eDp5', 'Bearer a b', `Bearer ${'a'.repeat(9000)}`), headerText)),
  fc.tuple(fc.constantFrom('Origin', 'Host', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'Forwarded', 'traceparent', 'tracestate', 'Accept', 'Accept-Encoding', 'Accept-Version', 'Range', 'If-None-Match', 'If-Modified-Since', 'Expect', 'Content-Encoding', 'TE', 'Trailer', 'Cookie', 'Referer'), fc.oneof(fc.constantFrom('localhost', 'evil.example', 'null', '*', 'http://127.0.0.1', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'bytes=0-1', 'gzip', '100-continue', 'W/"x"', '127.0.0.1'), headerText)),
  fc.constantFrom<[string, string]>(['Connection', 'keep-alive'], ['Connection', 'Upgrade'], ['Upgrade', 'websocket'], ['Upgrade', 'h2c'], ['HTTP2-Settings', 'AAMAAABk'], ['Sec-WebSocket-Version', '13'], ['Sec-WebSocket-Version', '7'], ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='], ['Sec-WebSocket-Protocol', 'confab.v1'], ['Sec-WebSocket-Protocol', 'confab.ingest.v1, confab.bearer.x'], ['Sec-WebSocket-Protocol', ',,'], ['Sec-WebSocket-Extensions', 'permessage-deflate; x=;'], ['Transfer-Encoding', 'chunked'], ['Transfer-Encoding', 'gzip, chunked'], ['Content-Length', '5'], ['Content-Length', '-1'], ['Content-Length', '99999999999999999999'], ['Access-Control-Request-Method', 'POST']),
  fc.tuple(fc.stringMatching(/^[A-Za-z-]{1,20}$/), headerText),
);

const attributes = fc.dictionary(nastyText, fc.oneof(nastyText, nastyJson), { maxKeys: 4 });
const field = { text: fc.oneof(nastyText, fc.constantFrom('hello', 'where is my parcel', 'PX123456789DE', 'x'.repeat(4096), '\u0301'.repeat(3000), '😀'.repeat(4096))), postback: fc.oneof(fc.record({ payload: nastyText, replyId: nastyText }, { requiredKeys: ['payload'] }), nastyJson), userId: nastyText, botId: fc.oneof(fc.constantFrom('parcel', 'nobody'), nastyText), locale: fc.oneof(fc.constantFrom('de-AT', 'x', 'en-US-u-ca-gregory'), nastyText), sentAt: fc.oneof(fc.constantFrom('2026-01-31T12:00:00Z', '2026-02-30T00:00:00Z', '+275760-09-13T00:00:00Z', '0000-01-01T00:00:00+14:00'), nastyText), attributes };
const message: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: fc.record(field, { requiredKeys: ['text'] }) }, { weight: 2, arbitrary: fc.record({ text: field.text }) }, { weight: 1, arbitrary: fc.record(field, { requiredKeys: [] }) }, { weight: 1, arbitrary: nastyJson },
);
const body = fc.oneof(
  { weight: 5, arbitrary: message.map((value) => Buffer.from(JSON.stringify(value))) }, { weight: 1, arbitrary: bytes(80) }, { weight: 1, arbitrary: mutated(message.map((value) => Buffer.from(JSON.stringify(value)))) },
  { weight: 1, arbitrary: fc.constantFrom('', '{', '[]', `${'['.repeat(30_000)}`, `{"text":"a","text":"b"}`, '{"text":"a","__proto__":{"x":1}}', `{"text":"${'a'.repeat(70_000)}"}`, '{"records":[]}', '{"value":{},"key":"k"}', `{"text":"a","attributes":${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}}`).map((text) => Buffer.from(text)) },
);

interface Request { readonly method: string; readonly target: string; readonly headers: readonly (readonly [string, string])[]; readonly body: Buffer | null; readonly chunked: boolean }

const request: fc.Arbitrary<Request> = fc.tuple(target, fc.nat(9), fc.constantFrom(...METHODS), fc.array(header, { maxLength: 4 }), fc.option(body), fc.boolean(), fc.boolean())
  .map(([found, usual, other, headers, content, json, chunked]) => ({
    method: usual < 7 ? found.methods[usual % found.methods.length] ?? 'GET' : other, target: found.text,
    headers: json ? [['Content-Type', 'application/json'], ...headers] : headers, body: content, chunked: chunked && usual % 3 === 0,
  }));

function written({ method, target: path, headers, body: content, chunked }: Request): Buffer {
  const own = (name: string): boolean => headers.some(([given]) => given.toLowerCase() === name);
  const lines = [`${method} ${path} HTTP/1.1`, ...(own('host') ? [] : ['Host: 127.0.0.1']), ...headers.map(([name, value]) => `${name}: ${value}`), ...(own('connection') ? [] : ['Connection: close'])];
  if (content === null) return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  if (chunked) return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\nTransfer-Encoding: chunked\r\n\r\n${content.length.toString(16)}\r\n`, 'latin1'), content, Buffer.from('\r\n0\r\n\r\n')]);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}${own('content-length') ? '' : `\r\nContent-Length: ${content.length}`}\r\n\r\n`, 'latin1'), content]);
}

/** Headers that promise more than comes: the server waits for it, and its client goes away. */
const OPEN_ENDED = /^(content-length|transfer-encoding|expect|upgrade)$/i;

async function send(to: Target, one: Request): Promise<void> {
  const unfinished = one.headers.some(([name]) => OPEN_ENDED.test(name));
  const got = await exchange(to.url, written(one), unfinished ? 500 : 9_000);
  if (unfinished && got.length === 0) return;
  const answers = answersOf(got, one.method === 'HEAD');
  const shown = `${one.method} ${one.target} ${JSON.stringify(one.headers)} ${(one.body ?? Buffer.alloc(0)).toString('latin1').slice(0, 200)}`;
  assert.ok(answers.length > 0, `no answer to ${shown}`);
  for (const answer of answers) judge(answer, shown);
}

let beside: { stop(): Promise<number> };
const around = (to: Target, headers?: () => Record<string, string>) => ({
  before: async (): Promise<void> => { if (to === open) beside = open.honest(); },
  after: async (): Promise<void> => {
    if (to === open) assert.ok(await beside.stop() > 0, 'the honest client was answered meanwhile');
    await to.healthy(headers?.());
  },
});
const several = fc.array(request, { minLength: 1, maxLength: 14, size: 'max' });
const weight = (found: readonly unknown[]): number => found.length;

fuzz('a request to any route is answered as the contract says, or refused with a code', several, { runs: 330, weight, ...around(open) }, async (requests) => {
  await Promise.all(requests.map((one) => send(open, one)));
});

const usual = 'POST /v1/conversations/raw/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\nContent-Length: 15\r\n\r\n{"text":"hello"}GET /v1 HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /v1/conversations/raw/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"text":"hello"}\r\n0\r\n\r\n';
const pieces = fc.array(fc.oneof(fc.constantFrom('GET ', 'POST ', '/v1', '/v1/stream', ' HTTP/1.1', ' HTTP/9.9', '\r\n', '\n', '\r\n\r\n', 'Host: localhost', 'Content-Length: 3', 'Content-Length: 4', 'Transfer-Encoding: chunked', 'Upgrade: h2c', 'Connection: Upgrade', 'Upgrade: websocket', '0\r\n\r\n', 'ffffffff\r\n', ': ', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '\x16\x03\x01\x02\x00', 'CONNECT a:1'), nastyText), { maxLength: 14 }).map((parts) => Buffer.from(parts.join('')));

fuzz('any bytes on a connection are answered or end it', fc.oneof({ weight: 3, arbitrary: mutated(fc.constant(Buffer.from(usual))) }, { weight: 2, arbitrary: pieces }, { weight: 1, arbitrary: bytes(300) }), { runs: 1000, ...around(open) }, async (raw) => {
  // Whether there is an answer at all depends on whether the bytes are a request; what comes is judged.
  const got = await exchange(open.url, raw, 0);
  if (got.length > 0 && !/^HTTP\/1\.1 101 /.test(got.toString('latin1', 0, 20))) for (const answer of answersOf(got).slice(0, 1)) judge(answer, JSON.stringify(raw.toString('latin1')));
});

const part = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value) ?? '').toString('base64url');
/** A token of any header and claims, signed with the right key. */
function signed(head: unknown, claims: unknown): string {
  const input = `${part(head)}.${part(claims)}`;
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`;
}
const GOOD = { sub: 'ann', iss: 'tests', aud: 'confab', exp: 9_999_999_999, scope: 'conversations:all messages:write conversations:read' };
const edges = fc.oneof(nastyJson, fc.constantFrom<unknown>(1e300, 8.64e12, 8.64e12 + 1, -1, 0, '9999999999', [], {}, ['confab'], { tenant: 'a' }, { tenant: 'A b' }, { conversations: ['c1', 7] }, { conversations: 'c1' }, { bot: 'x y' }, 'integration', 'admin', 'messages:write'));
const claims = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('sub', 'iss', 'aud', 'exp', 'nbf', 'iat', 'scope', 'confab', 'jti', '__proto__'), edges).map(([name, value]) => Object.fromEntries([...Object.entries(GOOD), [name, value]])) },
  { weight: 1, arbitrary: nastyJson }, { weight: 1, arbitrary: fc.constant(GOOD) },
);
const head = fc.oneof({ weight: 5, arbitrary: fc.constant({ alg: 'HS256' }) }, { weight: 1, arbitrary: fc.oneof(nastyJson, fc.constantFrom<unknown>({ alg: 'none' }, { alg: 'HS512' }, { alg: 'RS256' }, { alg: 'HS256', crit: ['x'], x: 1 }, { alg: 'HS256', b64: false, crit: ['b64'] }, { alg: 'HS256', zip: 'DEF' }, { alg: ['HS256'] })) });
const token = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(head, claims).map(([top, payload]) => signed(top, payload)) },
  { weight: 1, arbitrary: fc.tuple(head, claims).chain(([top, payload]) => mutated(fc.constant(Buffer.from(signed(top, payload))))).map((raw) => raw.toString('latin1').replace(/[^\x21-\x7e]/g, '.')) },
  { weight: 1, arbitrary: fc.stringMatching(/^[\w.~+/=-]{1,60}$/) },
);

fuzz('any token is taken or refused with 401 or 403, over HTTP', fc.tuple(token, fc.constantFrom('/v1/conversations/c1/messages', '/v1/conversations/c1/events', '/metrics', '/v1/admin/dead-letters')), {
  runs: 900, ...around(guarded, () => ({ authorization: `Bearer ${signed({ alg: 'HS256' }, GOOD)}` })),
}, async ([bearer, path]) => {
  const post = path.endsWith('messages');
  const answer = await call(guarded.url, path, { headers: { authorization: `Bearer ${bearer}` }, ...(post ? { body: { text: 'hello' } } : {}) });
  judge({ status: answer.status, headers: answer.headers as Record<string, string>, body: answer.text }, `${path} with ${bearer}`);
  assert.ok([200, 202, 401, 403, 404, 431].includes(answer.status), `${answer.status} ${answer.text} for ${bearer}`);
});
