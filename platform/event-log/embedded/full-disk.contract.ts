/** Run by embedded.test.ts as a process that may not write files beyond a size: says what became of its appends. */
import { systemClock } from '../../clock.js';
import { isCode } from '../../errors.js';
import { silentLogger } from '../../observability/logger.js';
import { systemRandom } from '../../random.js';
import { readAll } from '../contract/bench.contract.js';
import { openEmbeddedLog } from '../embedded.js';

async function main(folder: string): Promise<unknown> {
  // Without a handler the system ends a process that meets the limit.
  process.on('SIGXFSZ', () => undefined);
  const log = await openEmbeddedLog({ folder, clock: systemClock, random: systemRandom, logger: silentLogger });
  await log.admin.createTopic({ name: 't', partitions: 1, config: {} });
  const appender = await log.appender();
  const append = (n: number): Promise<string> => appender
    .append([{ topic: 't', partition: 0, key: String(n), value: Buffer.alloc(50_000), timestamp: systemClock.now() }])
    .then(() => 'written', (error: unknown) => (isCode(error, 'CONFAB_LOG_UNAVAILABLE') ? 'refused' : String(error)));
  const outcomes: string[] = [];
  for (let n = 0; n < 100; n += 1) outcomes.push(await append(n));
  const keys = (await readAll(log, 't')).map((record) => Number(record.key));
  await log.close();
  return { outcomes, keys };
}

process.stdout.write(JSON.stringify(await main(process.argv[2] ?? '')));
