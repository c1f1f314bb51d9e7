/** The client SDK against whole processes: killed in the middle, cut at each place, two devices in step, tokens that end. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import WebSocket from 'ws';
import { createClient, type Client, type ClientOptions, type Conversation, type HistoryEvent } from './client/src/index.js';
import { SECRET, token as tokenOf } from './composition/protocol/testing.js';
import { freePort, Program } from './composition/testing.js';
import { eventually, scratchFolder } from './platform/testing.js';

interface Seen { readonly messages: string[]; readonly outcomes: { readonly inReplyTo: string; readonly position: string }[]; readonly order: string[] }

/** Everything a conversation brings. */
function watch(conversation: Conversation): Seen {
  const seen: Seen = { messages: [], outcomes: [], order: [] };
  const outcome = ({ inReplyTo, position }: { inReplyTo: string | null; position: string }): void => {
    seen.outcomes.push({ inReplyTo: inReplyTo ?? '', position });
    seen.order.push(`outcome ${inReplyTo}`);
  };
  conversation.on('message', ({ messageId }) => { seen.messages.push(messageId); seen.order.push(`message ${messageId}`); });
  conversation.on('reply', outcome);
  conversation.on('outcome', outcome);
  return seen;
}

function clientOf(t: TestContext, url: string, more: Partial<ClientOptions> = {}): Client {
  const client = createClient({ url, WebSocket, ...more });
  t.after(() => { client.close(); });
  return client;
}

/** Oldest first, all of it. */
async function everything(conversation: Conversation): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for (let after: string | null = ''; after !== null;) {
    const page: { events: readonly HistoryEvent[]; next: string | null } = await conversation.history({ after, limit: 500 });
    events.push(...page.events);
    after = page.next;
  }
  return events;
}

/** No gap, no duplicate, in order, and each message before its outcome. */
function assertWhole(seen: Seen, messageIds: readonly string[]): void {
  assert.deepEqual(seen.outcomes.map(({ inReplyTo }) => inReplyTo), messageIds);
  assert.deepEqual(seen.outcomes.map(({ position }) => position), [...new Set(seen.outcomes.map(({ position }) => position))].sort());
  assert.deepEqual([...seen.messages].sort(), [...messageIds].sort());
  for (const id of messageIds) assert.ok(seen.order.indexOf(`message ${id}`) < seen.order.indexOf(`outcome ${id}`), `message ${id} comes before its outcome`);
}

const settings = (t: TestContext, port: number): Record<string, string> => ({ CONFAB_DATA_DIR: scratchFolder(t), CONFAB_HTTP_PORT: String(port), CONFAB_PARTITIONS: '4' });

test('killed with SIGKILL and started again in the middle: nothing missing, nothing twice, and nobody has to do anything', { timeout: 240_000 }, async (t) => {
  const port = await freePort();
  const env = settings(t, port);
  let program = await (await Program.start(t, { env })).ready();
  const states: string[] = [];
  const client = clientOf(t, program.url);
  client.on('connection', ({ state }) => { states.push(state); });
  const conversation = client.conversation(randomUUID());
  const seen = watch(conversation);
  const ids: string[] = [];
  const send = async (text: string): Promise<void> => { ids.push((await conversation.send({ text })).messageId); };

  for (let i = 0; i < 10; i += 1) await send(`before ${i}`);
  const during = Array.from({ length: 10 }, (_, i) => send(`during ${i}`));
  await program.kill('SIGKILL');
  const offline = Array.from({ length: 10 }, (_, i) => send(`offline ${i}`));
  await eventually('ten messages wait', () => conversation.unsent.length >= 10 && states.includes('waiting'));
  program = await (await Program.start(t, { env })).ready();
  await Promise.all([...during, ...offline]);
  for (let i = 0; i < 5; i += 1) await send(`after ${i}`);
  await eventually('35 outcomes', () => seen.outcomes.length >= 35, 30_000);
  assertWhole(seen, ids);
  const stored = await everything(conversation);
  assert.equal(stored.filter(({ type }) => type === 'message').length, 35, 'each message was accepted once');
  assert.equal(states.at(-1), 'open');
});

/** A wire between client and server that can be cut, at any time, without either being asked. */
class Wire {
  private readonly sockets = new Set<Socket>();
  private constructor(private readonly server: Server, readonly url: string) {}

  static async to(t: TestContext, port: number, onBytes: () => void): Promise<Wire> {
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [[near, far], [far, near]] as const) {
        wire.sockets.add(from);
        from.on('error', () => undefined).on('close', () => { wire.sockets.delete(from); to.destroy(); });
        from.on('data', (bytes) => { to.write(bytes); if (from === far) onBytes(); });
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const wire = new Wire(server, `http://127.0.0.1:${(server.address() as { port: number }).port}`);
    t.after(() => { wire.cut(); server.close(); });
    return wire;
  }

  cut(): void { for (const socket of this.sockets) socket.resetAndDestroy(); }
}

