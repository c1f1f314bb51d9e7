/** Contract suite of the TokenBudget port: what every adapter must do. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Allowance, TokenBudget } from './token-budget.js';

export interface BudgetScene {
  readonly budget: TokenBudget;
  /** Lets a window of that length end. */
  readonly pass: (millis: number) => Promise<void>;
}

const allowance: Allowance = { name: 'shop/t1', limit: 100, perMillis: 60_000 };

export function tokenBudgetContract(name: string, make: (t: TestContext) => Promise<BudgetScene> | BudgetScene, options: { skip?: string | false } = {}): void {
  const rule = (sentence: string, body: (scene: BudgetScene) => Promise<void>): void => {
    test(`${name} token budget: ${sentence}`, { skip: options.skip ?? false }, async (t) => { await body(await make(t)); });
  };

  rule('what exceeds the limit is refused and not counted', async ({ budget }) => {
    assert.deepEqual([await budget.take(allowance, 60), await budget.take(allowance, 60), await budget.take(allowance, 40), await budget.take(allowance, 1)], [true, false, true, false]);
  });

  rule('each has its own', async ({ budget }) => {
    assert.equal(await budget.take(allowance, 100), true);
    assert.equal(await budget.take({ ...allowance, name: 'shop/t2' }, 100), true);
  });

  rule('many at once never exceed it together', async ({ budget }) => {
    const taken = await Promise.all(Array.from({ length: 50 }, () => budget.take(allowance, 7)));
    assert.equal(taken.filter(Boolean).length, 14);
  });

  rule('what was taken is corrected to what was used, and what is owed counts', async ({ budget }) => {
    await budget.take(allowance, 100);
    await budget.correct(allowance, -70);
    assert.equal(await budget.take(allowance, 70), true);
    await budget.correct(allowance, 50);
    assert.equal(await budget.take(allowance, 1), false);
    await budget.correct(allowance, -1000);
    assert.equal(await budget.take(allowance, 100), true);
  });

  rule('a new window begins anew', async ({ budget, pass }) => {
    const short = { ...allowance, name: 'short', perMillis: 300 };
    assert.equal(await budget.take(short, 100), true);
    await pass(300);
    assert.equal(await budget.take(short, 100), true);
  });
}
