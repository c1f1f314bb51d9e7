/** `confab demo`: shows in half a minute what the pipeline promises, on a log of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { ConfabError } from '../platform/errors.js';
import { auditLine, findingLine } from './audit-text.js';
import { EXIT, type CliContext } from './context.js';
import { runDemo, type DemoListener, type DemoResult } from './demo/run.js';
import { ServerProcess } from './demo/server-process.js';
import { wholeNumber } from './options.js';

interface DemoFlags { conversations: number; concurrency: number; keep?: boolean; json?: boolean }

const HELP = `
It starts the pipeline in a folder and on a port of its own, has scripted conversations with it over HTTP and WebSocket, kills
the process with SIGKILL in the middle, starts it again, and reads the proof back from the log. Nothing of yours is touched.
Exits with 1 when the proof fails.

Examples:
  npm run demo
  npx confab demo --conversations 100 --keep`;

/** `server`: what Node is given to start the pipeline; default: this program. */
export function demoCommand(context: CliContext, server?: readonly string[]): Command {
  return new Command('demo').description('500 conversations, a kill -9 in the middle, and the proof that nothing was lost')
    .option('--conversations <n>', 'how many', wholeNumber, 500)
    .option('--concurrency <n>', 'how many at the same time', wholeNumber, 100)
    .option('--keep', 'keep the folder, to look deeper')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((flags: DemoFlags) => demo(context, flags, server));
}

async function demo(context: CliContext, flags: DemoFlags, command: readonly string[] | undefined): Promise<void> {
  const { clock, random, env, stdout, openLog, openCodec } = context;
  if (openLog === undefined || openCodec === undefined) throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: 'This program was built without a log.' });
  const begun = clock.monotonic();
  const folder = mkdtempSync(join(tmpdir(), 'confab-demo-'));
  const signal = stopSignal(context);
  const server = await ServerProcess.create({ folder, clock, env, signal, ...(command === undefined ? {} : { command }) });
  // Also when this process is ended in a way that leaves no time.
  const clean = (): void => { server.abandon(); if (flags.keep !== true) rmSync(folder, { recursive: true, force: true }); };
  process.once('exit', clean);
  const narrator = new Narrator(context, flags, server);
  try {
    narrator.begin(folder);
    const result = await runDemo({
      ...flags, server, clock, random, signal, tell: narrator, openLog: (config) => openLog(config, 'read'), openCodec,
    });
    if (flags.json) stdout.write(`${json(result, clock.monotonic() - begun)}\n`);
    else narrator.end(result, clock.monotonic() - begun, folder);
    if (!result.proven) context.exitCode(EXIT.failed);
  } catch (error) {
    if (!signal.aborted) throw error;
    narrator.line(`Interrupted: the process is ended and the folder is ${flags.keep === true ? 'kept' : 'removed'}.`);
    context.exitCode(EXIT.interrupted);
  } finally {
    narrator.close();
    await server.stop();
    process.off('exit', clean);
    clean();
  }
}

/** Ctrl-C, and SIGTERM, which would otherwise leave the other process behind. */
function stopSignal(context: CliContext): AbortSignal {
  const terminated = new AbortController();
  process.once('SIGTERM', () => { terminated.abort(new Error('terminated')); });
  return AbortSignal.any([context.interrupted(), terminated.signal]);
}

function json({ report, replay, proven, example }: DemoResult, millis: number): string {
  const { findings, ...counts } = report;
  return JSON.stringify({ proven, ...counts, millis: Math.round(millis), messagesPerSecond: Math.round(replay.accepted / (replay.millis / 1000)), retries: replay.retries, reconnects: replay.reconnects, example, findings });
}

const number = (value: number): string => value.toLocaleString('en-US');
const counted = (value: number, what: string): string => `${number(value)} ${value === 1 ? what : `${what}s`}`;
const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`;

/** Says in plain words what happens; a progress line only on a terminal. */
class Narrator implements DemoListener {
  private bar: SingleBar | undefined;
  private total = 0;
  private last = { accepted: 0, answered: 0 };

  constructor(private readonly context: CliContext, private readonly flags: DemoFlags, private readonly server: ServerProcess) {}

  begin(folder: string): void {
    this.line(`Confab demo: ${number(this.flags.conversations)} conversations, one kill -9 in the middle, and the proof from the log.\n`);
    this.step('start', `the pipeline in one process, with an empty log in ${folder}`);
  }

  started(millis: number): void { this.step('', `ready after ${seconds(millis)} on ${this.server.url}`); }

  talking(conversations: number, messages: number): void {
    this.total = messages;
    this.step('talk', `${number(conversations)} people write ${number(messages)} messages over HTTP and read the answers over WebSockets`);
    this.showBar();
  }

  progress(progress: { accepted: number; answered: number }): void {
    this.last = { ...progress };
    this.bar?.update(progress.answered, { accepted: number(progress.accepted), answered: number(progress.answered) });
  }

  killed(pid: number, { accepted, answered }: { accepted: number; answered: number }): void {
    this.hideBar();
    this.step('kill -9', `process ${pid} is gone: ${number(accepted)} messages were accepted, ${number(accepted - answered)} of them not answered yet`);
  }

  restarted(millis: number): void {
    this.step('start', `again on the same log: ready after ${seconds(millis)}; clients come back by themselves and ask for what they missed`);
    this.showBar();
  }

  talked({ accepted, millis, retries, reconnects }: DemoResult['replay']): void {
    this.hideBar();
    this.step('', `all said after ${seconds(millis)}: ${number(accepted)} accepted, ${counted(retries, 'request')} sent again, ${counted(reconnects, 'stream')} opened again`);
    this.step('proof', 'read back from the log, record by record:');
  }

  end({ report, replay, proven, example }: DemoResult, millis: number, folder: string): void {
    this.line(`\n  ${auditLine(report)}\n`);
    for (const finding of report.findings.slice(0, 20)) this.line(`  ${findingLine(finding)}`);
    if (replay.accepted !== report.accepted) this.line(`  Clients were told of ${number(replay.accepted)} accepted messages, the log has ${number(report.accepted)}.`);
    this.line(proven ? `Proven in ${seconds(millis)}. Every message that was accepted has exactly one answer, in order.` : `NOT PROVEN after ${seconds(millis)}.`);
    if (this.flags.keep === true) this.line(`\nThe log is kept. One conversation that was under way when the process died, and everything in one line each:\n  CONFAB_DATA_DIR=${folder} npx confab conversation ${example}\n  CONFAB_DATA_DIR=${folder} npx confab audit\n  CONFAB_DATA_DIR=${folder} npm start`);
    else this.line('\nTo look deeper, keep the log: npm run demo -- --keep');
  }

  line(text: string): void { if (!this.flags.json) this.context.stdout.write(`${text}\n`); }

  close(): void { this.hideBar(); }

  private step(name: string, text: string): void { this.line(`${name.padEnd(9)}${text}`); }

  private showBar(): void {
    if (this.context.stderr.isTTY !== true || this.flags.json) return;
    const { accepted, answered } = this.last;
    this.bar = new SingleBar({ format: `${' '.repeat(9)}{bar} {answered} of ${number(this.total)} answered`, stream: process.stderr, clearOnComplete: true, hideCursor: true });
    this.bar.start(this.total, answered, { accepted: number(accepted), answered: number(answered) });
  }

  private hideBar(): void {
    this.bar?.stop();
    this.bar = undefined;
  }
}
