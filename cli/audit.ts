/** `confab audit`: whether the log holds what was promised, read back from the records alone. */
import { Command, InvalidArgumentError } from 'commander';
import { audit, FINDING_KINDS, isSound } from '../inspect/audit.js';
import { auditLine, findingLine } from './audit-text.js';
import { EXIT, type CliContext } from './context.js';
import { codecOf, logOf } from './log.js';
import { duration, whence, wholeNumber } from './options.js';
import { untilEnded } from './until.js';

interface Flags { from?: When; patience: number; most: number; json?: boolean }
type When = { readonly kind: 'start' } | { readonly kind: 'time' | 'ago'; readonly millis: number };

const ABOUT = `
Every accepted message must have exactly one outcome (a reply, or a dead letter), in the order of its conversation. What is
told, with the place of the record:

  lost        no outcome, and every stage has passed it
  doubled     more than one outcome, or accepted twice
  reordered   its outcome stands after that of a later message
  stuck       no outcome for longer than --patience, and a stage has not passed it yet
  unasked     an outcome without a message
  unreadable  bytes that are no record of their topic

Messages younger than --patience may be without an outcome: they are pending. It reads without a consumer group, beside running
processes, and changes nothing.

Examples:
  confab audit
  confab audit --from 2h
  confab audit --from 2026-01-31T12:00:00Z --json | jq .findings

Exit codes: 0 nothing is wrong, 1 something is, 64 wrong command line, 130 interrupted.`;

export function auditCommand(context: CliContext): Command {
  return new Command('audit').description('whether every accepted message has exactly one outcome, in order')
    .option('--from <when>', 'only messages accepted since: start, an RFC 3339 time, or how long ago, such as 10m', when)
    .option('--patience <time>', 'how long a message may be without an outcome, such as 90s', duration, 60_000)
    .option('--most <n>', 'findings of each kind to tell; all are counted', wholeNumber, 20)
    .option('--json', 'print one JSON object')
    .addHelpText('after', ABOUT)
    .action((flags: Flags) => run(context, flags));
}

function when(value: string): When {
  const from = whence(value);
  if (from.kind === 'start') return { kind: from.kind };
  if (from.kind === 'time' || from.kind === 'ago') return from;
  throw new InvalidArgumentError('Use start, a time such as 2026-01-31T12:00:00Z or a duration such as 10m: an audit goes over all conversations, a position belongs to one.');
}

async function run(context: CliContext, { from, patience, most, json }: Flags): Promise<void> {
  const config = context.config();
  const codec = await codecOf(context);
  const log = await logOf(context, 'read');
  const until = untilEnded(context);
  const { clock, stdout, stderr } = context;
  const since = from === undefined || from.kind === 'start' ? undefined : from.kind === 'ago' ? clock.now() - from.millis : from.millis;
  const terminal = stderr.isTTY === true && json !== true;
  try {
    const report = await audit({
      log, codec, clock, prefix: config.pipeline.prefix, patience, mostFindings: most, signal: until.signal, ...(since === undefined ? {} : { since }),
      ...(terminal ? { onPartition: (done, of) => { stderr.write(`\r\u001b[K${done === of ? '' : `partition ${done} of ${of}`}`); } } : {}),
    });
    const sound = isSound(report);
    if (json === true) stdout.write(`${JSON.stringify({ sound, ...report })}\n`);
    else {
      for (const finding of report.findings) stdout.write(`${findingLine(finding)}\n`);
      const untold = FINDING_KINDS.reduce((sum, kind) => sum + report[kind], 0) - report.findings.length;
      if (untold > 0) stdout.write(`and ${untold.toLocaleString('en-US')} more (--most)\n`);
      stdout.write(`${auditLine(report)}\n`);
    }
    if (!sound) context.exitCode(EXIT.failed);
  } catch (error) {
    if (!until.signal.aborted) throw error;
  } finally {
    until.settle();
    await log.close();
  }
}
