import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HistoryPage } from './types.js';
import { problem, record, settle, setUp, World } from './testing.js';

test('two tabs in step: each shows every message once, before what answers it', async (t) => {
  const world = new World();
  const [here, there] = [setUp(t, {}, world), setUp(t, {}, world)];
  const conversations = [here.client.conversation('c'), there.client.conversation('c')];
  const lines = conversations.map((conversation) => record(conversation));
  await settle();
  for (const [i, text] of ['one', 'two', 'three', 'four'].entries()) { await conversations[i % 2]?.send({ text }); await settle(); }
  const all = ['one', 'two', 'three', 'four'].flatMap((text) => [`message ${text}`, `reply re ${text}`]);
  assert.deepEqual(lines, [all, all]);
});

test('one page of events serves a whole resumed stretch', async (t) => {
  const { world, client } = setUp(t);
  const lines = record(client.conversation('c'));
  await settle();
  world.reply(world.write('c', 'first'));
  await settle();
  world.socket.end(1006);
  for (let i = 0; i < 60; i += 1) world.reply(world.write('c', String(i)), true);
  await world.clock.advance(1_000);
  assert.deepEqual(lines.slice(2), Array.from({ length: 60 }, (_, i) => [`message ${i}`, `reply re ${i}`]).flat());
  assert.equal(world.reads.length, 2);
});

test('frames that come twice are emitted once, and one that comes late is not lost', async (t) => {
  const { world, client } = setUp(t);
  world.answers = false;
  const conversation = client.conversation('c');
  const lines = record(conversation);
  for (const text of ['one', 'two']) await conversation.send({ text });
  const [one, two] = world.log('c');
  assert.ok(one?.type === 'message' && two?.type === 'message');
  world.reply(two);
  world.socket.push({ type: 'outcome', conversationId: 'c', position: world.position(1, 1), inReplyTo: 'm1', outcome: 'dead_lettered' });
  for (const event of world.log('c')) if (event.type !== 'message') world.socket.push(event);
  world.socket.push({ type: 'outcome', conversationId: 'c', position: world.position(1, 1), inReplyTo: 'm1', outcome: 'dead_lettered' });
  await settle();
  assert.deepEqual(lines, ['message one', 'message two', 'reply re two', 'outcome dead_lettered']);
  assert.equal(conversation.position, world.position(2, 1));
});

test('an outcome that came late while nobody listened is asked for: it resumes before the oldest message without one', async (t) => {
  const { world, client } = setUp(t);
  world.answers = false;
  const conversation = client.conversation('c');
  const lines = record(conversation);
  for (const text of ['one', 'two']) await conversation.send({ text });
  const [one, two] = world.log('c');
  assert.ok(one?.type === 'message' && two?.type === 'message');
  world.reply(two);
  await settle();
  world.socket.end(1006);
  world.reply(one, true);
  await world.clock.advance(1_000);
  assert.equal(world.socket.sent[0]?.after, one.position);
  assert.deepEqual(lines, ['message one', 'message two', 'reply re two', 'reply re one']);
});

test('the reply may come before the answer to the POST: the message is shown first, once, with its key', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  const lines = record(conversation);
  const keys: (string | undefined)[] = [];
  conversation.on('message', ({ idempotencyKey }) => { keys.push(idempotencyKey); });
  await settle();
  // The world answers the socket before it answers the request.
  for (let i = 0; i < 3; i += 1) await conversation.send({ text: String(i) }, { idempotencyKey: `k${i}` });
  await settle();
  assert.deepEqual(lines, ['message 0', 'reply re 0', 'message 1', 'reply re 1', 'message 2', 'reply re 2']);
  assert.deepEqual(keys, ['k0', 'k1', 'k2']);
  assert.deepEqual(world.reads, []);
});

test('a read that fails for good does not hold back the outcome', async (t) => {
  const { world, client } = setUp(t);
  const lines = record(client.conversation('c'));
  await settle();
  world.readFaults.push(problem(403, 'CONFAB_CONVERSATION_FORBIDDEN', false));
  world.reply(world.write('c', 'one'));
  world.readFaults.push(problem(503, 'CONFAB_LOG_UNAVAILABLE', true));
  world.reply(world.write('c', 'two'));
  await world.clock.advance(10_000);
  assert.deepEqual(lines, ['reply re one', 'message one', 'message two', 'reply re two'].filter((line) => line !== 'message one'));
});

test('history waits for nothing and loses nothing: events wait for the page, and none is shown twice', async (t) => {
  const { world, client } = setUp(t);
  for (const text of ['one', 'two', 'three']) world.reply(world.write('c', text));
  const conversation = client.conversation('c');
  const lines = record(conversation);
  const page = conversation.history({ limit: 4 });
  await settle();
  const open = world.write('c', 'four');
  world.reply(open);
  await page.then(({ events }) => { lines.push(`page ${events.map((event) => ('text' in event ? event.text : event.type)).join(', ')}`); });
  await world.clock.advance(1);
  world.reply(world.write('c', 'five'));
  await world.clock.advance(1);
  assert.deepEqual(lines, ['page re three, three, re two, two', 'message four', 'reply re four', 'message five', 'reply re five']);
  const older = await conversation.history({ before: (await page).next ?? '' });
  assert.deepEqual(older.events.map(({ position }) => position), [world.position(1, 1), world.position(1, 0)]);
});

