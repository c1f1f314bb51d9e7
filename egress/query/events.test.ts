import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../../platform/clock-manual.js';
import { Scene, testNode, turns } from '../testing.js';

type Body = { events: Record<string, unknown>[]; next: string | null; truncated: boolean; code?: string };

async function setUp(t: { after(run: () => void | Promise<void>): void }, partitions = 4) {
  const scene = await Scene.make(partitions);
  const { app } = await testNode(t, scene);
  const get = async (query = '', conversationId = 'c1'): Promise<{ status: number; body: Body; retryAfter: unknown }> => {
    const answer = await app.inject({ url: `/v1/conversations/${conversationId}/events${query}`, headers: { host: '127.0.0.1' } });
    return { status: answer.statusCode, body: answer.json<Body>(), retryAfter: answer.headers['retry-after'] };
  };
  return { scene, app, get };
}

/** A conversation of every kind of event among others; the positions in order. */
async function talk(scene: Scene, rounds: number): Promise<string[]> {
  const all: string[] = [];
  for (let i = 0; i < rounds; i += 1) {
    await scene.answer('other', await scene.accept('other'));
    const position = await scene.accept('c1');
    all.push(position);
    if (i % 4 === 1) all.push(await scene.giveUp('c1', position));
    else all.push(await scene.answer('c1', position, i % 4 === 2 ? { parts: [], outcome: 'silent' } : i % 4 === 3 ? { handoff: { to: 'person', reason: null, transcript: [] } } : {}));
    if (i % 4 === 3) all.push(`${position.slice(0, -1)}2`);
  }
  return all;
}

test('an unknown conversation is empty', async (t) => {
  const { get } = await setUp(t);
  assert.deepEqual((await get()).body, { events: [], next: null, truncated: false });
  assert.deepEqual((await get('?before=latest')).body, { events: [], next: null, truncated: false });
});

test('messages, replies, outcomes and handoffs as the protocol says', async (t) => {
  const { scene, get } = await setUp(t);
  const [a, b] = [await scene.accept('c1', { messageId: 'A', text: 'hello' }), await scene.accept('c1', { messageId: 'B', kind: 'postback', text: null, payload: 'go', replyId: 'A-01' })];
  await scene.answer('c1', a, { inReplyTo: 'A', replyId: 'A-01', parts: [{ text: 'hi', quickReplies: [], buttons: [], image: null, citations: [] }] });
  await scene.giveUp('c1', b, { messageId: 'B' });
  const createdAt = '2026-01-01T00:00:00.000Z';
  assert.deepEqual((await get()).body.events, [
    { type: 'message', messageId: 'A', conversationId: 'c1', position: a, author: { type: 'person' }, text: 'hello', createdAt },
    { type: 'reply', conversationId: 'c1', position: `${a.slice(0, -1)}1`, replyId: 'A-01', inReplyTo: 'A', author: { type: 'bot' }, text: 'hi', createdAt },
    { type: 'message', messageId: 'B', conversationId: 'c1', position: b, author: { type: 'person' }, postback: { payload: 'go', replyId: 'A-01' }, createdAt },
    { type: 'outcome', conversationId: 'c1', position: `${b.slice(0, -1)}1`, inReplyTo: 'B', outcome: 'dead_lettered' },
  ]);
});

test('a message that was retried stands where it failed, with that outcome, and again where it was answered; the closing of its letter is no event', async (t) => {
  const { scene, get } = await setUp(t);
  const first = await scene.accept('c1', { messageId: 'A' });
  await scene.giveUp('c1', first, { messageId: 'A' });
  await scene.giveUp('c1', first, { messageId: 'A', status: 'retried', closes: '0-0' });
  const again = await scene.accept('c1', { messageId: 'A', retryOf: '0-0' });
  await scene.answer('c1', again, { inReplyTo: 'A' });
  const shown = [`${first} message A`, `${first.slice(0, -1)}1 dead_lettered A`, `${again} message A`, `${again.slice(0, -1)}1 reply A`];
  const text = ({ position, type, outcome, messageId, inReplyTo }: Record<string, unknown>): string => `${String(position)} ${String(outcome ?? type)} ${String(messageId ?? inReplyTo)}`;
  assert.deepEqual((await get()).body.events.map(text), shown);
  assert.deepEqual((await get('?before=latest')).body.events.map(text), [...shown].reverse());
  assert.deepEqual((await get(`?after=${first}&limit=1`)).body.events.map(text), shown.slice(1, 2));
});

