/** Measures of a classifier from its predictions. Shares are 0 to 1; undefined things are null, never 0. */

export interface Prediction {
  readonly text: string;
  /** null: out of scope. */
  readonly label: string | null;
  /** The likeliest intent, also of a text that is refused. */
  readonly top: string | null;
  readonly confidence: number;
  /** Further from the intents where it is higher; above 0 the classifier refuses. */
  readonly outOfScope: number;
  /** What the classifier says: the intent, or null where it refuses. */
  readonly said: string | null;
  /** Above it the text is refused so that 95 % of texts in scope are accepted, by data that this text is not in. */
  readonly threshold: number;
}

export interface Interval { readonly low: number; readonly high: number }

const Z = 1.959964;

/** Wilson's 95 % interval of a share. */
export function wilson(hits: number, count: number): Interval {
  if (count === 0) return { low: 0, high: 1 };
  const share = hits / count;
  const square = Z * Z;
  const centre = (share + square / (2 * count)) / (1 + square / count);
  const half = (Z / (1 + square / count)) * Math.sqrt((share * (1 - share)) / count + square / (4 * count * count));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

export interface IntentMeasures {
  readonly intent: string;
  /** Texts of it, and of them those that were taken for it. */
  readonly texts: number;
  readonly right: number;
  readonly recall: number | null;
  readonly recallInterval: Interval;
  readonly precision: number | null;
  readonly precisionInterval: Interval;
  readonly f1: number;
}

/** Of texts in scope, by the likeliest intent. In the order of names. */
export function intentMeasures(inScope: readonly Prediction[]): IntentMeasures[] {
  const counts = new Map<string, { texts: number; taken: number; right: number }>();
  const of = (intent: string): { texts: number; taken: number; right: number } => {
    const found = counts.get(intent) ?? { texts: 0, taken: 0, right: 0 };
    counts.set(intent, found);
    return found;
  };
  for (const { label, top } of inScope) {
    if (label !== null) of(label).texts += 1;
    if (top !== null) of(top).taken += 1;
    if (label !== null && label === top) of(label).right += 1;
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([intent, { texts, taken, right }]) => ({
    intent, texts, right, recall: texts === 0 ? null : right / texts, recallInterval: wilson(right, texts),
    precision: taken === 0 ? null : right / taken, precisionInterval: wilson(right, taken), f1: texts + taken === 0 ? 0 : (2 * right) / (texts + taken),
  }));
}

export interface Confusion { readonly intent: string; readonly takenFor: string; readonly texts: number; readonly examples: readonly string[] }

/** Pairs that are taken for each other, the most frequent first. */
export function confusions(inScope: readonly Prediction[], most: number): Confusion[] {
  const pairs = new Map<string, { intent: string; takenFor: string; texts: string[] }>();
  for (const { label, top, text } of inScope) {
    if (label === null || label === top) continue;
    const key = `${label}\t${top ?? ''}`;
    const pair = pairs.get(key) ?? { intent: label, takenFor: top ?? '(none)', texts: [] };
    pairs.set(key, pair);
    pair.texts.push(text);
  }
  return [...pairs.values()].sort((a, b) => b.texts.length - a.texts.length || (a.intent < b.intent ? -1 : 1)).slice(0, most)
    .map(({ intent, takenFor, texts }) => ({ intent, takenFor, texts: texts.length, examples: texts.slice(0, 3) }));
}

export interface CalibrationBin { readonly from: number; readonly to: number; readonly texts: number; readonly confidence: number; readonly accuracy: number }

/** Bins of equal width; those without texts are left out. */
export function calibration(inScope: readonly Prediction[], bins = 15): CalibrationBin[] {
  const sums = Array.from({ length: bins }, () => ({ texts: 0, confidence: 0, right: 0 }));
  for (const { confidence, label, top } of inScope) {
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))];
    if (!bin) continue;
    bin.texts += 1;
    bin.confidence += confidence;
    bin.right += label === top ? 1 : 0;
  }
  return sums.flatMap(({ texts, confidence, right }, index) => (texts === 0 ? [] : [{ from: index / bins, to: (index + 1) / bins, texts, confidence: confidence / texts, accuracy: right / texts }]));
}

/** Expected calibration error: how far confidence is from accuracy, weighted by texts. */
export function calibrationError(bins: readonly CalibrationBin[]): number {
  const texts = bins.reduce((sum, bin) => sum + bin.texts, 0);
  return bins.reduce((sum, bin) => sum + (bin.texts / texts) * Math.abs(bin.accuracy - bin.confidence), 0);
}

/** Share of pairs in which the text out of scope has the higher score; ties count half. */
export function auroc(inside: readonly number[], outside: readonly number[]): number | null {
  if (inside.length === 0 || outside.length === 0) return null;
  const all = [...inside.map((score) => ({ score, out: 0 })), ...outside.map((score) => ({ score, out: 1 }))].sort((a, b) => a.score - b.score);
  let ranks = 0;
  for (let at = 0; at < all.length;) {
    let end = at;
    while (end < all.length && all[end]?.score === all[at]?.score) end += 1;
    // Ranks begin at 1; equal scores share the middle one.
    for (let same = at; same < end; same++) ranks += (all[same]?.out ?? 0) * ((at + 1 + end) / 2);
    at = end;
  }
  return (ranks - (outside.length * (outside.length + 1)) / 2) / (inside.length * outside.length);
}

/** The least score that so much of the texts do not exceed. */
export function quantile(scores: readonly number[], share: number): number {
  const sorted = [...scores].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? 0;
}

export interface CurvePoint { readonly accepted: number; readonly refused: number }

/** For shares of texts in scope that are accepted: the share of those out of scope that is refused. */
export function outOfScopeCurve(inside: readonly number[], outside: readonly number[], points = 100): CurvePoint[] {
  if (inside.length === 0 || outside.length === 0) return [];
  const sorted = [...inside].sort((a, b) => a - b);
  return Array.from({ length: points + 1 }, (_, index) => {
    const accepted = index / points;
    const threshold = index === 0 ? -Infinity : sorted[Math.ceil(accepted * sorted.length) - 1] ?? Infinity;
    return { accepted, refused: outside.filter((score) => score > threshold).length / outside.length };
  });
}
