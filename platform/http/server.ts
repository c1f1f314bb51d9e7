/**
 * The Fastify base of every role: limits, problems, hosts and origins, identity, WebSockets, documentation, health, metrics.
 * Roles add their routes by `app.register(plugin)`; routes of sockets go through socketRoute().
 */
import swagger from '@fastify/swagger';
import websocket, { type WebsocketPluginOptions } from '@fastify/websocket';
import Fastify, { type FastifyHttpOptions, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Authenticator } from '../auth/auth.js';
import type { Clock } from '../clock.js';
import { ConfabError } from '../errors.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import type { Random } from '../random.js';
import { checkBind } from './bind-rule.js';
import { CloseCode } from './close-codes.js';
import { CodedSocket } from './coded-socket.js';
import { documentationRoutes } from './documentation.js';
import { jsonParser } from './json-parser.js';
import { memoryWatch } from './memory-short.js';
import { answerClientError, checkSize, PARSER_BYTES, refuseTunnel, type ClientError } from './limits.js';
import { OriginGuard } from './origin.js';
import { httpError, problemOf, PROBLEM_TYPE, retryAfterSeconds, schemaError, traceIdOf } from './problem.js';
import { RouteTable } from './route-table.js';
import { ignoreOtherUpgrades } from './other-upgrades.js';
import { chooseSubprotocol, drainRetry, isSocketRoute } from './socket-route.js';
import { SocketAdmission } from './socket-admission.js';
import { SocketRegistry } from './socket-registry.js';
import { systemRoutes } from './system-routes.js';
import { createAjv } from './validator.js';

export interface HttpServerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly authenticator: Authenticator;
  /** The address that it will be bound to: rules for hosts and for authentication depend on it. */
  readonly host: string;
  /** CONFAB_AUTH=insecure: authentication may be off on any bind. */
  readonly insecure?: boolean;
  readonly publicUrl?: string;
  readonly allowedOrigins?: readonly string[];
  /** CONFAB_TRUST_PROXY: Fastify's `trustProxy` (true, hop count, addresses). */
  readonly trustProxy?: boolean | number | string | string[];
  /** CONFAB_MAX_BODY: bodies and frames, bytes. */
  readonly maxBodyBytes?: number;
  readonly requestTimeoutMillis?: number;
  /** CONFAB_SLOW_CLIENT_TIMEOUT. */
  readonly slowClientMillis?: number;
  /** CONFAB_MAX_SOCKETS. */
  readonly maxSockets?: number;
  /** CONFAB_MAX_HANDSHAKES. */
  readonly maxHandshakes?: number;
  /** Whether the process can do its job (drain is looked after here). */
  readonly ready: () => boolean | Promise<boolean>;
  /** Optional abilities that `GET /v1` lists. */
  readonly features?: readonly string[];
  readonly version?: string;
  /** False leaves out /docs (processors without routes). */
  readonly documentation?: boolean;
}

/** What routes share; `app.confab`. */
export interface HttpContext {
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxBodyBytes: number;
  readonly sockets: SocketRegistry;
  readonly admission: SocketAdmission;
  readonly random: Random;
  /** True from the beginning of the drain on. */
  draining(): boolean;
  /** Begins the drain: not ready any more, new commands and sockets are refused. Sockets stay until they are closed. */
  drain(): void;
  /** Closes all sockets with 1001, a few at a time, over as long as their number asks for and `millis` at most. */
  closeSockets(millis: number): Promise<void>;
  /** Names an optional ability in `GET /v1`; with `to` only for requests that it takes. */
  offer(feature: string, to?: (request: FastifyRequest) => boolean | Promise<boolean>): void;
  /** What a request may use of what is offered. */
  features(request: FastifyRequest): Promise<readonly string[]>;
  /** Every route there is, also those that GET /openapi.json leaves out, as `METHOD /path/:parameter`. */
  routes(): readonly string[];
  /** The id that ties a problem, its log line and the trace together. */
  traceId(request: Pick<FastifyRequest, 'headers'>): string;
}

declare module 'fastify' {
  interface FastifyInstance {
    confab: HttpContext;
  }
}

const DEFAULT_MAX_BODY = 64 * 1024;
const DEFAULT_REQUEST_TIMEOUT = 10_000;
/** Sockets that a node which goes away sends to the others in a second, if its time allows. */
const CLOSED_A_SECOND = 500;

