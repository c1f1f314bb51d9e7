/** CPU of a node for one reply to one socket each: with Redis, with embedded adapters, and bare sends of the same bytes. */
import { BenchmarkError, progress, rounded, type BenchmarkOptions } from '../lib/benchmark.js';
import { cpuMicros } from '../lib/cpu.js';
import { nextMessage, type Running } from '../lib/processes.js';
import { profileClock, profileSummaries } from '../lib/profile.js';
import { sharedMicros } from './load-settings.js';
import { checkReport, SECRET, Setup, type Load } from './setup.js';

/** Characters of a reply. */
const LENGTH = 100;
/** Rounds that are not measured: code is compiled meanwhile. */
const WARM_UP = 4;

interface Measured { readonly microsPerReply: number; readonly perSecondAndCore: number }

const measured = (micros: number): Measured => ({ microsPerReply: rounded(micros), perSecondAndCore: Math.round(1e6 / micros) });

/**
 * Each round brings every socket one reply and ends when all have it, so that no two for one socket leave in one write.
 * Gives what `cpu` says of the measured rounds, a reply.
 */
async function rounds(load: Load, count: number, send: () => Promise<void> | void, cpu: () => number | Promise<number>): Promise<number> {
  let before = 0;
  for (let round = 0; round < WARM_UP + count; round += 1) {
    if (round === WARM_UP) before = await cpu();
    const all = load.expect(load.settings.sockets, `round ${round}`);
    await send();
    await all;
  }
  return (await cpu() - before) / (count * load.settings.sockets);
}

const bareRun = (sockets: number, count: number): Promise<Measured> => Setup.with(false, async (setup) => {
  const node = setup.processes.start('bare', 'benchmarks/egress/bare-node.js', [], {});
  const { url } = await nextMessage<{ type: 'listening'; url: string }>(node, 'listening');
  const load = await setup.startLoad({ urls: [url], sockets, path: '/stream', secret: undefined });
  // As long as the frame that a reply of so many characters makes.
  const text = 'x'.repeat(LENGTH + 275);
  const micros = await rounds(load, count, () => { node.child.send({ type: 'send', text }); }, () => cpuMicros([node.pid]));
  return measured(micros);
});

/** Asks the embedded node for a round and waits until it is in the log. */
async function round(node: Running, where: 'real' | 'spare', sockets: number): Promise<void> {
  const written = nextMessage(node, 'written');
  node.child.send({ type: 'round', where, sockets, length: LENGTH });
  await written;
}

async function embeddedCpu(node: Running): Promise<number> {
  const told = nextMessage<{ type: 'cpu'; micros: number }>(node, 'cpu');
  node.child.send({ type: 'cpu' });
  return (await told).micros;
}

/** The stages' writing into the log happens in the same process: it is measured by itself, and taken off. */
async function embeddedRun(sockets: number, count: number): Promise<Measured & Record<string, unknown>> {
  let from = 0;
  let to = 0;
  const found = await Setup.with(false, async (setup) => {
    const node = setup.processes.start('embedded', 'benchmarks/egress/embedded-node.js', [setup.processes.scratchFolder(), SECRET, 'c-'], {});
    const { url } = await nextMessage<{ type: 'listening'; url: string }>(node, 'listening');
    const load = await setup.startLoad({ urls: [url], sockets });
    for (let i = 0; i < WARM_UP; i += 1) await round(node, 'spare', sockets);
    const before = await embeddedCpu(node);
    for (let i = 0; i < count; i += 1) await round(node, 'spare', sockets);
    const writing = (await embeddedCpu(node) - before) / (count * sockets);
    from = profileClock();
    const all = await rounds(load, count, () => round(node, 'real', sockets), () => embeddedCpu(node));
    to = profileClock();
    checkReport('embedded', await load.report(), (WARM_UP + count) * sockets);
    return { node, figures: { ...measured(all - writing), microsWithWriting: rounded(all) } };
  });
  return { ...found.figures, profile: profileSummaries([found.node], { from, to }) };
}

async function redisRun(sockets: number, count: number): Promise<Measured & Record<string, unknown>> {
  let from = 0;
  let to = 0;
  const found = await Setup.with(true, async (setup) => {
    const node = await setup.startNode('egress');
    const load = await setup.startLoad({ urls: [node.url], sockets });
    const writer = await setup.openWriter();
    const redis = setup.servers?.redis.pids ?? [];
    let redisBefore = 0;
    from = profileClock();
    const micros = await rounds(load, count, () => writer.write(Array.from({ length: sockets }, (_, i) => ({ conversation: `c-${i}`, dueMicros: sharedMicros(), length: LENGTH }))), () => {
      redisBefore = redisBefore === 0 ? cpuMicros(redis) : redisBefore;
      return cpuMicros([node.pid]);
    });
    to = profileClock();
    checkReport('Redis', await load.report(), writer.written);
    return { node, figures: { ...measured(micros), redisMicrosPerReply: rounded((cpuMicros(redis) - redisBefore) / (count * sockets)) } };
  });
  return { ...found.figures, profile: profileSummaries([found.node], { from, to }) };
}

export async function throughputSection(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const [sockets, count] = [options.number('sockets'), options.number('rounds')];
  if (count < 1) throw new BenchmarkError('--rounds must be at least 1');
  const bare = await bareRun(sockets, count);
  progress(`bare: ${JSON.stringify(bare)}`);
  const embedded = await embeddedRun(sockets, count);
  progress(`embedded: ${JSON.stringify({ ...embedded, profile: undefined })}`);
  const redis = await redisRun(sockets, count);
  progress(`Redis: ${JSON.stringify({ ...redis, profile: undefined })}`);
  // On a busy machine the three suffer alike: their proportions say more than their times.
  return { sockets, replies: count * sockets, bare, embedded, redis, embeddedToBare: rounded(embedded.microsPerReply / bare.microsPerReply), redisToBare: rounded(redis.microsPerReply / bare.microsPerReply) };
}
