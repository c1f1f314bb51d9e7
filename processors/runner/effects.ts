/**
 * What a stage waits for, as the runner hands it on: whoever does the effects (processors/effects/) hears how long it has and
 * when it is no longer wanted. It has to end before the stage's own budget does: a call that is late is an answer that the
 * flow branches on, not a dead letter.
 */
import type { Clock } from '../../platform/clock.js';
import { ConfabError, toConfabError } from '../../platform/errors.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { SpanContext } from '../../platform/observability/tracing.js';
import type { EffectRequest, EffectResult, Effects } from '../stage.js';
import type { Work } from './work.js';

export interface EffectCall {
  /** Aborts when the result is no longer wanted here. */
  readonly signal: AbortSignal;
  /** Monotonic time by which it must be settled, milliseconds. */
  readonly deadline: number;
  /** The span above it; undefined when the message is not sampled. */
  readonly span: SpanContext | undefined;
}

/** Does effects, of all stages of a process. */
export interface EffectRunner {
  /** Settles by the deadline. Rejects only when the signal aborts; every failure is a status. */
  run(request: EffectRequest, call: EffectCall): Promise<EffectResult>;
}

/** Left of the stage's budget after the last effect: to interpret the turn and to finish it. */
const RESERVE = 1000;

export interface EffectsOptions {
  /** Without one every effect is unavailable. */
  readonly runner: EffectRunner | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds that one input may take. */
  readonly budget: number;
  /** The span of the stage's work; undefined when it is not sampled. */
  readonly spanOf: (work: Work) => SpanContext | undefined;
}

/** The effects of one attempt. */
export function effectsFor({ runner, clock, logger, budget, spanOf }: EffectsOptions, work: Work, signal: () => AbortSignal): Effects {
  if (runner === undefined) return noEffects;
  return {
    async run(request) {
      const call: EffectCall = { signal: signal(), deadline: work.startedAt + Math.max(budget - RESERVE, budget / 2), span: spanOf(work) };
      call.signal.throwIfAborted();
      try {
        if (clock.monotonic() >= call.deadline) throw new ConfabError('CONFAB_EFFECT_UNAVAILABLE', { detail: 'No time is left for it.' });
        return await runner.run(request, call);
      } catch (thrown) {
        call.signal.throwIfAborted();
        const error = toConfabError(thrown, 'CONFAB_EFFECT_FAILED');
        logger.error({ err: error, kind: request.kind, key: request.key }, 'an effect failed');
        return failedEffect(request, error.code);
      }
    },
  };
}

/** Every effect is unavailable. */
export const noEffects: Effects = { run: (request) => Promise.resolve(failedEffect(request, 'CONFAB_EFFECT_UNAVAILABLE')) };

export function settledEffect({ key, kind }: EffectRequest, result: string): EffectResult {
  return { key, kind, status: 'ok', result };
}

export function failedEffect({ key, kind }: EffectRequest, status: string): EffectResult {
  return { key, kind, status, result: null };
}
