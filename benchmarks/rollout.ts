/**
 * `rollout`: how long after a step of a roll-out every node runs it. A process for ingress and egress and `--nodes` with
 * intent and dialogue, each with a data folder of its own, on Kafka and Redis; versions of the example bot whose examples
 * differ, so that each needs a model that no node has. A time is counted from the record's own time (before the log is read
 * and written) until the metric of the last node says that it runs the version.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../platform/package-root.js';
import { BenchmarkError, median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { built } from './lib/build.js';
import { pause, Processes, type Running } from './lib/processes.js';
import { scrape } from './lib/scrape.js';
import { needServers } from './lib/servers.js';
import { makeTopics, removeKeys, removeTopics } from './lib/topics.js';

const LOOK_MILLIS = 20;
const PATIENCE_MILLIS = 60_000;
const BOT = 'parcel';
const EXAMPLE = 'hi there';

interface Step {
  /** Until the last node runs it. */
  readonly nodes: number;
  /** From the start of the command to its end, waiting for the nodes included where it does. */
  readonly command: number;
}

interface Scene {
  readonly folder: string;
  readonly edge: Running;
  readonly nodes: readonly Running[];
  readonly settings: NodeJS.ProcessEnv;
  /** Round after round, so that no version comes twice. */
  readonly name: string;
}

function confab({ settings, edge }: Scene, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [built('confab.js'), ...args], { env: { PATH: process.env.PATH, HOME: process.env.HOME, ...settings, CONFAB_URL: edge.url }, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout); else reject(new BenchmarkError(`confab ${args.join(' ')}: ${stdout}${stderr}`));
    });
  });
}

/** A version with examples of its own; its tests are left out, they are no part of a roll-out. */
function versionOf({ folder, name }: Scene, round: number): string {
  const path = join(folder, `version-${round}`);
  cpSync(join(packageRoot(), 'bots', BOT), path, { recursive: true });
  rmSync(join(path, 'tests'), { recursive: true, force: true });
  const file = join(path, 'intents', 'small-talk.yaml');
  const text = readFileSync(file, 'utf8');
  if (!text.includes(EXAMPLE)) throw new BenchmarkError(`the example bot has no "${EXAMPLE}" any more`);
  writeFileSync(file, text.replace(EXAMPLE, `hi there number ${round} of ${name}`));
  return path;
}

/** When every node said that this is its current version. */
async function untilAllRun({ nodes }: Scene, version: string): Promise<number> {
  const end = performance.now() + PATIENCE_MILLIS;
  await Promise.all(nodes.map(async (node) => {
    while (!(await scrape(node)).has(`confab_bot_version_info{bot="${BOT}",version="${version}",state="current"}`)) {
      if (performance.now() > end) throw new BenchmarkError(`${node.name} does not run ${version} after ${PATIENCE_MILLIS / 1000} s`);
      await pause(LOOK_MILLIS);
    }
  }));
  return Date.now();
}

/** When the record of the version was made, as the log tells. */
async function madeAt({ edge }: Scene, version: string): Promise<number> {
  const { bots } = await (await fetch(`${edge.url}/v1/admin/bots`)).json() as { bots: { versions: { version: string; deployedAt: string }[] }[] };
  const found = bots.flatMap(({ versions }) => versions).find((one) => one.version === version);
  if (found === undefined) throw new BenchmarkError(`${version} is not on the log`);
  return Date.parse(found.deployedAt);
}

/** Does a step and watches the nodes meanwhile. */
async function step(scene: Scene, version: string, ...args: string[]): Promise<Step> {
  const began = performance.now();
  const [command, all] = await Promise.all([confab(scene, 'bot', ...args).then(() => performance.now() - began), untilAllRun(scene, version)]);
  return { nodes: all - await madeAt(scene, version), command };
}

async function versionId(path: string): Promise<string> {
  const { checkBot } = await import('../processors/bot/index.js');
  const { bot } = await checkBot(path);
  if (bot === undefined) throw new BenchmarkError(`${path} is faulty`);
  return bot.version;
}

async function rounds(scene: Scene, count: number): Promise<{ deploys: Step[]; rollbacks: Step[] }> {
  const base = versionOf(scene, 0);
  const first = await versionId(base);
  await step(scene, first, 'deploy', base);
  const [deploys, rollbacks]: [Step[], Step[]] = [[], []];
  for (let round = 1; round <= count; round += 1) {
    const path = versionOf(scene, round);
    const deployed = await step(scene, await versionId(path), 'deploy', path);
    const back = await step(scene, first, 'rollback', BOT);
    deploys.push(deployed);
    rollbacks.push(back);
    progress(`deploy ${Math.round(deployed.nodes)} ms (command ${Math.round(deployed.command)}), rollback ${Math.round(back.nodes)} ms (command ${Math.round(back.command)})`);
  }
  return { deploys, rollbacks };
}

function figures(name: string, steps: readonly Step[]): Record<string, number> {
  const of = (pick: (one: Step) => number): number[] => steps.map(pick);
  const [nodes, command] = [of((one) => one.nodes), of((one) => one.command)];
  return {
    [`${name}P50Millis`]: rounded(median(nodes), 0), [`${name}MaxMillis`]: rounded(Math.max(...nodes), 0),
    [`${name}CommandP50Millis`]: rounded(median(command), 0), [`${name}CommandMaxMillis`]: rounded(Math.max(...command), 0),
  };
}

async function run(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const servers = await needServers('kafka', 'redis');
  const name = randomBytes(4).toString('hex');
  const prefix = `bench-${name}.`;
  const processes = new Processes();
  try {
    await makeTopics(servers.kafka.address, prefix);
    const folder = processes.scratchFolder();
    const settings = { CONFAB_KAFKA_BROKERS: servers.kafka.address, CONFAB_REDIS_URL: servers.redis.address, CONFAB_PREFIX: prefix };
    const start = (node: string, ...roles: string[]): Promise<Running> => {
      const data = join(folder, node);
      mkdirSync(data);
      return processes.startConfab(node, roles.flatMap((role) => ['--role', role]), { ...settings, CONFAB_DATA_DIR: data });
    };
    const edge = await start('edge', 'ingress', 'egress');
    const nodes: Running[] = [];
    for (let node = 1; node <= options.number('nodes'); node += 1) nodes.push(await start(`node-${node}`, 'intent', 'dialogue'));
    const scene = { folder, edge, nodes, settings: { ...settings, CONFAB_DATA_DIR: join(folder, 'operator') }, name };
    const { deploys, rollbacks } = await rounds(scene, options.number('rounds'));
    const within = [...deploys, ...rollbacks].filter((one) => one.nodes < 2000).length;
    return { nodes: nodes.length, rounds: deploys.length, ...figures('deploy', deploys), ...figures('rollback', rollbacks), withinTwoSeconds: rounded(within / (2 * deploys.length), 3) };
  } finally {
    await processes.stopAll();
    await removeTopics(servers.kafka.address, prefix);
    await removeKeys(servers.redis.address, prefix);
  }
}

export const rollout: Benchmark = {
  purpose: 'from a deployment, and from a roll-back, until every node runs it, on Kafka and Redis; each deployment needs a new model',
  options: {
    rounds: { default: '10', about: 'deployments, each rolled back' },
    nodes: { default: '3', about: 'processes with intent and dialogue' },
  },
  run,
};
