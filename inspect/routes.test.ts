import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { ANONYMOUS, type Authenticator, type Principal } from '../platform/auth/auth.js';
import { settle } from '../platform/clock-manual.js';
import { ConfabError } from '../platform/errors.js';
import { openSocket, testServer, type TestSocket } from '../platform/http/testing.js';
import { createAjv } from '../platform/http/validator.js';
import type { HttpServerOptions } from '../platform/http/server.js';
import type { SocketSession } from '../platform/http/socket-session.js';
import { Follower } from './follower.js';
import { inspectRoutes, type InspectOptions } from './routes.js';
import { StoryReader, type Story } from './story.js';
import { storyTopics } from './story-topics.js';
import { Chronicle, tellAll } from './testing.js';
import { xrayFrames } from './xray-frames.js';
import { XraySession } from './xray-session.js';

const LOCAL = { host: '127.0.0.1' };
interface Frame { type: string; topic?: string; messageId?: string | null; offset?: number; code?: string; [name: string]: unknown }

async function server(t: { after(run: () => void | Promise<void>): void }, chronicle: Chronicle, options: Partial<InspectOptions> = {}, http: Partial<HttpServerOptions> = {}): Promise<FastifyInstance> {
  const app = testServer(t, { clock: chronicle.clock, ...http });
  await app.register(inspectRoutes, { log: chronicle.log, codec: chronicle.codec, clock: chronicle.clock, prefix: '', ...options });
  await app.ready();
  return app;
}

/** Tokens `admin` and `user`. */
const tokens: Authenticator = {
  required: true,
  authenticate: (token) => {
    const scopes = token === 'admin' ? ['admin'] : token === 'user' ? ['conversations:read', 'conversations:all'] : undefined;
    return scopes === undefined ? Promise.reject(new ConfabError('CONFAB_TOKEN_INVALID')) : Promise.resolve({ ...ANONYMOUS, scopes: new Set(scopes) } satisfies Principal);
  },
};

const open = (app: FastifyInstance, query = '', protocols = 'confab.xray.v1', headers = {}): Promise<TestSocket> => openSocket(app, `/v1/admin/conversations/c1/xray${query}`, protocols, headers);

/** The frames up to and with `ready`. */
async function untilReady(socket: TestSocket): Promise<Frame[]> {
  const frames: Frame[] = [];
  do frames.push(await socket.next() as Frame); while (frames.at(-1)?.type !== 'ready');
  return frames;
}

async function ticks(chronicle: Chronicle, count = 3): Promise<void> {
  for (let i = 0; i < count; i += 1) { await chronicle.clock.advance(25); for (let turn = 0; turn < 5; turn += 1) await settle(); }
}

test('the story comes as JSON, unknown conversations are empty', async (t) => {
  const chronicle = await Chronicle.memory();
  await tellAll(chronicle);
  const app = await server(t, chronicle);
  const get = async (id: string, query = ''): Promise<Story> => (await app.inject({ url: `/v1/admin/conversations/${id}/story${query}`, headers: LOCAL })).json();
  const story = await get('c1');
  assert.deepEqual(story.messages.map(({ messageId, outcome, tookMs, records }) => [messageId, outcome, tookMs, records.map(({ topic }) => topic.replace('.v1', '')).join(' ')]), [
    ['01MESSAGE1', 'answered', 19, 'messages intents replies dialogue-states deliveries'], ['01MESSAGE2', 'answered', 255, 'messages intents replies dialogue-states timers'],
    ['01MESSAGE3', 'dead_lettered', 1203, 'messages intents dead-letters'], ['01MESSAGE4', 'handed_off', 2, 'messages intents replies dialogue-states timers'], ['01MESSAGE5', null, null, 'messages'],
  ]);
  const [, intent, reply, state] = story.messages[1]?.records ?? [];
  assert.deepEqual([intent?.intent, intent?.confidence, intent?.sincePreviousMs, reply?.sinceAcceptedMs, reply?.sincePreviousMs], ['change_delivery', 1, 5, 255, 250]);
  assert.deepEqual(state?.stateChange, [{ path: 'flows', from: null, to: ['change@1'] }, { path: 'waitingFor', from: null, to: 'number' }]);
  assert.deepEqual((await get('c1', '?limit=1')).messages.length, 1);
  assert.deepEqual([(await get('c1', '?limit=1')).more, (await get('nobody')).messages], [true, []]);
  for (const query of ['?limit=0', '?limit=201', '?x=1']) assert.equal((await app.inject({ url: `/v1/admin/conversations/c1/story${query}`, headers: LOCAL })).json<{ code: string }>().code, 'CONFAB_QUERY_INVALID');
});

