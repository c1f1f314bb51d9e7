/** `confab rebuild [VIEW]`. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { ConfabError, toConfabError } from '../platform/errors.js';
import { isWhole, type Part, type PartChecked, type PartRebuilt, type RunOptions } from '../operate/rebuild/view.js';
import { views } from '../operate/rebuild/views.js';
import { EXIT, type CliContext } from './context.js';
import { differenceText, partText, rebuiltText, checkedText, viewsText, type Summary } from './rebuild/text.js';
import { openWorker, type Worker } from './rebuild/worker.js';
import { baseUrl } from './server-url.js';
import { errorText, harmlessJson, hasColour, suggestion } from './terminal.js';
import { untilEnded } from './until.js';

interface Flags { partitions?: ReadonlySet<number>; check?: boolean; json?: boolean; url?: string }

const ABOUT = `
The log is the only truth: what is kept beside it can be deleted and comes back. Most views heal by themselves; without a view
the command says how. A rebuild runs beside the processes that use the view: nothing newer is overwritten, and it may be given
up and repeated at any time. --check compares with the log and writes nothing. Kafka and Redis are asked directly, and so is
the embedded log while no process runs; else the running process does it.

Examples:
  confab rebuild
  confab rebuild state --check
  confab rebuild state
  confab rebuild state --partitions 0-3,7 --json

Exit codes: 0 rebuilt, or the same, 1 a partition failed, or with --check differs, 64 wrong command line, 130 interrupted.`;

/** Partitions at work at once: one waits for the log while another waits for the view. */
const PARALLEL = 4;
/** Between two lines of progress, milliseconds. */
const EVERY = 250;

export function rebuildCommand(context: CliContext): Command {
  return new Command('rebuild').argument('[view]', 'what to rebuild, such as state').description('make what is kept beside the log again from the log, or compare it')
    .option('--partitions <list>', 'only these, such as 0-3,7', partitionList)
    .option('--check', 'compare and write nothing')
    .option('--json', 'print one JSON object a partition, and one with the sums')
    .addOption(new Option('--url <url>', 'the server that shall do it; default: this command itself, or the process that has the embedded log').argParser(baseUrl))
    .addHelpText('after', ABOUT)
    .action((view: string | undefined, flags: Flags) => (view === undefined ? list(context, flags) : rebuild(context, view, flags)));
}

function partitionList(value: string): ReadonlySet<number> {
  const wanted = new Set<number>();
  for (const item of value.split(',')) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item.trim()) ?? [];
    if (first === undefined || Number(first) > Number(last)) throw new InvalidArgumentError('Use numbers and ranges from 0, such as 0-3,7.');
    for (let partition = Number(first); partition <= Number(last); partition += 1) wanted.add(partition);
  }
  return wanted;
}

function list({ stdout }: CliContext, flags: Flags): void {
  if (flags.check === true || flags.partitions !== undefined || flags.url !== undefined) throw new ConfabError('CONFAB_USAGE', { detail: 'Name the view, such as `confab rebuild state`.' });
  if (flags.json === true) for (const { rebuild: made, ...view } of views) stdout.write(`${harmlessJson({ ...view, byHand: made !== undefined })}\n`);
  else stdout.write(viewsText(views, stdout.columns ?? 120));
}

async function rebuild(context: CliContext, view: string, flags: Flags): Promise<void> {
  const names = views.map(({ name }) => name);
  if (!names.includes(view)) throw new ConfabError('CONFAB_USAGE', { detail: `There is no view "${view}".${suggestion(view, names)} There are ${names.join(', ')}.` });
  const worker = await openWorker(context, view, flags.url);
  const until = untilEnded(context);
  try {
    const parts = wanted(await worker.parts(), flags.partitions);
    const run = new Run(context, view, flags, until.signal);
    if (flags.check === true) run.checked(await run.all(parts, (part, options) => worker.check(part, options), differenceText));
    else run.rebuilt(await run.all(parts, (part, options) => worker.run(part, options), partText));
  } finally {
    until.settle();
    await worker.close();
  }
}

/** @throws CONFAB_PARTITION_UNKNOWN */
function wanted(parts: readonly Part[], partitions: ReadonlySet<number> | undefined): readonly Part[] {
  if (partitions === undefined) return parts;
  const unknown = [...partitions].find((number) => !parts.some(({ partition }) => partition === number));
  if (unknown !== undefined) throw new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `There is no partition ${unknown}; the last is ${Math.max(...parts.map(({ partition }) => partition))}.` });
  return parts.filter(({ partition }) => partitions.has(partition));
}

