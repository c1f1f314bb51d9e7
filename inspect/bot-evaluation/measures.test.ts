import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { auroc, calibration, calibrationError, confusions, intentMeasures, outOfScopeCurve, quantile, wilson, type Prediction } from './measures.js';

// The same cases in every run: a commit is judged by what it changed.
fc.configureGlobal({ seed: 20_261_123 });

const prediction = (label: string | null, top: string | null, confidence = 1, outOfScope = -1): Prediction => ({ text: `${label ?? '-'} ${top ?? '-'}`, label, top, confidence, outOfScope, said: top, threshold: 0 });
const near = (actual: number | null, expected: number, within = 1e-4): void => { assert.ok(actual !== null && Math.abs(actual - expected) <= within, `${actual ?? 'null'} is not ${expected}`); };

test('the interval of a share is that of Wilson', () => {
  // 8 of 10: known from tables.
  near(wilson(8, 10).low, 0.4902);
  near(wilson(8, 10).high, 0.9433);
  assert.deepEqual(wilson(0, 0), { low: 0, high: 1 });
  near(wilson(0, 10).low, 0);
  near(wilson(10, 10).high, 1);
});

test('recall, precision and F1 of an intent count what is found, what is taken, and both', () => {
  const [a, b] = intentMeasures([prediction('a', 'a'), prediction('a', 'a'), prediction('a', 'b'), prediction('b', 'b'), prediction('b', null)]);
  near(a?.recall ?? null, 2 / 3); near(a?.precision ?? null, 1); near(a?.f1 ?? null, 0.8);
  near(b?.recall ?? null, 1 / 2); near(b?.precision ?? null, 1 / 2); near(b?.f1 ?? null, 0.5);
  assert.deepEqual(intentMeasures([prediction('a', 'c')]).map(({ intent, recall, precision }) => [intent, recall, precision]), [['a', 0, null], ['c', null, 0]]);
});

test('confusions are told by pair, the most frequent first', () => {
  const found = confusions([prediction('a', 'b'), prediction('a', 'b'), prediction('b', 'a'), prediction('a', 'a')], 5);
  assert.deepEqual(found.map(({ intent, takenFor, texts }) => [intent, takenFor, texts]), [['a', 'b', 2], ['b', 'a', 1]]);
});

test('a confidence that is right as often as it says has no calibration error', () => {
  const honest = Array.from({ length: 10 }, (_, at) => prediction('a', at < 7 ? 'a' : 'b', 0.7));
  near(calibrationError(calibration(honest)), 0);
  near(calibrationError(calibration(honest.map((one) => ({ ...one, confidence: 0.9 })))), 0.2);
  // A confidence at the border of two bins belongs to the lower one; 0 and 1 have a bin.
  assert.deepEqual(calibration([prediction('a', 'a', 1 / 15), prediction('a', 'a', 0), prediction('a', 'a', 1)]).map(({ from, texts }) => [Math.round(from * 15), texts]), [[0, 2], [14, 1]]);
});

test('AUROC is the share of pairs in the right order, ties count half', () => {
  assert.equal(auroc([0, 1], [2, 3]), 1);
  assert.equal(auroc([2, 3], [0, 1]), 0);
  assert.equal(auroc([1, 1], [1, 1]), 0.5);
  assert.equal(auroc([], [1]), null);
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }), fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }), (inside, outside) => {
    let wins = 0;
    for (const a of inside) for (const b of outside) wins += b > a ? 1 : b === a ? 0.5 : 0;
    near(auroc(inside, outside), wins / inside.length / outside.length, 1e-9);
  }));
});

test('the threshold accepts at least the wanted share, and the curve falls from all to what only the furthest are refused by', () => {
  assert.equal(quantile([5, 1, 4, 2, 3], 0.8), 4);
  assert.equal(quantile([], 0.95), 0);
  const curve = outOfScopeCurve([0, 1, 2, 3], [1.5, 10], 4);
  assert.deepEqual(curve.map(({ refused }) => refused), [1, 1, 1, 0.5, 0.5]);
});
