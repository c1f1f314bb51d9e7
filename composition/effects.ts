/** What does the effects of a process: HTTP actions within what the operator allows, and the language model. Loaded only where a stage needs them. */
import type { Component } from '../platform/lifecycle.js';
import type { ModelRunner } from '../processors/effects/index.js';
import { failedEffect, type EffectRunner } from '../processors/runner/effects.js';
import type { Infrastructure } from './process.js';

/** Without CONFAB_MODEL_URL nothing of a language model is loaded. */
const noModel: ModelRunner = { run: (request) => Promise.resolve(failedEffect(request, 'CONFAB_MODEL_OFF')) };

export async function openEffects(infrastructure: Infrastructure): Promise<{ effects: EffectRunner; component: Component }> {
  const [{ createEffects }, { HttpActions }, { OutboundClient }, { addressRule }, { hostRule }, { ActionSecrets }] = await Promise.all([
    import('../processors/effects/index.js'), import('../processors/effects/http/index.js'), import('../platform/outbound/outbound-client.js'),
    import('../platform/outbound/address-rule.js'), import('../platform/outbound/host-rule.js'), import('../platform/outbound/action-secrets.js'),
  ]);
  const { config, clock, logger, metrics, tracer } = infrastructure;
  const { hosts = [], privateAddresses = [], secrets, ca } = config.actions;
  const client = new OutboundClient({ hosts: hostRule(hosts), addresses: addressRule(privateAddresses), ...(ca === undefined ? {} : { ca }) });
  const actions = { client, clock, secrets: new ActionSecrets(() => secrets?.revealFresh()) };
  const model = config.model.url === undefined ? { responder: noModel, close: () => Promise.resolve() } : await (await import('./model.js')).openModel(infrastructure);
  const effects = createEffects({ clock, logger, metrics, tracer, http: (onRetry) => new HttpActions({ ...actions, onRetry }), model: model.responder });
  return { effects, component: { name: 'effects', stop: async () => { client.close(); await model.close(); } } };
}
