import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Authenticator, Principal } from '../platform/auth/auth.js';
import { openSocket, type TestSocket } from '../platform/http/testing.js';
import { MemoryBus } from './fanout/memory.js';
import { MemoryOutbox } from './outbox/memory.js';
import { part, Scene, testNode, turns } from './testing.js';

type Frame = Record<string, unknown>;

async function frames(socket: TestSocket, count: number): Promise<Frame[]> {
  const got: Frame[] = [];
  for (let i = 0; i < count; i += 1) got.push(await socket.next());
  return got;
}
const brief = (found: Frame[]): unknown[] => found.map(({ type, position, outcome }) => [type, position, ...(outcome === undefined ? [] : [outcome])]);
const stream = (conversationId: string, after?: string): string => `/v1/conversations/${conversationId}/stream${after === undefined ? '' : `?after=${after}`}`;

test('a reply goes out as the protocol says', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene);
  const socket = await openSocket(app, stream('c1'), 'confab.v1');
  const ready = await socket.next();
  assert.deepEqual({ ...ready, position: 'x' }, { type: 'ready', conversationId: 'c1', position: 'x', recovered: true });
  const position = await scene.accept('c1');
  await scene.answer('c1', position, {
    inReplyTo: 'M1', replyId: 'M1-01', author: { type: 'bot', name: 'Pia' },
    parts: [part('One'), { ...part('Two'), quickReplies: [{ title: 'Yes', payload: 'y' }] }],
  });
  assert.deepEqual(await socket.next(), {
    type: 'reply', conversationId: 'c1', position: `${position.slice(0, -1)}1`, replyId: 'M1-01', inReplyTo: 'M1', author: { type: 'bot', name: 'Pia' },
    text: 'One\nTwo', parts: [{ text: 'One' }, { text: 'Two' }], quickReplies: [{ title: 'Yes', payload: 'y' }], createdAt: '2026-01-01T00:00:00.000Z',
  });
  socket.socket.close(1000);
});

test('a bubble with buttons, an image or citations goes out with them, also alone', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene);
  const socket = await openSocket(app, stream('c1'), 'confab.v1');
  await socket.next();
  const image = { url: 'https://example.com/a.png', alt: 'A parcel' };
  const whole = { ...part('Two'), image, buttons: [{ title: 'Open', url: 'https://example.com/', payload: null }, { title: 'Yes', url: null, payload: 'y' }], citations: [{ title: 'Prices', source: 'prices.md', url: null }] };
  await scene.answer('c1', await scene.accept('c1'), { parts: [whole] });
  const shown = { text: 'Two', buttons: [{ title: 'Open', url: 'https://example.com/' }, { title: 'Yes', payload: 'y' }], image, citations: [{ title: 'Prices', source: 'prices.md' }] };
  const alone = await socket.next();
  assert.deepEqual([alone.text, alone.parts], ['Two', [shown]]);
  await scene.answer('c1', await scene.accept('c1'), { parts: [part('One'), whole] });
  assert.deepEqual((await socket.next()).parts, [{ text: 'One' }, shown]);
});

test('every kind of outcome is one frame; a handover has one more', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene);
  const socket = await openSocket(app, stream('c1'), 'confab.v1');
  await socket.next();
  const [silent, handed, dead, last] = [await scene.accept('c1'), await scene.accept('c1'), await scene.accept('c1'), await scene.accept('c1')];
  await scene.answer('c1', silent, { parts: [], outcome: 'silent' });
  await scene.answer('c1', handed, { parts: [], outcome: 'handed_off', handoff: { to: 'person', reason: 'asked', transcript: [] } });
  await scene.giveUp('c1', dead, { messageId: 'M3' });
  await scene.answer('c1', last);
  const got = await frames(socket, 5);
  assert.deepEqual(brief(got), [
    ['outcome', `${silent.slice(0, -1)}1`, 'silent'], ['outcome', `${handed.slice(0, -1)}1`, 'handed_off'], ['handoff', `${handed.slice(0, -1)}2`],
    ['outcome', `${dead.slice(0, -1)}1`, 'dead_lettered'], ['reply', `${last.slice(0, -1)}1`],
  ]);
  assert.deepEqual([got[2]?.to, got[2]?.reason, got[3]?.inReplyTo], ['person', 'asked', 'M3']);
});