/** @throws CONFAB_AUTH_REQUIRED, CONFAB_CONFIG_INVALID */
export function buildHttpServer(options: HttpServerOptions): FastifyInstance {
  checkBind({ host: options.host, authRequired: options.authenticator.required, insecure: options.insecure ?? false });
  const guard = new OriginGuard({ ...options, authRequired: options.authenticator.required });
  const table = new RouteTable();
  const context = contextOf(options, table);
  const docsUrl = `${options.publicUrl?.replace(/\/$/, '') ?? ''}/docs`;
  const app = createFastify(options, context, docsUrl);
  app.decorate('confab', context);
  app.decorateRequest('principal', null);
  setValidation(app);
  app.addHook('onRoute', (route) => { table.add(route.method, route.url); });
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
    endWithAnswer(request, reply);
    try {
      checkSize(request);
      if (!request.url.startsWith('/health/')) {
        guard.checkHost(request.headers.host);
        // A preflight is answered already: without `done` nothing further runs.
        if (guard.checkOrigin(request, reply)) return;
      }
      // Before anything looks at the body: whatever it is, the answer is 404 or 405.
      if (request.is404) throw routeMissing(table, request, reply);
      // Without this a handshake on any other route would be accepted and closed at once.
      if (request.headers.upgrade !== undefined && !isSocketRoute(request)) throw new ConfabError('CONFAB_ROUTE_UNKNOWN', { detail: 'This route takes no WebSocket.' });
      if (context.draining()) void reply.header('connection', 'close');
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  setErrors(app, table, context, docsUrl);
  registerBase(app, options, context, docsUrl);
  return app;
}

/** After a refused handshake nothing reads the connection any more: it ends with the answer. (An accepted one never "finishes".) */
function endWithAnswer(request: FastifyRequest, reply: FastifyReply): void {
  if (request.headers.upgrade !== undefined) reply.raw.once('finish', () => { (request.raw.socket as Partial<Socket>).destroySoon?.(); });
}

function contextOf(options: HttpServerOptions, table: RouteTable): HttpContext {
  let draining = false;
  const { clock, random, metrics, maxSockets, maxHandshakes } = options;
  const sockets = new SocketRegistry({ clock, ...(options.slowClientMillis === undefined ? {} : { slowMillis: options.slowClientMillis }) });
  const admission = new SocketAdmission({
    clock, random, metrics, open: () => sockets.size, memoryShort: memoryWatch(clock),
    ...(maxSockets === undefined ? {} : { maxSockets }), ...(maxHandshakes === undefined ? {} : { maxWaiting: maxHandshakes }),
  });
  const { revocations } = options.authenticator;
  revocations?.watch(() => { sockets.closeRefused(revocations); });
  const offers = new Map<string, (request: FastifyRequest) => boolean | Promise<boolean>>((options.features ?? []).map((name) => [name, () => true]));
  return {
    authenticator: options.authenticator,
    clock: options.clock,
    logger: options.logger,
    maxBodyBytes: options.maxBodyBytes ?? DEFAULT_MAX_BODY,
    sockets, admission, random,
    draining: () => draining,
    drain: () => { draining = true; },
    closeSockets: (millis) => sockets.closeInSlices({ code: CloseCode.GOING_AWAY, millis: Math.min(millis, (sockets.size / CLOSED_A_SECOND) * 1_000), retryAfterMs: () => drainRetry(random) }),
    offer: (feature, to = () => true) => { offers.set(feature, to); },
    features: async (request) => {
      const open = await Promise.all([...offers].map(async ([name, to]) => (await to(request) ? [name] : [])));
      return open.flat();
    },
    routes: () => table.all(),
    traceId: (request) => traceIdOf(request) ?? options.random.bytes(16).toString('hex'),
  };
}

function createFastify(options: HttpServerOptions, context: HttpContext, docsUrl: string): FastifyInstance {
  const timeout = options.requestTimeoutMillis ?? DEFAULT_REQUEST_TIMEOUT;
  const settings: FastifyHttpOptions<Server> = {
    logger: false,
    bodyLimit: context.maxBodyBytes,
    requestTimeout: timeout,
    keepAliveTimeout: 72_000,
    trustProxy: trustOf(options.trustProxy ?? false),
    return503OnClosing: false,
    // Conversation ids that are too long shall have their own code, so the router must let them through.
    routerOptions: { maxParamLength: 8192 },
    // Node's own refusal of a request without Host has no body; checkSize answers it as a problem.
    http: { requireHostHeader: false, maxHeaderSize: PARSER_BYTES, requestTimeout: timeout, headersTimeout: timeout, connectionsCheckingInterval: Math.max(20, Math.floor(timeout / 20)) },
    clientErrorHandler: (error, socket) => {
      answerClientError(error as unknown as ClientError, socket, docsUrl, options.random.bytes(16).toString('hex'));
    },
    // A path that cannot be decoded: it meets no hook.
    frameworkErrors: (error, request, reply) => { endWithAnswer(request, reply); sendProblem(error, request, reply, context, docsUrl); },
  };
  return Fastify(settings);
}

/** A number means that many proxies stand in front. */
function trustOf(setting: boolean | number | string | string[]): boolean | string | string[] | ((address: string, hop: number) => boolean) {
  return typeof setting === 'number' ? (_address, hop) => hop < setting : setting;
}

function setValidation(app: FastifyInstance): void {
  const strict = createAjv();
  const coercing = createAjv({ coerce: true });
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? strict : coercing).compile(schema as object));
  app.setSchemaErrorFormatter((errors, part) => schemaError(errors as Parameters<typeof schemaError>[0], part));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, jsonParser);
}

