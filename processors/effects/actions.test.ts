import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noTracer, type SpanRecord, type Tracer } from '../../platform/observability/tracing.js';
import { json, testServer } from '../../platform/outbound/testing.js';
import { eventually } from '../../platform/testing.js';
import type { ActionOutput } from '../bot/action.js';
import type { HttpEffect } from '../stage.js';
import { idempotencyKey } from './http/request.js';
import { action, call, effect, effectsFor, type EffectsScene } from './testing.js';

const counted = async ({ metrics }: EffectsScene, status: string): Promise<number> => (await metrics.getSingleMetric('confab_effects_total')?.get())?.values.find(({ labels }) => labels.status === status)?.value ?? 0;
const status = async (scene: EffectsScene, request: HttpEffect): Promise<string> => (await scene.effects.run(request, call())).status;
const output = (change: Partial<ActionOutput>): ActionOutput => ({ name: 'state', path: ['state'], type: 'text', required: true, maxLength: 20, min: null, max: null, oneOf: null, ...change });

test('a call gives the declared outputs and nothing else of the answer', async (t) => {
  const server = await testServer(t, (response) => { json(response, { state: 'fine', private: 'not asked for', items: [{ n: 3 }] }); });
  const scene = effectsFor(t, [server.origin]);
  const made = action(server.origin, { output: [output({}), output({ name: 'n', path: ['items', 0, 'n'], type: 'integer' }), output({ name: 'gone', path: ['items', 1, 'n'], required: false })] });
  const { result, ...rest } = await scene.effects.run(effect(made), call());
  assert.deepEqual(rest, { key: '00000000-000000000001-00#flow.step.0', kind: 'http', status: 'ok' });
  assert.deepEqual(JSON.parse(result as string), { state: 'fine', n: 3, gone: null });
  assert.equal(await counted(scene, 'ok'), 1);
});

test('inputs are encoded for where they stand, and none leads to another path or host', async (t) => {
  const server = await testServer(t, (response) => { json(response, { state: 'x' }); });
  const scene = effectsFor(t, [server.origin]);
  const made = action(server.origin, { path: ['/a/', { input: 'id' }, '/b?q=', { input: 'id' }] });
  assert.equal(await status(scene, effect(made, { id: '../x?y=1&z#ä/ %' })), 'ok');
  assert.equal(server.asked[0]?.url, '/a/..%2Fx%3Fy%3D1%26z%23%C3%A4%2F%20%25/b?q=..%2Fx%3Fy%3D1%26z%23%C3%A4%2F%20%25');
  for (const id of ['.', '..', '\ud800', 'x'.repeat(5000)]) assert.equal(await status(scene, effect(made, { id })), 'CONFAB_ACTION_INPUT_INVALID', id.slice(0, 10));
  const header = action(server.origin, { headers: [{ name: 'x-id', value: [{ input: 'id' }] }] });
  for (const id of ['a\r\nx: y', 'ä', 'a\u0000']) assert.equal(await status(scene, effect(header, { id })), 'CONFAB_ACTION_INPUT_INVALID');
  assert.equal(server.asked.length, 1);
});

test('an input that is missing or of another type sends nothing', async (t) => {
  const server = await testServer(t, (response) => { json(response, { state: 'x' }); });
  const scene = effectsFor(t, [server.origin]);
  const made = action(server.origin, { input: [{ name: 'id', type: 'integer', required: true }, { name: 'also', type: 'boolean', required: false }] });
  const wrong: HttpEffect['arguments'][] = [{}, { id: null }, { id: '7' }, { id: 1.5 }, { id: Infinity }, { id: 7, also: 'true' }];
  for (const args of wrong) assert.equal(await status(scene, effect(made, args)), 'CONFAB_ACTION_INPUT_INVALID', JSON.stringify(args));
  assert.equal(await status(scene, effect(made, { id: 7, toString: 'x' })), 'ok');
  assert.equal(server.asked.length, 1);
});

