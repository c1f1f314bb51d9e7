import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { eventually } from '../../../platform/testing.js';
import { Proxy } from './proxy.js';

/** An echo server behind a proxy, and what arrived there. */
async function echo(t: TestContext): Promise<{ proxy: Proxy; arrived: string[]; serverSockets: Socket[]; client: () => Promise<Socket & { seen: string; failed?: string }> }> {
  const arrived: string[] = [];
  const serverSockets: Socket[] = [];
  const server = createServer((socket) => {
    serverSockets.push(socket);
    socket.on('error', () => { /* resets are part of the test */ });
    socket.on('data', (bytes) => { arrived.push(bytes.toString()); socket.write(bytes); });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await Proxy.open((server.address() as { port: number }).port);
  const clients: Socket[] = [];
  t.after(async () => {
    for (const socket of [...clients, ...serverSockets]) socket.destroy();
    await proxy.close();
    server.close();
  });
  return {
    proxy, arrived, serverSockets,
    client: async () => {
      const socket = Object.assign(connect(proxy.port, '127.0.0.1'), { seen: '', failed: undefined as string | undefined });
      clients.push(socket);
      socket.on('data', (bytes: Buffer) => { socket.seen += bytes.toString(); });
      socket.on('error', (error: NodeJS.ErrnoException) => { socket.failed = error.code; });
      await once(socket, 'connect');
      return socket;
    },
  };
}

test('bytes go both ways, in order and whole', async (t) => {
  const { client } = await echo(t);
  const socket = await client();
  const text = Array.from({ length: 20_000 }, (_, i) => `${i};`).join('');
  socket.write(text);
  await eventually('the echo of all of it', () => socket.seen === text);
});

test('a delay holds every byte back at least so long, and keeps the order', async (t) => {
  const { proxy, client } = await echo(t);
  const socket = await client();
  proxy.slow(60, 120);
  const began = performance.now();
  for (let i = 0; i < 20; i += 1) { socket.write(`${i},`); await new Promise(setImmediate); }
  await eventually('the echo', () => socket.seen.endsWith('19,'));
  assert.ok(performance.now() - began >= 120, 'there and back');
  assert.equal(socket.seen, Array.from({ length: 20 }, (_, i) => `${i},`).join(''));
});

test('a cut resets both ends', async (t) => {
  const { proxy, client, serverSockets } = await echo(t);
  const socket = await client();
  socket.write('x');
  await eventually('the echo', () => socket.seen === 'x');
  assert.equal(proxy.cut(), 1);
  await eventually('the reset', () => socket.failed === 'ECONNRESET');
  await eventually('the reset at the server', () => serverSockets[0]?.destroyed === true);
  assert.equal(proxy.connections, 0);
});

test('in a hole nothing arrives and nobody is told, not even of a close; when it heals all of it arrives', async (t) => {
  const { proxy, client, arrived, serverSockets } = await echo(t);
  const [stays, goes] = [await client(), await client()];
  stays.write('before');
  goes.write('before');
  await eventually('both before the hole', () => stays.seen === 'before' && goes.seen === 'before');
  proxy.hole();
  stays.write(' after');
  goes.end(' last words');
  goes.destroySoon();
  const late = await client();
  late.write('late');
  await once(goes, 'close');
  assert.deepEqual(arrived, ['before', 'before']);
  assert.ok(serverSockets.every((socket) => !socket.destroyed) && serverSockets.length === 2, 'the server knows of no close and of no new connection');
  proxy.heal();
  await eventually('what was held', () => stays.seen === 'before after' && late.seen === 'late' && arrived.includes(' last words'));
});

test('a half hole swallows answers only', async (t) => {
  const { proxy, client, arrived } = await echo(t);
  const socket = await client();
  proxy.hole('to-client');
  socket.write('heard');
  await eventually('the server hears it', () => arrived.join('') === 'heard');
  assert.equal(socket.seen, '');
  proxy.heal();
  await eventually('the answer', () => socket.seen === 'heard');
});

test('a sender into a hole is not read for ever', async (t) => {
  const { proxy, client } = await echo(t);
  const socket = await client();
  proxy.hole('to-server');
  const block = Buffer.alloc(1024 * 1024);
  let taken = 0;
  for (let i = 0; i < 64; i += 1) socket.write(block, () => { taken += 1; });
  await eventually('its buffers are full', () => taken > 0);
  assert.ok(taken < 64);
});

test('where the server refuses, the client is closed', async (t) => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as { port: number };
  free.close();
  await once(free, 'close');
  const proxy = await Proxy.open(port);
  t.after(() => proxy.close());
  const socket = connect(proxy.port, '127.0.0.1');
  let failed: string | undefined;
  socket.on('error', (error: NodeJS.ErrnoException) => { failed = error.code; });
  await eventually('the reset', () => failed === 'ECONNRESET');
});