test('pages go on in both directions without a gap or a repeat, whatever the limit', async (t) => {
  const { scene, get } = await setUp(t);
  const all = await talk(scene, 9);
  for (const limit of [1, 2, 3, 5, 50]) {
    for (const direction of ['after', 'before'] as const) {
      const got: unknown[] = [];
      let query: string | null = direction === 'after' ? '' : '&before=latest';
      for (let pages = 0; query !== null && pages < 40; pages += 1) {
        const { body } = await get(`?limit=${limit}${query}`);
        assert.ok(body.events.length <= limit);
        got.push(...body.events.map(({ position }) => position));
        query = body.next === null ? null : `&${direction}=${body.next}`;
      }
      assert.deepEqual(got, direction === 'after' ? all : [...all].reverse(), `${direction}, ${limit}`);
    }
  }
});

test('every position may be used as after and as before', async (t) => {
  const { scene, get } = await setUp(t);
  const all = await talk(scene, 5);
  for (const position of all) {
    assert.deepEqual((await get(`?after=${position}`)).body.events.map((event) => event.position), all.filter((other) => other > position));
    assert.deepEqual((await get(`?before=${position}`)).body.events.map((event) => event.position), all.filter((other) => other < position).reverse());
  }
});

test('a page is found in a long log of others', async (t) => {
  const { scene, get } = await setUp(t, 1);
  const first = await scene.answer('c1', await scene.accept('c1'));
  for (let i = 0; i < 5_000; i += 1) await scene.accept('other');
  const last = await scene.answer('c1', await scene.accept('c1'));
  const positions = async (query: string): Promise<unknown[]> => (await get(query)).body.events.map((event) => event.position);
  assert.deepEqual(await positions('?before=latest&limit=1'), [last]);
  assert.deepEqual((await positions('?before=latest')).length, 4);
  assert.deepEqual((await positions(`?after=${first}`)).length, 2);
});

test('what is wrong in the query is told by its code', async (t) => {
  const { scene, get } = await setUp(t);
  const position = await scene.accept('c1');
  for (const [query, code] of [
    ['?after=x', 'CONFAB_POSITION_INVALID'], ['?before=x', 'CONFAB_POSITION_INVALID'], ['?atLeast=x', 'CONFAB_POSITION_INVALID'], ['?limit=0', 'CONFAB_QUERY_INVALID'],
    ['?limit=501', 'CONFAB_QUERY_INVALID'], ['?limit=x', 'CONFAB_QUERY_INVALID'], ['?other=1', 'CONFAB_QUERY_INVALID'], [`?after=${position}&before=${position}`, 'CONFAB_QUERY_INVALID'],
  ] as const) {
    const { status, body } = await get(query);
    assert.deepEqual([status, body.code], [400, code], query);
  }
  assert.equal((await get('', 'a%2Fb')).body.code, 'CONFAB_CONVERSATION_ID_INVALID');
  assert.equal((await get('', 'ch:web:1:x')).body.code, 'CONFAB_CONVERSATION_FORBIDDEN');
});

test('a position of another epoch reads from the oldest kept, or nothing backward', async (t) => {
  const { scene, get } = await setUp(t);
  const all = await talk(scene, 2);
  assert.deepEqual((await get('?after=ffffffff-000000000009-01')).body.events.map((event) => event.position), all);
  assert.deepEqual((await get('?before=ffffffff-000000000009-01')).body, { events: [], next: null, truncated: true });
});

test('atLeast waits for the outcome, and gives up after 5 s', async (t) => {
  const { scene, app } = await setUp(t);
  const position = await scene.accept('c1');
  const ask = (atLeast: string) => app.inject({ url: `/v1/conversations/c1/events?atLeast=${atLeast}`, headers: { host: '127.0.0.1' } });
  assert.equal((await ask(position)).statusCode, 200, 'the message itself is there');
  const outcome = `${position.slice(0, -1)}1`;
  let answered = false;
  const waiting = ask(outcome).finally(() => { answered = true; });
  for (let i = 0; i < 10; i += 1) { await turns(4); await scene.clock.advance(100); }
  assert.equal(answered, false);
  await scene.answer('c1', position);
  while (!answered) { await settle(); await scene.clock.advance(100); }
  assert.deepEqual((await waiting).json<Body>().events.map((event) => event.position), [position, outcome]);
  const later = await scene.accept('c1');
  let done = false;
  const vain = ask(`${later.slice(0, -1)}1`).finally(() => { done = true; });
  while (!done) { await settle(); await scene.clock.advance(500); }
  const { statusCode, headers } = await vain;
  assert.deepEqual([statusCode, (await vain).json<Body>().code, headers['retry-after']], [503, 'CONFAB_VIEW_BEHIND', '1']);
});
