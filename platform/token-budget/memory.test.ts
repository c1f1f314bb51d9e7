import { ManualClock } from '../clock-manual.js';
import { MemoryTokenBudget } from './memory.js';
import { tokenBudgetContract } from './token-budget.contract.js';

tokenBudgetContract('memory', () => {
  const clock = new ManualClock();
  return { budget: new MemoryTokenBudget(clock), pass: (millis) => clock.advance(millis) };
});
