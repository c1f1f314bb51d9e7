/** What does the effects of a process: HTTP actions within what the operator allows. Loaded only where a stage needs them. */
import type { Component } from '../platform/lifecycle.js';
import type { EffectRunner } from '../processors/runner/effects.js';
import type { Infrastructure } from './process.js';

type Parts = Pick<Infrastructure, 'config' | 'clock' | 'logger' | 'metrics' | 'tracer'>;

export async function openEffects({ config, clock, logger, metrics, tracer }: Parts): Promise<{ effects: EffectRunner; component: Component }> {
  const [{ createEffects }, { HttpActions }, { OutboundClient }, { addressRule }, { hostRule }, { ActionSecrets }] = await Promise.all([
    import('../processors/effects/index.js'), import('../processors/effects/http/index.js'), import('../platform/outbound/outbound-client.js'),
    import('../platform/outbound/address-rule.js'), import('../platform/outbound/host-rule.js'), import('../platform/outbound/action-secrets.js'),
  ]);
  const { hosts = [], privateAddresses = [], secrets, ca } = config.actions;
  const client = new OutboundClient({ hosts: hostRule(hosts), addresses: addressRule(privateAddresses), ...(ca === undefined ? {} : { ca }) });
  const actions = { client, clock, secrets: new ActionSecrets(() => secrets?.revealFresh()) };
  const effects = createEffects({ clock, logger, metrics, tracer, http: (onRetry) => new HttpActions({ ...actions, onRetry }) });
  return { effects, component: { name: 'effects', stop: () => { client.close(); return Promise.resolve(); } } };
}