test('the body is JSON in which inputs keep their types', async (t) => {
  const server = await testServer(t, (response) => { json(response, { state: 'x' }); });
  const scene = effectsFor(t, [server.origin]);
  const made = action(server.origin, {
    method: 'POST', path: ['/'], input: [{ name: 'n', type: 'number', required: true }, { name: 'who', type: 'text', required: false }],
    body: { form: 'object', fields: [
      { name: 'n', value: { form: 'value', input: 'n' } }, { name: 'who', value: { form: 'value', input: 'who' } }, { name: '__proto__', value: { form: 'literal', value: true } },
      { name: 'list', value: { form: 'list', items: [{ form: 'text', text: ['n=', { input: 'n' }] }] } },
    ] },
  });
  assert.equal(await status(scene, effect(made, { n: 2 })), 'ok');
  assert.equal(server.asked[0]?.body, '{"n":2,"who":null,"__proto__":true,"list":["n=2"]}');
  assert.equal(server.asked[0].headers['content-type'], 'application/json');
});

test('the key is the same for the same step of the same input, another for any other, and tells no conversation', async (t) => {
  const server = await testServer(t, (response) => { json(response, { state: 'x' }); });
  const scene = effectsFor(t, [server.origin]);
  const made = action(server.origin, { method: 'POST' });
  for (const change of [{}, {}, { conversation: 'd' }, { tenant: 'other' }, { key: '00000000-000000000002-00#flow.step.0' }]) assert.equal(await status(scene, effect(made, { id: '7' }, change)), 'ok');
  assert.deepEqual([...server.keys.values()], [2, 1, 1, 1]);
  for (const key of server.keys.keys()) assert.match(key, /^[A-Za-z0-9_-]{43}$/);
});

test('a secret goes into a header of its host alone, and is nowhere else', async (t) => {
  const server = await testServer(t, (response) => { json(response, { state: 'x' }); });
  const spans: SpanRecord[] = [];
  const tracer: Tracer = { ...noTracer, enabled: true, child: (parent) => ({ ...parent, spanId: 'b'.repeat(16), parentSpanId: parent.spanId }), record: (span) => { spans.push(span); } };
  const secrets = JSON.stringify({ TOKEN: { host: `127.0.0.1:${server.port}`, value: 's3cret' }, OTHER: { host: 'other.example.com', value: 'hidden' } });
  const scene = effectsFor(t, [server.origin], { secrets, tracer });
  const span = { traceId: 'a'.repeat(32), spanId: 'c'.repeat(16), parentSpanId: undefined };
  const withSecret = (secret: string): HttpEffect => effect(action(server.origin, { headers: [{ name: 'authorization', value: ['Bearer ', { secret }] }] }));
  const result = await scene.effects.run(withSecret('TOKEN'), call({ span }));
  assert.equal(server.asked[0]?.headers.authorization, 'Bearer s3cret');
  for (const missing of ['OTHER', 'NONE', '__proto__']) assert.equal(await status(scene, withSecret(missing)), 'CONFAB_ACTION_SECRET_MISSING');
  assert.equal(server.asked.length, 1);
  assert.ok(!`${JSON.stringify(result)}${JSON.stringify(spans)}${await scene.metrics.metrics()}`.includes('s3cret'));
  assert.deepEqual({ ...spans[0]?.attributes }, { 'confab.bot': 'b', 'confab.action': 'look', 'http.request.method': 'GET', 'server.address': `127.0.0.1:${server.port}`, 'http.response.status_code': 200 });
});

test('an answer that is not as declared is refused, with one code and one count', async (t) => {
  let body = '';
  const server = await testServer(t, (response) => { response.end(body); });
  const scene = effectsFor(t, [server.origin]);
  const wrong: [string, Partial<ActionOutput>][] = [
    ['<html>', {}], ['', {}], ['null', {}], ['[]', {}], ['{"state":1}', {}], ['{"state":{"x":1}}', {}], ['{"state":"long enough to be refused"}', {}], ['{"state":"odd"}', { oneOf: ['even'] }],
    ['{"state":"1"}', { type: 'number' }], ['{"state":1e999}', { type: 'number' }], ['{"state":1.5}', { type: 'integer' }], ['{"state":9}', { type: 'integer', max: 8 }], ['{"state":"true"}', { type: 'boolean' }],
    ['{"a":{}}', { path: ['a', 'constructor', 'name'] }], ['{"state":"x"}', { path: ['__proto__', 'state'] }], ['"text"', { path: ['length'], type: 'number' }],
  ];
  for (const [answer, change] of wrong) {
    body = answer;
    assert.equal(await status(scene, effect(action(server.origin, { output: [output(change)] }))), 'CONFAB_ACTION_ANSWER_INVALID', `${answer} ${JSON.stringify(change)}`);
  }
  assert.equal(await counted(scene, 'CONFAB_ACTION_ANSWER_INVALID'), wrong.length);
  body = JSON.stringify({ state: 'a\u0000b\u0007\nc\u009f' });
  assert.equal((await scene.effects.run(effect(action(server.origin)), call())).result, '{"state":"ab\\nc"}');
});

