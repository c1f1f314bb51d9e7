/** Faults of the network between the processes of one zone and a broker, all brokers, or Redis. */
import type { Direction, Proxy } from '../installation/proxy.js';
import type { FaultRun } from './fault-run.js';

/** Of the ways out of a zone: one broker, all of them, Redis, or everything. */
function links({ installation: { brokers, redis }, fault: { zone, pick } }: FaultRun): readonly Proxy[] {
  const toBrokers = brokers.links(zone);
  const toRedis = redis.links.slice(zone, zone + 1);
  const choices = [...toBrokers.map((link) => [link]), toBrokers, toRedis, [...toBrokers, ...toRedis]];
  return choices[Math.floor(pick * choices.length)] ?? toBrokers;
}

async function delay(run: FaultRun): Promise<void> {
  const hurt = links(run);
  const least = 5 + run.random() * 50;
  for (const link of hurt) link.slow(least, least + run.random() * 200);
  await run.lasting();
  for (const link of hurt) link.heal();
}

async function cut(run: FaultRun): Promise<void> {
  const times = 1 + Math.floor(run.fault.coin * 4);
  for (let i = 0; i < times && !run.ending.aborted; i += 1) {
    for (const link of links(run)) link.cut(run.random() < 0.5 ? 1 : 0.5);
    await run.lasting(run.fault.millis / times);
  }
}

async function hole(run: FaultRun, ...directions: readonly Direction[]): Promise<void> {
  const hurt = links(run);
  for (const link of hurt) link.hole(...directions);
  await run.lasting();
  for (const link of hurt) {
    if (run.random() < 0.5) link.cut();
    link.heal();
  }
}

export const network = {
  'net-delay': delay, 'net-cut': cut, 'net-hole': (run: FaultRun) => hole(run),
  'net-half': (run: FaultRun) => hole(run, run.fault.coin < 0.5 ? 'to-server' : 'to-client'),
};
