import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { WebSocket } from 'ws';
import { eventually } from '../testing.js';
import { socketRoute } from './socket-route.js';
import { testServer } from './testing.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test('an open socket keeps neither the request that it came by nor its answer, and works and ends as before', async (t) => {
  const app = testServer(t);
  const kept: WeakRef<object>[] = [];
  let closed = 0;
  void app.register((scope, _options, done) => {
    socketRoute(scope, { url: '/v1/echo', subprotocol: 'confab.v1', open: (session, request) => {
      kept.push(new WeakRef(request), new WeakRef(request.raw));
      return { frame: (frame) => { session.send(frame); }, closed: () => { closed += 1; } };
    } });
    done();
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const socket = new WebSocket(`ws://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1/echo`, 'confab.v1');
  await once(socket, 'open');
  await eventually('they are gone', () => { collect(); return kept.length === 2 && kept.every((one) => one.deref() === undefined); });
  socket.send('{"type":"x"}');
  assert.equal(String((await once(socket, 'message') as [Buffer])[0]), '{"type":"x"}');
  // A frame with a reserved bit: the library closes with the code of the fault, which reaches the client.
  (socket as unknown as { _socket: Socket })._socket.write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]));
  assert.equal((await once(socket, 'close') as [number])[0], 1002);
  await eventually('the handler hears of it', () => closed === 1);
});
