/** `embedded`: turns a second of one process on the embedded log, every record on the disk before it counts; load from another. */
import { BenchmarkError, progress, rounded, type Benchmark } from './lib/benchmark.js';
import { anonymousMiB, CpuMeter, residentMiB } from './lib/cpu.js';
import { Processes } from './lib/processes.js';
import { checkLoad, startSocketLoad } from './lib/socket-load.js';

export const embedded: Benchmark = {
  purpose: 'turns a second of `confab start` in one process on the embedded log, load by sockets from another process',
  options: {
    seconds: { default: '20', about: 'measured time' },
    warmup: { default: '10', about: 'time before' },
    window: { default: '1000', about: 'messages under way' },
    sockets: { default: '2', about: 'sockets each way' },
    conversations: { default: '10000', about: 'conversations' },
  },
  async run(options) {
    const processes = new Processes();
    try {
      const confab = await processes.startConfab('confab', [], { CONFAB_DATA_DIR: processes.scratchFolder() });
      progress(`ready after ${confab.readyMillis.toFixed(0)} ms`);
      const load = await startSocketLoad(processes, {
        ingestUrl: confab.url, streamUrl: confab.url, name: 'embedded-', sockets: options.number('sockets'), conversations: options.number('conversations'),
        warmupSeconds: options.number('warmup'), seconds: options.number('seconds'), window: options.number('window'),
      });
      const meter = new CpuMeter({ confab: [confab.pid], load: [load.process.pid] });
      await load.measuring;
      meter.start();
      progress('measuring');
      await load.measured;
      const used = meter.perUnit(1);
      const [residentAtEnd, anonymousAtEnd] = [residentMiB(confab.pid), anonymousMiB(confab.pid)];
      const result = await load.result;
      checkLoad(result);
      if (result.turns === 0) throw new BenchmarkError('no turn was completed');
      return {
        turnsPerSecond: Math.round(result.turnsPerSecond), p50Millis: rounded(result.p50Millis), p99Millis: rounded(result.p99Millis), p999Millis: rounded(result.p999Millis),
        microsPerTurn: Object.fromEntries(Object.entries(used).map(([name, micros]) => [name, rounded(micros / result.turns, 1)])),
        readyMillis: Math.round(confab.readyMillis), residentMiB: Math.round(residentAtEnd), anonymousMiB: Math.round(anonymousAtEnd), window: options.number('window'), rejected: result.rejected,
      };
    } finally { await processes.stopAll(); }
  },
};
