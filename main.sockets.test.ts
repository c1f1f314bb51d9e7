/** The public contract over WebSockets, sentence by sentence, against the program as a process. Its HTTP: main.protocol.test.ts. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { call, Client, refused, serve, SECRET, token, type Closed, type Frame } from './composition/protocol/testing.js';
import { draftMessage } from './ingress/message-draft.js';
import { ANONYMOUS } from './platform/auth/auth.js';
import { systemClock } from './platform/clock.js';
import { openEmbeddedLog } from './platform/event-log/embedded.js';
import { silentLogger } from './platform/observability/logger.js';
import { partitionOf } from './platform/partitioner.js';
import { systemRandom } from './platform/random.js';
import { eventually, scratchFolder } from './platform/testing.js';
import { createLocalCodec } from './schemas/codec-local.js';

const cleaning: (() => Promise<void> | void)[] = [];
const file = { after: (run: () => Promise<void> | void): void => { cleaning.push(run); } };
after(async () => { for (const run of cleaning.reverse()) await run(); });

const off = serve(file, { CONFAB_LOG_LEVEL: 'debug' });
// At this level everything is logged that ever is.
const jwt = serve(file, { CONFAB_LOG_LEVEL: 'trace', CONFAB_AUTH_SECRET: SECRET, CONFAB_ALLOWED_ORIGINS: 'https://shop.example' });

const stream = (id: string, after?: string): string => `/v1/conversations/${id}/stream${after === undefined ? '' : `?after=${after}`}`;
const answers = (frame: Frame): boolean => 'inReplyTo' in frame;

interface Sent { readonly messageId: string; readonly position: string }

async function say(url: string, conversation: string, body: string | object = 'hello', bearer?: string): Promise<Sent> {
  const answer = await call(url, `/v1/conversations/${conversation}/messages`, { body: typeof body === 'string' ? { text: body } : body, ...(bearer === undefined ? {} : { token: bearer }) });
  assert.equal(answer.status, 202, answer.text);
  return answer.body as unknown as Sent;
}

/** Says it and gives the outcome as the history has it. */
async function outcomeOf(url: string, conversation: string, body: string | object): Promise<Frame> {
  const { messageId } = await say(url, conversation, body);
  let found: Frame | undefined;
  await eventually(`the outcome of ${messageId}`, async () => {
    const { events } = (await call(url, `/v1/conversations/${conversation}/events?limit=500`)).body as unknown as { events: Frame[] };
    found = events.find(({ inReplyTo }) => inReplyTo === messageId);
    return found !== undefined;
  });
  return found as Frame;
}

function closedAs({ code, reason, bytes }: Closed, wanted: number, name: string): void {
  assert.deepEqual([code, reason.code], [wanted, `CONFAB_${name}`]);
  assert.ok(bytes <= 123);
}

