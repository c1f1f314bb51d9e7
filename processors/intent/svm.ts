/**
 * One-against-rest linear support vector machines with squared hinge loss, by dual coordinate descent (Hsieh et al., 2008,
 * "A Dual Coordinate Descent Method for Large-scale Linear SVM"). Deterministic: the order comes from a seed.
 */

/** Sparse rows: features of example i stand at starts[i] to starts[i + 1]. */
export interface Examples {
  readonly count: number;
  readonly starts: Uint32Array;
  readonly features: Uint32Array;
  readonly values: Float32Array;
  readonly labels: Uint16Array;
}

const COST = 2.5;
const ROUNDS = 40;
const TOLERANCE = 0.1;

/** xorshift32: the training has its own, so that the bytes of a model never depend on who else draws. */
export function seeded(seed: number): (below: number) => number {
  let state = (seed >>> 0) || 1;
  return (below) => {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export function shuffle(items: Uint32Array, draw: (below: number) => number): void {
  for (let at = items.length - 1; at > 0; at--) {
    const other = draw(at + 1);
    const item = items[at] as number;
    items[at] = items[other] as number;
    items[other] = item;
  }
}

/** Weights of one label against all others; the last entry is the bias. */
export function trainLabel(data: Examples, chosen: Uint32Array, label: number, features: number, draw: (below: number) => number): Float64Array {
  const { starts, features: columns, values } = data;
  const weights = new Float64Array(features + 1);
  const alpha = new Float64Array(data.count);
  const order = chosen.slice();
  const diagonal = 0.5 / COST;
  const squares = squaredNorms(data, chosen);
  for (let round = 0; round < ROUNDS; round++) {
    shuffle(order, draw);
    let worst = 0;
    for (let at = 0; at < order.length; at++) {
      const example = order[at] as number;
      const sign = data.labels[example] === label ? 1 : -1;
      const from = starts[example] as number;
      const to = starts[example + 1] as number;
      let product = weights[features] as number;
      for (let k = from; k < to; k++) product += (weights[columns[k] as number] as number) * (values[k] as number);
      const before = alpha[example] as number;
      const gradient = sign * product - 1 + diagonal * before;
      const projected = before === 0 ? Math.min(gradient, 0) : gradient;
      if (Math.abs(projected) > worst) worst = Math.abs(projected);
      if (projected === 0) continue;
      const after = Math.max(before - gradient / ((squares[example] as number) + diagonal), 0);
      alpha[example] = after;
      const step = (after - before) * sign;
      if (step === 0) continue;
      weights[features] = (weights[features] as number) + step;
      for (let k = from; k < to; k++) { const column = columns[k] as number; weights[column] = (weights[column] as number) + step * (values[k] as number); }
    }
    if (worst < TOLERANCE) break;
  }
  return weights;
}

/** With the bias as a feature of value 1. */
function squaredNorms(data: Examples, chosen: Uint32Array): Float64Array {
  const squares = new Float64Array(data.count);
  for (const example of chosen) {
    let square = 1;
    for (let k = data.starts[example] as number; k < (data.starts[example + 1] as number); k++) square += (data.values[k] as number) ** 2;
    squares[example] = square;
  }
  return squares;
}
