import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DueQueue, type Queued } from './due-queue.js';

// The same cases in every run: a commit is judged by what it changed.
fc.configureGlobal({ seed: 20_261_123 });

test('entries come up in order of time and key, without those that were removed', () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.boolean()), { maxLength: 200 }), (plan) => {
    const queue = new DueQueue<Queued>();
    const entries = plan.map(([dueAt], i): Queued => ({ key: `k${String(i).padStart(4, '0')}`, dueAt, gone: false }));
    for (const entry of entries) queue.push(entry);
    entries.forEach((entry, i) => { if (plan[i]?.[1] === true) { queue.remove(entry); queue.remove(entry); } });
    const left = entries.filter((_, i) => plan[i]?.[1] !== true).sort((a, b) => a.dueAt - b.dueAt || (a.key < b.key ? -1 : 1));
    assert.equal(queue.size, left.length);
    const seen: Queued[] = [];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) seen.push(next);
    assert.deepEqual(seen, left);
    assert.equal(queue.size, 0);
  }));
});

test('what is removed does not stay in memory until it would have been due', () => {
  const queue = new DueQueue<Queued>();
  const entries = Array.from({ length: 10_000 }, (_, i): Queued => ({ key: `k${i}`, dueAt: i, gone: false }));
  for (const entry of entries) queue.push(entry);
  for (const entry of entries.slice(1)) queue.remove(entry);
  assert.ok((queue as unknown as { heap: unknown[] }).heap.length < 2500);
  assert.equal(queue.pop(), entries[0]);
  assert.equal(queue.pop(), undefined);
});