test('a dead letter at the end of a conversation comes after a second; those of later stages and closed ones are no outcome', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene);
  const socket = await openSocket(app, stream('c1'), 'confab.v1');
  await socket.next();
  const [a, b] = [await scene.accept('c1'), await scene.accept('c1')];
  await scene.answer('c1', a);
  await scene.giveUp('c1', a, { stage: 'analytics', topic: 'replies.v1' });
  await scene.giveUp('c1', a, { stage: 'analytics', topic: 'messages.v1' });
  await scene.giveUp('c1', a, { status: 'discarded', closes: '0-1' });
  await scene.giveUp('c1', b, { position: null });
  assert.equal((await socket.next()).type, 'reply');
  await turns();
  await scene.clock.advance(2_000);
  assert.deepEqual(brief(await frames(socket, 1)), [['outcome', `${b.slice(0, -1)}1`, 'dead_lettered']]);
});

test('without a position only what comes from now on; ready names a position to go on from', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene);
  const first = await scene.answer('c1', await scene.accept('c1'));
  await turns();
  const socket = await openSocket(app, stream('c1'), 'confab.v1');
  assert.deepEqual(await socket.next(), { type: 'ready', conversationId: 'c1', position: first, recovered: true });
  const second = await scene.answer('c1', await scene.accept('c1'));
  assert.deepEqual(brief(await frames(socket, 1)), [['reply', second]]);
});

test('with a position everything later, once, then live: from the outbox and, where it forgot, from the log', async (t) => {
  for (const forget of [false, true]) {
    const scene = await Scene.make();
    const { app, outbox } = await testNode(t, scene);
    const asked = await scene.accept('c1');
    const all = [await scene.answer('c1', asked)];
    for (let i = 0; i < 5; i += 1) { const position = await scene.accept('c1'); all.push(i === 2 ? await scene.giveUp('c1', position) : await scene.answer('c1', position)); }
    await turns();
    if (forget) outbox.flush();
    for (const after of [asked, ...all]) {
      const socket = await openSocket(app, stream('c1', after), 'confab.v1');
      const later = all.filter((position) => position > after);
      const got = await frames(socket, later.length + 1);
      assert.deepEqual(got.map(({ position }) => position), [after, ...later]);
      assert.equal(got[0]?.recovered, true);
      socket.socket.close(1000);
    }
    const socket = await openSocket(app, stream('c1', all[5]), 'confab.v1');
    await socket.next();
    const next = await scene.answer('c1', await scene.accept('c1'));
    assert.deepEqual(brief(await frames(socket, 1)), [['reply', next]]);
  }
});

test('many older outcomes come in order from the log, in more than one scan', async (t) => {
  const scene = await Scene.make(1);
  const { app, outbox } = await testNode(t, scene);
  const asked = await scene.accept('c1');
  const all = [await scene.answer('c1', asked)];
  for (let i = 0; i < 1_200; i += 1) { const position = await scene.accept('c1'); all.push(i % 400 === 7 ? await scene.giveUp('c1', position) : await scene.answer('c1', position)); }
  await turns();
  outbox.flush();
  const socket = await openSocket(app, stream('c1', asked), 'confab.v1');
  assert.deepEqual((await frames(socket, all.length + 1)).slice(1).map(({ position }) => position), all);
});

