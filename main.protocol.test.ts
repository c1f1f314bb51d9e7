/** The public contract over HTTP, sentence by sentence, against the program as a process. Its sockets: main.sockets.test.ts. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { call, raw, refused, serve, SECRET, token, type Answer, type Call } from './composition/protocol/testing.js';
import { freePort } from './composition/testing.js';
import { eventually } from './platform/testing.js';

const cleaning: (() => Promise<void> | void)[] = [];
const file = { after: (run: () => Promise<void> | void): void => { cleaning.push(run); } };
after(async () => { for (const run of cleaning.reverse()) await run(); });

const off = serve(file);
const jwt = serve(file, { CONFAB_AUTH_SECRET: SECRET, CONFAB_ALLOWED_ORIGINS: 'https://shop.example' });
// The slowest check runs beside all others.
const slow = off.then(({ url }) => raw(url, 'POST /v1/conversations/slow/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"te'));

/** `alg: none`, with every right. */
const UNSIGNED = `${['{"alg":"none"}', '{"sub":"x","iss":"x","aud":"confab","exp":9999999999,"scope":"integration"}'].map((part) => Buffer.from(part).toString('base64url')).join('.')}.`;
const MESSAGES = '/v1/conversations/c1/messages';
const say = (url: string, options: Call = {}, path = MESSAGES): Promise<Answer> => call(url, path, { body: { text: 'hello' }, ...options });

function problem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.body.code, `CONFAB_${code}`, answer.text.slice(0, 300));
  assert.equal(answer.status, status, code);
  assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/);
  const { type, title, detail, status: said, retryable, traceId } = answer.body;
  assert.deepEqual([type, said, typeof title, typeof detail, typeof retryable], [`/docs/errors#CONFAB_${code}`, status, 'string', 'string', 'boolean']);
  assert.match(String(traceId), /^[0-9a-f]{32}$/);
  if (status === 503 || status === 429) assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
}

const bodies: readonly [name: string, body: unknown, code: string | undefined][] = [
  ['no object', 'null', 'BODY_INVALID'], ['an array', [], 'BODY_INVALID'], ['cut off', '{"text":', 'JSON_INVALID'], ['nothing', '', 'JSON_INVALID'],
  ['bytes that are no UTF-8', Buffer.from('{"text":"\xff"}', 'latin1'), 'JSON_INVALID'],
  ['neither text nor postback', {}, 'BODY_INVALID'], ['both', { text: 'a', postback: { payload: 'b' } }, 'BODY_INVALID'],
  ['an unknown field', { text: 'a', colour: 'red' }, 'BODY_INVALID'], ['an unknown field of postback', { postback: { payload: 'a', x: 1 } }, 'BODY_INVALID'],
  ['__proto__', '{"text":"a","__proto__":{}}', 'BODY_INVALID'],
  ['empty text', { text: '' }, 'BODY_INVALID'], ['a number', { text: 5 }, 'BODY_INVALID'],
  ['4096 emoji', { text: '🦉'.repeat(4096) }, undefined], ['4097 emoji', { text: '🦉'.repeat(4097) }, 'BODY_INVALID'],
  ['4097 code points that NFC makes 4096', { text: `e\u0301${'a'.repeat(4095)}` }, undefined],
  ['LF and TAB', { text: 'a\n\tb' }, undefined], ['CR', { text: 'a\rb' }, 'BODY_INVALID'], ['NUL', { text: 'a\0' }, 'BODY_INVALID'], ['DEL', { text: 'a\x7f' }, 'BODY_INVALID'], ['C1', { text: 'a\u0085' }, 'BODY_INVALID'],
  ['half a surrogate pair', '{"text":"\\ud83e"}', 'BODY_INVALID'],
  ['a payload of 1024', { postback: { payload: 'p'.repeat(1024), replyId: 'r-1' } }, undefined], ['a payload of 1025', { postback: { payload: 'p'.repeat(1025) } }, 'BODY_INVALID'],
  ['an empty payload', { postback: { payload: '' } }, 'BODY_INVALID'],
  ['locale and time', { text: 'a', locale: 'de-AT', sentAt: '2026-01-31T12:00:00.5+01:00' }, undefined], ['a bad locale', { text: 'a', locale: 'no such!' }, 'BODY_INVALID'],
  ['a leap second', { text: 'a', sentAt: '2026-06-30T23:59:60z' }, undefined],
  ['a bad time', { text: 'a', sentAt: 'yesterday' }, 'BODY_INVALID'], ['the 30th of February', { text: 'a', sentAt: '2026-02-30T12:00:00Z' }, 'BODY_INVALID'],
  ['32 attributes', { text: 'a', attributes: Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`${'n'.repeat(62)}${10 + i}`, 'v'.repeat(512)])) }, undefined],
  ['33 attributes', { text: 'a', attributes: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`n${i}`, 'v'])) }, 'BODY_INVALID'],
  ['a long name', { text: 'a', attributes: { ['n'.repeat(65)]: 'v' } }, 'BODY_INVALID'], ['a long value', { text: 'a', attributes: { n: 'v'.repeat(513) } }, 'BODY_INVALID'],
  ['a value that is no text', { text: 'a', attributes: { n: 1 } }, 'BODY_INVALID'], ['an unknown bot', { text: 'a', botId: 'nobody' }, 'BODY_INVALID'],
  ['user and bot', { text: 'a', userId: 'someone', botId: 'parcel' }, undefined],
];

