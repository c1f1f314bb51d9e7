/** For tests only: actions that call a server on loopback, and what it takes to make them. */
import { systemClock } from '../../platform/clock.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics, type Metrics } from '../../platform/observability/metrics.js';
import type { Tracer } from '../../platform/observability/tracing.js';
import { ActionSecrets } from '../../platform/outbound/action-secrets.js';
import { addressRule } from '../../platform/outbound/address-rule.js';
import { hostRule } from '../../platform/outbound/host-rule.js';
import { OutboundClient } from '../../platform/outbound/outbound-client.js';
import type { ActionDefinition } from '../bot/action.js';
import type { Bot } from '../bot/index.js';
import type { EffectCall, EffectRunner } from '../runner/effects.js';
import type { HttpEffect } from '../stage.js';
import { HttpActions } from './http/index.js';
import { createEffects } from './index.js';

export function action(origin: string, change: Partial<ActionDefinition> = {}): ActionDefinition {
  return {
    name: 'look', method: 'GET', origin, path: ['/things/', { input: 'id' }], headers: [], body: null,
    input: [{ name: 'id', type: 'text', required: true }],
    output: [{ name: 'state', path: ['state'], type: 'text', required: true, maxLength: 20, min: null, max: null, oneOf: null }],
    timeout: 20_000, retry: { attempts: 0, pause: 10 }, keyed: false, redirects: 0, maxBytes: 10_000, concurrency: 8, queue: 8, breaker: { failures: 100, rest: 1000 }, fallback: null, ...change,
  };
}

export function effect(of: ActionDefinition, args: HttpEffect['arguments'] = { id: '7' }, change: Partial<HttpEffect> = {}): HttpEffect {
  return { kind: 'http', key: '00000000-000000000001-00#flow.step.0', tenant: 'default', conversation: 'c', bot: { id: 'b' } as Bot, action: of, arguments: args, ...change };
}

export function call(change: Partial<EffectCall> = {}): EffectCall {
  return { signal: new AbortController().signal, deadline: systemClock.monotonic() + 60_000, span: undefined, ...change };
}

export interface EffectsScene { readonly effects: EffectRunner; readonly metrics: Metrics }

/** Effects that may call `hosts` on loopback. */
export function effectsFor(t: { after(run: () => void): void }, hosts: readonly string[], { secrets, tracer }: { secrets?: string; tracer?: Tracer } = {}): EffectsScene {
  const client = new OutboundClient({ hosts: hostRule(hosts), addresses: addressRule(['127.0.0.1']), resolve: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]) });
  t.after(() => { client.close(); });
  const metrics = createMetrics();
  const parts = { client, clock: systemClock, secrets: new ActionSecrets(() => secrets) };
  return { metrics, effects: createEffects({ clock: systemClock, logger: silentLogger, metrics, http: (onRetry) => new HttpActions({ ...parts, onRetry }), ...(tracer === undefined ? {} : { tracer }) }) };
}
