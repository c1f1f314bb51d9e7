/** A WebSocket of the load generator: what is sent in one turn of the event loop leaves in one write. */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';

export interface LoadSocket {
  send(text: string): void;
  close(): void;
}

export function openSocket(url: string, subprotocol: string, onText: (text: string) => void): Promise<LoadSocket> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), subprotocol, { perMessageDeflate: false, maxPayload: 1024 * 1024 });
  // Before it is open, a failure is told by `error`.
  let closing = true;
  let corked = false;
  socket.on('message', (data: Buffer) => { onText(data.toString()); });
  socket.on('close', (code, reason) => { if (!closing) throw new Error(`${url} was closed with ${code} ${reason.toString()}`); });
  const send = (text: string): void => {
    if (!corked) {
      corked = true;
      const { _socket: raw } = socket as unknown as { readonly _socket: Socket };
      raw.cork();
      setImmediate(() => { corked = false; raw.uncork(); });
    }
    socket.send(text);
  };
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => { closing = false; resolve({ send, close: () => { closing = true; socket.close(1000); } }); });
  });
}
