/**
 * `npm run torture -- [--minutes M] [--faults NAME,…] [--rate R] [--conversations N] [--brokers 1|3] [--seed S] [--keep]`
 * Runs an installation of its own (Kafka, Redis, two processes a role), sends traffic, hurts it, and reads afterwards from
 * the topics whether each message was answered once and in order. The last line is JSON; exit 1 when something is wrong.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../platform/package-root.js';
import { seededRandom } from '../../platform/random.js';
import { faults } from './faults.js';
import { Installation, pause, ROLES } from './install.js';
import { Traffic } from './traffic.js';
import { judge } from './verdict.js';
import { Watcher } from './watcher.js';

const { values } = parseArgs({ options: {
  minutes: { type: 'string', default: '5' }, faults: { type: 'string' }, rate: { type: 'string', default: '150' }, conversations: { type: 'string', default: '300' },
  brokers: { type: 'string', default: '1' }, partitions: { type: 'string', default: '12' }, processes: { type: 'string', default: '2' }, seed: { type: 'string', default: '1' }, keep: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
} });

const say = (line: string): void => { process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`); };

async function torture(): Promise<boolean> {
  const brokers = values.brokers === '3' ? 3 : 1;
  const random = seededRandom(Number(values.seed));
  const pick = (n: number): number => Math.floor(random.float() * n);
  const names = values.faults?.split(',') ?? Object.keys(faults);
  const unknown = names.find((name) => faults[name] === undefined);
  if (unknown !== undefined) throw new Error(`there is no fault "${unknown}"; there are ${Object.keys(faults).join(', ')}`);
  const folder = join(packageRoot(), '.services', `torture-${process.pid}`);
  const installation = await Installation.start(folder, { brokers, partitions: Number(values.partitions) });
  const counts: Record<string, number> = {};
  const troubles: string[] = [];
  try {
    await (await installation.add('ingress')).ready();
    for (const role of ROLES) while (installation.of(role).length < Number(values.processes)) await installation.add(role);
    await Promise.all(installation.nodes.map((node) => node.ready()));
    const traffic = new Traffic(installation, Number(values.rate), Number(values.conversations));
    const watchers = [0, 1].map((i) => new Watcher(installation, traffic.conversations.filter((_, at) => at % 10 === i).map(({ id }) => id)));
    for (const watcher of watchers) watcher.start();
    await pause(1_000);
    traffic.start();
    await pause(3_000);
    const until = performance.now() + Number(values.minutes) * 60_000;
    for (let round = 0; round < names.length || performance.now() < until; round += 1) {
      const name = (values.faults === undefined ? names[pick(names.length)] : names[round % names.length]) ?? '';
      if (performance.now() >= until) break;
      say(`${name} (${traffic.accepted} accepted)`);
      counts[name] = (counts[name] ?? 0) + 1;
      await faults[name]?.run(installation, pick).catch((error: unknown) => { troubles.push(`${name}: ${error instanceof Error ? error.message : String(error)}`); });
      await pause(2_000 + pick(4_000));
    }
    say(`${traffic.accepted} accepted; waiting for the last`);
    await traffic.stop();
    const verdict = await judge(installation, traffic, watchers);
    for (const watcher of watchers) watcher.close();
    const died = installation.nodes.filter((node) => node.died).map((node) => `${node.role} ended by itself`);
    const wrong = [...verdict.wrong, ...troubles, ...died];
    process.stdout.write(`${JSON.stringify({ ...verdict, wrong, breaks: watchers.reduce((sum, { breaks }) => sum + breaks, 0), rejected: Object.fromEntries(traffic.rejections), faults: counts, logs: wrong.length > 0 || values.keep ? folder : undefined })}\n`);
    if (wrong.length === 0 && !values.keep) rmSync(folder, { recursive: true, force: true });
    return wrong.length === 0;
  } finally {
    await installation.close();
  }
}

if (values.help) process.stdout.write(`faults: ${Object.keys(faults).join(', ')}\n`);
else process.exitCode = await torture() ? 0 : 1;