test('what happens between an empty first page and the stream is read', async (t) => {
  const { world, client } = setUp(t);
  world.hangs = true;
  const conversation = client.conversation('c');
  const lines = record(conversation);
  assert.deepEqual((await conversation.history()).events, []);
  world.reply(world.write('c', 'in between'));
  world.hangs = false;
  await world.clock.advance(20_000);
  world.reply(world.write('c', 'live'));
  await settle();
  assert.deepEqual(lines, ['message in between', 'reply re in between', 'message live', 'reply re live']);
});

test('what the stream cannot resume is read from the events, over several pages', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  const lines = record(conversation, true);
  await settle();
  world.reply(world.write('c', 'seen'));
  await settle();
  world.socket.end(1012);
  for (let i = 0; i < 300; i += 1) world.reply(world.write('c', String(i)), true);
  world.lostUpTo = 200;
  world.readFaults.push('cut');
  await world.clock.advance(10_000);
  assert.deepEqual(lines.slice(0, 4), ['ready true', 'message seen', 'reply re seen', 'ready false']);
  assert.deepEqual(lines.slice(4), Array.from({ length: 300 }, (_, i) => [`message ${i}`, `reply re ${i}`]).flat());
  world.reply(world.write('c', 'live'));
  await settle();
  assert.deepEqual(lines.slice(-2), ['message live', 'reply re live']);
});

for (const epoch of ['00000000', 'ffffffff']) {
  test(`a log that was made anew (${epoch}): its events are read from the start, and it goes on in its positions`, async (t) => {
    const { world, client } = setUp(t);
    const conversation = client.conversation('c');
    const lines = record(conversation);
    await settle();
    world.reply(world.write('c', 'old'));
    await settle();
    world.socket.end(1006);
    world.log('c').length = 0;
    world.epoch = epoch;
    world.reply(world.write('c', 'new'));
    await world.clock.advance(10_000);
    assert.deepEqual(lines, ['message old', 'reply re old', 'message new', 'reply re new']);
    assert.equal(conversation.position?.startsWith(epoch), true);
    world.socket.end(1006);
    world.reply(world.write('c', 'newer'), true);
    await world.clock.advance(10_000);
    assert.deepEqual(lines.slice(4), ['message newer', 'reply re newer']);
  });
}

test('a subscription that the server gives up is asked for again; one that it refuses is not', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  const lines = record(conversation);
  await settle();
  const subscribes = (): number => world.socket.sent.filter(({ type }) => type === 'subscribe').length;
  world.socket.push({ type: 'error', code: 'CONFAB_INTERNAL', detail: 'x', conversationId: 'c' });
  await world.clock.advance(2_000);
  assert.equal(subscribes(), 2);
  world.socket.push({ type: 'error', code: 'CONFAB_LOG_UNAVAILABLE', detail: 'it goes on by itself', conversationId: 'c', retryAfterMs: 1_000 });
  world.socket.push({ type: 'error', code: 'CONFAB_CONVERSATION_FORBIDDEN', detail: 'x', conversationId: 'c' });
  world.socket.push({ type: 'error', code: 'CONFAB_FRAME_INVALID', detail: 'x' });
  await world.clock.advance(40_000);
  assert.equal(subscribes(), 2);
  assert.deepEqual(lines, ['error CONFAB_INTERNAL', 'error CONFAB_LOG_UNAVAILABLE', 'error CONFAB_CONVERSATION_FORBIDDEN', 'error CONFAB_FRAME_INVALID']);
});

test('a position that is none is dropped: it goes on from now', async (t) => {
  const { world, client } = setUp(t);
  world.deaf = true;
  const conversation = client.conversation('c', { after: 'nonsense' });
  await settle();
  world.socket.push({ type: 'error', code: 'CONFAB_POSITION_INVALID', detail: 'x', conversationId: 'c' });
  world.deaf = false;
  await settle();
  assert.deepEqual(world.socket.sent, [{ type: 'subscribe', conversationId: 'c', after: 'nonsense' }, { type: 'subscribe', conversationId: 'c' }]);
  assert.equal(conversation.position, undefined);
});

test('typing goes out at most once in 3 s; marks go up, and again after a loss', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  conversation.received('p2');
  await settle();
  const sent = (): string[] => world.socket.sent.slice(1).map(({ type, position }) => `${type}${position ?? ''}`);
  for (let i = 0; i < 5; i += 1) { conversation.typing(); await world.clock.advance(1_000); }
  conversation.read('p3');
  conversation.read('p1');
  assert.deepEqual(sent(), ['receivedp2', 'typing', 'typing', 'readp3']);
  world.socket.end(1006);
  conversation.typing();
  await world.clock.advance(1_000);
  assert.deepEqual(sent(), ['receivedp2', 'readp3']);
});

