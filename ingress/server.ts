/** Ingress: the plugin that adds the routes which accept messages. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../platform/clock.js';
import { noTracer, type Tracer } from '../platform/observability/tracing.js';
import { type Random, ulidMaker } from '../platform/random.js';
import type { Acceptor } from './acceptance/acceptor.js';
import type { DraftOptions } from './message-draft.js';
import { acceptSpans, type BeginAcceptSpan } from './plugins/accept-span.js';
import type { BotChoiceOptions } from './plugins/bot-choice.js';
import { ingestRoute } from './routes/ingest.js';
import { messagesRoute } from './routes/messages.js';

export interface IngressOptions {
  readonly acceptor: Acceptor;
  readonly clock: Clock;
  readonly random: Random;
  readonly bots: BotChoiceOptions;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer;
  /** Messages of one socket that wait for their answer before the socket is not read any more. */
  readonly socketInFlight?: number;
}

/** What the routes of ingress share. */
export interface IngressContext extends DraftOptions {
  readonly acceptor: Acceptor;
  readonly socketInFlight: number;
  readonly beginSpan: BeginAcceptSpan;
}

/** `app.register(ingressRoutes, options)` on a server of buildHttpServer. */
export function ingressRoutes(app: FastifyInstance, options: IngressOptions, done: () => void): void {
  const context: IngressContext = {
    acceptor: options.acceptor,
    bots: options.bots,
    nextId: ulidMaker(options.clock, options.random),
    socketInFlight: options.socketInFlight ?? 1000,
    beginSpan: acceptSpans(options.tracer ?? noTracer, options.clock),
  };
  messagesRoute(app, context);
  ingestRoute(app, context);
  done();
}
