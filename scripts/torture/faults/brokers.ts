/** Faults of the brokers: one broker at a time, and the next only when all replicas are in sync again. */
import { BROKERS } from '../installation/brokers.js';
import type { FaultRun } from './fault-run.js';

const broker = (run: FaultRun): number => 1 + Math.floor(run.fault.pick * BROKERS);

async function leaderMove({ installation: { brokers }, random }: FaultRun): Promise<void> {
  await brokers.whole();
  await brokers.moveLeaders(0.5, random);
}

async function kill(run: FaultRun): Promise<void> {
  const { brokers } = run.installation;
  await brokers.kill(broker(run));
  try { await run.lasting(); } finally { await brokers.start(broker(run)); }
  await brokers.whole();
}

async function stand(run: FaultRun): Promise<void> {
  const { brokers } = run.installation;
  brokers.signal(broker(run), 'SIGSTOP');
  try { await run.lasting(); } finally { brokers.signal(broker(run), 'SIGCONT'); }
  await brokers.whole();
}

async function roll(run: FaultRun): Promise<void> {
  const { brokers } = run.installation;
  for (let node = 1; node <= BROKERS; node += 1) {
    if (node > 1 && run.ending.aborted) return;
    await brokers.stop(node);
    await brokers.start(node);
    await brokers.whole();
  }
}

export const brokers = { 'leader-move': leaderMove, 'broker-kill': kill, 'broker-pause': stand, 'broker-freeze': stand, 'broker-roll': roll };
