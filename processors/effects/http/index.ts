/**
 * HTTP actions: what a bot declares (bot/action.ts) as a call to a server that the operator allows. One call has one deadline
 * for everything: its place in the queue, tries, pauses, redirects, the answer. What comes of it is `ok` with the declared
 * outputs, or a code.
 */
import type { Clock } from '../../../platform/clock.js';
import { ConfabError } from '../../../platform/errors.js';
import type { ActionSecrets } from '../../../platform/outbound/action-secrets.js';
import type { OutboundAnswer, OutboundClient, OutboundRequest } from '../../../platform/outbound/outbound-client.js';
import type { EffectCall } from '../../runner/effects.js';
import type { HttpEffect } from '../../stage.js';
import { outputsOf } from './answer.js';
import { Policies } from './policies.js';
import { buildRequest } from './request.js';

export interface HttpActionsOptions {
  readonly client: Pick<OutboundClient, 'request'>;
  readonly secrets: ActionSecrets;
  readonly clock: Clock;
  readonly onRetry?: () => void;
}

/** Of one call, for its span: no values, no secrets. */
export interface HttpTrace {
  host?: string;
  status?: number;
  tries: number;
}

export class HttpActions {
  private readonly policies: Policies;

  constructor(private readonly options: HttpActionsOptions) { this.policies = new Policies(options.clock); }

  /** The outputs as JSON. @throws CONFAB_ACTION_… ; the reason of `call.signal` */
  async run(effect: HttpEffect, call: EffectCall, trace: HttpTrace = { tries: 0 }): Promise<string> {
    const { clock, secrets } = this.options;
    const request = buildRequest(effect, secrets);
    trace.host = request.url.host;
    const deadline = Math.min(call.deadline, clock.monotonic() + effect.action.timeout);
    const end = new AbortController();
    const { signal } = end;
    const leaves = (): void => { end.abort(call.signal.reason); };
    call.signal.addEventListener('abort', leaves, { once: true });
    const ended = new Promise<never>((_resolve, reject) => { signal.addEventListener('abort', () => { reject(signal.reason as Error); }, { once: true }); });
    ended.catch(() => { /* heard by the race, unless the call was over before */ });
    const timer = clock.after(Math.max(0, deadline - clock.monotonic()), () => { end.abort(new ConfabError('CONFAB_ACTION_TIMEOUT', { detail: `${effect.action.timeout} ms have passed.` })); });
    try {
      const onRetry = (): void => { this.options.onRetry?.(); };
      // What still waits for its place, or for a pause to end, is not waited for.
      return await Promise.race([this.policies.run(effect.bot.id, effect.action, { signal, deadline, onRetry }, () => this.attempt(effect, { ...request, signal }, trace)), ended]);
    } finally {
      timer.cancel();
      call.signal.removeEventListener('abort', leaves);
    }
  }

  private async attempt({ action }: HttpEffect, request: OutboundRequest, trace: HttpTrace): Promise<string> {
    trace.tries += 1;
    const answer: OutboundAnswer = await this.options.client.request(request);
    trace.status = answer.status;
    return outputsOf(action, answer);
  }
}
