import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Clock } from '../clock.js';
import { ManualClock, settle } from '../clock-manual.js';
import { eventually } from '../testing.js';
import { SocketFlow } from './socket-flow.js';
import { SocketRegistry } from './socket-registry.js';
import { socketRoute } from './socket-route.js';
import type { SocketSession } from './socket-session.js';
import { openSocket, testServer, type TestSocket } from './testing.js';
import type { FastifyInstance } from 'fastify';

interface Context { after(run: () => void | Promise<void>): void }

function server(t: Context, clock: ManualClock, more: object = {}): FastifyInstance {
  const app = testServer(t, { clock, ...more });
  void app.register((scope, _options, done) => {
    socketRoute(scope, { url: '/v1/quiet', subprotocol: 'confab.v1', open: () => ({ frame: () => undefined, closed: () => undefined }) });
    done();
  });
  return app;
}

const turns = async (count: number): Promise<void> => { for (let i = 0; i < count; i += 1) await settle(); };

test('whenever a client vanishes, it is found within 40 s; who answers stays; pings come every 25 s and are spread', async (t) => {
  const clock = new ManualClock();
  const app = server(t, clock);
  const sockets = await Promise.all(Array.from({ length: 30 }, () => openSocket(app, '/v1/quiet', 'confab.v1')));
  const pings = new Map<TestSocket, number[]>();
  for (const socket of sockets) { const at: number[] = []; pings.set(socket, at); socket.socket.on('ping', () => { at.push(clock.monotonic()); }); }
  for (let second = 0; second < 100; second += 1) { await clock.advance(1_000); await turns(6); }
  const moments = new Set([...pings.values()].map(([first]) => first));
  assert.equal(moments.size, 25, 'each second has its own');
  for (const at of pings.values()) assert.deepEqual(at.slice(1).map((time, i) => time - (at[i] ?? 0)), at.slice(1).map(() => 25_000));
  // One vanishes in each second.
  const gone = new Map<TestSocket, number>();
  let seconds = 0;
  while (seconds < 25 || [...gone.keys()].some(({ socket }) => socket.readyState !== socket.CLOSED)) {
    const next = sockets[seconds];
    if (seconds < 25 && next !== undefined) { next.socket.pong = () => undefined; gone.set(next, clock.monotonic()); next.socket.once('close', () => { gone.set(next, clock.monotonic() - (gone.get(next) ?? 0)); }); }
    seconds += 1;
    assert.ok(seconds < 100, 'all are found');
    await clock.advance(1_000);
    await turns(6);
  }
  const longest = Math.max(...gone.values());
  assert.ok(longest <= 40_000 && longest > 25_000, `${longest} ms`);
  assert.equal(app.confab.sockets.size, 5);
});

test('a drain closes in slices, with 1001 and a time to come back; new sockets get 1012 meanwhile; readiness is 503 at once', async (t) => {
  const clock = new ManualClock();
  const app = server(t, clock);
  const sockets = await Promise.all(Array.from({ length: 50 }, () => openSocket(app, '/v1/quiet', 'confab.v1')));
  app.confab.drain();
  assert.equal((await app.inject('/health/ready')).statusCode, 503);
  let ended = false;
  void app.confab.sockets.closeInSlices({ code: 1001, millis: 1_000, retryAfterMs: () => 500 }).then(() => { ended = true; });
  const open: number[] = [];
  for (let i = 0; i < 12; i += 1) {
    await turns(20);
    open.push(sockets.filter(({ socket }) => socket.readyState === socket.OPEN).length);
    if (i === 4) assert.deepEqual((await (await openSocket(app, '/v1/quiet', 'confab.v1')).closed).code, 1012);
    await clock.advance(100);
  }
  assert.ok(ended);
  const steps = open.map((count, i) => (open[i - 1] ?? 50) - count);
  assert.ok(Math.max(...steps) <= 6, `a few at a time: ${open.join(' ')}`);
  for (const { closed } of sockets) assert.deepEqual(await closed, { code: 1001, reason: { code: 'CONFAB_DRAINING', retryAfterMs: 500 } });
});

/** Sockets that only count when they were closed. */
function registryOf(count: number, clock: Pick<Clock, 'monotonic' | 'sleep'>): { readonly registry: SocketRegistry; readonly closed: number[] } {
  const registry = new SocketRegistry({ clock: { ...clock, now: () => 0, after: () => ({ cancel: () => undefined }) } });
  const closed: number[] = [];
  for (let i = 0; i < count; i += 1) registry.add({ slot: 0, close: () => { closed.push(clock.monotonic()); } } as unknown as SocketSession);
  return { registry, closed };
}

