/**
 * `npm run fencing -- [--points 'before EndTxn 5,…'] [--brokers 1|3] [--at-once N] [--list]`
 * Stops a process between any two requests of a take-over and of a commit, each on a cluster and a Redis of its own, and
 * shows that nothing comes of it when it is continued. The last line is JSON; exit 1 when something is wrong.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../platform/package-root.js';
import { fixedBots, loadBots } from '../../processors/bot/index.js';
import { ownKafka } from '../services/kafka-own.js';
import { ensureProgram } from '../services/packages.js';
import { allPoints, nameOf, parsePoint } from './points.js';
import type { Servers } from './site.js';
import { LIMIT_MILLIS, proveAt, type Outcome } from './trial.js';

const { values } = parseArgs({ options: {
  points: { type: 'string' }, brokers: { type: 'string', default: '3' }, 'at-once': { type: 'string', default: '6' }, list: { type: 'boolean', default: false },
} });

const say = (line: string): void => { process.stderr.write(`${line}\n`); };
const rounded = (millis: number): number => Math.round(millis);

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => { resolve(port); });
    });
  });
}

async function withServers<T>(brokers: 1 | 3, run: (servers: Servers) => Promise<T>): Promise<T> {
  const folder = join(packageRoot(), '.services', `fencing-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const redis = spawn(await ensureProgram('redis-server', ['redis-server']), ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder], { stdio: 'ignore' });
  let kafka: Awaited<ReturnType<typeof ownKafka>> | undefined;
  try {
    kafka = await ownKafka(join(folder, 'kafka'), { brokers });
    return await run({ brokers: kafka.brokers, redisUrl: `redis://127.0.0.1:${port}` });
  } finally {
    await kafka?.close();
    redis.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<boolean> {
  const brokers = values.brokers === '1' ? 1 : 3;
  const points = values.points === undefined ? allPoints(brokers) : values.points.split(',').map(parsePoint);
  if (values.list) { for (const point of points) process.stdout.write(`${nameOf(point)}\n`); return true; }
  const bots = fixedBots(await loadBots(join(packageRoot(), 'bots')));
  const outcomes: Outcome[] = [];
  const failures: string[] = [];
  await withServers(brokers, async (servers) => {
    const waiting = [...points];
    const work = async (): Promise<void> => {
      for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) {
        try {
          const outcome = await proveAt(point, servers, bots);
          outcomes.push(outcome);
          const faults = [...outcome.faults, ...(outcome.slow ? [`slower than ${LIMIT_MILLIS} ms`] : [])];
          failures.push(...faults.map((fault) => `${outcome.point}: ${fault}`));
          say(`${faults.length === 0 ? 'ok  ' : 'FAIL'} ${outcome.point.padEnd(28)} successor ${rounded(outcome.successorMillis)} ms, silence ${rounded(outcome.silenceMillis)} ms, stopped ${rounded(outcome.stoppedMillis)} ms${faults.map((fault) => `\n     ${fault}`).join('')}`);
        } catch (error) {
          failures.push(`${nameOf(point)}: ${error instanceof Error ? error.message : String(error)}`);
          say(`FAIL ${nameOf(point)} ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    };
    await Promise.all(Array.from({ length: Number(values['at-once']) }, work));
  });
  const worst = (of: (outcome: Outcome) => number): number => rounded(Math.max(0, ...outcomes.map(of)));
  process.stdout.write(`${JSON.stringify({ points: points.length, proved: points.length - new Set(failures.map((failure) => failure.split(':')[0])).size, slowestSuccessorMillis: worst((each) => each.successorMillis), longestSilenceMillis: worst((each) => each.silenceMillis), mostStolenMillis: worst((each) => each.stolenMillis), limitMillis: LIMIT_MILLIS, brokers, failures })}\n`);
  return failures.length === 0;
}

try {
  process.exit(await main() ? 0 : 1);
} catch (error) {
  say(error instanceof Error ? error.stack ?? error.message : String(error));
  process.exit(1);
}
