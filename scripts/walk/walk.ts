/** Walks a document as a reader does: pastes its blocks, writes its files, and compares what it promises with what comes. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readWalk, type Step } from './blocks.js';
import { applyDiff, showsLines } from './edits.js';
import { Terminal } from './terminal.js';

export interface WalkOptions {
  /** The copy of the tree that it is walked in. */
  readonly folder: string;
  readonly scratch: string;
  readonly env: Readonly<Record<string, string>>;
  /** What stands in the text → what is used here: ports that are free, addresses of servers. */
  readonly instead: ReadonlyMap<string, string>;
  readonly patience?: number;
}

/** @throws Error that names document and line of what did not go as written */
export async function walk(document: string, options: WalkOptions): Promise<void> {
  const walker = new Walker(options);
  try { await walker.document(document); } finally { await walker.close(); }
}

class Walker {
  private readonly terminals = new Map<string, Terminal>();
  private last: Terminal | undefined;

  constructor(private readonly options: WalkOptions) {}

  async document(path: string): Promise<void> {
    const { steps, after, faults } = readWalk(readFileSync(join(this.options.folder, path), 'utf8'));
    if (faults.length > 0) throw new Error(`${path}: ${faults.join('; ')}`);
    for (const before of after) await this.document(join(dirname(path), before));
    for (const step of steps) {
      try { await this.step(step); } catch (error) {
        throw new Error(`${path}:${step.line} (${step.action.kind}): ${(error as Error).message}${this.printed()}`, { cause: error });
      }
    }
    // A reader who goes on to another page begins with fresh terminals.
    await this.close();
  }

  async close(): Promise<void> {
    for (const terminal of this.terminals.values()) await terminal.kill();
    this.terminals.clear();
  }

  private async step({ action, text }: Step): Promise<void> {
    const here = this.here(text);
    switch (action.kind) {
      case 'skip': return;
      case 'run': return this.run(action, here);
      case 'type': this.terminal(action.terminal).type(here); this.last = this.terminal(action.terminal); return;
      case 'output': return this.expect(action.terminal, here);
      case 'ctrl-c': return this.terminal(action.terminal).interrupt();
      default: this.edit(action.kind, action.path, here);
    }
  }

  private async run({ terminal: name, until, exit }: { terminal: string; until?: string; exit: number }, block: string): Promise<void> {
    const terminal = this.terminal(name);
    if (terminal.busy) throw new Error(`something runs in the terminal "${name}": a reader has no prompt there`);
    this.last = terminal;
    if (until !== undefined) return terminal.start(block, this.here(until));
    const code = await terminal.run(block);
    if (code !== exit) throw new Error(`exit code ${code} where ${exit} was expected; it printed:\n${terminal.output}`);
  }

  private async expect(name: string | undefined, wanted: string): Promise<void> {
    const terminal = name === undefined ? this.last : this.terminal(name);
    if (terminal === undefined) throw new Error('no block was run before');
    const shown = (): boolean => showsLines(terminal.output, wanted);
    if (terminal.busy) await terminal.waitFor(shown, wanted);
    else if (!shown()) throw new Error(`expected\n${wanted}\nbut it printed\n${terminal.output}`);
  }

  private edit(kind: 'file' | 'change' | 'excerpt', path: string, text: string): void {
    const target = join(this.options.folder, path);
    if (kind === 'file') { mkdirSync(dirname(target), { recursive: true }); writeFileSync(target, text); return; }
    const found = readFileSync(target, 'utf8');
    if (kind === 'change') writeFileSync(target, applyDiff(found, text));
    else if (!found.includes(text)) throw new Error(`${path} does not hold these lines`);
  }

  private terminal(name: string): Terminal {
    const { folder, env, scratch, patience = 120_000 } = this.options;
    const found = this.terminals.get(name) ?? new Terminal({ folder, env, scratch, patience });
    this.terminals.set(name, found);
    return found;
  }

  private here(text: string): string {
    const { instead } = this.options;
    // In one pass, the longest first: an address that was put in is not changed again.
    const written = [...instead.keys()].sort((a, b) => b.length - a.length).map((one) => one.replaceAll('.', '\\.'));
    return written.length === 0 ? text : text.replace(new RegExp(`(?<!\\d)(?:${written.join('|')})(?!\\d)`, 'g'), (there) => instead.get(there) ?? there);
  }

  /** What the programs in the foreground printed: the cause of a failure is often there. */
  private printed(): string {
    return [...this.terminals].filter(([, terminal]) => terminal.busy).map(([name, terminal]) => `\n--- in terminal "${name}":\n${terminal.output.slice(-3000)}`).join('');
  }
}
