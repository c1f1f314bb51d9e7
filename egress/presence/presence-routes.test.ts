import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import type { Authenticator, Principal } from '../../platform/auth/auth.js';
import { ConfabError } from '../../platform/errors.js';
import { openSocket, type TestSocket } from '../../platform/http/testing.js';
import { seededRandom } from '../../platform/random.js';
import { MemoryBus } from '../fanout/memory.js';
import { Scene, testNode, type TestNode } from '../testing.js';
import { presenceTimes } from './presence-times.js';
import { pass, saidBy } from './testing.js';

const times = presenceTimes();
const START = '2026-01-01T00:00:00.000Z';

function principal(subject: string, ...scopes: string[]): Principal {
  return { tenant: 'acme', subject, scopes: new Set(scopes), conversations: new Set(['c1']), bot: undefined, expiresAt: undefined };
}
const tokens: Readonly<Record<string, Principal>> = {
  anna: principal('anna', 'conversations:read'), pia: principal('pia', 'agent'), writer: principal('writer', 'messages:write'),
  elsewhere: { ...principal('anna', 'conversations:read'), tenant: 'globex' },
  all: { ...principal('bridge', 'integration', 'conversations:all'), conversations: new Set() },
};
const authenticator: Authenticator = {
  required: true,
  authenticate: (token) => { const found = tokens[token ?? '']; assert.ok(found); return Promise.resolve(found); },
};
const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });

async function stream({ app }: TestNode, token: string, conversation = 'c1'): Promise<TestSocket> {
  const socket = await openSocket(app, `/v1/conversations/${conversation}/stream`, 'confab.v1', bearer(token));
  assert.equal((await socket.next()).type, 'ready');
  return socket;
}
async function ask(app: FastifyInstance, token: string | undefined, conversation = 'c1'): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await app.inject({ url: `/v1/conversations/${conversation}/presence`, headers: { host: '127.0.0.1', ...(token === undefined ? {} : bearer(token)) } });
  return { status: answer.statusCode, body: answer.json() };
}

test('sockets of all nodes are one answer; ids of others are told to agents and integrations only', async (t) => {
  const scene = await Scene.make();
  const shared = { bus: new MemoryBus(), http: { authenticator }, presence: times };
  const one = await testNode(t, scene, shared);
  const two = await testNode(t, scene, { ...shared, random: seededRandom(4) });
  await stream(one, 'anna');
  await stream(two, 'anna');
  await pass(scene, 1_000);
  await stream(two, 'pia');
  await pass(scene, 3_000);
  const anna = { userId: 'anna', role: 'person', devices: 2, since: START };
  const pia = { role: 'agent', devices: 1, since: '2026-01-01T00:00:01.000Z' };
  const whole = { conversationId: 'c1', devices: 3, since: START };
  for (const { app } of [one, two]) {
    assert.deepEqual(await ask(app, 'pia'), { status: 200, body: { ...whole, users: [anna, { userId: 'pia', ...pia }] } });
    assert.deepEqual((await ask(app, 'all')).body.users, [anna, { userId: 'pia', ...pia }]);
    assert.deepEqual(await ask(app, 'anna'), { status: 200, body: { ...whole, users: [anna, pia] } });
  }
  assert.deepEqual(await ask(one.app, 'elsewhere'), { status: 200, body: { conversationId: 'c1', devices: 0, since: null, users: [] } });
});

test('it is read by who may read the conversation', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene, { http: { authenticator }, presence: times });
  assert.deepEqual([(await ask(app, 'writer')).status, (await ask(app, 'writer')).body.code], [403, 'CONFAB_SCOPE_MISSING']);
  assert.deepEqual([(await ask(app, 'anna', 'c2')).status, (await ask(app, 'anna', 'c2')).body.code], [403, 'CONFAB_CONVERSATION_FORBIDDEN']);
  assert.equal((await ask(app, 'anna', 'a%20b')).body.code, 'CONFAB_CONVERSATION_ID_INVALID');
});

test('subscriptions of one socket count, each for its conversation; unsubscribed or closed they do not', async (t) => {
  const scene = await Scene.make();
  const node = await testNode(t, scene, { presence: times });
  const socket = await openSocket(node.app, '/v1/stream', 'confab.v1');
  for (const conversationId of ['c1', 'c2', 'c1']) {
    socket.send({ type: 'subscribe', conversationId });
    assert.equal((await socket.next()).type, 'ready');
  }
  await pass(scene, 3_000);
  const devices = async (): Promise<unknown[]> => [(await ask(node.app, undefined, 'c1')).body.devices, (await ask(node.app, undefined, 'c2')).body.devices];
  assert.deepEqual(await devices(), [1, 1]);
  assert.deepEqual((await ask(node.app, undefined)).body.users, [{ userId: 'anonymous', role: 'person', devices: 1, since: START }]);
  socket.send({ type: 'unsubscribe', conversationId: 'c1' });
  await pass(scene, 8_000);
  assert.deepEqual(await devices(), [0, 1]);
  socket.socket.terminate();
  await pass(scene, 8_000);
  assert.deepEqual(await devices(), [0, 0]);
});

test('a node that closes takes back what it has said', async (t) => {
  const scene = await Scene.make();
  const node = await testNode(t, scene, { presence: times });
  await openSocket(node.app, '/v1/conversations/c1/stream', 'confab.v1');
  await pass(scene, 30_000);
  assert.equal((await saidBy(scene.log)).entries.size, 1);
  await node.egress.close();
  const { entries, leases } = await saidBy(scene.log);
  assert.deepEqual([entries.size, leases.size], [0, 0]);
});

test('switched off, nothing is written, it is not offered, and the route says so by its code', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene);
  await openSocket(app, '/v1/conversations/c1/stream', 'confab.v1');
  await pass(scene, 60_000);
  assert.equal((await saidBy(scene.log)).changes, 0);
  const { status, body } = await ask(app, undefined);
  assert.deepEqual([status, body.code, body.retryable], [404, 'CONFAB_PRESENCE_OFF', false]);
  const features = async (of: FastifyInstance): Promise<string[]> => (await of.inject({ url: '/v1', headers: { host: '127.0.0.1' } })).json<{ features: string[] }>().features;
  assert.ok(!(await features(app)).includes('presence'));
  const on = await testNode(t, await Scene.make(), { presence: times });
  assert.ok((await features(on.app)).includes('presence'));
});

test('a log that does not answer is said by its code, after five seconds at most', async (t) => {
  const scene = await Scene.make();
  let hangs = false;
  let end = (): void => { /* not begun */ };
  const log = new Proxy(scene.log, {
    get(target, name) {
      if (name === 'admin') return new Proxy(target.admin, { get: (admin, method) => (hangs && method === 'bounds' ? () => new Promise<never>((_resolve, reject) => { end = () => { reject(new ConfabError('CONFAB_LOG_UNAVAILABLE')); }; }) : (Reflect.get(admin, method) as () => unknown).bind(admin)) });
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
  const { app } = await testNode(t, scene, { log, presence: { ...times, look: 3_600_000 } });
  hangs = true;
  const asked = ask(app, undefined);
  await pass(scene, 6_000);
  assert.deepEqual([(await asked).status, (await asked).body.code], [503, 'CONFAB_VIEW_BEHIND']);
  end();
});