test('ingest: each message has one answer, in the order of its conversation', async (t) => {
  const { url } = await off;
  const socket = await Client.open(t, url, '/v1/ingest');
  assert.equal(socket.socket.protocol, 'confab.ingest.v1');
  for (let i = 0; i < 300; i += 1) socket.send({ type: 'message', ref: `r${i}`, conversationId: `i${i % 3}`, text: `message ${i}`, ...(i % 10 === 3 ? { nonsense: 1 } : {}) });
  await eventually('all answers', () => socket.frames.length === 300);
  for (let conversation = 0; conversation < 3; conversation += 1) {
    const mine = socket.frames.filter(({ ref }) => Number(String(ref).slice(1)) % 3 === conversation);
    assert.deepEqual(mine.map(({ ref }) => ref), Array.from({ length: 100 }, (_, i) => `r${3 * i + conversation}`));
    const positions = mine.filter(({ type }) => type === 'accepted').map(({ position }) => position);
    assert.deepEqual(positions, [...positions].sort());
  }
  assert.deepEqual(Object.keys(socket.frames.find(({ type }) => type === 'accepted') ?? {}), ['type', 'ref', 'messageId', 'position', 'duplicate']);
  assert.ok(socket.frames.filter(({ type }) => type === 'rejected').every(({ code, ref }) => code === 'CONFAB_FRAME_INVALID' && Number(String(ref).slice(1)) % 10 === 3));
  const keyed = { type: 'message', conversationId: 'i9', idempotencyKey: 'k', attributes: { a: '1', b: '2' } };
  socket.send({ ...keyed, ref: 'a', text: 'x' }).send({ attributes: { b: '2', a: '1' }, idempotencyKey: 'k', conversationId: 'i9', text: 'x', ref: 'b', type: 'message' }).send({ ...keyed, ref: 'c', text: 'y' });
  const [a, b, c] = [await socket.wait(({ ref }) => ref === 'a'), await socket.wait(({ ref }) => ref === 'b'), await socket.wait(({ ref }) => ref === 'c')];
  assert.deepEqual([a.duplicate, b.duplicate, b.messageId, b.position, c.code], [false, true, a.messageId, a.position, 'CONFAB_IDEMPOTENCY_KEY_REUSED']);
  const overHttp = await call(url, '/v1/conversations/i9/messages', { headers: { 'idempotency-key': 'k' }, body: { attributes: { b: '2', a: '1' }, text: 'x' } });
  assert.deepEqual([overHttp.body.messageId, overHttp.body.duplicate], [a.messageId, true]);
  for (const [frame, code] of [
    [{ conversationId: 'a b', text: 'x' }, 'CONVERSATION_ID_INVALID'], [{ conversationId: 'c', text: 'x', idempotencyKey: 'ä' }, 'IDEMPOTENCY_KEY_INVALID'],
    [{ conversationId: 'c' }, 'FRAME_INVALID'], [{ conversationId: 'ch:1', text: 'x' }, 'CONVERSATION_FORBIDDEN'], [{ conversationId: 'c', text: 'x', botId: 'nobody' }, undefined],
  ] as const) {
    const ref = JSON.stringify(frame);
    socket.send({ type: 'message', ref, ...frame });
    const rejected = await socket.wait((each) => each.ref === ref);
    assert.equal(rejected.type, 'rejected');
    assert.equal(typeof rejected.detail, 'string');
    if (code !== undefined) assert.equal(rejected.code, `CONFAB_${code}`);
  }
  socket.send({ type: 'message', text: 'no ref' });
  assert.equal((await socket.wait('error')).code, 'CONFAB_FRAME_INVALID');
});

test('the stream of a conversation: ready, live, resumed from any position, each outcome once', async (t) => {
  const { url } = await off;
  const live = await Client.open(t, url, stream('s1'));
  const ready = await live.wait('ready');
  assert.deepEqual([ready.conversationId, ready.recovered], ['s1', true]);
  const sent: Sent[] = [];
  for (const text of ['hello', 'where is my parcel?', 'what are your opening hours?', 'bye']) sent.push(await say(url, 's1', text));
  await eventually('four outcomes', () => live.frames.filter(answers).length === 4);
  const outcomes = live.frames.filter(answers);
  assert.deepEqual(outcomes.map(({ inReplyTo }) => inReplyTo), sent.map(({ messageId }) => messageId));
  const [reply] = outcomes;
  assert.ok(reply !== undefined && reply.type === 'reply' && typeof reply.text === 'string' && reply.replyId === `${sent[0]?.messageId ?? ''}-01`);
  assert.deepEqual([reply.author, Number.isNaN(Date.parse(String(reply.createdAt)))], [{ type: 'bot', name: 'Parcel Pal' }, false]);
  const places = ['00000000-000000000000-00', String(ready.position), ...sent.map(({ position }) => position), ...outcomes.map(({ position }) => String(position))];
  for (const after of places.slice(1)) {
    const socket = await Client.open(t, url, stream('s1', after));
    assert.equal((await socket.wait('ready')).recovered, true, after);
    const later = outcomes.filter(({ position }) => String(position) > after);
    await eventually(`what is after ${after}`, () => socket.frames.filter(answers).length >= later.length);
    assert.deepEqual(socket.frames.filter(answers), later, after);
  }
  const foreign = await Client.open(t, url, stream('s1', places[0]));
  const begun = await foreign.wait('ready');
  assert.equal(begun.recovered, false, 'a position of another epoch');
  assert.ok(String(begun.position) >= String(outcomes[3]?.position));
  const last = await say(url, 's1', 'hello');
  await foreign.wait(({ inReplyTo }) => inReplyTo === last.messageId);
  assert.equal(foreign.frames.filter(answers).length, 1);
  const early = await Client.open(t, url, stream('never-used'));
  const position = String((await early.wait('ready')).position);
  const first = await say(url, 'never-used');
  await early.wait(({ inReplyTo }) => inReplyTo === first.messageId);
  const again = await Client.open(t, url, stream('never-used', position));
  await again.wait(({ inReplyTo }) => inReplyTo === first.messageId);
});

