/**
 * What counting tells: features that stand in a label's examples more often than in others get odds for it. With few examples
 * a machine trained for margins leans on whatever tells those few apart; a share of the odds holds against that. It is folded
 * into the trained weights, so that classifying costs nothing more.
 */
import type { Truth } from './svm.js';
import type { Examples } from './vocabulary.js';

/** Length of the odds against that of the weights that they are added to. */
const SHARE = 0.3;
/** What every feature is taken to have been seen besides: about half an occurrence. */
const PRIOR = 0.1;

/** Adds the odds in some of the examples to weights (row-major, all columns of a feature side by side). */
export function addOdds(weights: Float32Array, columns: number, data: Examples, truth: Truth, examples: Uint32Array): void {
  const odds = countsByColumn(weights.length, columns, data, truth, examples);
  for (let row = 0; row < odds.length; row += columns) toOdds(odds.subarray(row, row + columns));
  const factor = SHARE * lengthOf(weights) / (lengthOf(odds) || 1);
  for (let at = 0; at < weights.length; at++) weights[at] = (weights[at] as number) + factor * (odds[at] as number);
}

/** As if all columns had the same number of examples. */
function countsByColumn(size: number, columns: number, { starts, features, values }: Examples, truth: Truth, examples: Uint32Array): Float32Array {
  const shares = sharesOf(truth, columns, examples);
  const counts = new Float32Array(size);
  for (const example of examples) {
    const column = truth.columns[example] as number;
    const weight = (truth.weights[example] as number) * (shares[column] as number);
    for (let at = starts[example] as number, end = starts[example + 1] as number; at < end; at++) {
      const place = (features[at] as number) * columns + column;
      counts[place] = (counts[place] as number) + weight * (values[at] as number);
    }
  }
  return counts;
}

/** By column: how many examples there would be if all had the same, against how many there are. */
function sharesOf(truth: Truth, columns: number, examples: Uint32Array): Float64Array {
  const sizes = new Float64Array(columns);
  for (const example of examples) { const column = truth.columns[example] as number; sizes[column] = (sizes[column] as number) + 1; }
  return sizes.map((size) => examples.length / columns / Math.max(1, size));
}

/** Logarithm of: how often a feature is in the column against never, times how often it is anywhere against in the other columns. 0 where it never is. */
function toOdds(counts: Float32Array): void {
  const all = counts.reduce((sum, count) => sum + count, 0);
  for (let column = 0; column < counts.length; column++) {
    const count = counts[column] as number;
    if (count > 0) counts[column] = Math.log((1 + count / PRIOR) * (all + PRIOR) / (all - count + PRIOR));
  }
}

const lengthOf = (values: Float32Array): number => {
  let square = 0;
  for (let at = 0; at < values.length; at++) square += (values[at] as number) ** 2;
  return Math.sqrt(square);
};