test('bodies: what is taken, and what is refused with 400', async () => {
  const { url } = await off;
  for (const [name, body, code] of bodies) {
    const answer = await say(url, { body, method: 'POST' });
    if (code === undefined) assert.equal(answer.status, 202, `${name}: ${answer.text}`);
    else await assert.doesNotReject(async () => { problem(answer, 400, code); }, name);
    if (code === 'BODY_INVALID') assert.ok((answer.body.errors as { pointer: string; detail: string }[]).every(({ pointer, detail }) => typeof pointer === 'string' && detail.length > 0), name);
  }
  assert.deepEqual((await say(url, { body: { text: 'a', 'b/~c': 1 } })).body.errors, [{ pointer: '/b~1~0c', detail: 'is not a known field' }]);
});

test('text is kept in NFC, and a message answered 202 has ULID and position', async () => {
  const { url } = await off;
  const answer = await say(url, { body: { text: 'Cafe\u0301' } }, '/v1/conversations/nfc/messages');
  assert.match(String(answer.body.messageId), /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  assert.deepEqual(Object.keys(answer.body).sort(), ['conversationId', 'duplicate', 'messageId', 'position']);
  assert.deepEqual([answer.body.conversationId, answer.body.duplicate], ['nfc', false]);
  const { events } = (await call(url, `/v1/conversations/nfc/events?atLeast=${String(answer.body.position)}`)).body as { events: { text: string }[] };
  assert.equal(events[0]?.text, 'Caf\u00e9');
  const chosen = await say(url, { body: { postback: { payload: 'intent:prices', replyId: 'r-1' } } }, '/v1/conversations/nfc/messages');
  const shown = (await call(url, `/v1/conversations/nfc/events?after=${String(answer.body.position)}&atLeast=${String(chosen.body.position)}`)).body as { events: { type: string; createdAt: string }[] };
  const { createdAt, ...event } = shown.events.find(({ type }) => type === 'message') ?? { createdAt: '' };
  assert.deepEqual(event, { type: 'message', messageId: chosen.body.messageId, conversationId: 'nfc', position: chosen.body.position, author: { type: 'person' }, postback: { payload: 'intent:prices', replyId: 'r-1' } });
  assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('every refusal of a request has its status and code', async () => {
  const { url } = await off;
  for (const id of ['a/b', 'a b', 'ä', 'x'.repeat(129), '%00']) {
    problem(await say(url, {}, `/v1/conversations/${encodeURIComponent(id)}/messages`), 400, 'CONVERSATION_ID_INVALID');
    problem(await call(url, `/v1/conversations/${encodeURIComponent(id)}/events`), 400, 'CONVERSATION_ID_INVALID');
  }
  assert.equal((await say(url, {}, `/v1/conversations/${'aZ9._:-'.repeat(18)}ab/messages`)).status, 202);
  for (const key of ['', 'a b', 'ä', 'k'.repeat(129)]) problem(await say(url, { headers: { 'idempotency-key': Buffer.from(key).toString('latin1') } }), 400, 'IDEMPOTENCY_KEY_INVALID');
  for (const query of ['after=7', 'before=7', 'atLeast=x', 'after=']) problem(await call(url, `/v1/conversations/c1/events?${query}`), 400, 'POSITION_INVALID');
  for (const query of ['limit=0', 'limit=501', 'limit=ten', 'limit=1.5', 'nonsense=1', 'after=00000000-000000000000-00&before=latest']) problem(await call(url, `/v1/conversations/c1/events?${query}`), 400, 'QUERY_INVALID');
  for (const path of ['/v2', '/index.php', '/v1/conversations', '/v1/conversations/c1', '/v1/conversations/c1/messages/', '/V1', '/v1/%']) problem(await call(url, path), 404, 'ROUTE_UNKNOWN');
  for (const [method, path, allow] of [['GET', MESSAGES, 'POST'], ['DELETE', MESSAGES, 'POST'], ['POST', '/v1/conversations/c1/events', 'GET, HEAD'], ['PUT', '/v1', 'GET, HEAD'], ['POST', '/v1/stream', 'GET'], ['POST', '/metrics', 'GET, HEAD']] as const) {
    const answer = await call(url, path, { method, ...(method === 'GET' ? {} : { body: {} }) });
    problem(answer, 405, 'METHOD_NOT_ALLOWED');
    assert.equal(answer.headers.allow, allow);
  }
  problem(await say(url, { body: { text: 'a'.repeat(65_536) } }), 413, 'BODY_TOO_LARGE');
  problem(await raw(url, `POST ${MESSAGES} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n12000\r\n${'a'.repeat(0x12000)}\r\n`), 413, 'BODY_TOO_LARGE');
  for (const length of [9_000, 100_000]) problem(await raw(url, `GET /v1/${'a'.repeat(length)} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`), 414, 'URI_TOO_LONG');
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', 'nonsense']) problem(await say(url, { headers: { 'content-type': type } }), 415, 'CONTENT_TYPE_UNSUPPORTED');
  problem(await raw(url, `POST ${MESSAGES} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"text":"a"}`), 415, 'CONTENT_TYPE_UNSUPPORTED');
  assert.equal((await say(url, { headers: { 'content-type': 'application/json; charset=utf-8' } })).status, 202);
  for (const path of ['/v1/stream', '/v1/conversations/c1/stream', '/v1/ingest']) {
    for (const answer of [await call(url, path), await refused(url, path), await refused(url, path, { protocols: 'other.v1' })]) {
      problem(answer, 426, 'SUBPROTOCOL_REQUIRED');
      assert.equal(answer.headers.upgrade, 'websocket');
    }
  }
  problem(await refused(url, '/v1/conversations/c1/stream?after=7', { protocols: 'confab.v1' }), 400, 'POSITION_INVALID');
  problem(await refused(url, '/v1/conversations/a%20b/stream', { protocols: 'confab.v1' }), 400, 'CONVERSATION_ID_INVALID');
  for (const path of ['/v1/conversations/c1/stream', '/v1/stream']) problem(await refused(url, `${path}?token=x`, { protocols: 'confab.v1' }), 400, 'QUERY_INVALID');
  problem(await refused(url, '/v1/ingest?token=x', { protocols: 'confab.ingest.v1' }), 400, 'QUERY_INVALID');
  for (const [name, value] of [['sec-websocket-version', '12'], ['sec-websocket-key', 'short']] as const) problem(await refused(url, '/v1/stream', { protocols: 'confab.v1', headers: { [name]: value } }), 400, 'REQUEST_MALFORMED');
  for (const length of [17_000, 100_000]) problem(await raw(url, `GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Long: ${'a'.repeat(length)}\r\n\r\n`), 431, 'HEADERS_TOO_LARGE');
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  assert.equal((await call(url, '/nowhere', { headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } })).body.traceId, traceId);
  problem(await raw(url, `POST ${MESSAGES} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`), 400, 'BODY_INVALID');
  problem(await raw(url, 'NONSENSE\r\n\r\n'), 400, 'REQUEST_MALFORMED');
  problem(await raw(url, 'GET /v1 HTTP/1.1\r\nConnection: close\r\n\r\n'), 400, 'REQUEST_MALFORMED');
  assert.equal((await raw(url, 'GET /v1 HTTP/1.1\r\nHost: localhost\r\nExpect: wonders\r\nConnection: close\r\n\r\n')).status, 200);
  problem(await raw(url, `POST /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 0\r\n\r\n`), 405, 'METHOD_NOT_ALLOWED');
  for (const type of ['text/plain', 'application/json']) {
    problem(await call(url, '/v2/nowhere', { headers: { 'content-type': type }, body: '{' }), 404, 'ROUTE_UNKNOWN');
    problem(await call(url, MESSAGES, { headers: { 'content-type': type }, body: '{', method: 'PUT' }), 405, 'METHOD_NOT_ALLOWED');
    problem(await call(url, MESSAGES, { headers: { 'content-type': type }, method: 'OPTIONS' }), 405, 'METHOD_NOT_ALLOWED');
  }
});

test('one idempotency key: the first result again, 409 for another body, the second of two waits', async () => {
  const { url } = await off;
  const send = (body: unknown, key = 'key-1', path = MESSAGES): Promise<Answer> => say(url, { body, headers: { 'idempotency-key': key } }, path);
  const first = await send('{"text":"x","attributes":{"a":"1","b":"2"}}');
  assert.deepEqual([first.status, first.body.duplicate], [202, false]);
  for (const body of ['{"text":"x","attributes":{"a":"1","b":"2"}}', ' {\n"attributes" : {"b":"2", "a":"\\u0031"},\t"text":"x" } ']) {
    const again = await send(body);
    assert.deepEqual([again.status, again.body], [202, { ...first.body, duplicate: true }]);
  }
  problem(await send({ text: 'x' }), 409, 'IDEMPOTENCY_KEY_REUSED');
  assert.equal((await send({ text: 'other' }, 'key-1', '/v1/conversations/c2/messages')).body.duplicate, false, 'a key belongs to its conversation');
  assert.equal((await send({ text: 'x' }, `${'!~'.repeat(64)}`)).status, 202);
  const both = await Promise.all([send({ text: 'y' }, 'key-2'), send({ text: 'y' }, 'key-2')]);
  assert.deepEqual(both.map(({ status }) => status), [202, 202]);
  assert.deepEqual(both.map(({ body }) => body.duplicate).sort(), [false, true]);
  assert.equal(both[0].body.messageId, both[1].body.messageId);
  const unkeyed = await Promise.all([say(url), say(url)]);
  assert.notEqual(unkeyed[0].body.messageId, unkeyed[1].body.messageId);
});

interface Event { type: string; position: string; messageId?: string; inReplyTo?: string; text?: string }
interface Page { events: Event[]; next: string | null; truncated: boolean }

test('events: both directions meet, each message with one outcome, in one position space', async () => {
  const { url } = await off;
  const page = async (query: string): Promise<Page> => (await call(url, `/v1/conversations/pages/events${query}`)).body as unknown as Page;
  assert.deepEqual(await page(''), { events: [], next: null, truncated: false });
  const sent: Answer[] = [];
  for (let i = 0; i < 7; i += 1) sent.push(await say(url, { body: { text: `message ${i}` } }, '/v1/conversations/pages/messages'));
  await eventually('all outcomes', async () => (await page('')).events.length >= 14);
  const all = (await page('')).events;
  assert.deepEqual(all.filter(({ type }) => type === 'message').map(({ messageId }) => messageId), sent.map(({ body }) => body.messageId));
  assert.deepEqual(all.filter(({ inReplyTo }) => inReplyTo !== undefined).map(({ inReplyTo }) => inReplyTo), sent.map(({ body }) => body.messageId));
  assert.deepEqual(all.map(({ position }) => position), all.map(({ position }) => position).sort());
  assert.deepEqual((await page('?before=latest')).events, [...all].reverse());
  for (const limit of [1, 2, 3, 13, 14]) {
    for (const forward of [true, false]) {
      const found: Event[] = [];
      for (let query = forward ? '?' : '?before=latest&', pages = 0; pages < 40; pages += 1) {
        const { events, next } = await page(`${query}limit=${limit}`);
        assert.ok(events.length <= limit);
        found.push(...events);
        if (next === null) break;
        query = `?${forward ? 'after' : 'before'}=${next}&`;
      }
      assert.deepEqual(found, forward ? all : [...all].reverse(), `limit ${limit}`);
    }
  }
  const third = String(sent[2]?.body.position);
  assert.deepEqual((await page(`?after=${third}`)).events, all.slice(5));
  assert.deepEqual((await page(`?before=${third}`)).events, all.slice(0, 4).reverse());
  assert.equal((await page(`?atLeast=${all[13]?.position ?? ''}&limit=1`)).events.length, 1);
  problem(await call(url, `/v1/conversations/pages/events?atLeast=${third.slice(0, 9)}000000900000-00`), 503, 'VIEW_BEHIND');
});

test('hosts and origins are judged although authentication is off', async () => {
  const { url } = await off;
  const { host } = new URL(url);
  for (const name of [host, 'localhost', `localhost:${host.split(':')[1] ?? ''}`, '127.0.0.2', '[::1]:80']) assert.equal((await call(url, '/v1', { headers: { host: name } })).status, 200, name);
  for (const name of ['evil.example', 'localhost.evil.example', '10.0.0.1', '127.0.0.1.evil.example']) {
    problem(await say(url, { headers: { host: name } }), 403, 'HOST_FORBIDDEN');
    problem(await refused(url, '/v1/stream', { protocols: 'confab.v1', headers: { host: name } }), 403, 'HOST_FORBIDDEN');
  }
  for (const origin of ['https://evil.example', 'null', `https://${host}`]) {
    problem(await say(url, { headers: { origin } }), 403, 'ORIGIN_FORBIDDEN');
    problem(await refused(url, '/v1/stream', { protocols: 'confab.v1', headers: { origin } }), 403, 'ORIGIN_FORBIDDEN');
  }
  assert.equal((await say(url, { headers: { origin: url } })).headers['access-control-allow-origin'], url);
});

test('system routes: features, health, metrics, documentation', async () => {
  const { url } = await off;
  assert.ok(Array.isArray((await call(url, '/v1')).body.features));
  for (const path of ['/health/live', '/health/ready']) {
    const answer = await call(url, path, { headers: { host: 'anything.example' } });
    assert.deepEqual([answer.status, answer.text], [200, '']);
  }
  assert.match((await call(url, '/metrics')).text, /^# HELP /);
  const { body } = await call(url, '/openapi.json') as { body: { openapi?: string; paths?: Record<string, Record<string, { responses: Record<string, unknown> }>> } };
  assert.match(body.openapi ?? '', /^3\.1\./);
  assert.deepEqual(Object.keys(body.paths ?? {}).filter((path) => !path.startsWith('/v1/admin/')).sort(), ['/v1', '/v1/conversations/{conversationId}/events', '/v1/conversations/{conversationId}/messages', '/v1/conversations/{conversationId}/presence']);
  assert.ok(body.paths?.['/v1/conversations/{conversationId}/events']?.get?.responses.default !== undefined, 'problems are documented');
  const docs = await call(url, '/docs');
  assert.match(String(docs.headers['content-security-policy']), /script-src 'self'/);
  for (const [, asset = ''] of docs.text.matchAll(/(?:src|href)="([^"]+)"/g)) assert.equal((await call(url, asset)).status, 200, asset);
  assert.match((await call(url, '/docs/errors')).text, /id="CONFAB_OVERLOADED"/);
});

test('tokens: who may do what', async () => {
  const { url } = await jwt;
  const may = async (claims: Parameters<typeof token>[0], call_: (bearer: string) => Promise<Answer>): Promise<Answer> => call_(await token(claims));
  const write = (conversation: string, body: unknown = { text: 'hello' }) => (bearer: string): Promise<Answer> => say(url, { token: bearer, body }, `/v1/conversations/${conversation}/messages`);
  const read = (conversation: string) => (bearer: string): Promise<Answer> => call(url, `/v1/conversations/${conversation}/events`, { token: bearer });
  problem(await say(url), 401, 'TOKEN_MISSING');
  assert.equal((await say(url)).headers['www-authenticate'], 'Bearer');
  for (const authorization of ['Bearer x.y.z', `Bearer ${UNSIGNED}`, 'Basic YTpi', 'Bearer']) problem(await say(url, { headers: { authorization } }), 401, 'TOKEN_INVALID');
  for (const claims of [{ aud: 'other' }, { secret: SECRET.toUpperCase() }, { confab: { tenant: 'No' } }, { confab: { conversations: Array.from({ length: 21 }, (_, i) => `c${i}`) } }, { confab: { conversations: 'c1' } }]) problem(await may(claims, write('c1')), 401, 'TOKEN_INVALID');
  problem(await may({ seconds: -60 }, write('c1')), 401, 'TOKEN_EXPIRED');
  problem(await say(url, { token: `${await token()}` }), 403, 'CONVERSATION_FORBIDDEN');
  const own = { confab: { conversations: ['c1', 'v:7'] } };
  assert.equal((await may(own, write('c1'))).status, 202);
  assert.equal((await may(own, read('c1'))).status, 200);
  assert.equal((await may(own, write('v:7'))).status, 202, 'named by the token');
  for (const refusedCall of [write('c2'), read('c2'), write('v:8')]) problem(await may(own, refusedCall), 403, 'CONVERSATION_FORBIDDEN');
  problem(await may({ ...own, scope: 'conversations:read' }, write('c1')), 403, 'SCOPE_MISSING');
  problem(await may({ ...own, scope: 'messages:write' }, read('c1')), 403, 'SCOPE_MISSING');
  problem(await may(own, write('c1', { text: 'a', userId: 'bob' })), 403, 'USER_MISMATCH');
  assert.equal((await may(own, write('c1', { text: 'a', userId: 'ann' }))).status, 202);
  problem(await may(own, write('c1', { text: 'a', botId: 'parcel' })), 403, 'SCOPE_MISSING');
  for (const scope of ['messages:write conversations:read conversations:all', 'integration conversations:read conversations:all', 'agent messages:write conversations:all']) {
    assert.equal((await may({ scope }, write('any'))).status, 202, scope);
    assert.equal((await may({ scope }, read('any'))).status, 200, scope);
    for (const id of ['ch:1', 'v:1']) for (const each of [write(id), read(id)]) problem(await may({ scope }, each), 403, 'CONVERSATION_FORBIDDEN');
  }
  assert.equal((await may({ scope: 'integration' }, write('any', { text: 'a', userId: 'bob', botId: 'parcel' }))).status, 202);
  assert.equal((await may({ scope: 'agent' }, read('any'))).status, 200);
  const other = { scope: 'conversations:read conversations:all', confab: { tenant: 'acme' } };
  assert.deepEqual((await may(other, read('any'))).body, (await may(other, read('never-seen'))).body);
  problem(await call(url, `/v1/conversations/c1/events?access_token=${await token(own)}`), 401, 'TOKEN_MISSING');
});

test('browsers: one allow-list, no cookies; metrics from here need no token', async () => {
  const { url } = await jwt;
  const preflight = await call(url, MESSAGES, { method: 'OPTIONS', headers: { origin: 'https://shop.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' } });
  assert.deepEqual([preflight.status, preflight.headers['access-control-allow-origin'], preflight.headers['access-control-allow-credentials']], [204, 'https://shop.example', undefined]);
  for (const name of ['authorization', 'content-type', 'idempotency-key']) assert.ok(preflight.headers['access-control-allow-headers']?.includes(name), name);
  problem(await say(url, { headers: { origin: 'https://evil.example' } }), 403, 'ORIGIN_FORBIDDEN');
  problem(await say(url, { headers: { origin: url } }), 401, 'TOKEN_MISSING');
  const refusal = await say(url, { headers: { origin: 'https://shop.example' } });
  assert.equal(refusal.headers['access-control-allow-origin'], 'https://shop.example', 'a browser can read why it was refused');
  problem(refusal, 401, 'TOKEN_MISSING');
  assert.equal((await call(url, '/metrics')).status, 200);
  problem(await call(url, '/metrics', { headers: { 'x-forwarded-for': '203.0.113.9' } }), 401, 'TOKEN_MISSING');
  problem(await call(url, '/metrics', { headers: { 'x-forwarded-for': '203.0.113.9' }, token: await token() }), 403, 'SCOPE_MISSING');
  assert.equal((await call(url, '/metrics', { headers: { 'x-forwarded-for': '203.0.113.9' }, token: await token({ scope: 'metrics:read' }) })).status, 200);
});

test('insecure: no token on any bind, but hosts and origins are judged; an admin port; the public URL counts', async () => {
  const admin = await freePort();
  const { url } = await serve(file, { CONFAB_AUTH: 'insecure', CONFAB_HTTP_HOST: '0.0.0.0', CONFAB_PUBLIC_URL: 'https://chat.example/', CONFAB_ADMIN_PORT: String(admin), CONFAB_ADMIN_HOST: '127.0.0.1' });
  assert.equal((await say(url)).status, 202);
  assert.equal((await say(url, { headers: { host: 'chat.example', origin: 'https://chat.example' } })).status, 202);
  for (const [headers, code] of [[{ host: '10.0.0.1' }, 'HOST_FORBIDDEN'], [{ origin: 'https://evil.example' }, 'ORIGIN_FORBIDDEN']] as const) {
    const answer = await say(url, { headers });
    assert.deepEqual([answer.status, answer.body.code, answer.body.type], [403, `CONFAB_${code}`, `https://chat.example/docs/errors#CONFAB_${code}`]);
  }
  for (const path of ['/health/live', '/health/ready', '/metrics']) assert.equal((await call(`http://127.0.0.1:${admin}`, path)).status, 200, path);
  assert.equal((await say(`http://127.0.0.1:${admin}`)).status, 404, 'nothing else is there');
});

test('a request that does not arrive within 10 s is answered 408', async () => {
  const answer = await slow;
  problem(answer, 408, 'REQUEST_TIMEOUT');
  assert.equal(answer.headers.connection, 'close');
});