test('each way to fail has its code', async (t) => {
  const server = await testServer(t, (response, { url }) => { json(response, {}, Number(url.split('/')[2]), { location: '/elsewhere' }); });
  const scene = effectsFor(t, [server.origin, 'http://127.0.0.1:1']);
  for (const [id, code] of [['400', 'REFUSED'], ['404', 'REFUSED'], ['409', 'REFUSED'], ['429', 'RATE_LIMITED'], ['500', 'SERVER_FAILED'], ['503', 'SERVER_FAILED'], ['302', 'REDIRECT_REFUSED'], ['200', 'ANSWER_INVALID']] as const) {
    assert.equal(await status(scene, effect(action(server.origin), { id })), `CONFAB_ACTION_${code}`, id);
  }
  assert.equal(await status(scene, effect(action('http://127.0.0.1:1'))), 'CONFAB_ACTION_UNREACHABLE');
  assert.equal(await status(scene, effect(action('https://other.example.com'))), 'CONFAB_ACTION_HOST_FORBIDDEN');
  assert.equal(await status(scene, effect(action(server.origin, { maxBytes: 1 }), { id: '200' })), 'CONFAB_ACTION_ANSWER_TOO_LARGE');
  assert.equal(await counted(scene, 'CONFAB_ACTION_REFUSED'), 3);
});

test('a call is repeated where that can help and may be: by its method or by its key', async (t) => {
  const left = new Map<string, number>();
  const server = await testServer(t, (response, asked) => {
    const name = `${asked.method} ${asked.url}`;
    const failures = left.get(name) ?? 2;
    left.set(name, failures - 1);
    if (failures > 0) json(response, {}, asked.url.endsWith('bad') ? 400 : 503); else json(response, { state: 'x' });
  });
  const scene = effectsFor(t, [server.origin]);
  const retry = { attempts: 2, pause: 1 };
  assert.equal(await status(scene, effect(action(server.origin, { retry }))), 'ok');
  assert.equal(await status(scene, effect(action(server.origin, { retry, method: 'POST' }))), 'CONFAB_ACTION_SERVER_FAILED');
  assert.equal(await status(scene, effect(action(server.origin, { retry, method: 'PATCH', keyed: true }))), 'ok');
  assert.equal(await status(scene, effect(action(server.origin, { retry: { attempts: 1, pause: 1 }, method: 'PUT' }))), 'CONFAB_ACTION_SERVER_FAILED');
  assert.equal(await status(scene, effect(action(server.origin, { retry }), { id: 'bad' })), 'CONFAB_ACTION_REFUSED');
  assert.deepEqual(['GET', 'POST', 'PATCH', 'PUT'].map((method) => server.asked.filter((asked) => asked.method === method && !asked.url.endsWith('bad')).length), [3, 1, 3, 2]);
  // All tries of one call have the key of the call.
  assert.equal(server.keys.get(idempotencyKey(effect(action('')))), 6);
});

test('a try that could not begin before the end is not waited for', async (t) => {
  const server = await testServer(t, (response) => { json(response, {}, 503, { 'retry-after': '3600' }); });
  const scene = effectsFor(t, [server.origin]);
  assert.equal(await status(scene, effect(action(server.origin, { retry: { attempts: 2, pause: 1 }, timeout: 5000 }))), 'CONFAB_ACTION_SERVER_FAILED');
  assert.equal(server.asked.length, 1);
});

