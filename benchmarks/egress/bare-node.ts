/**
 * Process: nothing but `@fastify/websocket`, the yardstick for memory a socket and CPU a send. `{"type":"send","text"}` goes to
 * each socket once.
 */
import websocket from '@fastify/websocket';
import Fastify from 'fastify';
import type { WebSocket } from 'ws';

const server = Fastify({ logger: false });
const sockets = new Set<WebSocket>();
await server.register(websocket, { options: { perMessageDeflate: false } });
server.get('/stream', { websocket: true }, (socket) => {
  sockets.add(socket);
  socket.on('close', () => { sockets.delete(socket); });
});
process.on('message', (message: { type: string; text: string }) => {
  if (message.type === 'send') for (const socket of sockets) socket.send(message.text);
});
const url = await server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 });
process.send?.({ type: 'listening', url });
process.once('SIGTERM', () => { process.exit(0); });