test('a position of another epoch, of the future or before the log begins is not recovered, and goes on from now', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene);
  const last = await scene.answer('c1', await scene.accept('c1'));
  await turns();
  for (const after of ['ffffffff-000000000001-00', `${scene.topics.epoch}-000000900000-01`]) {
    const known = after.startsWith('ffffffff');
    const socket = await openSocket(app, stream(known ? 'c1' : 'unknown', after), 'confab.v1');
    const ready = await socket.next();
    assert.equal(ready.recovered, false, after);
    if (!known) continue;
    assert.equal(ready.position, last);
    const next = await scene.answer('c1', await scene.accept('c1'));
    assert.deepEqual(brief(await frames(socket, 1)), [['reply', next]]);
  }
});

test('one socket follows many conversations, leaves them, and hears nothing of others', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene, { maxSubscriptions: 3 });
  const socket = await openSocket(app, '/v1/stream', 'confab.v1');
  for (const conversationId of ['a', 'b', 'c']) socket.send({ type: 'subscribe', conversationId });
  assert.deepEqual((await frames(socket, 3)).map(({ type, conversationId }) => [type, conversationId]).sort(), [['ready', 'a'], ['ready', 'b'], ['ready', 'c']]);
  socket.send({ type: 'unsubscribe', conversationId: 'b' });
  await turns();
  for (const conversationId of ['a', 'b', 'x', 'c']) await scene.answer(conversationId, await scene.accept(conversationId));
  assert.deepEqual((await frames(socket, 2)).map(({ conversationId }) => conversationId).sort(), ['a', 'c']);
  socket.send({ type: 'subscribe', conversationId: 'd' });
  assert.equal((await socket.next()).type, 'ready');
  socket.send({ type: 'subscribe', conversationId: 'e' });
  assert.deepEqual(await socket.next(), { type: 'error', code: 'CONFAB_SUBSCRIPTION_LIMIT', detail: 'A socket follows 3 conversations at most.', conversationId: 'e' });
  socket.send({ type: 'subscribe', conversationId: 'f' });
  assert.deepEqual(await socket.closed, { code: 4103, reason: { code: 'CONFAB_SUBSCRIPTION_LIMIT' } });
});

test('two nodes: the one that reads tells the one that holds the socket', async (t) => {
  const scene = await Scene.make();
  const bus = new MemoryBus();
  const outbox = new MemoryOutbox({ clock: scene.clock });
  const reader = await testNode(t, scene, { bus, outbox });
  const holder = await testNode(t, scene, { bus, outbox, reads: false });
  assert.equal(reader.egress.ready(), true);
  const socket = await openSocket(holder.app, stream('c1'), 'confab.v1');
  await socket.next();
  const missed = await scene.accept('c1');
  const next = await scene.accept('c1');
  // The first announcement is lost on its way: the second tells.
  await holder.fanout.close();
  const first = await scene.answer('c1', missed);
  await turns();
  bus.nodes.add(holder.fanout);
  await holder.fanout.subscribe(0, 'default/c1');
  const second = await scene.answer('c1', next);
  assert.deepEqual(brief(await frames(socket, 2)), [['reply', first], ['reply', second]]);
  // After a lapse the socket looks by itself.
  await holder.fanout.close();
  const third = await scene.answer('c1', await scene.accept('c1'));
  await turns();
  bus.nodes.add(holder.fanout);
  holder.fanout.lapse();
  assert.deepEqual(brief(await frames(socket, 1)), [['reply', third]]);
});

