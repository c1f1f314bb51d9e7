/** Trained weights as 8 bits a piece, with one scale a row. */
import type { ModelArrays } from './model.js';
import type { Machines } from './svm.js';
import type { Vocabulary } from './vocabulary.js';

const LARGEST = 127;

export function pack({ weights: dense, bias }: Machines, { keys, rowAt, values, rows }: Vocabulary, columns: number): ModelArrays {
  const scales = new Float32Array(rows);
  const weights = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const end = (row + 1) * columns;
    let most = 0;
    for (let at = row * columns; at < end; at++) { const size = Math.abs(dense[at] as number); if (size > most) most = size; }
    if (most === 0) continue;
    scales[row] = most / LARGEST;
    const factor = LARGEST / most;
    for (let at = row * columns; at < end; at++) weights[at] = Math.round((dense[at] as number) * factor);
  }
  return { keys, rowAt, values, scales, bias, weights };
}
