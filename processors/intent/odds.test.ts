import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addOdds } from './odds.js';
import type { Examples } from './vocabulary.js';

/** Examples of one feature each, of value 1. */
const examplesOf = (features: readonly number[]): Examples => ({
  count: features.length, starts: Uint32Array.from({ length: features.length + 1 }, (_, at) => at), features: Uint32Array.from(features), values: new Float32Array(features.length).fill(1),
});
const COLUMNS = 2;

function oddsOf(features: readonly number[], columns: readonly number[], examples = Uint32Array.from(features.keys())): Float32Array {
  const rows = Math.max(...features) + 1;
  // What is trained has length 1 and stands in a row of its own, so that what was added can be read.
  const weights = new Float32Array((rows + 1) * COLUMNS);
  weights[rows * COLUMNS] = 1;
  addOdds(weights, COLUMNS, examplesOf(features), { columns: Uint16Array.from(columns), weights: new Float32Array(columns.length).fill(1) }, examples);
  return weights;
}

test('a feature speaks for the labels in whose examples it stands, more where it stands in no others', () => {
  const [both0, both1, only0, only1] = oddsOf([0, 0, 1, 1], [0, 1, 0, 0]);
  assert.ok((both0 as number) > 0 && (both1 as number) > 0);
  assert.ok((only0 as number) > (both0 as number));
  assert.equal(only1, 0);
});

test('a label with many examples has no better odds than one with few', () => {
  const features = [0, 0, 0, 0, 0, 0, 1];
  const odds = oddsOf(features, [0, 0, 0, 0, 0, 0, 1]);
  assert.equal(odds[0], odds[3]);
});

test('only the examples that are named count', () => {
  const odds = oddsOf([0, 1], [0, 1], Uint32Array.of(0));
  assert.ok((odds[0] as number) > 0);
  assert.equal(odds[3], 0);
});

test('nothing trained, nothing added', () => {
  const weights = new Float32Array(4);
  addOdds(weights, COLUMNS, examplesOf([0, 1]), { columns: Uint16Array.of(0, 1), weights: Float32Array.of(1, 1) }, Uint32Array.of(0, 1));
  assert.deepEqual([...weights], [0, 0, 0, 0]);
});
