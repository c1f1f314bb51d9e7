/**
 * What Node and Fastify made for a handshake (request, headers with the token, the bytes that they were read from, the answer)
 * hangs on the connection for as long as that lives, a third of what an idle socket takes. Nothing looks at it again.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** Call it once the connection belongs to the WebSocket, before anybody else listens to its errors. */
export function releaseHandshake(socket: WebSocket, request: IncomingMessage): void {
  // The plugin's listener knows request and reply, to hand them to an error handler that asks for neither.
  socket.removeAllListeners('error');
  socket.on('error', ended);
  // Where Node keeps the answer that is under way on a connection; without it there is nothing to let go of.
  const connection = request.socket as (Duplex & { _httpMessage?: ServerResponse | null }) | undefined;
  const answer = connection?._httpMessage;
  if (connection === undefined || answer?.socket !== connection) return;
  answer.detachSocket(connection as typeof request.socket);
}

/**
 * One function for all sockets, with nothing to do: the library has sent a close with the code of the fault, which a cut would
 * throw away with all that has not left yet, and cuts the connection itself when the client does not answer.
 */
function ended(): void { /* see above */ }
