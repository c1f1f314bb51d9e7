/** One side of a comparison: processes work through a preloaded messages.v1, measured from 20 % to 100 % of the committed replies. */
import { randomBytes } from 'node:crypto';
import { topicName } from '../../topology/topology.js';
import { progress, type BenchmarkOptions } from './benchmark.js';
import { CpuMeter } from './cpu.js';
import { preload } from './preload.js';
import { Processes, type Running } from './processes.js';
import { profileClock, profileSummaries, type ProfileSummary } from './profile.js';
import { countReplies, type Mark } from './reply-counter.js';
import type { Server } from './servers.js';
import { makeTopics, removeKeys, removeTopics, withAdmin } from './topics.js';

export interface Servers { readonly kafka: Server; readonly redis?: Server }

export interface Side {
  /** Replies from 20 % to 100 %. */
  readonly turnsPerSecond: number;
  /** The first hop may be far ahead when the measured time begins: half of the records that both hops wrote in it, a second. */
  readonly bothHopsPerSecond: number;
  readonly microsPerTurn: Readonly<Record<string, number>>;
  readonly profile: Readonly<Record<string, ProfileSummary>> | undefined;
}

/** Starts the processes of a side; resolves when they are ready. */
export type Start<S extends Servers> = (processes: Processes, prefix: string, servers: S) => Promise<Running[]>;

const BEGIN = 0.2;

interface Measured { readonly begin: Mark; readonly end: Mark; readonly from: number; readonly to: number; readonly aheadAtBegin: number; readonly microsPerTurn: Record<string, number> }

/** Topics of its own, `--messages` in them; `--messages` and `--conversations` come from the options. */
export async function measureSide<S extends Servers>(name: string, start: Start<S>, options: BenchmarkOptions, servers: S): Promise<Side> {
  const prefix = `bench-${randomBytes(4).toString('hex')}.`;
  const processes = new Processes();
  let running: readonly Running[] = [];
  let measured: Measured;
  try {
    await makeTopics(servers.kafka.address, prefix);
    await preload(servers.kafka.address, prefix, { messages: options.number('messages'), conversations: options.number('conversations') });
    progress(`${name}: starting`);
    measured = await measure(servers, prefix, options.number('messages'), async () => running = await start(processes, prefix, servers));
  } finally {
    await processes.stopAll();
    await removeTopics(servers.kafka.address, prefix);
    if (servers.redis !== undefined) await removeKeys(servers.redis.address, prefix);
  }
  const { begin, end, microsPerTurn, aheadAtBegin } = measured;
  const seconds = (end.at - begin.at) / 1000;
  const turnsPerSecond = (end.count - begin.count) / seconds;
  const bothHopsPerSecond = (end.count - begin.count + Math.max(0, end.count - aheadAtBegin)) / 2 / seconds;
  progress(`${name}: ${Math.round(turnsPerSecond)} turns/s over ${seconds.toFixed(1)} s; CPU µs a turn ${JSON.stringify(microsPerTurn)}`);
  return { turnsPerSecond, bothHopsPerSecond, microsPerTurn, profile: profileSummaries(running, measured) };
}

async function measure(servers: Servers, prefix: string, total: number, start: () => Promise<Running[]>): Promise<Measured> {
  const brokers = servers.kafka.address;
  const found: { begin?: Mark; end?: Mark; from: number; to: number } = { from: 0, to: 0 };
  let ahead: Promise<number> = Promise.resolve(0);
  let meter: CpuMeter | undefined;
  let microsPerTurn: Record<string, number> = {};
  const counter = await countReplies({ brokers, prefix, total, marks: [
    { share: BEGIN, reached: (mark) => { found.begin = mark; found.from = profileClock(); meter?.start(); ahead = recordsOf(brokers, topicName(prefix, 'intents.v1')); ahead.catch(() => undefined); } },
    { share: 1, reached: (mark) => { found.end = mark; found.to = profileClock(); microsPerTurn = meter?.perUnit(total * (1 - BEGIN)) ?? {}; } },
  ] });
  try {
    const running = await start();
    meter = new CpuMeter({ ...Object.fromEntries(running.map((one) => [one.name, [one.pid]])), kafka: servers.kafka.pids, ...servers.redis === undefined ? {} : { redis: servers.redis.pids } });
    await counter.done;
  } finally { await counter.stop(); }
  if (found.begin === undefined || found.end === undefined) throw new Error('the marks were not reached');
  return { begin: found.begin, end: found.end, from: found.from, to: found.to, aheadAtBegin: Math.min(total, await ahead), microsPerTurn };
}

/** About as many as the topic has: markers of transactions count too. */
async function recordsOf(brokers: string, topic: string): Promise<number> {
  return withAdmin(brokers, async (admin) => (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0));
}
