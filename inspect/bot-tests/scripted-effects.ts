/** Effects of a test: nothing is called, the test says what comes back; and it is written down what was asked for. */
import { failedAction } from '../../processors/effects/index.js';
import { failedEffect, settledEffect, type EffectRunner } from '../../processors/runner/effects.js';
import type { EffectRequest, EffectResult } from '../../processors/stage.js';
import type { Given, Scripted } from './types.js';

export interface ActionCall { readonly name: string; readonly with: Readonly<Record<string, unknown>> }

export class ScriptedEffects implements EffectRunner {
  /** Of the turn that runs; taken by `take`. */
  private calls: ActionCall[] = [];
  private tasks: string[] = [];
  private readonly used = new Map<string, number>();

  constructor(private readonly given: Pick<Given, 'actions' | 'model'>) {}

  run(request: EffectRequest): Promise<EffectResult> {
    if (request.kind === 'http') this.calls.push({ name: request.action.name, with: request.arguments });
    else this.tasks.push(request.task);
    const script = request.kind === 'http' ? this.next(`action ${request.action.name}`, this.given.actions.get(request.action.name)) : this.next('model', this.given.model);
    if (script !== undefined && 'result' in script) return Promise.resolve(settledEffect(request, script.result));
    const code = script?.fail ?? 'CONFAB_EFFECT_UNAVAILABLE';
    return Promise.resolve(request.kind === 'http' ? failedAction(request, code) : failedEffect(request, code));
  }

  /** What was asked for since the last time. */
  take(): { calls: ActionCall[]; tasks: string[] } {
    const taken = { calls: this.calls, tasks: this.tasks };
    this.calls = [];
    this.tasks = [];
    return taken;
  }

  /** The last entry answers all further calls. */
  private next(name: string, script: readonly Scripted[] | undefined): Scripted | undefined {
    const at = this.used.get(name) ?? 0;
    this.used.set(name, at + 1);
    return script?.[Math.min(at, script.length - 1)];
  }
}