test('malformed and invalid frames each have their code; the socket of a wrong field stays', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene);
  const socket = await openSocket(app, '/v1/stream', 'confab.v1');
  const cases: [Frame, string][] = [
    [{ type: 'subscribe' }, 'CONFAB_FRAME_INVALID'],
    [{ type: 'subscribe', conversationId: 7 }, 'CONFAB_FRAME_INVALID'],
    [{ type: 'subscribe', conversationId: 'a', extra: 1 }, 'CONFAB_FRAME_INVALID'],
    [{ type: 'subscribe', conversationId: 'a/b' }, 'CONFAB_CONVERSATION_ID_INVALID'],
    [{ type: 'subscribe', conversationId: 'a', after: 'nowhere' }, 'CONFAB_POSITION_INVALID'],
    [{ type: 'received', conversationId: 'a', position: 'x' }, 'CONFAB_POSITION_INVALID'],
    [{ type: 'read', conversationId: 'a', position: '0a1b2c3d-000000000001-01' }, 'CONFAB_FRAME_INVALID'],
    [{ type: 'typing', conversationId: 'a' }, 'CONFAB_FRAME_INVALID'],
    [{ type: 'dance' }, 'CONFAB_FRAME_INVALID'],
    [{ type: '__proto__' }, 'CONFAB_FRAME_INVALID'],
    [{ type: 'subscribe', conversationId: 'ch:web:1:x' }, 'CONFAB_CONVERSATION_FORBIDDEN'],
  ];
  for (const [frame, code] of cases) {
    socket.send(frame);
    const answer = await socket.next();
    assert.deepEqual([answer.type, answer.code], ['error', code], JSON.stringify(frame));
  }
  socket.send({ type: 'unsubscribe', conversationId: 'never' });
  socket.send('not json');
  assert.equal((await socket.next()).code, 'CONFAB_FRAME_MALFORMED');
  assert.equal((await socket.closed).code, 4102);
  const single = await openSocket(app, stream('c1'), 'confab.v1');
  await single.next();
  single.send({ type: 'subscribe', conversationId: 'c2' });
  assert.equal((await single.next()).code, 'CONFAB_FRAME_INVALID');
});

const principal = (tenant: string, more: Partial<Principal> = {}): Principal => ({
  tenant, subject: 's', scopes: new Set(['conversations:read']), conversations: new Set(['mine', 'shared']), bot: undefined, expiresAt: undefined, ...more,
});
const authenticator: Authenticator = {
  required: true,
  authenticate: async (token) => {
    const found = { one: principal('one'), two: principal('two'), all: principal('one', { scopes: new Set(['conversations:read', 'conversations:all']) }), writer: principal('one', { scopes: new Set(['messages:write']) }) }[token ?? ''];
    assert.ok(found);
    return found;
  },
};
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

test('nobody follows or reads what is not open to him; another tenant has another conversation', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene, { http: { authenticator } });
  const forbidden = await openSocket(app, stream('theirs'), 'confab.v1', bearer('one'));
  assert.deepEqual(await forbidden.closed, { code: 4101, reason: { code: 'CONFAB_CONVERSATION_FORBIDDEN' } });
  const scopeless = await openSocket(app, '/v1/stream', 'confab.v1', bearer('writer'));
  assert.deepEqual(await scopeless.closed, { code: 4101, reason: { code: 'CONFAB_SCOPE_MISSING' } });
  const [one, two] = [await openSocket(app, '/v1/stream', 'confab.v1', bearer('one')), await openSocket(app, '/v1/stream', 'confab.v1', bearer('two'))];
  one.send({ type: 'subscribe', conversationId: 'theirs' });
  assert.deepEqual(await one.next(), { type: 'error', code: 'CONFAB_CONVERSATION_FORBIDDEN', conversationId: 'theirs', detail: 'Name it in the claim `confab.conversations`, or use the scope `conversations:all`.' });
  for (const socket of [one, two]) { socket.send({ type: 'subscribe', conversationId: 'shared' }); assert.equal((await socket.next()).type, 'ready'); }
  const own = await scene.answer('shared', await scene.accept('shared', { tenant: 'two' }), { tenant: 'two' });
  assert.deepEqual(brief(await frames(two, 1)), [['reply', own]]);
  await scene.answer('shared', await scene.accept('shared', { tenant: 'one' }), { tenant: 'one', inReplyTo: 'ones' });
  assert.equal((await one.next()).inReplyTo, 'ones', 'the other tenant\'s reply never came');

  const get = async (token: string, conversationId: string) => {
    const answer = await app.inject({ url: `/v1/conversations/${conversationId}/events`, headers: { host: '127.0.0.1', ...bearer(token) } });
    return { status: answer.statusCode, body: answer.json<{ code?: string; events?: Frame[] }>() };
  };
  assert.deepEqual([(await get('one', 'theirs')).status, (await get('one', 'theirs')).body.code], [403, 'CONFAB_CONVERSATION_FORBIDDEN']);
  assert.equal((await get('writer', 'mine')).body.code, 'CONFAB_SCOPE_MISSING');
  assert.deepEqual((await get('two', 'mine')).body, { events: [], next: null, truncated: false });
  assert.equal((await get('all', 'shared')).body.events?.length, 2);
  assert.equal((await get('two', 'shared')).body.events?.length, 2);
});

