/** Contract suite of the KnowledgeStore port: what every adapter must do. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { IndexedPassage, KnowledgeStore } from './knowledge-index.js';
import { wordsOf } from './words.js';

const PASSAGES: readonly IndexedPassage[] = [
  { title: 'Delivery times', text: 'A parcel within the country takes two working days.' },
  { title: 'Delivery times › Abroad', text: 'Parcels to Norway take five working days and need a customs form.' },
  { title: 'Prices', text: 'A small parcel costs four pounds, a large one nine.' },
  { title: 'Öffnungszeiten', text: 'Die Läden sind von neun bis fünf offen.' },
  { title: '营业时间', text: '包裹商店每天九点开门。' },
  { title: 'Refunds', text: 'Damaged goods: write to us. The refund is paid within a week. refund refund' },
];
const idle = new AbortController().signal;

export function knowledgeIndexContract(name: string, make: (t: TestContext) => Promise<{ store: KnowledgeStore; name: string }> | { store: KnowledgeStore; name: string }, options: { skip?: string | false } = {}): void {
  const rule = (sentence: string, body: (find: (text: string, most?: number) => Promise<readonly number[]>, made: { store: KnowledgeStore; name: string }) => Promise<void>): void => {
    test(`${name} knowledge index: ${sentence}`, { skip: options.skip ?? false }, async (t) => {
      const made = await make(t);
      t.after(() => made.store.close());
      const index = made.store.open(made.name, PASSAGES);
      await body((text, most = 3) => index.search(wordsOf(text), most, idle), made);
    });
  };

  rule('the passage that holds the words comes first', async (find) => {
    assert.equal((await find('how long does a parcel to norway take'))[0], 1);
    assert.equal((await find('large costs'))[0], 2);
    assert.equal((await find('damaged refund'))[0], 5);
  });

  rule('letters, accents and slips of the finger do not matter, nor does the script', async (find) => {
    assert.equal((await find('CUSTOMS'))[0], 1);
    assert.equal((await find('offnungszeiten'))[0], 3);
    assert.equal((await find('refnud'))[0] ?? (await find('refunt'))[0], 5);
    assert.equal((await find('包裹商店'))[0], 4);
  });

  rule('a word in the title counts more', async (find) => {
    assert.deepEqual((await find('prices'))[0], 2);
    assert.deepEqual([...(await find('delivery', 5))].sort(), [0, 1]);
  });

  rule('no more than asked for, and nothing for what is nowhere', async (find) => {
    assert.equal((await find('parcel days working', 1)).length, 1);
    assert.deepEqual(await find('quantum chromodynamics'), []);
    assert.deepEqual(await find(''), []);
  });

  rule('an abort ends the search with the reason of the signal', async (_find, { store, name: index }) => {
    await assert.rejects(async () => store.open(index, PASSAGES).search(['parcel'], 1, AbortSignal.abort(new Error('late'))), /late/);
  });

  rule('no passages, no finds', async (_find, { store, name: index }) => {
    assert.deepEqual(await store.open(`${index}-none`, []).search(['parcel'], 3, idle), []);
  });
}
