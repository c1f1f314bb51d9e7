import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StateCache } from './state-cache.js';

const state = (reflects: string): { value: string; reflects: string } => ({ value: `after ${reflects}`, reflects });
const held = (cache: StateCache<string>, ...keys: string[]): string => keys.filter((key) => cache.has(key)).join('');

test('beyond its number of conversations the longest-kept go, save those with a change that is not committed', () => {
  const cache = new StateCache<string>({ cacheSize: 2 });
  cache.change(0, 'a', state('1'), 10);
  for (const key of ['b', 'c', 'd']) cache.keep(0, key, state('1'), 10);
  cache.trim();
  assert.equal(held(cache, 'a', 'b', 'c', 'd'), 'ad');
  cache.unpin('a');
  cache.keep(0, 'e', state('1'), 10);
  cache.trim();
  assert.equal(held(cache, 'a', 'd', 'e'), 'de');
});

test('few large states fill it as many small ones do, also when they have grown since', () => {
  const cache = new StateCache<string>({ cacheBytes: 100_000 });
  for (const key of ['a', 'b', 'c']) cache.keep(0, key, state('1'), 100);
  cache.trim();
  assert.equal(held(cache, 'a', 'b', 'c'), 'abc');
  cache.change(0, 'b', state('2'), 60_000);
  cache.change(0, 'c', state('2'), 60_000);
  cache.unpin('b');
  cache.unpin('c');
  cache.trim();
  assert.equal(held(cache, 'a', 'b', 'c'), 'c');
  assert.deepEqual(cache.get('c')?.reflects, '2');
});

test('a lost partition takes its conversations with it, and gives their room back', () => {
  const cache = new StateCache<string>({ cacheBytes: 2_000 });
  cache.change(1, 'a', state('1'), 1_000);
  cache.dropPartition(1);
  cache.keep(2, 'b', state('1'), 1_000);
  cache.trim();
  assert.equal(held(cache, 'a', 'b'), 'b');
});
