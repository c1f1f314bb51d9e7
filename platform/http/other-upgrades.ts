/**
 * Requests that offer another protocol than WebSocket. Java's HTTP client, for one, adds `Upgrade: h2c` to plain requests; a
 * server is free to ignore the offer and answer in HTTP/1.1. Node takes every such request for an upgrade as soon as somebody
 * listens for upgrades, so it is given back to the server here without the offer.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Call it when the listener for WebSockets is in place. */
export function ignoreOtherUpgrades(server: Server): void {
  const webSockets = server.listeners('upgrade') as UpgradeListener[];
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.headers.upgrade?.toLowerCase() === 'websocket') for (const listener of webSockets) listener.call(server, request, socket, head);
    else giveBack(server, request, socket, head);
  });
}

function giveBack(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/${request.httpVersion}`];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const [name = '', value = ''] = [request.rawHeaders[i], request.rawHeaders[i + 1]];
    if (/^(upgrade|http2-settings)$/i.test(name)) continue;
    const kept = /^connection$/i.test(name) ? value.split(',').filter((option) => !/^\s*(upgrade|http2-settings)\s*$/i.test(option)).join(',') : value;
    if (kept !== '') lines.push(`${name}: ${kept}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}
