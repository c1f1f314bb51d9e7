import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Counter } from './counter.js';

/** Draws what is given, then neither fails nor hurries. */
async function open(t: TestContext, ...draws: number[]): Promise<{ counter: Counter; ask: (path: string, key?: string, body?: string) => Promise<number | string> }> {
  // A pause draws too: 0 is no time at all.
  const counter = await Counter.open(() => draws.shift() ?? 0.5);
  t.after(() => { counter.close(); });
  const ask = async (path: string, key?: string, body?: string): Promise<number | string> => {
    const answer = await fetch(`${counter.origin}${path}`, { method: body === undefined ? 'GET' : 'POST', ...(body === undefined ? {} : { body }), headers: key === undefined ? {} : { 'idempotency-key': key } }).catch(() => undefined);
    if (answer?.status !== 200) return answer === undefined ? 'cut off' : `status ${answer.status}`;
    return (await answer.json() as { number: number }).number;
  };
  return { counter, ask };
}

test('what has a key is done once and answered alike, what has none is told a new number', async (t) => {
  const { counter, ask } = await open(t);
  const first = await ask('/tickets/seat', 'k1', '{}');
  assert.equal(await ask('/tickets/seat', 'k1', '{}'), first);
  const other = await ask('/tickets/seat', 'k2', '{}');
  assert.notEqual(other, first);
  const read = await ask('/next');
  assert.notEqual(await ask('/next'), read);
  assert.deepEqual([counter.effects.size, counter.repeated, counter.reads.size], [2, 1, 2]);
  assert.deepEqual(counter.contradictions, []);
});

test('a failure after the effect is one: the key finds what was done', async (t) => {
  // No pause, no failure, no pause, a failure; then all is well.
  const { counter, ask } = await open(t, 0, 0.5, 0, 0.01);
  assert.equal(await ask('/tickets/seat', 'k1', '{}'), 'status 503');
  assert.equal(await ask('/tickets/seat', 'k1', '{}'), counter.effects.get('k1')?.number);
  const { counter: second, ask: cut } = await open(t, 0, 0.06);
  assert.equal(await cut('/tickets/seat', 'k1', '{}'), 'cut off');
  assert.equal(second.effects.size, 0);
});

test('a key that is used for something else is a contradiction', async (t) => {
  const { counter, ask } = await open(t);
  await ask('/tickets/seat', 'k1', '{}');
  await ask('/payments', 'k1', '{}');
  assert.match(counter.contradictions[0] ?? '', /the key k1 asked for "POST \/payments \{\}" and before for "POST \/tickets\/seat/);
});