class Run {
  private readonly began: number;
  private readonly reading = new Map<Part, number>();
  private done = 0;
  private failed = 0;
  private told = -Infinity;
  private readonly shows: boolean;

  constructor(private readonly context: CliContext, private readonly view: string, private readonly flags: Flags, private readonly signal: AbortSignal) {
    this.began = context.clock.monotonic();
    this.shows = context.stderr.isTTY === true && context.env.TERM !== 'dumb';
  }

  /** Every part, some at once; one that fails is told and the others go on. */
  async all<T extends PartRebuilt | PartChecked>(parts: readonly Part[], work: (...all: Parameters<Worker['run']>) => Promise<T>, text: (result: T) => string): Promise<T[]> {
    const waiting = [...parts];
    const results: T[] = [];
    const lane = async (): Promise<void> => {
      for (let part = waiting.shift(); part !== undefined && !this.signal.aborted; part = waiting.shift()) {
        const result = await this.one(part, parts.length, work);
        if (result === undefined) continue;
        results.push(result);
        this.say(this.flags.json === true ? `${harmlessJson(result)}\n` : this.flags.check === true ? text(result) : '');
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, lane));
    this.clear();
    return results;
  }

  rebuilt(results: readonly PartRebuilt[]): void {
    const summary = { ...this.summary(results), states: sum(results, 'states') };
    if (this.signal.aborted) return;
    this.say(this.flags.json === true ? `${harmlessJson(summary)}\n` : rebuiltText(summary));
    if (this.failed > 0) this.context.exitCode(EXIT.failed);
  }

  checked(results: readonly PartChecked[]): void {
    const whole = this.failed === 0 && results.every(isWhole);
    const counts = Object.fromEntries((['conversations', 'same', 'newer', 'missing', 'behind', 'different'] as const).map((name) => [name, sum(results, name)])) as Record<'conversations' | 'same' | 'newer' | 'missing' | 'behind' | 'different', number>;
    const summary = { ...this.summary(results), ...counts, whole };
    if (this.signal.aborted) return;
    this.say(this.flags.json === true ? `${harmlessJson(summary)}\n` : checkedText(summary));
    if (!whole) this.context.exitCode(EXIT.failed);
  }

  private async one<T>(part: Part, total: number, work: (part: Part, options: RunOptions) => Promise<T>): Promise<T | undefined> {
    let seen = 0;
    try {
      return await work(part, { signal: this.signal, onProgress: (records) => { this.reading.set(part, records); if (records > seen) { seen = records; this.progress(total); } } });
    } catch (thrown) {
      if (this.signal.aborted) return undefined;
      this.failed += 1;
      this.clear();
      const { env, stderr } = this.context;
      stderr.write(`${part.topic} ${part.partition}: ${errorText(toConfabError(thrown), { colour: hasColour(stderr, env), stack: false })}`);
      return undefined;
    } finally {
      this.done += 1;
      this.progress(total);
    }
  }

  private summary(results: readonly { records: number }[]): Summary {
    const milliseconds = Math.round(this.context.clock.monotonic() - this.began);
    const records = sum(results, 'records');
    return { view: this.view, partitions: results.length, failed: this.failed, records, milliseconds, recordsPerSecond: Math.round(records * 1000 / Math.max(1, milliseconds)) };
  }

  /** On a terminal, one line that changes. */
  private progress(total: number): void {
    const now = this.context.clock.monotonic();
    if (!this.shows || now - this.told < EVERY) return;
    this.told = now;
    const records = [...this.reading.values()].reduce((all, one) => all + one, 0);
    this.context.stderr.write(`\r\u001b[K${this.view}: ${this.done} of ${total} partitions, ${records.toLocaleString('en-US')} records`);
  }

  private clear(): void { if (this.shows && this.told > 0) this.context.stderr.write('\r\u001b[K'); }

  private say(text: string): void {
    if (text === '') return;
    this.clear();
    this.context.stdout.write(text);
  }
}

const sum = <K extends string>(results: readonly Readonly<Record<K, number>>[], name: K): number => results.reduce((all, one) => all + one[name], 0);
