/**
 * Limits of a request before any route sees it. Node's parser has one limit for request line and headers together and only
 * says "overflow", so the parser gets the larger PARSER_BYTES and the finer limits are held here.
 */
import type { FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ConfabError, type ErrorCode } from '../errors.js';
import { problemOf, PROBLEM_TYPE } from './problem.js';

export const MAX_HEADER_BYTES = 16 * 1024;
export const MAX_URI_BYTES = 8 * 1024;
export const PARSER_BYTES = 48 * 1024;

/** @throws CONFAB_URI_TOO_LONG, CONFAB_HEADERS_TOO_LARGE, CONFAB_REQUEST_MALFORMED (HTTP/1.1 without Host) */
export function checkSize(request: FastifyRequest): void {
  const { url, rawHeaders, httpVersion } = request.raw;
  if (request.headers.host === undefined && httpVersion === '1.1') throw new ConfabError('CONFAB_REQUEST_MALFORMED', { detail: 'The header Host is missing.' });
  if (url !== undefined && url.length > MAX_URI_BYTES) throw new ConfabError('CONFAB_URI_TOO_LONG');
  // `rawHeaders` is absent from requests that are injected by tests.
  if (rawHeaders === undefined) return;
  let bytes = 0;
  for (const part of rawHeaders) bytes += part.length + 2;
  if (bytes > MAX_HEADER_BYTES) throw new ConfabError('CONFAB_HEADERS_TOO_LARGE');
}

/** What Node's parser reports. */
export interface ClientError extends Error { code?: string; rawPacket?: Buffer }

/** Which problem a request has that Node's parser refused; undefined: nobody is there to be answered. */
export function clientErrorCode(error: ClientError): ErrorCode | undefined {
  switch (error.code) {
    case 'ECONNRESET': case 'EPIPE': return undefined;
    case 'ERR_HTTP_REQUEST_TIMEOUT': return 'CONFAB_REQUEST_TIMEOUT';
    case 'HPE_HEADER_OVERFLOW': return isLongUri(error.rawPacket) ? 'CONFAB_URI_TOO_LONG' : 'CONFAB_HEADERS_TOO_LARGE';
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW': return 'CONFAB_BODY_TOO_LARGE';
    default: return 'CONFAB_REQUEST_MALFORMED';
  }
}

/**
 * It is the request line that is too long. The parser hands over the packet in which it gave up, which may be a later one: then
 * it tells by how its first line ends, and where it has no end by blanks, which a URI never has.
 */
function isLongUri(packet: Buffer | undefined): boolean {
  if (!packet) return false;
  const end = packet.indexOf('\r\n');
  if (/^[A-Z]+ \//.test(packet.toString('latin1', 0, 16))) return end < 0 || end > MAX_URI_BYTES;
  return end < 0 ? !packet.includes(' ') : / HTTP\/1\.\d$/.test(packet.toString('latin1', Math.max(0, end - 16), end));
}

/** Answers a request that never became one, on its raw socket, as a problem; then closes. */
export function answerClientError(error: ClientError, socket: Socket, docsUrl: string, traceId: string): void {
  const code = clientErrorCode(error);
  // A socket that has begun to answer (or is gone) cannot be given a second answer.
  const busy = (socket as Socket & { _httpMessage?: { headersSent?: boolean } })._httpMessage?.headersSent === true;
  if (code === undefined || busy || !socket.writable) { socket.destroy(); return; }
  socket.end(rawProblem(new ConfabError(code), docsUrl, traceId));
}

/** CONNECT never becomes a request: Node would close the connection without a word. */
export function refuseTunnel(socket: Duplex, docsUrl: string, traceId: string): void {
  socket.on('error', () => { socket.destroy(); });
  socket.end(rawProblem(new ConfabError('CONFAB_METHOD_NOT_ALLOWED', { detail: 'This server is no proxy.' }), docsUrl, traceId, 'Allow: GET, HEAD, POST\r\n'));
}

function rawProblem(error: ConfabError, docsUrl: string, traceId: string, headers = ''): string {
  const problem = problemOf(error, docsUrl, traceId);
  const body = JSON.stringify(problem);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}Connection: close\r\n\r\n${body}`;
}