test('without authentication only this machine, with it only the scope admin', async (t) => {
  const chronicle = await Chronicle.memory();
  const off = await server(t, chronicle);
  const status = async (app: FastifyInstance, headers: Record<string, string>, remoteAddress = '127.0.0.1') => {
    const [story, v1] = await Promise.all([app.inject({ url: '/v1/admin/conversations/c1/story', headers: { ...LOCAL, ...headers }, remoteAddress }), app.inject({ url: '/v1', headers: { ...LOCAL, ...headers }, remoteAddress })]);
    return [story.statusCode, v1.json<{ features: string[] }>().features.join()];
  };
  assert.deepEqual(await status(off, {}), [200, 'xray']);
  assert.deepEqual(await status(off, {}, '10.0.0.7'), [403, '']);
  assert.deepEqual(await status(off, { 'x-forwarded-for': '127.0.0.1' }), [403, '']);
  const on = await server(t, chronicle, {}, { authenticator: tokens });
  assert.deepEqual(await status(on, {}), [401, '']);
  assert.deepEqual(await status(on, { authorization: 'Bearer user' }), [403, '']);
  assert.deepEqual(await status(on, { authorization: 'Bearer admin' }, '10.0.0.7'), [200, 'xray']);
  assert.equal((await (await open(on, '', 'confab.xray.v1, confab.bearer.user')).closed).code, 4101);
  assert.equal((await (await open(on, '', 'confab.xray.v1, confab.bearer.nobody')).closed).code, 4100);
  assert.equal((await untilReady(await open(on, '', 'confab.xray.v1, confab.bearer.admin'))).length, 1);
  await assert.rejects(open(off, '', 'confab.xray.v1', { 'x-forwarded-for': '1.2.3.4' }), /403/);
});

test('X-ray gives the last messages, ready, then each record once, in the order of the causes', async (t) => {
  const chronicle = await Chronicle.memory(1);
  const turns = await tellAll(chronicle);
  const app = await server(t, chronicle);
  const [one, two] = [await open(app, '?limit=2'), await open(app, '?limit=1')];
  const frames = await untilReady(one);
  assert.deepEqual(frames.map(({ type, topic, messageId }) => [type, topic, messageId ?? null]), [
    ['record', 'messages.v1', '01MESSAGE4'], ['record', 'intents.v1', '01MESSAGE4'], ['record', 'replies.v1', '01MESSAGE4'], ['record', 'dialogue-states.v1', '01MESSAGE4'], ['record', 'timers.v1', '01MESSAGE4'],
    ['record', 'messages.v1', '01MESSAGE5'], ['ready', undefined, null],
  ]);
  assert.deepEqual(frames.at(-1), { type: 'ready', conversationId: 'c1', partition: 0, earlier: true, unreadable: [] });
  const ajv = createAjv();
  for (const frame of frames) assert.ok(ajv.validate(frame.type === 'ready' ? xrayFrames.ready.schema : xrayFrames.record.schema, frame), JSON.stringify(ajv.errors));
  await untilReady(two);
  const waiting = turns[4]!;
  // Written the other way round: what caused them comes first all the same.
  await chronicle.answer(waiting, 'Yes.', { data: '{"n":2}' });
  await chronicle.detect(waiting, 'greet');
  await chronicle.accept('c2', '01OTHER2');
  await ticks(chronicle);
  for (const socket of [one, two]) {
    const live = [await socket.next(), await socket.next(), await socket.next()] as Frame[];
    assert.deepEqual(live.map(({ topic, messageId }) => [topic, messageId]), [['intents.v1', '01MESSAGE5'], ['replies.v1', '01MESSAGE5'], ['dialogue-states.v1', '01MESSAGE5']]);
    assert.deepEqual(live[2]?.stateChange, [
      { path: 'handedOff', from: true, to: null }, { path: 'slots.number', from: 'PP1', to: null }, { path: 'notUnderstood', from: 1, to: 2 },
    ]);
  }
});

