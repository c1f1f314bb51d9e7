/**
 * Clients that come back after so long that no outbox has what they missed: their conversations are read from the one partition
 * of the log, which is large. How long until the last of them has everything, what it takes to read the partition for all of
 * them, and what the sockets notice that are there already.
 */
import { constants, setPriority } from 'node:os';
import { conversationKey, DEFAULT_TENANT } from '../../platform/conversation-key.js';
import { partitionOf } from '../../platform/partitioner.js';
import { formatPosition } from '../../platform/position.js';
import { BenchmarkError, median, progress, rounded, type BenchmarkOptions } from '../lib/benchmark.js';
import { cpuMicros, residentMiB, watchResident } from '../lib/cpu.js';
import { pause, type Running } from '../lib/processes.js';
import { profileClock, profileSummaries, type Span } from '../lib/profile.js';
import { scrape } from '../lib/scrape.js';
import { PARTITIONS } from '../lib/topics.js';
import type { Percentiles, ResumePlace } from './load-settings.js';
import { latencyWhile, type Flow } from './open-loop.js';
import type { ReplyWriter } from './reply-writer.js';
import { checkReport, Setup, type Load } from './setup.js';

const PARTITION = 0;
/** Replies to each conversation, as far from each other as they can be. */
const TURNS = 100;
const LENGTH = 100;
/** The partition is that of the last hour: a pass starts where clocks that differ allow it, which is little of an hour. */
const HOUR = 3_600_000;
const LIVE = 1000;
const ALONE_MILLIS = 5000;
const PATIENCE_SECONDS = 600;
/** Replies of one write into the log, and writes under way. */
const WRITE = 2000;
const WRITES = 3;

/** Names of conversations of the partition. */
function conversationsOf(count: number): string[] {
  const found: string[] = [];
  for (let i = 0; found.length < count; i += 1) if (partitionOf(conversationKey(DEFAULT_TENANT, `r-${i}`), PARTITIONS) === PARTITION) found.push(`r-${i}`);
  return found;
}

/** Writes `TURNS` replies to every conversation, each in turn; reply k (from 0) of conversation c is the (k * conversations + c)-th of the partition. */
async function fill(writer: ReplyWriter, conversations: readonly string[]): Promise<void> {
  const records = conversations.length * TURNS;
  const began = performance.now();
  const oldest = Date.now() - HOUR;
  await writer.allowOld();
  // Until the broker goes by it.
  await pause(1000);
  const writes = new Set<Promise<void>>();
  for (let from = 0; from < records; from += WRITE) {
    const replies = Array.from({ length: Math.min(WRITE, records - from) }, (_, n) => ({ conversation: conversations[(from + n) % conversations.length] ?? '', dueMicros: 0, length: LENGTH, acceptedAt: oldest + Math.floor(HOUR * (from + n) / records) }));
    const write = writer.write(replies).then(() => { writes.delete(write); });
    writes.add(write);
    if (writes.size >= WRITES) await Promise.race(writes);
    if (from % 1e6 === 0 && from > 0) progress(`${from} of ${records} replies after ${Math.round((performance.now() - began) / 1000)} s`);
  }
  await Promise.all(writes);
  progress(`${records} replies to ${conversations.length} conversations of one partition, written in ${Math.round((performance.now() - began) / 1000)} s`);
}

/** Clients of as many conversations, which had been gone since places that are spread over the partition. */
function placesOf(epoch: string, conversations: readonly string[], clients: number): ResumePlace[] {
  return Array.from({ length: clients }, (_, i) => {
    const which = Math.floor(i * conversations.length / clients);
    const newest = 1 + Math.floor(i * (TURNS - 1) / clients);
    return { conversation: conversations[which] ?? '', position: formatPosition(epoch, (newest - 1) * conversations.length + which, 1), newest };
  });
}

interface Round {
  readonly alone: Percentiles;
  readonly beside: Percentiles;
  /** From the word to connect to the last reply at the last client. */
  readonly seconds: number;
  readonly scans: number;
  readonly scanned: number;
  /** CPU time of the node in these seconds, beyond what the live replies take. */
  readonly cpuSeconds: number;
  readonly residentBefore: number;
  readonly residentMost: number;
  readonly closes: Readonly<Record<number, number>>;
  readonly span: Span;
}

interface Scene {
  readonly setup: Setup;
  readonly node: Running;
  readonly quiet: Load;
  readonly writer: ReplyWriter;
  readonly places: readonly ResumePlace[];
  /** Replies that were written before anybody followed. */
  readonly before: number;
  readonly flow: Flow;
}

async function scansOf(node: Running): Promise<{ scans: number; scanned: number }> {
  const found = await scrape(node);
  const [scans, scanned] = [found.get('confab_egress_log_scans_total'), found.get('confab_egress_log_scanned_records_total')];
  if (scans === undefined || scanned === undefined) throw new BenchmarkError('the node does not say what it reads from the log');
  return { scans, scanned };
}

