/** Faults of the pipeline's processes. */
import type { FaultRun } from './fault-run.js';

async function kill(run: FaultRun): Promise<void> {
  const node = run.pick();
  if (node === undefined) return;
  await run.holding(node, () => node.kill());
  await run.replace(node);
}

async function roll(run: FaultRun, role = run.fault.role): Promise<void> {
  for (const node of run.installation.of(role)) {
    if (run.ending.aborted || !node.alive || node.held) continue;
    await run.holding(node, () => run.stop(node));
    await run.replace(node);
  }
}

async function scale(run: FaultRun): Promise<void> {
  const { installation, fault: { role } } = run;
  const old = installation.of(role);
  const more = [await installation.add(role, 0), await installation.add(role, 1)];
  await Promise.all(more.map((node) => node.ready(60_000, run.ending)));
  await run.lasting();
  // Two stay, as before.
  for (const node of old) if (node.alive && !node.held) await run.holding(node, () => run.stop(node));
}

/** SIGSTOP, and SIGCONT after the time drawn: whether it is longer than the time-outs is what tells a pause from a freeze. */
async function stand(run: FaultRun): Promise<void> {
  const node = run.pick();
  if (node === undefined) return;
  await run.holding(node, async () => {
    node.signal('SIGSTOP');
    await run.lasting();
    node.signal('SIGCONT');
  });
}

/** All at once: every client comes back to processes that know nothing of it. */
async function killEgress(run: FaultRun): Promise<void> {
  const nodes = run.installation.of('egress').filter(({ held }) => !held);
  await Promise.all(nodes.map((node) => run.holding(node, () => node.kill())));
  await Promise.all(nodes.map((node) => run.replace(node)));
}

export const processes = { kill, roll: (run: FaultRun) => roll(run), scale, pause: stand, freeze: stand };
export const edges = { 'egress-kill': killEgress, 'egress-roll': (run: FaultRun) => roll(run, 'egress') };
