import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { WebSocketServer, type WebSocket } from 'ws';
import { eventually } from '../../platform/testing.js';
import { replyText, sharedMicros, type FromLoad, type StreamLoadReport, type StreamLoadSettings } from './load-settings.js';
import { StreamLoad } from './stream-load.js';

const place = (n: number): string => `0a1b2c3d-${String(n).padStart(12, '0')}-01`;
const ready = (n: number, recovered = true): string => JSON.stringify({ type: 'ready', conversationId: 'c-0', position: place(n), recovered });
const reply = (n: number, length = 20): string => JSON.stringify({ type: 'reply', conversationId: 'c-0', position: place(n), inReplyTo: `m${n}`, text: replyText(n, sharedMicros(), length) });

/** A server that does what the test says, and a load of one socket on it. */
async function start(t: TestContext, serve: (socket: WebSocket, path: string) => void, settings: Partial<StreamLoadSettings> = {}): Promise<{ load: StreamLoad; told: FromLoad[]; report: () => StreamLoadReport }> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'confab.v1' });
  await once(server, 'listening');
  server.on('connection', (socket, request) => { serve(socket, request.url ?? ''); });
  const told: FromLoad[] = [];
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const load = new StreamLoad({ urls: [url], sockets: 1, name: 'c-', shared: false, secret: undefined, slow: 0, arrivals: false, held: false, ...settings }, (message) => { told.push(message); });
  t.after(() => { load.take({ type: 'end' }); for (const socket of server.clients) socket.terminate(); server.close(); });
  const report = (): StreamLoadReport => {
    load.take({ type: 'report' });
    return (told.at(-1) as Extract<FromLoad, { type: 'report' }>).report;
  };
  return { load, told, report };
}

test('replies are counted whole, whatever their length and however the network cuts them', async (t) => {
  const lengths = [20, 60, 200, 70_000, 30, 400_000, 20];
  const { load, told, report } = await start(t, (socket) => {
    socket.send(ready(0));
    lengths.forEach((length, i) => { socket.send(reply(i + 1, length)); });
    socket.send(JSON.stringify({ type: 'handoff', conversationId: 'c-0', position: place(9), to: 'person' }));
  });
  load.take({ type: 'expect', total: lengths.length });
  await load.connect();
  await eventually('all came', () => told.some(({ type }) => type === 'reached'));
  const { received, newest, skipped, repeated, latency } = report();
  assert.deepEqual({ received, newest, skipped, repeated, measured: latency.count }, { received: 7, newest: 7, skipped: 0, repeated: 0, measured: 7 });
});

test('a reply that is left out and one that comes twice are told', async (t) => {
  const { load, report } = await start(t, (socket) => { socket.send(ready(0)); for (const n of [1, 2, 5, 5, 6]) socket.send(reply(n)); });
  await load.connect();
  await eventually('all came', () => report().received === 5);
  const { newest, skipped, repeated } = report();
  assert.deepEqual({ newest, skipped, repeated }, { newest: 6, skipped: 2, repeated: 1 });
});

test('a socket that is refused comes again after the time it was told, and one that is lost resumes behind its newest reply', async (t) => {
  const paths: string[] = [];
  const at: number[] = [];
  const { load, report } = await start(t, (socket, path) => {
    paths.push(path);
    at.push(performance.now());
    if (paths.length === 1) { socket.close(1013, '{"code":"CONFAB_OVERLOADED","retryAfterMs":200}'); return; }
    if (paths.length === 2) { socket.send(ready(0)); socket.send(reply(1)); socket.send(reply(2), () => { socket.terminate(); }); return; }
    socket.send(ready(2, false));
    socket.send(reply(3));
  });
  await load.connect();
  await eventually('it has resumed', () => report().newest === 3);
  assert.deepEqual(paths.slice(0, 3), ['/v1/conversations/c-0/stream', '/v1/conversations/c-0/stream', `/v1/conversations/c-0/stream?after=${place(2)}`]);
  assert.ok((at[1] ?? 0) - (at[0] ?? 0) >= 199, 'it waited');
  const { closes, unrecovered, skipped, repeated, resumes } = report();
  assert.deepEqual({ closes, unrecovered, skipped, repeated, resumed: resumes.count }, { closes: { 0: 1, 1013: 1 }, unrecovered: 1, skipped: 0, repeated: 0, resumed: 1 });
});

test('pings are answered, and a slow reader reads as fast as it was told and loses nothing', async (t) => {
  let pongs = 0;
  const { load, report } = await start(t, (socket) => {
    socket.on('pong', () => { pongs += 1; });
    socket.send(ready(0));
    socket.ping('x');
    socket.once('pong', () => { for (let n = 1; n <= 40; n += 1) socket.send(reply(n, 1000)); });
  }, { slow: 1 });
  await load.connect();
  load.take({ type: 'pace', bytesPerSecond: 4096 });
  await eventually('some came', () => report().received > 0);
  assert.ok(report().received < 40, 'not all at once');
  load.take({ type: 'pace', bytesPerSecond: 0 });
  await eventually('all came', () => report().newest === 40);
  assert.equal(pongs, 1);
  assert.equal(report().latency.count, 0, 'those of slow readers are not measured');
});
