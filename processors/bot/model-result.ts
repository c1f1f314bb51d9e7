/** What comes of a question to a language model, as it stands in `result` of its EffectResult: JSON, written by the effect, read by the interpreter. */
import type { Citation, EffectResult } from '../../schemas/types.js';

/** Of `answer` and `rephrase`. `[n]` in the text is the n-th of the citations. */
export interface ModelAnswer {
  readonly text: string;
  readonly citations: readonly Citation[];
}

/** Of `fill`; null: the text holds no value. */
export interface ModelFill { readonly value: string | null }

/** Undefined where the effect failed. */
export function readModelAnswer(result: EffectResult): ModelAnswer | undefined {
  const found = read(result);
  if (typeof found?.text !== 'string' || found.text === '') return undefined;
  return { text: found.text, citations: Array.isArray(found.citations) ? found.citations as Citation[] : [] };
}

/** Undefined where the effect failed. */
export function readModelFill(result: EffectResult): ModelFill | undefined {
  const found = read(result);
  return found !== undefined && (typeof found.value === 'string' || found.value === null) ? { value: found.value } : undefined;
}

function read({ kind, status, result }: EffectResult): { readonly text?: unknown; readonly citations?: unknown; readonly value?: unknown } | undefined {
  if (kind !== 'model' || status !== 'ok' || typeof result !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(result);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // Recorded by a program that wrote it in another form: the question counts as not answered.
    return undefined;
  }
}