test('one socket for many conversations: subscribe, unsubscribe, receipts, typing, faults of one subscription', async (t) => {
  const { url } = await off;
  const [socket, other] = [await Client.open(t, url, '/v1/stream'), await Client.open(t, url, stream('m1'))];
  await other.wait('ready');
  for (const conversationId of ['m1', 'm2']) { socket.send({ type: 'subscribe', conversationId }); await socket.wait((frame) => frame.type === 'ready' && frame.conversationId === conversationId); }
  const one = await say(url, 'm1');
  const reply = await socket.wait(({ inReplyTo }) => inReplyTo === one.messageId);
  other.send({ type: 'typing', conversationId: 'm1' }).send({ type: 'typing', conversationId: 'm1' });
  assert.deepEqual(await socket.wait('typing'), { type: 'typing', conversationId: 'm1', author: { type: 'person' } });
  socket.send({ type: 'unsubscribe', conversationId: 'm2' });
  socket.send({ type: 'received', conversationId: 'm1', position: reply.position }).send({ type: 'read', conversationId: 'm1', position: reply.position });
  const faults: readonly (readonly [frame: object, code: string])[] = [
    [{ type: 'nonsense' }, 'FRAME_INVALID'], [{ type: 'subscribe' }, 'FRAME_INVALID'], [{ type: 'subscribe', conversationId: 'a b' }, 'CONVERSATION_ID_INVALID'],
    [{ type: 'subscribe', conversationId: 'f3', after: '7' }, 'POSITION_INVALID'], [{ type: 'subscribe', conversationId: 'f4', colour: 'red' }, 'FRAME_INVALID'],
    [{ type: 'subscribe', conversationId: 'v:1' }, 'CONVERSATION_FORBIDDEN'], [{ type: 'read', conversationId: 'm2', position: reply.position }, 'FRAME_INVALID'],
    [{ type: 'received', conversationId: 'm1', position: 'x' }, 'POSITION_INVALID'], [{ type: 'received', conversationId: 'm1' }, 'FRAME_INVALID'],
    [{ type: 'auth', token: 'x', colour: 'red' }, 'FRAME_INVALID'],
  ];
  for (const [index, [frame, code]] of faults.entries()) {
    socket.send(frame);
    await eventually(`an error for ${JSON.stringify(frame)}`, () => socket.frames.filter(({ type }) => type === 'error').length > index);
    const error = socket.frames.filter(({ type }) => type === 'error')[index];
    assert.equal(error?.code, `CONFAB_${code}`, JSON.stringify(frame));
    if ('conversationId' in frame) assert.equal(error?.conversationId, frame.conversationId);
  }
  const two = [await say(url, 'm2'), await say(url, 'm1')];
  await socket.wait(({ inReplyTo }) => inReplyTo === two[1]?.messageId);
  assert.ok(!socket.frames.some(({ inReplyTo }) => inReplyTo === two[0]?.messageId), 'unsubscribed');
  assert.equal(socket.frames.filter(({ type }) => type === 'typing').length, 1, 'one typing in 3 s');
  socket.send({ type: 'subscribe', conversationId: 'm2', after: two[0]?.position });
  await socket.wait(({ inReplyTo }) => inReplyTo === two[0]?.messageId);
  other.send({ type: 'subscribe', conversationId: 'm2' });
  assert.equal((await other.wait('error')).code, 'CONFAB_FRAME_INVALID');
});

