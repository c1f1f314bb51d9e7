/** `confab audit`: whether the log holds what was promised, read back from the records alone. */
import { Command, InvalidArgumentError } from 'commander';
import { audit, FINDING_KINDS, isSound, type AuditOptions, type AuditReport } from '../inspect/audit.js';
import { AuditFollower } from './audit-follow.js';
import { auditLine, findingLine, lookLine, rateLine } from './audit-text.js';
import { EXIT, type CliContext } from './context.js';
import { codecOf, logOf } from './log.js';
import { duration, whence, wholeNumber } from './options.js';
import { harmlessJson } from './terminal.js';
import { untilEnded } from './until.js';

interface Flags { from?: When; patience: number; interval: number; most: number; json?: boolean; text?: boolean; follow?: boolean }
type When = { readonly kind: 'start' } | { readonly kind: 'time' | 'ago'; readonly millis: number };

const ABOUT = `
Every accepted message must have exactly one outcome (a reply, or a dead letter), and all that it causes must stand in the order
of its conversation. What is told, with the place of the record, its conversation and its message:

  lost        no outcome, and every stage has passed it
  doubled     more than one outcome, or accepted, understood or retried twice
  reordered   it stands after that of a later message
  stuck       no outcome for longer than --patience, and a stage has not passed it yet
  unasked     a record without what must have caused it
  unreadable  bytes that are no record of their topic
  misplaced   not in the partition of its key, or not in the conversation of its message
  mistimed    its timestamp is not the time at which its message was accepted
  unchained   a reply that does not name the reply before it
  diverged    a dialogue state that does not agree with the replies
  miscounted  analytics that do not agree with the replies

Messages younger than --patience may be without an outcome: they are pending. It reads without a consumer group, beside running
processes, in bounded memory, and changes nothing. docs/audit.md says what is judged and what cannot be.

With --follow it goes on: a finding is told as soon as it is certain, and once more when a message gets its outcome after all.
On a terminal a status line stands below; into a pipe it writes JSON lines with the types finding, late, status and summary.

Examples:
  confab audit
  confab audit --from 2h
  confab audit --from 2026-01-31T12:00:00Z --json | jq .findings
  confab audit --from 5m --follow --patience 30s

Exit codes: 0 nothing is wrong, 1 something is, or the log could not be read, 64 wrong command line, 130 interrupted (with
--follow Ctrl-C is the way to end, and gives 0 or 1).`;

export function auditCommand(context: CliContext): Command {
  return new Command('audit').description('whether every accepted message has exactly one outcome, in order')
    .option('--from <when>', 'only messages accepted since: start, an RFC 3339 time, or how long ago, such as 10m', when)
    .option('--patience <time>', 'how long a message may be without an outcome, such as 90s', duration, 60_000)
    .option('--most <n>', 'findings of each kind to tell; all are counted; with --follow all are told', wholeNumber, 20)
    .option('--follow', 'go on with what comes, until Ctrl-C')
    .option('--interval <time>', '--follow: between two looks', duration, 5_000)
    .option('--json', 'print one JSON object; with --follow a JSON object a line')
    .option('--text', '--follow: lines for people, also into a pipe')
    .addHelpText('after', ABOUT)
    .action((flags: Flags) => run(context, flags));
}

function when(value: string): When {
  const from = whence(value);
  if (from.kind === 'start') return { kind: from.kind };
  if (from.kind === 'time' || from.kind === 'ago') return from;
  throw new InvalidArgumentError('Use start, a time such as 2026-01-31T12:00:00Z or a duration such as 10m: an audit goes over all conversations, a position belongs to one.');
}

async function run(context: CliContext, flags: Flags): Promise<void> {
  const { from, patience, most } = flags;
  const config = context.config();
  const codec = await codecOf(context);
  const log = await logOf(context, 'read');
  const until = untilEnded(context);
  const { clock } = context;
  const since = from === undefined || from.kind === 'start' ? undefined : from.kind === 'ago' ? clock.now() - from.millis : from.millis;
  const options = { log, codec, clock, prefix: config.pipeline.prefix, patience, mostFindings: most, signal: until.signal, ...(since === undefined ? {} : { since }) };
  try {
    const report = flags.follow === true ? await new AuditFollower(context, flags).run(options) : await once(context, flags, options);
    if (!isSound(report)) context.exitCode(EXIT.failed);
  } catch (error) {
    if (!until.signal.aborted) throw error;
    until.settle();
  } finally {
    await log.close();
  }
}

async function once({ stdout, stderr }: CliContext, { json }: Flags, options: AuditOptions): Promise<AuditReport> {
  const terminal = stderr.isTTY === true && json !== true;
  const report = await audit({ ...options, ...(terminal ? { onPartition: (done, of) => { stderr.write(`\r\u001b[K${done === of ? '' : `partition ${done} of ${of}`}`); } } : {}) });
  if (json === true) { stdout.write(`${harmlessJson({ sound: isSound(report), ...report })}\n`); return report; }
  for (const finding of report.findings) stdout.write(`${findingLine(finding)}\n`);
  const untold = FINDING_KINDS.reduce((sum, kind) => sum + report[kind], 0) - report.findings.length;
  if (untold > 0) stdout.write(`and ${untold.toLocaleString('en-US')} more (--most)\n`);
  const look = lookLine(report.findings);
  if (look !== undefined) stdout.write(`${look}\n`);
  stdout.write(`${auditLine(report)}\n`);
  stderr.write(`${rateLine(report)}\n`);
  return report;
}
