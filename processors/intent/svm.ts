/**
 * One-against-rest linear support vector machines with squared hinge loss, by dual coordinate descent (Hsieh et al., 2008,
 * "A Dual Coordinate Descent Method for Large-scale Linear SVM"). All labels go through an example together: its scores for
 * all of them are one walk over rows that lie side by side, and few of them then change. Examples can be taken out again,
 * which is how held-out texts are scored without training anew. Deterministic: the order comes from a seed.
 */
import { seeded, shuffle } from './random.js';
import type { Examples } from './vocabulary.js';

/** How much an error costs against the length of the weights; an error of the label's own examples costs more. */
const COST = 0.3;
const OWN_COST = 10;
/** How much more, or less, examples of rare and of frequent labels cost. */
const MOST_UNEVEN = 8;
const BIAS = -1;
/** Gradients below this change nothing. */
const TOLERANCE = 0.01;

export interface Truth {
  /** Column of an example. */
  readonly columns: Uint16Array;
  /** What an example counts. */
  readonly weights: Float32Array;
}

export class Machines {
  /** Row-major: all columns of a feature side by side. */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
  private readonly alpha: Float32Array;
  private readonly squares: Float64Array;
  private readonly scores: Float64Array;
  private readonly changes: Float64Array;
  private readonly changed: Uint16Array;
  private readonly ownCosts: Float64Array;

  constructor(private readonly data: Examples, private readonly truth: Truth, rows: number, private readonly columns: number, from?: Machines) {
    this.weights = from?.weights.slice() ?? new Float32Array(rows * columns);
    this.bias = from?.bias.slice() ?? new Float32Array(columns).fill(BIAS);
    this.alpha = from?.alpha.slice() ?? new Float32Array(data.count * columns);
    this.squares = from?.squares ?? squaredNorms(data);
    this.scores = new Float64Array(columns);
    this.changes = new Float64Array(columns);
    this.changed = new Uint16Array(columns);
    this.ownCosts = from?.ownCosts ?? ownCosts(truth, columns);
  }

  copy(): Machines {
    return new Machines(this.data, this.truth, 0, this.columns, this);
  }

  /** Goes through the examples `rounds` times. */
  train(examples: Uint32Array, rounds: number, seed: number): void {
    const order = examples.slice();
    const draw = seeded(seed);
    for (let round = 0; round < rounds; round++) {
      shuffle(order, draw);
      let changes = 0;
      for (let at = 0; at < order.length; at++) changes += this.visit(order[at] as number);
      if (changes === 0) return;
    }
  }

  /** Takes what examples have brought out of the weights. */
  forget(examples: Uint32Array): void {
    const { alpha, columns, changes, changed, truth } = this;
    for (const example of examples) {
      const its = truth.columns[example];
      let count = 0;
      for (let column = 0; column < columns; column++) {
        const value = alpha[example * columns + column] as number;
        if (value === 0) continue;
        changes[count] = column === its ? -value : value;
        changed[count++] = column;
        alpha[example * columns + column] = 0;
      }
      this.apply(example, count);
    }
  }

  /** Scores of an example, in `scores`. */
  private score(example: number): void {
    const { scores, weights, bias, columns, data: { starts, features, values } } = this;
    for (let column = 0; column < columns; column++) scores[column] = bias[column] as number;
    // Four rows in one walk over the columns, the last ones repeated with nothing to add: less than half the time of one by one.
    for (let at = starts[example] as number, end = starts[example + 1] as number; at < end; at += 4) {
      const base0 = (features[at] as number) * columns;
      const base1 = at + 1 < end ? (features[at + 1] as number) * columns : base0;
      const base2 = at + 2 < end ? (features[at + 2] as number) * columns : base0;
      const base3 = at + 3 < end ? (features[at + 3] as number) * columns : base0;
      const value0 = values[at] as number;
      const value1 = at + 1 < end ? values[at + 1] as number : 0;
      const value2 = at + 2 < end ? values[at + 2] as number : 0;
      const value3 = at + 3 < end ? values[at + 3] as number : 0;
      for (let column = 0; column < columns; column++) {
        scores[column] = (scores[column] as number) + value0 * (weights[base0 + column] as number) + value1 * (weights[base1 + column] as number)
          + value2 * (weights[base2 + column] as number) + value3 * (weights[base3 + column] as number);
      }
    }
  }

  /** Returns how many columns changed. */
  private visit(example: number): number {
    const { alpha, columns, scores, changes, changed, truth } = this;
    this.score(example);
    const square = this.squares[example] as number;
    const diagonal = 0.5 / (COST * (truth.weights[example] as number));
    const base = example * columns;
    const its = truth.columns[example];
    let count = 0;
    for (let column = 0; column < columns; column++) {
      const before = alpha[base + column] as number;
      const own = column === its;
      const ease = own ? diagonal / (this.ownCosts[column] as number) : diagonal;
      const score = scores[column] as number;
      const gradient = (own ? score : -score) - 1 + ease * before;
      if ((before === 0 && gradient >= 0) || (gradient < TOLERANCE && gradient > -TOLERANCE)) continue;
      const after = Math.max(before - gradient / (square + ease), 0);
      if (after === before) continue;
      alpha[base + column] = after;
      changes[count] = own ? after - before : before - after;
      changed[count++] = column;
    }
    this.apply(example, count);
    return count;
  }

  private apply(example: number, count: number): void {
    if (count === 0) return;
    const { weights, bias, columns, changes, changed, data: { starts, features, values } } = this;
    for (let one = 0; one < count; one++) { const column = changed[one] as number; bias[column] = (bias[column] as number) + (changes[one] as number); }
    for (let at = starts[example] as number, end = starts[example + 1] as number; at < end; at++) {
      const value = values[at] as number;
      const base = (features[at] as number) * columns;
      for (let one = 0; one < count; one++) { const place = base + (changed[one] as number); weights[place] = (weights[place] as number) + value * (changes[one] as number); }
    }
  }
}

/** What errors in a label's own examples cost: more for a label with fewer examples than others have. */
function ownCosts({ columns: its }: Truth, columns: number): Float64Array {
  const counts = new Float64Array(columns);
  for (const column of its) counts[column] = (counts[column] as number) + 1;
  return counts.map((count) => OWN_COST * Math.min(MOST_UNEVEN, Math.max(1 / MOST_UNEVEN, its.length / columns / Math.max(1, count))));
}

/** With the bias as a feature of value 1. */
function squaredNorms({ count, starts, values }: Examples): Float64Array {
  const squares = new Float64Array(count);
  for (let example = 0; example < count; example++) {
    let square = 1;
    for (let at = starts[example] as number; at < (starts[example + 1] as number); at++) square += (values[at] as number) ** 2;
    squares[example] = square;
  }
  return squares;
}
