/** A new version of a bot in the middle of everything: to a share of the conversations or to all, then on or back. */
import type { FaultRun } from './fault-run.js';

async function rollout(run: FaultRun): Promise<void> {
  const { installation: { rollouts }, fault: { coin, pick }, ending } = run;
  await rollouts.deploy(pick < 0.7 ? `${10 + Math.floor(pick * 100)}%` : undefined, ending);
  await run.lasting();
  if (coin < 0.5) await rollouts.rollBack(ending);
  else if (pick < 0.7) await rollouts.promote(ending);
}

export const rollouts = { rollout };