test('10,000 conversations on a socket; one more is an error, asked for again a close', async (t) => {
  const { url } = await off;
  const socket = await Client.open(t, url, '/v1/stream');
  for (let i = 0; i < 10_000; i += 1) socket.send({ type: 'subscribe', conversationId: `l${i}` });
  await eventually('10,000 are ready', () => socket.frames.length >= 10_000, 30_000);
  assert.ok(socket.frames.every(({ type }) => type === 'ready'));
  socket.send({ type: 'subscribe', conversationId: 'l0' }).send({ type: 'subscribe', conversationId: 'one-more' });
  assert.deepEqual([(await socket.wait('error')).code, socket.closed], ['CONFAB_SUBSCRIPTION_LIMIT', undefined]);
  socket.send({ type: 'unsubscribe', conversationId: 'l1' }).send({ type: 'subscribe', conversationId: 'instead' });
  await socket.wait(({ type, conversationId }) => type === 'ready' && conversationId === 'instead');
  socket.send({ type: 'subscribe', conversationId: 'one-more' });
  closedAs(await socket.end(), 4103, 'SUBSCRIPTION_LIMIT');
});

test('bad frames close the socket with their code', async (t) => {
  const { url } = await off;
  for (const [frame, code, name] of [
    ['{"type":', 4102, 'FRAME_MALFORMED'], ['[]', 4102, 'FRAME_MALFORMED'], ['{}', 4102, 'FRAME_MALFORMED'], ['"x"', 4102, 'FRAME_MALFORMED'],
    [Buffer.from('{"type":"typing"}'), 1003, 'FRAME_MALFORMED'], [JSON.stringify({ type: 'x', text: 'a'.repeat(65_536) }), 1009, 'FRAME_TOO_LARGE'],
  ] as const) {
    for (const path of ['/v1/stream', '/v1/ingest', stream('bad')]) {
      const socket = await Client.open(t, url, path);
      closedAs(await socket.send(frame).end(), code, name);
    }
  }
  const huge = await Client.open(t, url, '/v1/ingest');
  closedAs(await huge.send('a'.repeat(300_000)).end(), 1009, 'FRAME_TOO_LARGE');
  const broken = await Client.open(t, url, '/v1/ingest');
  // A frame that is not masked, and text that is no UTF-8: faults of RFC 6455 itself.
  (broken.socket as unknown as { _socket: NodeJS.WritableStream })._socket.write(Buffer.from([0x81, 0x01, 0x61]));
  closedAs(await broken.end(), 1002, 'FRAME_MALFORMED');
  const latin = await Client.open(t, url, '/v1/ingest');
  (latin.socket as unknown as { _socket: NodeJS.WritableStream })._socket.write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]));
  closedAs(await latin.end(), 1007, 'FRAME_MALFORMED');
});

test('a handover: the reply, the handoff, and what the person is left with', async (t) => {
  const { url } = await off;
  const socket = await Client.open(t, url, stream('h1'));
  await socket.wait('ready');
  const asked = await outcomeOf(url, 'h1', 'I want to talk to a real person');
  assert.ok(['reply', 'outcome'].includes(asked.type));
  const handoff = await socket.wait('handoff');
  assert.deepEqual([handoff.to, handoff.conversationId], ['person', 'h1']);
  assert.ok(String(handoff.position) > String(asked.position));
  const silent = await outcomeOf(url, 'h1', 'hello?');
  assert.deepEqual(Object.keys(silent).sort(), ['conversationId', 'inReplyTo', 'outcome', 'position', 'type']);
  assert.equal(silent.outcome, 'handed_off');
  const { events } = (await call(url, '/v1/conversations/h1/events')).body as unknown as { events: Frame[] };
  assert.deepEqual(events.map(({ type }) => type).slice(0, 3), ['message', asked.type, 'handoff']);
});

