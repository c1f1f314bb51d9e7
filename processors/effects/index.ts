/**
 * Does the effects that stages wait for (stage.ts, Effects): finds who does the kind, counts, times and traces, and turns
 * every failure into a status. An action's declared fallback stands in for its outputs, so that the flow goes on.
 */
import type { Clock } from '../../platform/clock.js';
import { toConfabError, type ErrorCode } from '../../platform/errors.js';
import type { Logger } from '../../platform/observability/logger.js';
import { Counter, Histogram, type Metrics } from '../../platform/observability/metrics.js';
import { noTracer, type Tracer } from '../../platform/observability/tracing.js';
import { failedEffect, settledEffect, type EffectCall, type EffectRunner } from '../runner/effects.js';
import type { EffectRequest, EffectResult, HttpEffect, ModelEffect } from '../stage.js';
import type { HttpActions, HttpTrace } from './http/index.js';

export interface EffectsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracer?: Tracer;
  /** Without it actions are unavailable. `onRetry` counts. */
  readonly http?: (onRetry: () => void) => Pick<HttpActions, 'run'>;
  /** Answers with a result of its own, failures as a status; without it the model is unavailable. */
  readonly model?: ModelRunner;
}

export interface ModelRunner { run(request: ModelEffect, call: EffectCall): Promise<EffectResult> }

/** Of the configuration: whoever operates Confab hears of them. */
const CONFIGURATION: ReadonlySet<ErrorCode> = new Set(['CONFAB_ACTION_HOST_FORBIDDEN', 'CONFAB_ACTION_ADDRESS_FORBIDDEN', 'CONFAB_ACTION_SECRET_MISSING']);

export function createEffects(options: EffectsOptions): EffectRunner {
  const counts = effectMetrics(options.metrics);
  const http = options.http?.(counts.retried);
  return {
    async run(request, call) {
      const began = options.clock.monotonic();
      const start = options.clock.now();
      const trace: HttpTrace = { tries: 0 };
      const { result, code } = request.kind === 'http' ? await runHttp(http, request, call, trace, options) : await runModel(options.model, request, call);
      counts.settled(request.kind, code, (options.clock.monotonic() - began) / 1000);
      recordSpan(options, request, call, { start, code, trace });
      return result;
    },
  };
}

interface Settled {
  readonly result: EffectResult;
  /** What it came to; a fallback may stand in for the result. */
  readonly code: string;
}

async function runHttp(http: Pick<HttpActions, 'run'> | undefined, request: HttpEffect, call: EffectCall, trace: HttpTrace, { logger }: EffectsOptions): Promise<Settled> {
  const { action } = request;
  if (http === undefined) return { code: 'CONFAB_EFFECT_UNAVAILABLE', result: failedEffect(request, 'CONFAB_EFFECT_UNAVAILABLE') };
  try {
    return { code: 'ok', result: settledEffect(request, await http.run(request, call, trace)) };
  } catch (thrown) {
    call.signal.throwIfAborted();
    const error = toConfabError(thrown, 'CONFAB_EFFECT_FAILED');
    const level = CONFIGURATION.has(error.code) || error.code === 'CONFAB_EFFECT_FAILED' ? 'warn' : 'debug';
    logger[level]({ err: error, bot: request.bot.id, action: action.name, host: trace.host, fallback: action.fallback !== null }, 'an action failed');
    return { code: error.code, result: failedAction(request, error.code) };
  }
}

/** The action's declared fallback stands in for its outputs, where it has one. */
export function failedAction(request: HttpEffect, code: string): EffectResult {
  const { fallback } = request.action;
  return fallback === null ? failedEffect(request, code) : settledEffect(request, JSON.stringify(fallback));
}

async function runModel(model: ModelRunner | undefined, request: ModelEffect, call: EffectCall): Promise<Settled> {
  const result = await model?.run(request, call) ?? failedEffect(request, 'CONFAB_EFFECT_UNAVAILABLE');
  return { code: result.status, result };
}

function recordSpan({ clock, tracer = noTracer }: EffectsOptions, request: EffectRequest, call: EffectCall, { start, code, trace }: { start: number; code: string; trace: HttpTrace }): void {
  if (call.span === undefined) return;
  const attributes: Record<string, string | number> = { 'confab.bot': request.bot.id };
  if (request.kind === 'http') {
    attributes['confab.action'] = request.action.name;
    attributes['http.request.method'] = request.action.method;
    if (trace.host !== undefined) attributes['server.address'] = trace.host;
    if (trace.status !== undefined) attributes['http.response.status_code'] = trace.status;
    if (trace.tries > 1) attributes['http.request.resend_count'] = trace.tries - 1;
  } else attributes['confab.task'] = request.task;
  tracer.record({ name: `confab.effect ${request.kind}`, kind: 'client', context: tracer.child(call.span), start, end: clock.now(), attributes, ...(code === 'ok' ? {} : { error: code }) });
}

function effectMetrics(metrics: Metrics): { settled(this: void, kind: string, code: string, seconds: number): void; retried(this: void): void } {
  const registers = [metrics];
  const settled = new Counter({ name: 'confab_effects_total', help: 'Effects that stages waited for, by kind and by what they came to: ok or an error code.', labelNames: ['kind', 'status'], registers });
  const seconds = new Histogram({
    name: 'confab_effect_duration_seconds', help: 'Time that an effect took, tries and queue included.', labelNames: ['kind'], registers,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  });
  const retries = new Counter({ name: 'confab_action_retries_total', help: 'Tries of actions beyond the first.', registers });
  return {
    settled(kind, code, took) { settled.labels(kind, code).inc(); seconds.labels(kind).observe(took); },
    retried() { retries.inc(); },
  };
}
