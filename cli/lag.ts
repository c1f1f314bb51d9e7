/** `confab lag`: how far each stage is behind. */
import { Command, InvalidArgumentError } from 'commander';
import { lagOf, type TopicLag } from '../inspect/index.js';
import { EXIT, type CliContext } from './context.js';
import { millisText } from './conversation/text.js';
import { logOf } from './log.js';
import { harmlessJson, painter, type Paint } from './terminal.js';
import { untilEnded } from './until.js';

interface Flags { json?: boolean; watch?: boolean; max?: number }

const EVERY = 2_000;

const ABOUT = `
Behind: records after what the stage has committed, over all partitions. Oldest: how long the first of them has been waiting
since its message was accepted. Nothing is changed, and it works beside running processes, on Kafka and on the embedded log.

Examples:
  confab lag
  confab lag --watch
  confab lag --max 10000 || echo 'a stage is behind'
  confab lag --json | jq '.stages[] | select(.behind > 0)'

Exit codes: 0 done, 1 with --max when a stage is further behind, 64 wrong command line, 130 interrupted.`;

export function lagCommand(context: CliContext): Command {
  return new Command('lag').description('print how far each stage is behind')
    .option('--max <n>', 'exit with 1 when a stage is more records behind', count)
    .option('--watch', 'print it again every 2 s, until Ctrl-C')
    .option('--json', 'print one JSON object; with --watch one a line')
    .addHelpText('after', ABOUT)
    .action((flags: Flags) => lag(context, flags));
}

function count(value: string): number {
  if (!/^\d{1,12}$/.test(value)) throw new InvalidArgumentError('Use a whole number from 0.');
  return Number(value);
}

async function lag(context: CliContext, flags: Flags): Promise<void> {
  const { prefix } = context.config().pipeline;
  const { stdout, env, clock } = context;
  const log = await logOf(context, 'read');
  const until = untilEnded(context);
  const paint = painter(stdout, env);
  // A terminal shows one table that changes; a pipe gets one after the other.
  const redraws = stdout.isTTY === true && env.TERM !== 'dumb' && flags.json !== true;
  try {
    for (let drawn = 0; ;) {
      const stages = await lagOf(log, { prefix, clock });
      const text = flags.json === true ? `${harmlessJson({ at: new Date(clock.now()).toISOString(), stages })}\n` : lagText(stages, paint);
      stdout.write(`${drawn > 0 && redraws ? `\u001b[${drawn}A\u001b[J` : drawn > 0 && flags.json !== true ? '\n' : ''}${text}`);
      drawn = text.split('\n').length - 1;
      if (flags.max !== undefined) context.exitCode(stages.some(({ behind }) => behind > (flags.max ?? 0)) ? EXIT.failed : EXIT.ok);
      if (flags.watch !== true) return;
      await clock.sleep(EVERY, until.signal).catch(() => undefined);
      if (until.signal.aborted) return;
    }
  } finally {
    until.settle();
    await log.close();
  }
}

const HEADS = ['stage', 'topic', 'committed', 'end', 'behind', 'oldest'] as const;

/** A table with a line for each stage and topic. */
export function lagText(stages: readonly TopicLag[], paint: Paint): string {
  const rows = stages.map(({ reader, topic, committed, end, behind, oldestMillis, begun }) =>
    [reader, topic, begun ? grouped(committed) : 'never', grouped(end), grouped(behind), oldestMillis === null ? '-' : millisText(oldestMillis)]);
  const widths = HEADS.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string => row.map((cell, at) => (at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ');
  const shown = rows.map((row, at) => {
    const one = stages[at];
    return one === undefined || one.behind === 0 ? line(row) : paint((one.oldestMillis ?? 0) > 10_000 ? 'red' : 'yellow', line(row));
  });
  return `${[paint('dim', line(HEADS)), ...shown].join('\n')}\n`;
}

const grouped = (value: number): string => value.toLocaleString('en-US');