test('a renewed token that no longer opens a conversation ends its subscription', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene, { http: { authenticator } });
  const socket = await openSocket(app, '/v1/stream', 'confab.v1', bearer('all'));
  for (const conversationId of ['mine', 'theirs']) { socket.send({ type: 'subscribe', conversationId }); await socket.next(); }
  socket.send({ type: 'auth', token: 'one' });
  assert.deepEqual((await frames(socket, 2)).map(({ type, code, conversationId }) => [type, code, conversationId]), [
    ['error', 'CONFAB_CONVERSATION_FORBIDDEN', 'theirs'], ['authenticated', undefined, undefined],
  ]);
  for (const conversationId of ['theirs', 'mine']) await scene.answer(conversationId, await scene.accept(conversationId, { tenant: 'one' }), { tenant: 'one' });
  assert.equal((await socket.next()).conversationId, 'mine');
});

test('typing goes to the other sockets of the conversation, at most once in 3 s; receipts are written', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene);
  const [a, b] = [await openSocket(app, stream('c1'), 'confab.v1'), await openSocket(app, stream('c1'), 'confab.v1')];
  await a.next();
  await b.next();
  a.send({ type: 'typing', conversationId: 'c1' });
  a.send({ type: 'typing', conversationId: 'c1' });
  assert.deepEqual(await b.next(), { type: 'typing', conversationId: 'c1', author: { type: 'person' } });
  const position = await scene.answer('c1', await scene.accept('c1'));
  for (const socket of [a, b]) assert.equal((await socket.next()).type, 'reply', 'the second typing and the own one did not come');
  a.send({ type: 'received', conversationId: 'c1', position });
  a.send({ type: 'read', conversationId: 'c1', position });
  a.send({ type: 'read', conversationId: 'c1', position });
  await turns();
  await scene.clock.advance(1_500);
  const updates = [];
  for await (const batch of scene.log.read('deliveries.v1', scene.partition('default/c1'), 0)) for (const { value } of batch.records) updates.push(scene.codec.of('DeliveryUpdate').decode(value as Buffer));
  assert.deepEqual(updates.map((update) => [update.state, update.position]), [['delivered', position], ['read', position]]);
});

test('a drain closes every socket with 1012 or 1001', async (t) => {
  const scene = await Scene.make();
  const { app } = await testNode(t, scene);
  const socket = await openSocket(app, stream('c1'), 'confab.v1');
  await socket.next();
  app.confab.drain();
  app.confab.sockets.closeAll(1012);
  assert.equal((await socket.closed).code, 1012);
  const late = await openSocket(app, stream('c1'), 'confab.v1').catch(() => undefined);
  if (late) assert.equal((await late.closed).code, 1012);
});

test('the histogram counts from acceptance to delivery', async (t) => {
  const scene = await Scene.make();
  const { createMetrics } = await import('../platform/observability/metrics.js');
  const metrics = createMetrics();
  const { app } = await testNode(t, scene, { metrics });
  const socket = await openSocket(app, stream('c1'), 'confab.v1');
  await socket.next();
  const position = await scene.accept('c1');
  await scene.clock.advance(300);
  await scene.answer('c1', position);
  await socket.next();
  const text = await metrics.metrics();
  assert.match(text, /confab_turn_duration_seconds_sum 0\.3/);
  assert.match(text, /confab_egress_sockets 1/);
  assert.match(text, /confab_egress_frames_total 2/);
});
