/** A terminal as a reader has it: a shell that keeps its folder and what was exported, with one program in the foreground. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TerminalOptions {
  /** Where it begins. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** A folder for its own files. */
  readonly scratch: string;
  /** The longest that a block may take, and that is waited for an output. Milliseconds. */
  readonly patience: number;
}

/** Runs a block and writes down folder, exports and variables for the next one, also after Ctrl-C: a terminal keeps them too. */
const SHELL = String.raw`
own=$1
source "$own/state"
keep() { { declare -px; declare -p | grep -E '^declare -- [A-Za-z]' | grep -vE '^declare -- (BASH|IFS|OPT|PS4|own=)'; printf "cd %q\n" "$PWD"; } > "$own/state"; }
trap keep EXIT
set -e
source "$own/block"`;

export class Terminal {
  /** All that was printed since the last block began. */
  output = '';
  private readonly own: string;
  private running: ChildProcess | undefined;

  constructor(private readonly options: TerminalOptions) {
    this.own = mkdtempSync(join(options.scratch, 'terminal-'));
    writeFileSync(join(this.own, 'state'), `cd ${quoted(options.folder)}\n`);
  }

  get busy(): boolean { return this.running !== undefined; }

  /** Runs a block to its end and gives its exit code. @throws Error when it takes too long */
  async run(block: string): Promise<number> {
    const child = this.begin(block);
    const ended = once(child, 'close').then(([code]) => code as number | null);
    const late = new AbortController();
    const code = await Promise.race([ended, sleep(this.options.patience, 'late' as const, { signal: late.signal, ref: false }).catch(() => 'late' as const)]);
    late.abort();
    if (code === 'late') { await this.kill(); throw new Error(`it did not end within ${this.options.patience / 1000} s; so far it printed:\n${this.output}`); }
    this.running = undefined;
    return code ?? -1;
  }

  /** Starts a block that stays in the foreground, and waits for a text. */
  async start(block: string, text: string): Promise<void> {
    this.begin(block);
    await this.waitFor(() => this.output.includes(text), `"${text}"`);
  }

  /** Waits until the output is as wanted. @throws Error with what was printed instead */
  async waitFor(wanted: () => boolean, what: string): Promise<void> {
    const end = performance.now() + this.options.patience;
    while (!wanted()) {
      const over = this.running !== undefined && (this.running.exitCode !== null || this.running.signalCode !== null);
      if (over || performance.now() > end) throw new Error(`${what} was not printed${over ? ` before it ended (exit code ${this.running?.exitCode ?? 'none'})` : ''}, but:\n${this.output}`);
      await sleep(30);
    }
  }

  type(text: string): void { this.running?.stdin?.write(text); }

  /** Ctrl-C: SIGINT to everything in the foreground. @throws Error when it does not end */
  async interrupt(): Promise<void> {
    const child = this.running;
    if (child?.pid === undefined) throw new Error('nothing runs there');
    signalGroup(child.pid, 'SIGINT');
    const patience = new AbortController();
    const ended = await Promise.race([closed(child).then(() => true), sleep(this.options.patience, false, { signal: patience.signal, ref: false }).catch(() => false)]);
    patience.abort();
    if (!ended) { await this.kill(); throw new Error(`it did not end after Ctrl-C; it had printed:\n${this.output}`); }
    this.running = undefined;
  }

  /** Ends what still runs, with all of its children. */
  async kill(): Promise<void> {
    const child = this.running;
    if (child?.pid === undefined) return;
    signalGroup(child.pid, 'SIGKILL');
    await closed(child);
    this.running = undefined;
  }

  private begin(block: string): ChildProcess {
    writeFileSync(join(this.own, 'block'), block);
    this.output = '';
    const child = spawn('bash', ['--norc', '-c', SHELL, 'bash', this.own], { env: this.options.env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { this.output += text; });
    child.stdin.on('error', () => { /* it has ended */ });
    this.running = child;
    // A test file that is ended for its time takes its programs with it.
    const end = (): void => { if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL'); };
    process.once('exit', end);
    child.once('close', () => { process.off('exit', end); });
    return child;
  }
}

async function closed(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try { process.kill(-pid, signal); } catch { /* it has ended */ }
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