test('a call ends with its time, whether the server is silent, slow or full', async (t) => {
  const server = await testServer(t, (response, { url }) => { if (url.endsWith('slow')) response.writeHead(200).write('{"state":'); });
  const scene = effectsFor(t, [server.origin]);
  const made = action(server.origin, { timeout: 200, concurrency: 1, queue: 1 });
  assert.equal(await status(scene, effect(made, { id: 'slow' })), 'CONFAB_ACTION_TIMEOUT');
  // Another action: the place of the first is given back when its connection is closed.
  const full = effect({ ...made, name: 'full' });
  const [first, second, third] = [full, full, full].map((each) => status(scene, each));
  assert.deepEqual([await first, await second, await third], ['CONFAB_ACTION_TIMEOUT', 'CONFAB_ACTION_TIMEOUT', 'CONFAB_ACTION_BUSY']);
});

test('the budget of the stage ends a call before its own time does', async (t) => {
  const server = await testServer(t, () => { /* says nothing */ });
  const scene = effectsFor(t, [server.origin]);
  const { systemClock } = await import('../../platform/clock.js');
  const result = await scene.effects.run(effect(action(server.origin, { timeout: 20_000 })), call({ deadline: systemClock.monotonic() + 100 }));
  assert.equal(result.status, 'CONFAB_ACTION_TIMEOUT');
});

test('a call that was given up while it waited for its place does not keep the others waiting', async (t) => {
  const held: (() => void)[] = [];
  const server = await testServer(t, (response) => { held.push(() => { json(response, { state: 'x' }); }); });
  const scene = effectsFor(t, [server.origin]);
  const made = action(server.origin, { concurrency: 1, queue: 5 });
  const first = scene.effects.run(effect(made), call());
  await eventually('the first is under way', () => held.length === 1);
  const abort = new AbortController();
  const given = scene.effects.run(effect(made), call({ signal: abort.signal }));
  const last = scene.effects.run(effect(made), call());
  abort.abort(new Error('the partition leaves'));
  await assert.rejects(given, /the partition leaves/);
  held[0]?.();
  await eventually('the last is under way', () => held.length === 2);
  held[1]?.();
  assert.deepEqual([(await first).status, (await last).status], ['ok', 'ok']);
});

test('a server that is down is left alone for a while, and tried again by one call', async (t) => {
  let down = true;
  const server = await testServer(t, (response) => { json(response, { state: 'x' }, down ? 500 : 200); });
  const scene = effectsFor(t, [server.origin]);
  const made = action(server.origin, { breaker: { failures: 3, rest: 300 } });
  for (let i = 0; i < 3; i += 1) assert.equal(await status(scene, effect(made)), 'CONFAB_ACTION_SERVER_FAILED');
  assert.equal(await status(scene, effect(made)), 'CONFAB_ACTION_RESTING');
  assert.equal(server.asked.length, 3);
  // Another action is not meant.
  assert.equal(await status(scene, effect({ ...made, name: 'another' })), 'CONFAB_ACTION_SERVER_FAILED');
  down = false;
  await eventually('it is tried again', async () => await status(scene, effect(made)) === 'ok');
});

test('what the other side refuses is no failure of it: the action does not rest', async (t) => {
  const server = await testServer(t, (response) => { json(response, {}, 404); });
  const scene = effectsFor(t, [server.origin]);
  for (let i = 0; i < 5; i += 1) assert.equal(await status(scene, effect(action(server.origin, { breaker: { failures: 2, rest: 60_000 } }))), 'CONFAB_ACTION_REFUSED');
});

test('a fallback stands in for the outputs, and the failure is counted', async (t) => {
  const server = await testServer(t, (response) => { json(response, {}, 500); });
  const scene = effectsFor(t, [server.origin]);
  assert.deepEqual(await scene.effects.run(effect(action(server.origin, { fallback: { state: 'unknown' } })), call()), { key: effect(action('')).key, kind: 'http', status: 'ok', result: '{"state":"unknown"}' });
  assert.equal(await counted(scene, 'CONFAB_ACTION_SERVER_FAILED'), 1);
});
