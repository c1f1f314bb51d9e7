import assert from 'node:assert/strict';
import { test } from 'node:test';
import { knowledgeIndexContract } from './knowledge-index.contract.js';
import { MiniSearchStore } from './minisearch.js';
import { wordsOf } from './words.js';

knowledgeIndexContract('minisearch', () => ({ store: new MiniSearchStore(), name: 'test' }));

test('words are folded and cut in every script, in linear time', () => {
  assert.deepEqual(wordsOf('Où est MON colis? Ｎo. 5-ß'), ['ou', 'est', 'mon', 'colis', 'no', '5', 'ß']);
  assert.ok(wordsOf('包裹商店每天九点开门').length >= 3);
  assert.ok(wordsOf('ที่ทำการไปรษณีย์').length >= 1);
  const start = performance.now();
  for (const hostile of ['a'.repeat(200_000), 'é́'.repeat(50_000), '包'.repeat(20_000), '.'.repeat(200_000)]) wordsOf(hostile);
  assert.ok(performance.now() - start < 30_000);
});
