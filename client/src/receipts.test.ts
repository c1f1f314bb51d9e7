import assert from 'node:assert/strict';
import { test } from 'node:test';
import { record, settle, setUp, type World } from './testing.js';

const sent = (world: World): string[] => world.socket.sent.filter(({ type }) => type === 'received' || type === 'read').map(({ type, position }) => `${type} ${position}`);

test('each mark is told once, and again on a new socket', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  await settle();
  world.reply(world.write('c', 'one'));
  await settle();
  const position = world.position(1, 1);
  for (let i = 0; i < 3; i += 1) { conversation.received(position); conversation.read(position); }
  world.reply(world.write('c', 'two'));
  await settle();
  assert.deepEqual(sent(world), [`received ${position}`, `read ${position}`]);
  world.socket.end(1001);
  conversation.read(world.position(2, 1));
  await world.clock.advance(1_000);
  assert.deepEqual(sent(world), [`received ${position}`, `read ${world.position(2, 1)}`]);
});

test('a mark that came too often is told again when the server says', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  const lines = record(conversation);
  await settle();
  conversation.read('p1');
  world.socket.push({ type: 'error', code: 'CONFAB_RATE_LIMITED', detail: 'x', conversationId: 'c', retryAfterMs: 700 });
  await world.clock.advance(699);
  assert.deepEqual(sent(world), ['read p1']);
  await world.clock.advance(1);
  assert.deepEqual(sent(world), ['read p1', 'read p1']);
  await world.clock.advance(30_000);
  assert.equal(sent(world).length, 2);
  assert.deepEqual(lines, ['error CONFAB_RATE_LIMITED']);
});

/** A page of history may show a reply before the stream brings it: its mark comes too early. */
test('a mark that was refused is told again when more has come, and not without end', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  await settle();
  const early = world.position(1, 1);
  conversation.read(early);
  world.socket.push({ type: 'error', code: 'CONFAB_RECEIPT_INVALID', detail: 'x', conversationId: 'c' });
  await world.clock.advance(30_000);
  const before = sent(world).length;
  assert.equal(before, 1);
  world.reply(world.write('c', 'one'));
  await settle();
  assert.deepEqual(sent(world).slice(before), [`read ${early}`]);
  world.reply(world.write('c', 'two'));
  await settle();
  assert.equal(sent(world).length, before + 1);
});

test('a closed conversation tells nothing more, also when it was to be told later', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  client.conversation('other');
  await settle();
  conversation.read('p1');
  world.socket.push({ type: 'error', code: 'CONFAB_RATE_LIMITED', detail: 'x', conversationId: 'c', retryAfterMs: 700 });
  conversation.close();
  await world.clock.advance(1_000);
  assert.deepEqual(sent(world), ['read p1']);
});

test('a receipt that says less than one before it is not emitted, whatever socket brings it; of another log it is', async (t) => {
  const { world, client } = setUp(t);
  const conversation = client.conversation('c');
  const seen: string[] = [];
  conversation.on('receipt', ({ state, position }) => { seen.push(`${state} ${position}`); });
  await settle();
  world.reply(world.write('c', 'one'));
  await settle();
  const push = (index: number, state: string): void => { world.socket.push({ type: 'receipt', conversationId: 'c', position: world.position(index, 1), state }); };
  push(2, 'read');
  push(1, 'read');
  push(2, 'read');
  push(1, 'delivered');
  world.socket.end(1012);
  await world.clock.advance(1_000);
  push(1, 'read');
  push(3, 'read');
  await settle();
  assert.deepEqual(seen, [`read ${world.position(2, 1)}`, `delivered ${world.position(1, 1)}`, `read ${world.position(3, 1)}`]);
  world.socket.end(1012);
  world.log('c').length = 0;
  world.epoch = '00000000';
  await world.clock.advance(1_000);
  push(0, 'read');
  await settle();
  assert.equal(seen.at(-1), `read ${world.position(0, 1)}`);
});

test('a token that was revoked closes for good, until there is another', async (t) => {
  const tokens = ['old', 'new'];
  const { world, client } = setUp(t, { token: () => tokens.shift() ?? 'newer' });
  const conversation = client.conversation('c');
  const lines = record(conversation);
  await settle();
  world.socket.end(4100, { code: 'CONFAB_TOKEN_REVOKED' });
  await world.clock.advance(3_600_000);
  assert.deepEqual([client.connection.state, client.connection.reason?.code, world.sockets.length], ['closed', 'CONFAB_TOKEN_REVOKED', 1]);
  assert.deepEqual(lines, ['error CONFAB_TOKEN_REVOKED']);
  client.reconnect();
  await settle();
  assert.deepEqual([client.connection.state, world.socket.protocols[1]], ['open', 'confab.bearer.new']);
});
