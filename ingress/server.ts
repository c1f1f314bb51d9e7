/** Ingress: the plugin that adds the routes which accept messages. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../platform/clock.js';
import { type Random, ulidMaker } from '../platform/random.js';
import type { Acceptor } from './acceptance/acceptor.js';
import type { DraftOptions } from './message-draft.js';
import type { BotChoiceOptions } from './plugins/bot-choice.js';
import { ingestRoute } from './routes/ingest.js';
import { messagesRoute } from './routes/messages.js';

export interface IngressOptions {
  readonly acceptor: Acceptor;
  readonly clock: Clock;
  readonly random: Random;
  readonly bots: BotChoiceOptions;
  /**
   * The `traceparent` to write into the record, or undefined when the trace is not sampled. Gets what the caller sent.
   * Default: a valid one whose sampled flag is set is passed on.
   */
  readonly sampled?: (traceparent: string | string[] | undefined) => string | undefined;
  /** Messages of one socket that wait for their answer before the socket is not read any more. */
  readonly socketInFlight?: number;
}

/** What the routes of ingress share. */
export interface IngressContext extends DraftOptions {
  readonly acceptor: Acceptor;
  readonly socketInFlight: number;
  readonly sampled: (traceparent: string | string[] | undefined) => string | undefined;
}

const SAMPLED = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f][13579bdf]$/;
const passSampled = (traceparent: string | string[] | undefined): string | undefined =>
  (typeof traceparent === 'string' && SAMPLED.test(traceparent) ? traceparent : undefined);

/** `app.register(ingressRoutes, options)` on a server of buildHttpServer. */
export function ingressRoutes(app: FastifyInstance, options: IngressOptions, done: () => void): void {
  const context: IngressContext = {
    acceptor: options.acceptor,
    bots: options.bots,
    nextId: ulidMaker(options.clock, options.random),
    socketInFlight: options.socketInFlight ?? 1000,
    sampled: options.sampled ?? passSampled,
  };
  messagesRoute(app, context);
  ingestRoute(app, context);
  done();
}
