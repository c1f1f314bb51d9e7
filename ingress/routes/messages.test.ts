import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samplingTracer, traceparentOf, type SpanRecord } from '../../platform/observability/tracing.js';
import { seededRandom } from '../../platform/random.js';
import { testIngress, type TestIngress } from '../testing.js';

interface Answer { status: number; headers: Record<string, unknown>; body: Record<string, unknown> }

async function post(ingress: TestIngress, body: unknown, options: { id?: string; token?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const answer = await ingress.app.inject({
    method: 'POST', url: `/v1/conversations/${options.id ?? 'c1'}/messages`,
    headers: { 'content-type': 'application/json', ...(options.token ? { authorization: `Bearer ${options.token}` } : {}), ...options.headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

test('a message is answered 202 with its place in the log', async (t) => {
  const ingress = await testIngress(t);
  const answer = await post(ingress, { text: 'hello' });
  assert.equal(answer.status, 202);
  const [message] = await ingress.messages();
  assert.equal(message?.text, 'hello');
  assert.equal(message.key, 'default/c1');
  assert.equal(message.kind, 'text');
  assert.deepEqual(Object.keys(answer.body), ['messageId', 'conversationId', 'position', 'duplicate']);
  assert.equal(answer.body.messageId, message.messageId);
  assert.match(String(answer.body.position), /^[0-9a-f]{8}-000000000000-00$/);
  assert.equal(answer.body.duplicate, false);
});

const PEOPLE = {
  alice: { scopes: ['messages:write', 'conversations:read'], conversations: ['c1', 'v:visitor1'] },
  bob: { scopes: ['messages:write'], conversations: ['c2'] },
  everywhere: { scopes: ['messages:write', 'conversations:all'] },
  reader: { scopes: ['conversations:read'], conversations: ['c1'] },
  machine: { scopes: ['integration'] },
  other: { scopes: ['messages:write'], conversations: ['c1'], tenant: 'acme' },
  pinned: { scopes: ['messages:write'], conversations: ['c1'], bot: 'pinned-bot' },
} as const;

test('text is brought to NFC, and its length counts code points after that', async (t) => {
  const ingress = await testIngress(t);
  assert.equal((await post(ingress, { text: 'e\u0301' })).status, 202);
  assert.equal((await ingress.messages())[0]?.text, '\u00e9');
  assert.equal((await post(ingress, { text: '😀'.repeat(4096) })).status, 202);
  assert.equal((await post(ingress, { text: 'e\u0301'.repeat(4096) })).status, 202);
  assert.equal((await post(ingress, { text: '😀'.repeat(4097) })).status, 400);
});

test('a postback, attributes, locale and sentAt reach the record', async (t) => {
  const ingress = await testIngress(t);
  const body = { postback: { payload: 'track', replyId: '01J-01' }, attributes: { plan: 'gold' }, locale: 'de-AT', sentAt: '2026-01-31T12:00:00.5+01:00' };
  assert.equal((await post(ingress, body)).status, 202);
  const [message] = await ingress.messages();
  assert.deepEqual(
    [message?.kind, message?.payload, message?.replyId, { ...message?.attributes }, message?.locale, message?.sentAt, message?.text],
    ['postback', 'track', '01J-01', { plan: 'gold' }, 'de-AT', Date.UTC(2026, 0, 31, 11, 0, 0, 500), null],
  );
});

for (const [name, body, pointer] of [
  ['nothing', {}, ''], ['text and postback', { text: 'a', postback: { payload: 'b' } }, ''], ['an array', [], ''], ['a number', 7, ''],
  ['empty text', { text: '' }, '/text'], ['text of another type', { text: 5 }, '/text'], ['a NUL', { text: 'a\u0000' }, '/text'], ['a carriage return', { text: 'a\r\nb' }, '/text'],
  ['a C1 control', { text: 'a\u0085' }, '/text'], ['a lone surrogate', '{"text":"\\ud800"}', '/text'], ['an unknown field', { text: 'a', colour: 'red' }, '/colour'],
  ['__proto__', '{"text":"a","__proto__":{}}', '/__proto__'],
  ['a long payload', { postback: { payload: 'a'.repeat(1025) } }, '/postback/payload'], ['an unknown field of a postback', { postback: { payload: 'a', x: 1 } }, '/postback/x'],
  ['a locale that is none', { text: 'a', locale: 'not_a_locale' }, '/locale'], ['a time that is none', { text: 'a', sentAt: '2026-02-30 12:00' }, '/sentAt'],
  ['33 attributes', { text: 'a', attributes: Object.fromEntries(Array.from({ length: 33 }, (_, n) => [`a${n}`, 'v'])) }, '/attributes'],
  ['a long name', { text: 'a', attributes: { ['n'.repeat(65)]: 'v' } }, `/attributes/${'n'.repeat(65)}`], ['a long value', { text: 'a', attributes: { n: 'v'.repeat(513) } }, '/attributes/n'],
  ['an attribute named __proto__', '{"text":"a","attributes":{"__proto__":"x"}}', '/attributes/__proto__'], ['a bot with a slash', { text: 'a', botId: '../x' }, '/botId'],
] as const) {
  test(`BODY_INVALID: ${name}`, async (t) => {
    const ingress = await testIngress(t);
    const answer = await post(ingress, body);
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    assert.equal(answer.body.code, 'CONFAB_BODY_INVALID');
    assert.ok((answer.body.errors as { pointer: string }[]).some((field) => field.pointer === pointer), JSON.stringify(answer.body.errors));
    assert.deepEqual(await ingress.messages(), []);
  });
}

test('LF, TAB and every other character pass', async (t) => {
  const ingress = await testIngress(t);
  const text = 'a\n\tb \u200d\u{1f468}\u200d\u{1f469} \u202e \ufffd';
  assert.equal((await post(ingress, { text })).status, 202);
  assert.equal((await ingress.messages())[0]?.text, text.normalize('NFC'));
});

for (const [name, status, code, request] of [
  ['a body that is no JSON', 400, 'CONFAB_JSON_INVALID', { body: '{"text":' }],
  ['an empty body', 400, 'CONFAB_JSON_INVALID', { body: '' }],
  ['another content type', 415, 'CONFAB_CONTENT_TYPE_UNSUPPORTED', { body: { text: 'a' }, headers: { 'content-type': 'text/plain' } }],
  ['another character set', 415, 'CONFAB_CONTENT_TYPE_UNSUPPORTED', { body: { text: 'a' }, headers: { 'content-type': 'application/json; charset=latin1' } }],
  ['a body beyond the limit', 413, 'CONFAB_BODY_TOO_LARGE', { body: { text: 'a'.repeat(70_000) } }],
  ['a malformed conversation id', 400, 'CONFAB_CONVERSATION_ID_INVALID', { body: { text: 'a' }, id: 'a%20b' }],
  ['a conversation id that is too long', 400, 'CONFAB_CONVERSATION_ID_INVALID', { body: { text: 'a' }, id: 'a'.repeat(129) }],
  ['a malformed key', 400, 'CONFAB_IDEMPOTENCY_KEY_INVALID', { body: { text: 'a' }, headers: { 'idempotency-key': 'a b' } }],
  ['a key that is too long', 400, 'CONFAB_IDEMPOTENCY_KEY_INVALID', { body: { text: 'a' }, headers: { 'idempotency-key': 'a'.repeat(129) } }],
  ['an empty key', 400, 'CONFAB_IDEMPOTENCY_KEY_INVALID', { body: { text: 'a' }, headers: { 'idempotency-key': '' } }],
  ['a foreign origin', 403, 'CONFAB_ORIGIN_FORBIDDEN', { body: { text: 'a' }, headers: { origin: 'https://evil.example' } }],
  ['a foreign host', 403, 'CONFAB_HOST_FORBIDDEN', { body: { text: 'a' }, headers: { host: 'evil.example' } }],
  ['a URI that is too long', 414, 'CONFAB_URI_TOO_LONG', { body: { text: 'a' }, id: 'a'.repeat(9000) }],
] as const) {
  test(`${status} ${code}: ${name}`, async (t) => {
    const ingress = await testIngress(t);
    const { body, ...options } = request as { body: unknown; id?: string; headers?: Record<string, string> };
    const answer = await post(ingress, body, options);
    assert.deepEqual([answer.status, answer.body.code, answer.body.status], [status, code, status]);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
    assert.deepEqual(await ingress.messages(), []);
  });
}

for (const [name, status, code, request] of [
  ['no token', 401, 'CONFAB_TOKEN_MISSING', { id: 'c1' }],
  ['a token that is none', 401, 'CONFAB_TOKEN_INVALID', { id: 'c1', token: 'mallory' }],
  ['a header that is no bearer', 401, 'CONFAB_TOKEN_INVALID', { id: 'c1', headers: { authorization: 'Basic YTpi' } }],
  ['an expired token', 401, 'CONFAB_TOKEN_EXPIRED', { id: 'c1', token: 'expired' }],
  ['a token that may only read', 403, 'CONFAB_SCOPE_MISSING', { id: 'c1', token: 'reader' }],
  ['another\'s conversation', 403, 'CONFAB_CONVERSATION_FORBIDDEN', { id: 'c2', token: 'alice' }],
  ['a conversation of a channel', 403, 'CONFAB_CONVERSATION_FORBIDDEN', { id: 'ch:web:1:abc', token: 'everywhere' }],
  ['a conversation of a visitor', 403, 'CONFAB_CONVERSATION_FORBIDDEN', { id: 'v:visitor2', token: 'machine' }],
  ['another user', 403, 'CONFAB_USER_MISMATCH', { id: 'c1', token: 'alice', body: { text: 'a', userId: 'bob' } }],
  ['a bot without the scope', 403, 'CONFAB_SCOPE_MISSING', { id: 'c1', token: 'alice', body: { text: 'a', botId: 'x' } }],
] as const) {
  test(`${status} ${code}: ${name}`, async (t) => {
    const ingress = await testIngress(t, { people: PEOPLE });
    const { body, ...options } = request as { body?: unknown; id: string; token?: string };
    const answer = await post(ingress, body ?? { text: 'a' }, options);
    assert.deepEqual([answer.status, answer.body.code], [status, code]);
    assert.equal(answer.headers['www-authenticate'], status === 401 ? 'Bearer' : undefined);
    assert.deepEqual(await ingress.messages(), []);
  });
}

test('who writes, and which bot answers, follow from the token', async (t) => {
  const ingress = await testIngress(t, { people: PEOPLE });
  const written = async (token: string, body: object, id = 'c1'): Promise<(string | null | undefined)[]> => {
    const answer = await post(ingress, body, { token, id });
    assert.equal(answer.status, 202, JSON.stringify(answer.body));
    const message = (await ingress.messages()).find((each) => each.messageId === answer.body.messageId);
    return [message?.key, message?.userId as string, message?.botId, message?.channel];
  };
  assert.deepEqual(await written('alice', { text: 'a', userId: 'alice' }), ['default/c1', 'alice', 'parcel', 'web']);
  assert.deepEqual(await written('alice', { text: 'a' }, 'v:visitor1'), ['default/v:visitor1', 'alice', 'parcel', 'web']);
  assert.deepEqual(await written('machine', { text: 'a', userId: 'u9', botId: 'other-bot' }, 'x'), ['default/x', 'u9', 'other-bot', 'api']);
  assert.deepEqual(await written('pinned', { text: 'a' }), ['default/c1', 'pinned', 'pinned-bot', 'web']);
  assert.deepEqual(await written('everywhere', { text: 'a' }, 'any'), ['default/any', 'everywhere', 'parcel', 'web']);
  assert.deepEqual(await written('other', { text: 'a' }), ['acme/c1', 'other', 'parcel', 'web'], 'another tenant has a conversation of its own by that name');
});

test('the same key and body answer the first result again; another body is 409', async (t) => {
  const ingress = await testIngress(t);
  const key = { 'idempotency-key': 'k1' };
  const first = await post(ingress, { text: 'a', attributes: { x: '1', y: '2' } }, { headers: key });
  const again = await post(ingress, '{ "attributes": {"y":"2", "x":"1"}, "text": "a" }', { headers: key });
  assert.deepEqual([again.status, again.body], [202, { ...first.body, duplicate: true }]);
  const other = await post(ingress, { text: 'b' }, { headers: key });
  assert.deepEqual([other.status, other.body.code], [409, 'CONFAB_IDEMPOTENCY_KEY_REUSED']);
  const elsewhere = await post(ingress, { text: 'b' }, { headers: key, id: 'c2' });
  assert.deepEqual([elsewhere.status, elsewhere.body.duplicate], [202, false]);
  assert.equal((await ingress.messages()).length, 2);
});

test('the same key twice at once is written once', async (t) => {
  const ingress = await testIngress(t);
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(ingress, { text: 'a' }, { headers: { 'idempotency-key': 'k' } })));
  assert.equal(new Set(answers.map(({ body }) => body.messageId)).size, 1);
  assert.equal(answers.filter(({ body }) => body.duplicate === false).length, 1);
  assert.equal((await ingress.messages()).length, 1);
});

test('messages of one conversation stand in the order of the requests, with and without keys', async (t) => {
  const ingress = await testIngress(t);
  await Promise.all(Array.from({ length: 50 }, (_, n) => post(ingress, { text: `${n}` }, n % 3 === 0 ? { headers: { 'idempotency-key': `k${n}` } } : {})));
  assert.deepEqual((await ingress.messages()).map(({ text }) => text), Array.from({ length: 50 }, (_, n) => `${n}`));
});

test('503 DRAINING with Retry-After while the node goes away', async (t) => {
  const ingress = await testIngress(t);
  ingress.app.confab.drain();
  const answer = await post(ingress, { text: 'a' });
  assert.deepEqual([answer.status, answer.body.code, answer.headers['retry-after'], answer.body.retryable], [503, 'CONFAB_DRAINING', '1', true]);
  assert.equal((await ingress.app.inject('/health/ready')).statusCode, 503);
  assert.equal((await ingress.app.inject('/health/live')).statusCode, 200);
});

test('503 OVERLOADED with Retry-After when too much is under way', async (t) => {
  const ingress = await testIngress(t, { limits: { maxRecords: 3 } });
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(ingress, { text: 'a' })));
  const refused = answers.filter(({ status }) => status === 503);
  assert.ok(refused.length > 0 && answers.some(({ status }) => status === 202));
  for (const { body, headers } of refused) assert.deepEqual([body.code, headers['retry-after']], ['CONFAB_OVERLOADED', '1']);
  assert.equal((await ingress.messages()).length, 10 - refused.length);
  assert.equal(ingress.acceptor.inFlight, 0);
});

test('a sampled message carries the span of its acceptance, below the span of the caller; without a tracer nothing is carried', async (t) => {
  const spans: SpanRecord[] = [];
  const tracer = samplingTracer({ ratio: 1, random: seededRandom(1), sink: { take: (span) => { spans.push(span); }, close: () => Promise.resolve() } });
  const caller = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const headersOf = async (ingress: TestIngress): Promise<unknown[]> => {
    await post(ingress, { text: 'a' }, { headers: { traceparent: caller } });
    const headers: unknown[] = [];
    for (let partition = 0; partition < 4; partition += 1) for await (const batch of ingress.log.read('messages.v1', partition, 0)) headers.push(...batch.records.map((record) => record.headers));
    return headers;
  };
  assert.deepEqual(await headersOf(await testIngress(t)), [undefined]);
  const headers = await headersOf(await testIngress(t, { tracer }));
  const [span] = spans;
  assert.deepEqual([span?.context.traceId, span?.context.parentSpanId, span?.name], ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331', 'confab.ingress accept']);
  assert.deepEqual(headers, [{ traceparent: traceparentOf(span!.context) }]);
});

test('a problem carries the trace id of the caller', async (t) => {
  const ingress = await testIngress(t);
  const answer = await post(ingress, {}, { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' } });
  assert.equal(answer.body.traceId, '0af7651916cd43dd8448eb211c80319c');
});

test('OpenAPI describes the route by the schema that validates it', async (t) => {
  const ingress = await testIngress(t, { documentation: true });
  const document = (await ingress.app.inject('/openapi.json')).json<{ paths: Record<string, { post: { requestBody: { content: Record<string, { schema: { properties: object } }> }; responses: Record<string, { content: object }> } }> }>();
  const { post: operation } = document.paths['/v1/conversations/{conversationId}/messages'] ?? assert.fail('the path is missing');
  assert.deepEqual(Object.keys(operation.requestBody.content['application/json']?.schema.properties ?? {}), ['text', 'postback', 'userId', 'botId', 'locale', 'sentAt', 'attributes']);
  assert.deepEqual(Object.keys(operation.responses), ['202', 'default']);
  assert.deepEqual(Object.keys(operation.responses.default?.content ?? {}), ['application/problem+json']);
});