test('tokens on sockets: a bad one is accepted, then closed; the bearer subprotocol is not echoed', async (t) => {
  const { url } = await jwt;
  const own = { confab: { conversations: ['t1'] } };
  for (const [bearer, code, name] of [[undefined, 4100, 'TOKEN_MISSING'], ['x.y.z', 4100, 'TOKEN_INVALID'], [await token({ seconds: -60 }), 4100, 'TOKEN_EXPIRED'], [await token({ scope: 'metrics:read' }), 4101, 'SCOPE_MISSING']] as const) {
    for (const path of ['/v1/stream', '/v1/ingest', stream('t1')]) {
      const socket = await Client.open(t, url, path, bearer === undefined ? {} : { protocols: [path === '/v1/ingest' ? 'confab.ingest.v1' : 'confab.v1', `confab.bearer.${bearer}`] });
      closedAs(await socket.end(), code, name);
    }
  }
  closedAs(await (await Client.open(t, url, stream('t2'), { token: await token(own) })).end(), 4101, 'CONVERSATION_FORBIDDEN');
  const browser = await Client.open(t, url, stream('t1'), { protocols: [`confab.bearer.${await token(own)}`, 'confab.v1'], headers: { origin: 'https://shop.example' } });
  assert.equal(browser.socket.protocol, 'confab.v1');
  await browser.wait('ready');
  const foreign = await refused(url, stream('t1'), { protocols: 'confab.v1', headers: { origin: 'https://evil.example' } });
  assert.deepEqual([foreign.status, foreign.body.code], [403, 'CONFAB_ORIGIN_FORBIDDEN']);
  const many = await Client.open(t, url, '/v1/stream', { token: await token(own) });
  many.send({ type: 'subscribe', conversationId: 't2' });
  assert.deepEqual([(await many.wait('error')).code, (await many.wait('error')).conversationId], ['CONFAB_CONVERSATION_FORBIDDEN', 't2']);
  const ingest = await Client.open(t, url, '/v1/ingest', { token: await token(own) });
  ingest.send({ type: 'message', ref: '1', conversationId: 't2', text: 'x' }).send({ type: 'message', ref: '2', conversationId: 't1', text: 'x', userId: 'bob' }).send({ type: 'message', ref: '3', conversationId: 't1', text: 'x' });
  await ingest.wait('accepted');
  await eventually('three answers', () => ingest.frames.length === 3);
  assert.deepEqual(Object.fromEntries(ingest.frames.map(({ ref, code }) => [ref, code])), { 1: 'CONFAB_CONVERSATION_FORBIDDEN', 2: 'CONFAB_USER_MISMATCH', 3: undefined });
});

test('another tenant follows another conversation', async (t) => {
  const { url } = await jwt;
  const all = 'messages:write conversations:read conversations:all';
  const [acme, own] = [await token({ scope: all, confab: { tenant: 'acme' } }), await token({ scope: all })];
  const mine = await Client.open(t, url, stream('shared'), { token: acme });
  await mine.wait('ready');
  const [theirs, ours] = [await say(url, 'shared', 'hello', own), await say(url, 'shared', 'hello', acme)];
  await mine.wait(({ inReplyTo }) => inReplyTo === ours.messageId);
  assert.ok(!mine.frames.some(({ inReplyTo }) => inReplyTo === theirs.messageId));
});

