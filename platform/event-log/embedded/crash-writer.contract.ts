/**
 * A writer to be killed: run as a process of its own by embedded.test.ts. Appends the same number to every partition of
 * `in`, in one call, and commits one record of `out` with its offset; says each once it is acknowledged.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '../../clock.js';
import { silentLogger } from '../../observability/logger.js';
import { systemRandom } from '../../random.js';
import { TestMember } from '../contract/bench.contract.js';
import { openEmbeddedLog } from '../embedded.js';

const PARTITIONS = 4;

async function main(folder: string): Promise<void> {
  const log = await openEmbeddedLog({ folder, clock: systemClock, random: systemRandom, logger: silentLogger, maintenanceMillis: 20 });
  if ((await log.admin.topics(['in'])).length === 0) {
    await log.admin.createTopic({ name: 'in', partitions: PARTITIONS, config: {} });
    await log.admin.createTopic({ name: 'out', partitions: 1, config: { 'cleanup.policy': 'compact' } });
  }
  /** Written before anything else happens: what is only in this process's memory dies with it. A full pipe is waited for. */
  const say = (what: string, n: number): void => {
    for (let rest = Buffer.from(`${what} ${n}\n`); rest.length > 0;) {
      try { rest = rest.subarray(writeSync(1, rest)); } catch (error) { if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error; }
    }
  };
  const appender = await log.appender();
  const first = (await log.admin.bounds('in'))[0]?.end ?? 0;
  for (let lane = 0; lane < 8; lane += 1) void (async () => {
    for (let n = first + lane; ; n += 8) {
      const filler = Buffer.alloc((n % 50) * 40, 1);
      const record = (partition: number) => ({ topic: 'in', partition, key: String(n), value: Buffer.concat([Buffer.from(`${n} `), filler]), timestamp: n });
      await appender.append(Array.from({ length: PARTITIONS }, (_, partition) => record(partition)));
      say('appended', n);
    }
  })();
  const member = new TestMember();
  await log.join({ group: 'g', topics: ['out'] }, member);
  const assignment = await member.running(1);
  for (let n = (await assignment.committed({ stable: true }))[0]?.offset ?? 0; ; n += 1) {
    await assignment.commit('w', {
      records: [{ topic: 'out', partition: 0, key: n % 3 === 0 ? 'same' : String(n), value: Buffer.from(String(n)), timestamp: n }],
      offsets: [{ topic: 'out', partition: 0, offset: n + 1, metadata: `m${n}` }],
    });
    say('committed', n);
  }
}

await main(process.argv[2] ?? '');
