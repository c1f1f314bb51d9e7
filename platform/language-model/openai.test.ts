import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCode, type ErrorCode } from '../errors.js';
import { eventually } from '../testing.js';
import { languageModelContract, type Staged } from './language-model.contract.js';
import { OpenAiModel } from './openai.js';
import { ModelServer, type Behaviour } from './testing.js';

const BEHAVIOUR: Record<Staged['end'], Behaviour> = {
  stop: {}, length: { end: 'length' }, cut: { end: 'tear' }, hang: { end: 'hang' },
  failed: { status: 500, raw: 'the secret words' }, busy: { status: 429 }, refused: { status: 401, raw: 'secret' },
};

languageModelContract('openai', async (t, { say, end, tokens }) => {
  const server = await ModelServer.start(t, () => ({ say, ...BEHAVIOUR[end], ...(tokens === undefined ? {} : { tokens }) }));
  return new OpenAiModel({ url: server.url, model: 'm' });
});

const idle = new AbortController().signal;
const question = { messages: [{ role: 'user', content: 'hi' }] as const, maxTokens: 7, user: 'u' };

async function all(model: OpenAiModel): Promise<string> {
  let text = '';
  for await (const piece of model.stream(question, idle)) text += piece;
  return text;
}

test('openai language model: asks by name, with the key in one header, and offers no tools', async (t) => {
  const server = await ModelServer.start(t, () => ({ say: ['ok'] }));
  let key = 'k1';
  const model = new OpenAiModel({ url: `${server.url}/`, model: 'small', key: () => key });
  assert.equal(await all(model), 'ok');
  key = 'k2';
  assert.equal(await all(model), 'ok');
  assert.deepEqual(server.requests.map(({ path, headers }) => [path, headers.authorization]), [['/v1/chat/completions', 'Bearer k1'], ['/v1/chat/completions', 'Bearer k2']]);
  const body = server.requests[0]?.body;
  assert.deepEqual([body?.model, body?.max_tokens, body?.messages, body?.tools, body?.user], ['small', 7, question.messages, undefined, 'u']);
});

test('openai language model: an aborted request is closed on the other side too', async (t) => {
  const server = await ModelServer.start(t, () => ({ say: ['a'], end: 'hang' }));
  const controller = new AbortController();
  const stream = new OpenAiModel({ url: server.url, model: 'm' }).stream(question, controller.signal);
  await stream.next();
  controller.abort(new Error('late'));
  await assert.rejects(stream.next(), /late/);
  await eventually('the server saw it', () => server.abandoned === 1);
});

test('openai language model: who stops reading closes the request', async (t) => {
  const server = await ModelServer.start(t, () => ({ say: ['a', 'b'], end: 'hang' }));
  for await (const piece of new OpenAiModel({ url: server.url, model: 'm' }).stream(question, idle)) { assert.equal(piece, 'a'); break; }
  await eventually('the server saw it', () => server.abandoned === 1);
});

const bad: readonly [string, Behaviour, ErrorCode][] = [
  ['a page of HTML', { raw: '<html>', headers: { 'content-type': 'text/html' } }, 'CONFAB_MODEL_NONSENSE'],
  ['an event that is no JSON', { raw: 'data: nonsense\n\n' }, 'CONFAB_MODEL_NONSENSE'],
  ['an event that is no object', { raw: 'data: [1]\n\n' }, 'CONFAB_MODEL_NONSENSE'],
  ['choices that are no list', { raw: 'data: {"choices":7}\n\n' }, 'CONFAB_MODEL_NONSENSE'],
  ['a call of a tool', { raw: 'data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"refund","arguments":"{}"}}]}}]}\n\n' }, 'CONFAB_MODEL_NONSENSE'],
  ['an event that never ends', { raw: `data: ${'x'.repeat(600 * 1024)}`, end: 'hang' }, 'CONFAB_MODEL_NONSENSE'],
  ['bytes without end', { raw: ': padding\n'.repeat(500_000), end: 'hang' }, 'CONFAB_MODEL_NONSENSE'],
  ['an error in the middle', { raw: 'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"error":{"message":"out of memory"}}\n\n' }, 'CONFAB_MODEL_UNAVAILABLE'],
  ['an end without a reason', { say: ['a'], end: 'nothing' }, 'CONFAB_MODEL_CUT'],
  ['nothing at all', { raw: '', end: 'nothing' }, 'CONFAB_MODEL_CUT'],
  ['a filter', { raw: 'data: {"choices":[{"delta":{},"finish_reason":"content_filter"}]}\n\n' }, 'CONFAB_MODEL_REFUSED'],
  ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:1/' } }, 'CONFAB_MODEL_REFUSED'],
];
for (const [what, behaviour, code] of bad) {
  test(`openai language model: ${what} is ${code}`, async (t) => {
    const server = await ModelServer.start(t, () => behaviour);
    await assert.rejects(all(new OpenAiModel({ url: server.url, model: 'm' })), (error) => isCode(error, code));
    assert.equal(server.requests.length, 1, 'it asks once');
  });
}

test('openai language model: no server is CONFAB_MODEL_UNAVAILABLE, and a wait that it asks for is known', async (t) => {
  const gone = await ModelServer.start(t, () => ({}));
  const { url } = gone;
  await gone.close();
  await assert.rejects(all(new OpenAiModel({ url, model: 'm' })), (error) => isCode(error, 'CONFAB_MODEL_UNAVAILABLE') && /ECONNREFUSED/.test(error.detail));
  const busy = await ModelServer.start(t, () => ({ status: 429, headers: { 'retry-after': '7' } }));
  await assert.rejects(all(new OpenAiModel({ url: busy.url, model: 'm' })), (error) => isCode(error, 'CONFAB_MODEL_BUSY') && error.retryAfterMs === 7000);
});

test('openai language model: characters and events may be torn anywhere', async (t) => {
  const whole = Buffer.from('\uFEFFdata: {"choices":[{"delta":{"content":"é📦"}}]}\r\n\r\n: ping\n\ndata: {"choices":[{"delta":{"tool_calls":[],"content":"!"},\ndata: "finish_reason":"stop"}]}\n\n');
  const server = await ModelServer.start(t, () => ({ raw: [...whole].map((byte) => Uint8Array.of(byte)) }));
  assert.equal(await all(new OpenAiModel({ url: server.url, model: 'm' })), 'é📦!');
});
