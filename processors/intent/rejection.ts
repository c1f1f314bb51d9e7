/**
 * When a text is about none of the intents. Several signals, each counted in its spread among texts that are (held out of
 * training), so that they add up: how far the best intent leads the next and all others, how near the text is to what the
 * intent's examples are made of, how much of it is known, and how little it is like the bot's examples of no intent.
 */
import type { Scores } from './model.js';

/** What each signal counts, in the order of `signalsOf`. */
const IMPORTANCE = [1, 1, 0.5, 0.5, 1] as const;
/** Fewer held-out texts give no spread worth the name. */
const FEWEST = 10;
/** Then a text is refused of which less than this share is known. */
const LEAST_KNOWN = 0.3;

export interface RejectionRule {
  /** By signal: where texts of the intents stand in the mean, and what a step beside it counts. */
  readonly means: readonly number[];
  readonly factors: readonly number[];
  /** Above this a text is refused. */
  readonly threshold: number;
}

const SIGNALS = IMPORTANCE.length;

/** Signals of a text into `into`; each is higher the more the text is in scope. */
export function signalsOf(scores: Scores, outside: number, into: Float64Array): void {
  const { decision, best, second, mean, cover, known } = scores;
  const value = decision[best] as number;
  into[0] = second < 0 ? 0 : value - (decision[second] as number);
  into[1] = value - mean;
  into[2] = cover * known;
  into[3] = known;
  into[4] = outside < 0 ? 0 : -(decision[outside] as number);
}

export const newSignals = (): Float64Array => new Float64Array(SIGNALS);

/** Above 0 the text is out of scope. */
export function outOfScope(rule: RejectionRule, signals: Float64Array): number {
  let score = -rule.threshold;
  for (let at = 0; at < SIGNALS; at++) score -= (rule.factors[at] as number) * ((signals[at] as number) - (rule.means[at] as number));
  return score;
}

export interface HeldOutSignals { readonly signals: Float64Array; readonly right: boolean }

/**
 * @param heldOut of texts of the intents
 * @param accept share of the rightly classified ones that is to be accepted
 */
export function fitRejection(heldOut: readonly HeldOutSignals[], accept: number): RejectionRule {
  const right = heldOut.filter((one) => one.right);
  if (right.length < FEWEST) return { means: [0, 0, 0, LEAST_KNOWN, 0], factors: [0, 0, 0, 1, 0], threshold: 0 };
  const means = IMPORTANCE.map((_, at) => heldOut.reduce((sum, { signals }) => sum + (signals[at] as number), 0) / heldOut.length);
  const factors = IMPORTANCE.map((importance, at) => {
    const variance = heldOut.reduce((sum, { signals }) => sum + ((signals[at] as number) - (means[at] as number)) ** 2, 0) / heldOut.length;
    return variance < 1e-9 ? 0 : importance / Math.sqrt(variance);
  });
  const rule: RejectionRule = { means, factors, threshold: 0 };
  const scores = Float64Array.from(right, (one) => outOfScope(rule, one.signals)).sort();
  const threshold = accept >= 1 ? scores.at(-1) : scores[Math.min(scores.length - 1, Math.floor(accept * scores.length))];
  return { ...rule, threshold: threshold as number };
}
