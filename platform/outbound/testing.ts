/** For tests only: an HTTP server on loopback that notes what it is asked and answers as it is told. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: string }

export interface TestServer {
  /** `http://127.0.0.1:port`. */
  readonly origin: string;
  readonly port: number;
  readonly asked: Asked[];
  /** Times that each idempotency key came. */
  readonly keys: Map<string, number>;
  connections: number;
}

export type Answer = (response: ServerResponse, asked: Asked, request: IncomingMessage) => void;

export async function testServer(t: { after(run: () => unknown): void }, answer: Answer, host = '127.0.0.1'): Promise<TestServer> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => { chunks.push(chunk); });
    request.on('end', () => {
      const asked: Asked = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
      found.asked.push(asked);
      const key = asked.headers['idempotency-key'];
      if (typeof key === 'string') found.keys.set(key, (found.keys.get(key) ?? 0) + 1);
      answer(response, asked, request);
    });
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => { server.closeAllConnections(); server.close(); });
  const { port } = server.address() as AddressInfo;
  const found: TestServer = { origin: `http://127.0.0.1:${port}`, port, asked: [], keys: new Map(), connections: 0 };
  server.on('connection', () => { found.connections += 1; });
  return found;
}

export function json(response: ServerResponse, value: unknown, status = 200, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}