// Each slice that came late once made all of them later: a busy node did not end in its time.
test('a node that comes late to its slices makes up for it: the drain lasts no longer, and nothing is closed too early', async () => {
  for (const late of [0, 130, 900]) {
    let now = 0;
    const { registry, closed } = registryOf(2_000, { monotonic: () => now, sleep: (millis = 0) => { now += millis + late; return Promise.resolve(); } });
    await registry.closeInSlices({ code: 1001, millis: 4_000, retryAfterMs: () => 0 });
    assert.equal(closed.length, 2_000);
    assert.ok((closed.at(-1) ?? 0) >= 3_950 && (closed.at(-1) ?? 0) <= 4_000 + late, `${late}: ${closed.at(-1)}`);
    for (const [i, at] of closed.entries()) assert.ok(i < 25 * (Math.floor(at / 50) + 1), `${late}: socket ${i} at ${at}`);
    assert.ok(new Set(closed).size >= Math.floor(4_000 / (50 + late)), `${late}: ${new Set(closed).size} slices`);
  }
});

test('a few sockets are closed one by one, or together where there is no time', async () => {
  for (const [count, millis, slices] of [[0, 1_000, 0], [1, 1_000, 1], [3, 1_000, 3], [3, 0, 1], [101, 1_000, 20]] as const) {
    let now = 0;
    const { registry, closed } = registryOf(count, { monotonic: () => now, sleep: (wait = 0) => { now += wait; return Promise.resolve(); } });
    await registry.closeInSlices({ code: 1001, millis, retryAfterMs: () => 0 });
    assert.deepEqual([closed.length, new Set(closed).size], [count, slices]);
  }
});

test('a node that has its limit of sockets closes the next with 1013, and takes it when there is room', async (t) => {
  const app = server(t, new ManualClock(), { maxSockets: 3 });
  const sockets = await Promise.all([1, 2, 3].map(() => openSocket(app, '/v1/quiet', 'confab.v1')));
  const { code, reason } = await (await openSocket(app, '/v1/quiet', 'confab.v1')).closed;
  assert.deepEqual([code, reason.code], [1013, 'CONFAB_OVERLOADED']);
  assert.ok((reason.retryAfterMs ?? 0) > 1_000);
  sockets[0]?.socket.close(1000);
  await eventually('it is gone', () => app.confab.sockets.size === 2);
  const next = await openSocket(app, '/v1/quiet', 'confab.v1');
  await turns(10);
  assert.equal(next.socket.readyState, next.socket.OPEN);
});

test('handshakes that end badly give their place back', async (t) => {
  const app = server(t, new ManualClock());
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const open = (path: string, key: string) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => { /* it was cut */ });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: confab.v1\r\n\r\n`);
    return socket;
  };
  for (let i = 0; i < 60; i += 1) {
    const aborted = open('/v1/quiet', 'dGhlIHNhbXBsZSBub25jZQ==');
    if (i % 2 === 0) { aborted.once('connect', () => { aborted.resetAndDestroy(); }); await once(aborted, 'close'); } else await once(aborted, 'data');
    if (i % 2 === 1) aborted.destroy();
    const wrong = open('/v1/quiet?unknown=%', 'x');
    await once(wrong, 'data');
    wrong.destroy();
  }
  await eventually('all are gone', () => app.confab.sockets.size === 0 && app.confab.admission.waiting === 0);
  const sockets = await Promise.all(Array.from({ length: 40 }, () => openSocket(app, '/v1/quiet', 'confab.v1')));
  assert.equal(sockets.length, 40);
});

test('what is under way is counted to its end: pongs say what was read, and none can say too much', () => {
  const flow = new SocketFlow();
  const pong = (text: string, buffered = 0): void => { flow.answer(Buffer.from(text), buffered); };
  assert.equal(flow.add(10_000), false);
  const first = flow.mark(0);
  assert.equal(flow.add(20_000), true);
  const second = flow.mark(0);
  flow.add(5_000);
  assert.equal(flow.underWay, 35_000);
  pong(first);
  assert.equal(flow.underWay, 25_000);
  for (const lie of ['999999', '35001', '30001', '9999', first]) {
    pong(lie);
    assert.equal(flow.underWay, 25_000, lie);
  }
  pong(second, 21_000);
  assert.equal(flow.underWay, 21_000, 'what lies here has not been read');
  flow.add(1_000);
  flow.mark(0);
  pong('something else');
  assert.equal(flow.underWay, 0, 'a client that brings something else back is believed to mean the latest');
  // Counts go round.
  for (let i = 0; i < 40_000; i += 1) { flow.add(65_000); pong(flow.mark(0)); assert.equal(flow.underWay, 0); }
});