test('cut after each chunk of bytes that the server sends: the conversation is whole each time', { timeout: 180_000 }, async (t) => {
  const port = await freePort();
  await (await Program.start(t, { env: settings(t, port) })).ready();
  const turns = 4;
  let mostChunks = 0;
  for (let cutAt = 1; cutAt <= 80; cutAt += 1) {
    let chunks = 0;
    let cuts = 0;
    const wire = await Wire.to(t, port, () => { chunks += 1; if (chunks === cutAt) { cuts += 1; wire.cut(); } });
    const client = clientOf(t, wire.url, { random: roll() });
    const conversation = client.conversation(randomUUID());
    const seen = watch(conversation);
    const ids: string[] = [];
    for (let i = 0; i < turns; i += 1) ids.push((await conversation.send({ text: `turn ${i}` })).messageId);
    await eventually('every outcome', () => seen.outcomes.length >= turns, 30_000);
    assertWhole(seen, ids);
    assert.equal((await everything(conversation)).filter(({ type }) => type === 'message').length, turns);
    client.close();
    if (cuts === 0) { mostChunks = chunks; break; }
  }
  assert.ok(mostChunks > turns, 'the last round was not cut: every place was tried');
});

/** Short waits, and keys that differ. */
function roll(): () => number {
  return () => Number(`0.0${Math.floor(performance.now() * 1e6)}`) % 0.1;
}

test('two devices in step, while each loses its line now and then', { timeout: 180_000 }, async (t) => {
  const port = await freePort();
  await (await Program.start(t, { env: settings(t, port) })).ready();
  const id = randomUUID();
  const wires = await Promise.all([0, 1].map(() => Wire.to(t, port, () => undefined)));
  const conversations = wires.map(({ url }) => clientOf(t, url, { random: roll() }).conversation(id));
  const seen = conversations.map(watch);
  // Both follow from the start.
  await Promise.all(conversations.map((conversation) => new Promise<void>((resolve) => { conversation.on('ready', () => { resolve(); }); })));
  const ids: string[] = [];
  for (let i = 0; i < 20; i += 1) {
    ids.push((await conversations[i % 2]?.send({ text: `line ${i}` }))?.messageId ?? '');
    if (i % 3 === 0) wires[i % 2]?.cut();
    if (i % 4 === 0) wires[(i + 1) % 2]?.cut();
  }
  for (const one of seen) {
    await eventually('20 outcomes', () => one.outcomes.length >= 20, 30_000);
    assertWhole(one, ids);
  }
});

test('a page that is loaded again shows the history and goes on, with the messages that it had not sent', { timeout: 180_000 }, async (t) => {
  const port = await freePort();
  const env = settings(t, port);
  let program = await (await Program.start(t, { env })).ready();
  const items = new Map<string, string>();
  const storage = { getItem: (key: string) => items.get(key) ?? null, setItem: (key: string, value: string) => { items.set(key, value); }, removeItem: (key: string) => { items.delete(key); } };
  const id = randomUUID();
  const first = createClient({ url: program.url, WebSocket, storage });
  const before = first.conversation(id);
  const seen = watch(before);
  await before.send({ text: 'one' });
  await eventually('an outcome', () => seen.outcomes.length === 1);
  await program.kill('SIGKILL');
  const lost = before.send({ text: 'two' });
  lost.catch(() => undefined);
  await eventually('it is kept', () => items.get(`confab:${id}`)?.includes('"two"') === true);
  first.close();
  await assert.rejects(lost, { code: 'CONFAB_CLOSED' });
  program = await (await Program.start(t, { env })).ready();

  const again = clientOf(t, program.url, { storage }).conversation(id);
  const texts: string[] = [];
  again.on('message', ({ text }) => { texts.push(text ?? ''); });
  again.on('reply', ({ inReplyTo }) => { texts.push(inReplyTo === null ? '?' : 'reply'); });
  const { events } = await again.history();
  assert.deepEqual(events.slice(-2).map(({ type }) => type), ['reply', 'message']);
  await eventually('message and reply', () => texts.length >= 2);
  assert.deepEqual(texts.slice(0, 2), ['two', 'reply']);
});

test('tokens: renewed in band before they end, asked for anew after a loss; a wrong one ends with its code', { timeout: 180_000 }, async (t) => {
  const port = await freePort();
  const program = await (await Program.start(t, { env: { ...settings(t, port), CONFAB_AUTH_SECRET: SECRET, CONFAB_AUTH_ISSUER: 'tests' } })).ready();
  const id = randomUUID();
  let made = 0;
  // The first is about to end: the server says so at once.
  const token = (): Promise<string> => tokenOf({ seconds: (made += 1) === 1 ? 20 : 3_600, confab: { conversations: [id] } });
  const client = clientOf(t, program.url, { token });
  const conversation = client.conversation(id);
  const seen = watch(conversation);
  await conversation.send({ text: 'hello' });
  await eventually('an outcome and a renewal', () => seen.outcomes.length === 1 && made === 2);
  const errors: string[] = [];
  client.conversation('not-mine').on('error', ({ code }) => { errors.push(code); });
  await eventually('it is refused', () => errors.length > 0);
  assert.deepEqual(errors, ['CONFAB_CONVERSATION_FORBIDDEN']);
  await assert.rejects(client.conversation('not-mine').send({ text: 'x' }), { code: 'CONFAB_CONVERSATION_FORBIDDEN', status: 403 });
  assert.equal(client.connection.state, 'open');

  const wrong = clientOf(t, program.url, { token: 'ey.no.token' });
  wrong.conversation(id);
  await eventually('it is refused', () => wrong.connection.state === 'closed');
  assert.deepEqual([wrong.connection.reason?.code, wrong.connection.reason?.status], ['CONFAB_TOKEN_INVALID', 4100]);
});