test('what is not placed is handed through, and a handler that throws harms no other', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  const thrown: unknown[] = [];
  // What becomes an unhandled rejection would end the test.
  t.mock.method(Promise, 'reject', (error: unknown) => { thrown.push(error); return Promise.resolve(); });
  const off = conversation.on('typing', () => { throw new Error('mine'); });
  const lines = record(conversation);
  await settle();
  const author = { type: 'bot' };
  world.socket.push({ type: 'typing', conversationId: 'c', author });
  world.socket.push({ type: 'delta', conversationId: 'c', replyId: 'r', index: 0, text: 'par' });
  world.socket.push({ type: 'receipt', conversationId: 'c', position: 'p', state: 'read' });
  world.socket.push({ type: 'handoff', conversationId: 'c', position: world.position(1, 2), to: 'person' });
  await settle();
  assert.deepEqual(lines, ['typing ', 'delta par', 'receipt read', 'handoff person']);
  assert.equal((thrown[0] as Error).message, 'mine');
  off();
  world.socket.push({ type: 'typing', conversationId: 'c', author });
  await settle();
  assert.equal(thrown.length, 1);
});

test('a conversation that was closed says nothing more and is followed anew when it is asked for again', async (t) => {
  const { world, client } = setUp(t);
  const first = client.conversation('c');
  assert.equal(client.conversation('c'), first);
  const lines = record(first);
  await settle();
  first.close();
  world.reply(world.write('c', 'one'));
  await settle();
  assert.deepEqual(lines, []);
  const second = client.conversation('c', { after: world.position(0, 0) });
  assert.notEqual(second, first);
  const more = record(second);
  await settle();
  assert.deepEqual(more, ['message one', 'reply re one']);
  assert.equal(world.sockets.length, 1);
});

/**
 * The model: whatever is cut, and wherever, an application that was shown the first page and then the events has seen exactly
 * the conversation, in order.
 */
test('cut at each point, slow or fast, the conversation comes whole, once and in order', async (t) => {
  const script = 14;
  for (let cut = 0; cut <= script; cut += 1) {
    for (const pauses of [0, 300, 40_000]) {
      const { world, client } = setUp(t);
      const other = setUp(t, {}, world).client.conversation('c');
      const conversation = client.conversation('c');
      const lines = record(conversation);
      const put = ({ events }: HistoryPage): void => { lines.unshift(...[...events].reverse().map((event) => `${event.type} ${'text' in event ? event.text : ''}`)); };
      // As a page does it: asks again when the server was away for long.
      const show = (): Promise<void> => conversation.history().then(put, () => show());
      const shown = show();
      const sends: Promise<unknown>[] = [];
      for (let step = 0; step < script; step += 1) {
        if (step === cut) for (const socket of [...world.sockets]) socket.end(step % 2 === 0 ? 1006 : 4000);
        if (step === cut && pauses > 0) { world.faults.push({ answer: 'cut', accepted: true }, { answer: 'cut' }); world.reachable = pauses < 1_000; }
        sends.push((step % 3 === 0 ? other : conversation).send({ text: String(step) }));
        if (step % 4 === 1) await settle();
        if (pauses > 0) await world.clock.advance(pauses);
        if (step === cut + 1) world.reachable = true;
      }
      world.reachable = true;
      await world.clock.advance(120_000);
      await Promise.all([shown, ...sends]);
      const log = world.log('c').map((event) => `${event.type} ${'text' in event ? event.text : ''}`);
      assert.equal(log.length, script * 2);
      const outcomes = (all: string[]): string[] => all.filter((line) => line.startsWith('reply'));
      assert.deepEqual(outcomes(lines), outcomes(log), `cut at ${cut}, pauses of ${pauses}`);
      assert.deepEqual([...lines].sort(), [...log].sort(), `cut at ${cut}, pauses of ${pauses}`);
      for (let step = 0; step < script; step += 1) assert.ok(lines.indexOf(`message ${step}`) < lines.indexOf(`reply re ${step}`), `message ${step} before its reply`);
      client.close();
    }
  }
});

for (const cut of [false, true]) {
  test(`a message that is answered before the server follows the conversation has its reply${cut ? ', though the answer to it was cut' : ''}`, async (t) => {
    const { world, client } = setUp(t);
    world.hangs = true;
    if (cut) world.faults.push({ answer: 'cut', accepted: true });
    const conversation = client.conversation('c');
    const lines = record(conversation);
    void conversation.send({ text: 'early' });
    world.hangs = false;
    await world.clock.advance(20_000);
    assert.deepEqual(lines, ['message early', 'reply re early']);
  });
}

test('a message whose acceptance is heard only after the stream began, past its reply, has its reply', async (t) => {
  const { world, client } = setUp(t);
  const early = world.write('c', 'early');
  world.reply(early);
  const conversation = client.conversation('c');
  const lines = record(conversation);
  await settle();
  assert.equal(conversation.position, world.position(1, 1));
  world.faults.push({ answer: { status: 202, body: { messageId: early.messageId, position: early.position, duplicate: true } } });
  await conversation.send({ text: 'early' });
  await settle();
  assert.deepEqual(lines, ['message early', 'reply re early']);
});
