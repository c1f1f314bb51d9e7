/** A language model that says what a script tells it to: for tests of everything that stands on one. */
import type { Clock } from '../clock.js';
import type { LanguageModel, ModelEnd, ModelQuestion } from './language-model.js';

/** What it does next: say a piece, wait, or fail. */
export type ScriptStep = string | { readonly wait: number } | { readonly fail: Error };

export type Script = (question: ModelQuestion, count: number) => readonly ScriptStep[] | { readonly steps: readonly ScriptStep[]; readonly end: ModelEnd };

export class ScriptedModel implements LanguageModel {
  readonly name = 'scripted';
  /** Every question that it was asked. */
  readonly questions: ModelQuestion[] = [];
  /** Questions whose caller lost interest. */
  aborted = 0;

  constructor(private readonly clock: Clock, private readonly script: Script) {}

  async* stream(question: ModelQuestion, signal: AbortSignal): AsyncGenerator<string, ModelEnd> {
    const count = this.questions.push(question);
    const told = this.script(question, count);
    const { steps, end } = 'steps' in told ? told : { steps: told, end: { reason: 'stop', tokens: undefined } as ModelEnd };
    try {
      for (const step of steps) {
        signal.throwIfAborted();
        if (typeof step === 'string') yield step;
        else if ('wait' in step) await this.clock.sleep(step.wait, signal);
        else throw step.fail;
      }
      signal.throwIfAborted();
    } catch (thrown) {
      if (signal.aborted) this.aborted += 1;
      throw thrown;
    }
    return end;
  }

  close(): Promise<void> { return Promise.resolve(); }
}
