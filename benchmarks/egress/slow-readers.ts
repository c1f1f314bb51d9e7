/**
 * One reader in a hundred takes 1 KB a second: what the others notice, and what the node holds. In both phases of a round the
 * traffic is the same; only in the second are the slow ones slow, and by then the kernel's own buffers are full, which would
 * hide a slow reader for minutes.
 */
import { median, progress, rounded, type BenchmarkOptions } from '../lib/benchmark.js';
import { watchResident } from '../lib/cpu.js';
import { pause, type Running } from '../lib/processes.js';
import type { Percentiles } from './load-settings.js';
import { openLoop, type Flow } from './open-loop.js';
import type { ReplyWriter } from './reply-writer.js';
import { checkReport, Setup, type Load } from './setup.js';

const BYTES_A_SECOND = 1024;
const LENGTH = 100;
/** To each slow reader in every second: more than it takes. */
const SLOW_RATE = 2;
const SLOW_LENGTH = 2000;
/** What fills the buffers of the kernel at both ends of a connection. */
const FLOOD_LENGTH = 64_000;
const SETTLE = 1000;

interface Phase { readonly latency: Percentiles; readonly residentMiB: number; /** Replies that slow readers had not read at the end. */ readonly unread: number }

class Round {
  constructor(private readonly load: Load, private readonly writer: ReplyWriter, private readonly node: Running, private readonly options: BenchmarkOptions) {}

  /** All read as fast as they can. */
  async alone(): Promise<Phase> { return this.phase(); }

  async beside(floodBytes: number): Promise<Phase> {
    const { slow, name } = this.load.settings;
    this.load.tell({ type: 'pace', bytesPerSecond: BYTES_A_SECOND });
    for (let bytes = 0; bytes < floodBytes; bytes += FLOOD_LENGTH) {
      await this.writer.write(Array.from({ length: slow }, (_, i) => ({ conversation: `${name}${i}`, dueMicros: 0, length: FLOOD_LENGTH })));
      await pause(20);
    }
    await pause(SETTLE);
    return this.phase();
  }

  /** Waits until the slow ones, which are slow no more, have everything. */
  async catchUp(): Promise<void> {
    this.load.tell({ type: 'pace', bytesPerSecond: 0 });
    for (const end = performance.now() + 60_000; performance.now() < end; await pause(200)) {
      const { newest } = await this.load.report();
      if (newest >= this.writer.written) break;
    }
    checkReport('slow readers', await this.load.report(), this.writer.written);
  }

  private async phase(): Promise<Phase> {
    const { slow, sockets, name } = this.load.settings;
    const flows: Flow[] = [
      { rate: this.options.number('rate'), length: LENGTH, conversation: (i) => `${name}${slow + i % (sockets - slow)}` },
      { rate: SLOW_RATE * slow, length: SLOW_LENGTH, conversation: (i) => `${name}${i % slow}` },
    ];
    const resident = watchResident(this.node.pid);
    const over = pause(SETTLE).then(() => { this.load.tell({ type: 'measure' }); return pause(this.options.number('slow-seconds') * 1000); });
    await openLoop(this.writer, flows, over);
    await pause(SETTLE);
    const most = resident();
    const { latency, newest } = await this.load.report();
    return { latency, residentMiB: most, unread: this.writer.written - newest };
  }
}

export const slowReadersSection = (options: BenchmarkOptions): Promise<Record<string, unknown>> => Setup.with(true, async (setup) => {
  const sockets = options.number('slow-sockets');
  const slow = Math.max(1, Math.round(sockets / 100));
  const node = await setup.startNode('egress');
  const load = await setup.startLoad({ urls: [node.url], sockets, slow });
  const round = new Round(load, await setup.openWriter(), node, options);
  await round.alone();
  await round.catchUp();
  const found: { alone: Phase; beside: Phase }[] = [];
  for (let i = 0; i < options.number('slow-rounds'); i += 1) {
    const alone = await round.alone();
    await round.catchUp();
    const beside = await round.beside(options.number('flood') * 1024 * 1024);
    await round.catchUp();
    progress(`slow readers: p99 ${alone.latency.p99Millis} ms without, ${beside.latency.p99Millis} ms beside them; ${Math.round(alone.residentMiB)} and ${Math.round(beside.residentMiB)} MiB`);
    found.push({ alone, beside });
  }
  const of = (which: 'alone' | 'beside', read: (phase: Phase) => number): number => rounded(median(found.map((one) => read(one[which]))));
  const { closes } = await load.report();
  return {
    sockets, slow, p50Millis: of('alone', ({ latency }) => latency.p50Millis), p99Millis: of('alone', ({ latency }) => latency.p99Millis),
    besideP50Millis: of('beside', ({ latency }) => latency.p50Millis), besideP99Millis: of('beside', ({ latency }) => latency.p99Millis),
    ratio: rounded(median(found.map(({ alone, beside }) => beside.latency.p99Millis / alone.latency.p99Millis))),
    residentMiB: of('alone', (phase) => phase.residentMiB), besideResidentMiB: of('beside', (phase) => phase.residentMiB), unread: of('beside', (phase) => phase.unread), lost: 0, repeated: 0, closes,
  };
});