async function runRound({ setup, node, places, ...scene }: Scene): Promise<Round> {
  const live = { what: 'live sockets', writer: scene.writer, load: scene.quiet, flow: scene.flow, before: scene.before };
  let liveMicros = 0;
  const alone = await latencyWhile(live, async () => {
    const began = cpuMicros([node.pid]);
    await pause(ALONE_MILLIS);
    liveMicros = cpuMicros([node.pid]) - began;
  });
  const away = await setup.holdLoad({ urls: [node.url], sockets: places.length });
  setPriority(away.running.pid, constants.priority.PRIORITY_LOW);
  away.tell({ type: 'places', places });
  const [residentBefore, counted] = [residentMiB(node.pid), await scansOf(node)];
  const resident = watchResident(node.pid);
  let [seconds, cpuSeconds] = [0, 0];
  let span: Span = { from: 0, to: 0 };
  const beside = await latencyWhile(live, async () => {
    const [began, cpu, from] = [performance.now(), cpuMicros([node.pid]), profileClock()];
    const missed = places.reduce((sum, { newest }) => sum + TURNS - newest, 0);
    await Promise.all([away.expect(missed, 'clients that came back', PATIENCE_SECONDS), away.connect()]);
    seconds = (performance.now() - began) / 1000;
    cpuSeconds = (cpuMicros([node.pid]) - cpu - liveMicros * seconds * 1000 / ALONE_MILLIS) / 1e6;
    span = { from, to: profileClock() };
  });
  const residentMost = resident();
  const report = await away.report();
  checkReport('clients that came back', report, places.length * TURNS);
  await away.end();
  const { scans, scanned } = await scansOf(node);
  return { alone, beside, seconds, scans: scans - counted.scans, scanned: scanned - counted.scanned, cpuSeconds, residentBefore, residentMost, closes: report.closes, span };
}

export const recoverSection = (options: BenchmarkOptions): Promise<Record<string, unknown>> => Setup.with(true, async (setup) => {
  const [records, clients] = [options.number('records'), options.number('clients')];
  const conversations = conversationsOf(Math.ceil(records / TURNS));
  if (conversations.length < clients) throw new BenchmarkError(`--records must be at least ${TURNS} times --clients`);
  const writer = await setup.openWriter();
  await fill(writer, conversations);
  const before = writer.written;
  await setup.passWritten();
  const node = await setup.startNode('egress');
  const quiet = await setup.startLoad({ urls: [node.url], sockets: LIVE });
  const flow: Flow = { rate: options.number('live-rate'), length: LENGTH, conversation: (i) => `c-${i % LIVE}` };
  const scene: Scene = { setup, node, quiet, writer, places: placesOf(writer.epoch, conversations, clients), before, flow };
  const rounds: Round[] = [];
  for (let round = 0; round <= options.number('recover-rounds'); round += 1) {
    const found = await runRound(scene);
    const { alone, beside, seconds, scans, scanned, residentBefore, residentMost } = found;
    progress(`recover: ${clients} whole after ${rounded(seconds)} s, ${scans} passes over ${scanned} records; p99 of the others ${alone.p99Millis} ms before, ${beside.p99Millis} ms meanwhile; ${Math.round(residentBefore)} and ${Math.round(residentMost)} MiB`);
    // The first one lets the node compile what a recovery runs.
    if (round > 0) rounds.push(found);
  }
  await setup.processes.stop(node);
  return { ...summary(rounds), records: before, clients, lost: 0, repeated: 0, ...profileOf(node, rounds) };
});

function summary(rounds: readonly Round[]): Record<string, unknown> {
  const of = (read: (found: Round) => number): number => rounded(median(rounds.map(read)));
  return {
    seconds: of(({ seconds }) => seconds), passes: of(({ scans }) => scans), recordsRead: of(({ scanned }) => scanned),
    recordsPerSecond: Math.round(of(({ scanned, seconds }) => scanned / seconds)), microsPerRecord: of(({ cpuSeconds, scanned }) => cpuSeconds * 1e6 / scanned),
    recordsPerCoreSecond: Math.round(of(({ cpuSeconds, scanned }) => scanned / cpuSeconds)),
    p50Millis: of(({ alone }) => alone.p50Millis), p99Millis: of(({ alone }) => alone.p99Millis), besideP50Millis: of(({ beside }) => beside.p50Millis),
    besideP99Millis: of(({ beside }) => beside.p99Millis), besideMaxMillis: of(({ beside }) => beside.maxMillis), ratio: of(({ alone, beside }) => beside.p99Millis / alone.p99Millis),
    residentMiB: of(({ residentBefore }) => residentBefore), besideResidentMiB: of(({ residentMost }) => residentMost), closes: rounds.map(({ closes }) => closes),
  };
}

function profileOf(node: Running, rounds: readonly Round[]): Record<string, unknown> {
  const last = rounds[rounds.length - 1]?.span;
  const profiles = last === undefined ? undefined : profileSummaries([node], last);
  return profiles === undefined ? {} : { profiles };
}
