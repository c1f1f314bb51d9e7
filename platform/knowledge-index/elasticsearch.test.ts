import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCode } from '../errors.js';
import { systemRandom } from '../random.js';
import { serviceAddress, skipWithout } from '../testing.js';
import { ElasticsearchStore } from './elasticsearch.js';
import { knowledgeIndexContract } from './knowledge-index.contract.js';

const skip = skipWithout('elasticsearch');
const url = serviceAddress('elasticsearch') ?? 'http://127.0.0.1:1';
const idle = new AbortController().signal;

function open(t: { after(run: () => Promise<void>): void }): { store: ElasticsearchStore; name: string; prefix: string } {
  const prefix = `test-${systemRandom.bytes(6).toString('hex')}-`;
  t.after(async () => { await fetch(`${url}/${prefix}knowledge-one,${prefix}knowledge-one-none?ignore_unavailable=true`, { method: 'DELETE' }).catch(() => { /* it was never made */ }); });
  return { store: new ElasticsearchStore({ url, timeoutMillis: 60_000, prefix }), name: 'one', prefix };
}

knowledgeIndexContract('elasticsearch', (t) => open(t), { skip });

test('elasticsearch knowledge index: an index that was deleted or left half made comes back', { skip }, async (t) => {
  const { store, name, prefix } = open(t);
  t.after(() => store.close());
  const passages = [{ title: 'Prices', text: 'Five pounds.' }, { title: 'Hours', text: 'Nine to five.' }];
  const index = store.open(name, passages);
  assert.deepEqual(await index.search(['pounds'], 3, idle), [0]);
  await fetch(`${url}/${prefix}knowledge-${name}`, { method: 'DELETE' });
  assert.deepEqual(await index.search(['hours'], 3, idle), [1]);
  // As a process leaves it that dies before the last passage.
  await fetch(`${url}/${prefix}knowledge-${name}`, { method: 'DELETE' });
  await fetch(`${url}/${prefix}knowledge-${name}`, { method: 'PUT' });
  assert.deepEqual(await store.open(name, passages).search(['pounds'], 3, idle), [0]);
});

test('elasticsearch knowledge index: several processes may make it at once', { skip }, async (t) => {
  const { store, name } = open(t);
  t.after(() => store.close());
  const passages = Array.from({ length: 700 }, (_, id) => ({ title: `Rule ${id}`, text: `word${id} and others` }));
  const found = await Promise.all(Array.from({ length: 4 }, () => store.open(name, passages).search(['word650'], 1, idle)));
  assert.deepEqual(found, [[650], [650], [650], [650]]);
});

test('elasticsearch knowledge index: no server is a coded error without a word of what was asked', async () => {
  const store = new ElasticsearchStore({ url: 'http://127.0.0.1:1', username: 'u', password: 'hidden', timeoutMillis: 2000, prefix: 'x-' });
  await assert.rejects(store.open('one', [{ title: 'a', text: 'b' }]).search(['private'], 1, idle), (error) => isCode(error, 'CONFAB_KNOWLEDGE_UNAVAILABLE') && !/private|hidden/.test(String(error)));
  await store.close();
});