test('a record is on its way within 50 ms, and nobody who looks costs nothing', async (t) => {
  const chronicle = await Chronicle.memory(1);
  const app = await server(t, chronicle);
  const idle = chronicle.clock.waiting;
  const socket = await open(app);
  await untilReady(socket);
  const accepted = await chronicle.accept('c1', 'M');
  let came = Infinity;
  void socket.next().then(() => { came = chronicle.clock.now(); });
  while (came === Infinity && chronicle.clock.now() < accepted.at + 1_000) { await chronicle.clock.advance(5); for (let turn = 0; turn < 3; turn += 1) await settle(); }
  assert.ok(came - accepted.at <= 50, `${came - accepted.at} ms`);
  socket.socket.terminate();
  await ticks(chronicle, 2);
  assert.ok(chronicle.clock.waiting <= idle, 'no timer is left');
});

test('viewers are counted, long texts cut, other frames refused', async (t) => {
  const chronicle = await Chronicle.memory(1);
  const app = await server(t, chronicle, { maxViewers: 1 });
  const socket = await open(app);
  await untilReady(socket);
  await assert.rejects(open(app), /503/);
  await chronicle.accept('c1', 'M', { text: 'x'.repeat(9_000) });
  await ticks(chronicle);
  assert.equal((await socket.next()).clipped, true);
  socket.send({ type: 'subscribe' });
  assert.equal((await socket.next()).code, 'CONFAB_FRAME_INVALID');
  socket.socket.terminate();
  await socket.closed;
  await ticks(chronicle);
  await untilReady(await open(app));
});

test('a viewer that does not take what it is sent is closed with 4000', async () => {
  const chronicle = await Chronicle.memory(1);
  const topics = await storyTopics(chronicle.log, '');
  const { log, codec, clock } = chronicle;
  const closes: number[] = [];
  const sent: string[] = [];
  const stuck = { principal: ANONYMOUS, open: true, bufferedBytes: 200, sendText: (text: string, written?: () => void) => { sent.push(text); written?.(); }, close: (code: number) => { closes.push(code); } };
  const session = new XraySession({
    session: stuck as unknown as SocketSession, follower: new Follower({ log, codec, topics, clock, pollMillis: 25 }), reader: new StoryReader({ log, codec, topics, clock }),
    conversationId: 'c1', limit: 1, maxQueueBytes: 199, authRequired: false, closed: () => undefined,
  });
  await session.begin();
  assert.deepEqual([sent.length, closes], [1, [4000]]);
  session.closed();
});

test('a log that fails is told once and followed again without a gap', async (t) => {
  const chronicle = await Chronicle.memory(1);
  let broken = false;
  const log = new Proxy(chronicle.log, {
    get: (target, name): unknown => {
      if (name === 'read' && broken) return () => { throw new ConfabError('CONFAB_LOG_UNAVAILABLE'); };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
  const app = await server(t, chronicle, { log });
  const socket = await open(app);
  await untilReady(socket);
  broken = true;
  await chronicle.accept('c1', 'M1');
  for (let i = 0; i < 4; i += 1) await ticks(chronicle, 60);
  broken = false;
  await chronicle.accept('c1', 'M2');
  await ticks(chronicle, 60);
  const frames = [await socket.next(), await socket.next(), await socket.next()] as Frame[];
  assert.deepEqual(frames.map(({ type, code, messageId }) => code ?? messageId ?? type), ['CONFAB_LOG_UNAVAILABLE', 'M1', 'M2']);
});