function setErrors(app: FastifyInstance, table: RouteTable, context: HttpContext, docsUrl: string): void {
  app.setErrorHandler((thrown, request, reply) => { sendProblem(thrown, request, reply, context, docsUrl); });
  // The hook onRequest answers these; this one is here for what reaches no hook.
  app.setNotFoundHandler((request, reply) => { sendProblem(routeMissing(table, request, reply), request, reply, context, docsUrl); });
}

/** 405 where the path takes other methods, named in Allow; else 404. */
function routeMissing(table: RouteTable, request: FastifyRequest, reply: FastifyReply): ConfabError {
  const allowed = table.methodsOf(request.url.split('?', 1)[0] ?? '');
  // A route that takes the method, and found nothing of that name.
  if (allowed.length === 0 || allowed.includes(request.method)) return new ConfabError('CONFAB_ROUTE_UNKNOWN');
  void reply.header('allow', allowed.join(', '));
  return new ConfabError('CONFAB_METHOD_NOT_ALLOWED', { detail: `Use ${allowed.join(' or ')}.` });
}

function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, context: HttpContext, docsUrl: string): void {
  const error = httpError(thrown);
  const traceId = context.traceId(request);
  if (error.status >= 500 && !error.retryable) context.logger.error({ err: error.cause ?? error, traceId, code: error.code }, 'a request failed');
  const wait = retryAfterSeconds(error);
  if (wait !== undefined) void reply.header('retry-after', wait);
  if (error.status === 401) void reply.header('www-authenticate', 'Bearer');
  if (error.status === 426) void reply.header('upgrade', 'websocket');
  // What is left of a body that was refused unread would be taken for the next request.
  if (error.status === 413 || error.status === 408) void reply.header('connection', 'close');
  void reply.code(error.status).type(PROBLEM_TYPE).send(JSON.stringify(problemOf(error, docsUrl, traceId)));
}

function registerBase(app: FastifyInstance, options: HttpServerOptions, context: HttpContext, docsUrl: string): void {
  void app.register(websocket, {
    options: {
      // Larger frames than allowed are closed with a coded reason; only much larger ones by the library, without one.
      maxPayload: context.maxBodyBytes * 2,
      // Each costs many times its bytes. No client has a reason for more.
      maxFragments: 1024,
      perMessageDeflate: false,
      clientTracking: true,
      // How long a client may take to answer a close before it is cut.
      closeTimeout: 5000,
      handleProtocols: chooseSubprotocol,
      WebSocket: CodedSocket as never,
    } as WebsocketPluginOptions['options'],
    errorHandler: (_error, socket) => { socket.terminate(); },
    preClose(done) {
      context.sockets.closeAll(CloseCode.GOING_AWAY);
      done();
    },
  });
  if (options.documentation !== false) {
    void app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title: 'Confab', version: options.version ?? '1', description: 'Commands, queries and operation of Confab over HTTP. Frames of WebSockets: docs/frames.md.', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
        servers: [{ url: options.publicUrl?.replace(/\/$/, '') ?? '/' }],
        components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
        security: [{ bearer: [] }],
      },
    });
    void app.register(documentationRoutes);
  }
  app.addHook('onReady', (done) => {
    ignoreOtherUpgrades(app.server);
    app.server.on('connect', (_request: unknown, socket: Duplex) => { refuseTunnel(socket, docsUrl, options.random.bytes(16).toString('hex')); });
    // An expectation that is not known may be ignored (RFC 9110, 10.1.1); Node would answer 417 without a body.
    app.server.on('checkExpectation', (request, response) => { app.server.emit('request', request, response); });
    done();
  });
  void app.register(systemRoutes, { ready: options.ready, metrics: options.metrics });
}
