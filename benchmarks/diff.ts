/** `diff`: shadow replay of a whole dialogue corpus through a version of the example bot, twice, against another version. */
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { compare, diffPage, Player, recordingsFrom, type Comparison } from '../inspect/bot-diff/index.js';
import { packageRoot } from '../platform/package-root.js';
import { loadBot } from '../processors/bot/index.js';
import { BenchmarkError, median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';

interface Run { readonly inputsPerSecond: number; readonly report: string; readonly comparison: Comparison }

async function run(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const corpus = options.text('corpus') === '' ? join(packageRoot(), '..', 'shared', 'corpora', 'dialogues', 'sgd-dev.jsonl') : resolve(options.text('corpus'));
  if (!existsSync(corpus)) throw new BenchmarkError(`there is no ${corpus}: name a file of {conversation, turn, speaker, text} lines with --corpus`);
  const folder = mkdtempSync(join(tmpdir(), 'confab-diff-'));
  try {
    cpSync(join(packageRoot(), 'bots', 'parcel'), join(folder, 'parcel'), { recursive: true });
    appendFileSync(join(folder, 'parcel', 'bot.yaml'), '\n# another version\n');
    const models = new Map<string, Buffer>();
    const [oldBot, newBot] = [await loadBot(join(packageRoot(), 'bots', 'parcel')), await loadBot(join(folder, 'parcel'))];
    const recordings = await recordingsFrom(corpus, newBot.id);
    const inputs = recordings.reduce((sum, { turns }) => sum + turns.length, 0);
    // Both sides of the dialogue: what a person wrote is played, what was answered is compared.
    const turns = inputs + recordings.reduce((sum, one) => sum + one.turns.reduce((parts, { reply }) => parts + (reply?.parts.length ?? 0), 0), 0);
    const played = async (against: boolean): Promise<Run> => {
      // Nothing is kept from run to run: each classifies every text that it meets.
      const [next, old] = [new Player(newBot, models), against ? new Player(oldBot, models) : undefined];
      const begun = performance.now();
      const comparison = await compare(recordings, { next, old, most: 200 });
      const seconds = (performance.now() - begun) / 1000;
      return { inputsPerSecond: comparison.totals.turns / seconds, report: createHash('sha256').update(JSON.stringify(comparison)).update(diffPage(comparison)).digest('hex'), comparison };
    };
    const one = await rounds('against what was recorded', () => played(false), options.number('runs'));
    const two = await rounds('against another version', () => played(true), options.number('runs'));
    return {
      corpus: corpus.split('/').at(-1), conversations: recordings.length, turns, inputs,
      turnsPerSecond: rounded(one.median * turns / inputs, 0), inputsPerSecond: rounded(one.median, 0), againstVersionTurnsPerSecond: rounded(two.median * turns / inputs, 0),
      identical: one.identical && two.identical, againstVersionSame: two.comparison.totals.same === two.comparison.totals.turns, reportSha256: one.report,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function rounds(what: string, once: () => Promise<Run>, count: number): Promise<{ median: number; identical: boolean; report: string; comparison: Comparison }> {
  const runs: Run[] = [];
  for (let index = 0; index < Math.max(2, count); index += 1) {
    runs.push(await once());
    progress(`${what}: ${rounded(runs.at(-1)?.inputsPerSecond ?? 0, 0)} inputs/s`);
  }
  const [first] = runs;
  if (first === undefined) throw new BenchmarkError('nothing was run');
  return { median: median(runs.map(({ inputsPerSecond }) => inputsPerSecond)), identical: runs.every(({ report }) => report === first.report), report: first.report, comparison: first.comparison };
}

export const diff: Benchmark = {
  purpose: 'shadow replay of a whole dialogue corpus through the example bot: turns of the corpus a second, on one core; two runs are compared byte for byte',
  options: {
    corpus: { default: '', about: 'file of dialogues (../shared/corpora/dialogues/sgd-dev.jsonl)' },
    runs: { default: '3', about: 'runs of each kind, at least 2' },
  },
  run,
};
