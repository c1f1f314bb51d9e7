/**
 * Adds a WebSocket route to a server made by buildHttpServer.
 *
 * Before the upgrade (answered as HTTP problems): host and origin (rules of the server), 426 without the route's subprotocol,
 * what `before` throws. After it: a bad token closes 4100, a missing right 4101, so that browsers can tell them apart.
 */
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Principal } from '../auth/auth.js';
import { ConfabError, toConfabError } from '../errors.js';
import type { Random } from '../random.js';
import { closeCodeOf, closeReason } from './close-codes.js';
import { offeredProtocols, socketToken } from './identity.js';
import { releaseHandshake } from './release-handshake.js';
import type { HttpContext } from './server.js';
import type { Release } from './socket-admission.js';
import { FRAMES } from './socket-allowance.js';
import { SocketSession, type SocketHandler } from './socket-session.js';

export type Subprotocol = 'confab.v1' | 'confab.ingest.v1' | 'confab.xray.v1';

export interface SocketRoute {
  readonly url: string;
  readonly subprotocol: Subprotocol;
  /** Its handler limits what clients send, by not reading; else frames are counted, and too many end the socket. */
  readonly selfLimited?: boolean;
  /** Schema of params and querystring; broken: 400 before the upgrade. */
  readonly schema?: FastifySchema;
  /** Called before the upgrade, after the schema: what it throws is answered as a problem. */
  before?(request: FastifyRequest): void;
  /** Called with the authenticated principal, after the upgrade: what it throws closes the socket (4101). */
  authorize?(principal: Principal, request: FastifyRequest): void;
  /** Makes the handler of an accepted socket. Synchronous. */
  open(session: SocketSession, request: FastifyRequest): SocketHandler;
}

const KEY = /^[+/0-9A-Za-z]{22}==$/;
const kProtocol = Symbol('confab.subprotocol');
const kIdentity = Symbol('confab.identity');
const kRelease = Symbol('confab.release');
interface SocketRequest extends IncomingMessage {
  [kProtocol]?: string;
  [kIdentity]?: Principal | ConfabError;
  [kRelease]?: Release;
}

/** For the `handleProtocols` of the WebSocket server: the subprotocol that the route asked for, never the bearer. */
export function chooseSubprotocol(_offered: Set<string>, request: IncomingMessage): string | false {
  return (request as SocketRequest)[kProtocol] ?? false;
}

export function isSocketRoute(request: FastifyRequest): boolean {
  return (request.routeOptions.config as { socket?: boolean } | undefined)?.socket === true;
}

/** Call it inside a registered plugin, so that the WebSocket support is there. */
export function socketRoute(app: FastifyInstance, route: SocketRoute): void {
  const context = app.confab;
  app.route({
    method: 'GET',
    url: route.url,
    exposeHeadRoute: false,
    config: { socket: true } as object,
    schema: { ...route.schema, hide: true },
    onRequest: async (request, reply) => {
      if (!request.ws || !offeredProtocols(request.raw).includes(route.subprotocol)) {
        throw new ConfabError('CONFAB_SUBPROTOCOL_REQUIRED', { detail: `Open a WebSocket that offers the subprotocol ${route.subprotocol}.` });
      }
      checkHandshake(request);
      const raw = request.raw as SocketRequest;
      raw[kProtocol] = route.subprotocol;
      raw[kIdentity] = await admitted(raw, reply.raw, context) ?? await identify(raw, context);
    },
    preHandler: (request, _reply, done) => {
      try {
        route.before?.(request);
        done();
      } catch (error) {
        done(toConfabError(error));
      }
    },
    handler: (_request, reply) => { void reply.send(new ConfabError('CONFAB_SUBPROTOCOL_REQUIRED')); },
    wsHandler: (socket, request) => { accept(socket, request, context, route); },
  });
}

/** What the library would refuse by itself, with a page of HTML. @throws CONFAB_REQUEST_MALFORMED */
function checkHandshake({ headers }: FastifyRequest): void {
  if (!/^(13|8)$/.test(String(headers['sec-websocket-version']))) throw new ConfabError('CONFAB_REQUEST_MALFORMED', { detail: 'The header Sec-WebSocket-Version must be 13.' });
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) throw new ConfabError('CONFAB_REQUEST_MALFORMED', { detail: 'The header Sec-WebSocket-Key is missing or malformed (RFC 6455, 4.1).' });
}

/** Waits for the handshake's turn; what it gives is why the socket is closed at once. Its token is not even looked at then. */
async function admitted(raw: SocketRequest, answer: ServerResponse, context: HttpContext): Promise<ConfabError | undefined> {
  if (context.draining()) return drainingError(context);
  try {
    const done = await context.admission.enter();
    raw[kRelease] = done;
    // Whatever becomes of it: a refusal has an answer, a client that went away a closed connection. (Injected ones have neither.)
    answer.once('finish', done);
    const { socket } = raw as { socket?: Partial<Socket> };
    if (socket?.destroyed === true) done(); else socket?.once?.('close', done);
    return undefined;
  } catch (error) {
    return toConfabError(error);
  }
}

/** The handshake is over; nothing of it stays with the connection. */
function release(raw: SocketRequest): void {
  const done = raw[kRelease];
  if (done === undefined) return;
  done();
  delete raw[kRelease];
  (raw as { socket?: Partial<Socket> }).socket?.removeListener?.('close', done);
}

/** After how many milliseconds the client of a node that goes away is to come to another. */
export function drainRetry(random: Random): number { return 100 + Math.round(random.float() * 900); }

/** Clients of a node that goes away come to the others one after the other. */
function drainingError(context: HttpContext): ConfabError {
  return new ConfabError('CONFAB_DRAINING', { retryAfterMs: drainRetry(context.random) });
}

async function identify(request: IncomingMessage, context: HttpContext): Promise<Principal | ConfabError> {
  try {
    return await context.authenticator.authenticate(socketToken(request));
  } catch (error) {
    return toConfabError(error);
  }
}

function accept(socket: WebSocket, request: FastifyRequest, context: HttpContext, route: SocketRoute): void {
  const raw = request.raw as SocketRequest;
  const identity = raw[kIdentity] ?? new ConfabError('CONFAB_TOKEN_MISSING');
  releaseHandshake(socket, raw);
  // The header carried the token: nothing that logs the request later shall find it.
  delete raw.headers['sec-websocket-protocol'];
  delete raw.headers.authorization;
  try {
    if (identity instanceof ConfabError) throw identity;
    // Between the look at the token and this moment it may have been revoked; from now on the registry closes it.
    const refusal = context.authenticator.revocations?.refusal(identity);
    if (refusal !== undefined) throw refusal;
    if (context.draining()) throw drainingError(context);
    request.principal = identity;
    route.authorize?.(identity, request);
    const session = new SocketSession({
      socket, principal: identity, authenticator: context.authenticator, clock: context.clock,
      logger: context.logger, maxFrameBytes: context.maxBodyBytes, watcher: context.sockets, limit: route.selfLimited === true ? undefined : FRAMES,
    });
    const handler = route.open(session, request);
    context.sockets.add(session);
    socket.once('close', () => { context.sockets.remove(session); });
    session.start(handler);
  } catch (thrown) {
    const error = toConfabError(thrown);
    if (error.code === 'CONFAB_INTERNAL') context.logger.error({ err: error.cause ?? error }, 'a socket could not be opened');
    socket.close(closeCodeOf(error.code), closeReason(error.code, error.retryAfterMs));
  } finally {
    release(raw);
  }
}