test('a token that ends: expiring, renewed in place, else 4003', async (t) => {
  const { url } = await jwt;
  const own = { confab: { conversations: ['e1'] } };
  const short = await token({ ...own, seconds: 4 });
  const [left, renewed, wrong] = await Promise.all([1, 2, 3].map(() => Client.open(t, url, stream('e1'), { token: short }))) as [Client, Client, Client];
  for (const socket of [left, renewed, wrong]) assert.match(String((await socket.wait('expiring')).expiresAt), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  renewed.send({ type: 'auth', token: await token({ ...own, seconds: 3600 }) });
  assert.ok(Date.parse(String((await renewed.wait('authenticated')).expiresAt)) > Date.parse(String((await left.wait('expiring')).expiresAt)));
  wrong.send({ type: 'auth', token: await token({ ...own, sub: 'bob' }) });
  closedAs(await wrong.end(), 4100, 'TOKEN_INVALID');
  closedAs(await left.end(), 4003, 'TOKEN_EXPIRED');
  assert.equal(renewed.closed, undefined);
  const { messageId } = await say(url, 'e1', 'hello', await token(own));
  await renewed.wait(({ inReplyTo }) => inReplyTo === messageId);
});

test('a socket that reads nothing is caught up when it reads again; one that never does is closed with 4000 and can resume', async (t) => {
  const { url } = await serve(t, { CONFAB_SLOW_CLIENT_TIMEOUT: '5s', CONFAB_SOCKET_QUEUE: '64KiB' });
  const [never, later] = await Promise.all([Client.open(t, url, stream('slow')), Client.open(t, url, stream('slow'))]);
  const { position } = await never.wait('ready');
  await later.wait('ready');
  const writer = await Client.open(t, url, '/v1/ingest');
  const metric = async (name: string): Promise<number> => Number(new RegExp(`^confab_egress_${name} (\\d+)$`, 'm').exec((await call(url, '/metrics')).text)?.[1] ?? 0);
  let sent = 0;
  const say400 = async (): Promise<void> => {
    for (let i = 0; i < 400; i += 1, sent += 1) writer.send({ type: 'message', ref: String(sent), conversationId: 'slow', text: 'what are your opening hours?' });
    await eventually('accepted', () => writer.frames.length === sent, 60_000);
  };
  for (const { socket } of [never, later]) socket.pause();
  await say400();
  await eventually('the server has noticed', async () => await metric('sockets_behind') === 2 || await metric('slow_closes_total') > 0, 60_000);
  later.socket.resume();
  await say400();
  await eventually('everything', () => later.frames.filter(answers).length >= sent || later.closed !== undefined, 60_000);
  const order = writer.frames.map(({ messageId }) => messageId);
  assert.deepEqual(later.frames.filter(answers).map(({ inReplyTo }) => inReplyTo), order);
  await eventually('the server has closed the other', async () => await metric('slow_closes_total') > 0, 60_000);
  never.socket.resume();
  // Cut where it did not take the close within 5 s.
  const closed = await never.end(60_000);
  assert.ok(closed.code === 4000 || closed.code === 1006, JSON.stringify(closed));
  const seen = never.frames.filter(answers);
  assert.ok(seen.length < sent);
  const back = await Client.open(t, url, stream('slow', String(seen.at(-1)?.position ?? position)));
  await eventually('everything', () => seen.length + back.frames.filter(answers).length >= sent, 60_000);
  assert.deepEqual([...seen, ...back.frames.filter(answers)].map(({ inReplyTo }) => inReplyTo), order);
});

test('a drain under traffic loses nothing; a restart keeps keys; what cannot be processed is dead-lettered and the conversation goes on', async (t) => {
  const folder = scratchFolder(t);
  const first = await serve(t, { CONFAB_DATA_DIR: folder });
  const keyed = (url: string): ReturnType<typeof call> => call(url, '/v1/conversations/k1/messages', { body: { text: 'once' }, headers: { 'idempotency-key': 'k' } });
  const before = await keyed(first.url);
  const accepted: string[] = [];
  const statuses = new Set<number>();
  let running = true;
  const writers = Array.from({ length: 8 }, async () => {
    while (running) {
      const answer = await call(first.url, '/v1/conversations/drain/messages', { body: { text: 'hello' } }).catch(() => undefined);
      if (answer === undefined) return;
      statuses.add(answer.status);
      if (answer.status === 202) accepted.push(String(answer.body.messageId));
      else assert.deepEqual([answer.body.code, typeof answer.headers['retry-after']], ['CONFAB_DRAINING', 'string']);
    }
  });
  await eventually('traffic', () => accepted.length > 50);
  assert.deepEqual(await first.kill('SIGTERM'), { code: 0, signal: null });
  running = false;
  await Promise.all(writers);
  const poison = await writePoison(folder);

  const { url } = await serve(t, { CONFAB_DATA_DIR: folder });
  assert.deepEqual((await keyed(url)).body, { ...before.body, duplicate: true });
  const stream1 = await Client.open(t, url, stream('poison', `${String(before.body.position).slice(0, 9)}000000000000-00`));
  const next = await say(url, 'poison', 'hello');
  await stream1.wait(({ inReplyTo }) => inReplyTo === next.messageId);
  const { events } = (await call(url, '/v1/conversations/poison/events')).body as unknown as { events: Frame[] };
  const letters = events.filter(({ outcome }) => outcome === 'dead_lettered');
  assert.deepEqual(letters.map(({ inReplyTo }) => inReplyTo), [null, poison]);
  assert.deepEqual(Object.keys(letters[1] ?? {}).sort(), ['conversationId', 'inReplyTo', 'outcome', 'position', 'type']);
  assert.equal(events.at(-1)?.inReplyTo, next.messageId);
  assert.deepEqual(stream1.frames.filter(answers), events.filter(answers), 'stream and history agree');
  let outcomes: unknown[] = [];
  await eventually('everything accepted has its outcome', async () => {
    const found: Frame[] = [];
    for (let after = ''; ;) {
      const page = (await call(url, `/v1/conversations/drain/events?limit=500${after}`)).body as unknown as { events: Frame[]; next: string | null };
      found.push(...page.events);
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    outcomes = found.filter(answers).map(({ inReplyTo }) => inReplyTo);
    return outcomes.length === found.length / 2;
  });
  assert.equal(new Set(outcomes).size, outcomes.length);
  assert.deepEqual(accepted.filter((id) => !outcomes.includes(id)), []);
});

/** Bytes that are no Message, and a Message for a bot that does not exist, as no ingress would write them; the id of the second. */
async function writePoison(folder: string): Promise<string> {
  const log = await openEmbeddedLog({ folder, clock: systemClock, random: systemRandom, logger: silentLogger });
  const messageId = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
  const draft = draftMessage({ bots: { defaultBot: 'nobody' }, nextId: () => messageId }, ANONYMOUS, 'poison', { text: 'hello' }, undefined);
  const { partitions } = await log.topic('messages.v1');
  const record = { topic: 'messages.v1', partition: partitionOf('default/poison', partitions), key: 'default/poison', timestamp: systemClock.now() };
  await (await log.appender()).append([{ ...record, value: Buffer.from('garbage') }, { ...record, value: createLocalCodec().of('Message').encode(draft) }]);
  await log.close();
  return messageId;
}

test('SIGTERM: sockets close with 1001 or 1012 and exit is 0; nothing logged a token', async (t) => {
  for (const program of [await off, await jwt]) {
    const bearer = await token({ scope: 'messages:write conversations:read conversations:all' });
    const sockets = await Promise.all(['/v1/stream', '/v1/ingest', stream('end')].map((path) => Client.open(t, program.url, path, { token: bearer })));
    assert.deepEqual(await program.kill('SIGTERM'), { code: 0, signal: null });
    for (const socket of sockets) {
      const closed = await socket.end();
      assert.ok(closed.code === 1001 || closed.code === 1012);
      assert.equal(closed.reason.code, 'CONFAB_DRAINING');
    }
    assert.ok(!program.output.includes('eyJ'), 'no token in the log');
    if (program === await off) assert.ok(!/opening hours|where is my parcel\?/i.test(program.output.replace(/^ {2}(?:curl|open) .*$/gm, '')), 'no text in the log, but at trace');
  }
});
