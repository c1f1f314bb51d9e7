import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../random.js';
import { assignSticky } from './sticky.js';

test('shares are even and cover every number once', () => {
  assert.deepEqual(assignSticky([[]], 4), [[0, 1, 2, 3]]);
  assert.deepEqual(assignSticky([[], []], 5).map((share) => share.length), [3, 2]);
  assert.deepEqual(assignSticky([[], [], []], 2).map((share) => share.length), [1, 1, 0]);
  assert.deepEqual(assignSticky([], 4), []);
  assert.deepEqual(assignSticky([[], []], 0), [[], []]);
});

test('a member keeps what it has, as far as even shares allow', () => {
  assert.deepEqual(assignSticky([[0, 1, 2, 3], []], 4), [[0, 1], [2, 3]]);
  assert.deepEqual(assignSticky([[1, 3], [0, 2]], 4), [[1, 3], [0, 2]]);
  assert.deepEqual(assignSticky([[1, 3], []], 4), [[1, 3], [0, 2]]);
  // The larger share goes to who has more already: nothing moves.
  assert.deepEqual(assignSticky([[0], [1, 2]], 3), [[0], [1, 2]]);
});

test('numbers that no longer exist, or that two members claim, are given once', () => {
  assert.deepEqual(assignSticky([[0, 9], [0, 1]], 2), [[0], [1]]);
});

test('whatever members come and go, shares stay even, whole, and as few numbers move as must', () => {
  const random = seededRandom(11);
  let shares: number[][] = [[]];
  for (let round = 0; round < 300; round += 1) {
    const before = shares.map((share) => [...share]);
    if (random.float() < 0.5 || before.length === 1) before.push([]); else before.splice(Math.floor(random.float() * before.length), 1);
    shares = assignSticky(before, 24);
    assert.deepEqual(shares.flat().sort((a, b) => a - b), Array.from({ length: 24 }, (_, number) => number));
    const sizes = shares.map((share) => share.length);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    const kept = shares.map((share, index) => share.filter((number) => before[index]?.includes(number)).length);
    // Every member keeps all it had, or fills its whole share with it.
    for (const [index, count] of kept.entries()) assert.ok(count === Math.min(before[index]?.length ?? 0, sizes[index] ?? 0), `round ${round}`);
  }
});
