/**
 * The fenced blocks of a document, and what is to be done with each of them when the document is walked.
 *
 * Directives are HTML comments, which a reader does not see. One or several stand right before a block:
 *
 *   <!-- walk: in NAME -->            run it in the terminal NAME (without one: in the terminal "1")
 *   <!-- walk: until "TEXT" -->       it stays in the foreground; go on when its output holds TEXT
 *   <!-- walk: fails CODE -->         it must end with this exit code
 *   <!-- walk: type in NAME -->       its lines are typed into what runs in that terminal
 *   <!-- walk: output -->             what the block before it printed: the lines in this order, … stands for anything
 *   <!-- walk: output in NAME -->     the same of a terminal, waited for
 *   <!-- walk: file PATH -->          write this file
 *   <!-- walk: change PATH -->        a diff, to be applied to the file
 *   <!-- walk: excerpt PATH -->       the file holds these lines
 *   <!-- walk: skip REASON -->        it is not run, because of REASON
 *
 * and these stand alone: `needs SERVICE…` (the document is walked where they are given), `after FILE` (a document that is walked
 * before, in the same copy), `ctrl-c NAME` (ends what runs in a terminal).
 * A `sh` block without a directive is run. Any other block without one is a fault, except pictures (`mermaid`).
 */

export type Action =
  | { readonly kind: 'run'; readonly terminal: string; readonly until?: string; readonly exit: number }
  | { readonly kind: 'type'; readonly terminal: string }
  | { readonly kind: 'output'; readonly terminal?: string }
  | { readonly kind: 'file' | 'change' | 'excerpt'; readonly path: string }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'ctrl-c'; readonly terminal: string };

export interface Step {
  readonly line: number;
  readonly action: Action;
  /** Text of the block; empty for what stands alone. */
  readonly text: string;
}

export interface Walkable {
  readonly needs: readonly string[];
  readonly after: readonly string[];
  readonly steps: readonly Step[];
  /** Blocks that no directive explains, as `line N: …`. */
  readonly faults: readonly string[];
}

interface Directive { readonly line: number; readonly word: string; readonly rest: string }

const FENCE = /^(\s*)(`{3,})(\w*)\s*$/;
const DIRECTIVE = /^\s*<!-- walk: (\S+) ?(.*?) ?-->\s*$/;
const ALONE = new Set(['needs', 'after', 'ctrl-c']);

/** Reads a document. Never throws: what is wrong with it is in `faults`. */
export function readWalk(markdown: string): Walkable {
  const lines = markdown.split('\n');
  const [needs, after, steps, faults]: [string[], string[], Step[], string[]] = [[], [], [], []];
  let waiting: Directive[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const directive = directiveOf(line, at + 1);
    if (directive !== undefined) {
      if (!ALONE.has(directive.word)) { waiting.push(directive); continue; }
      if (directive.word === 'needs') needs.push(...directive.rest.split(/\s+/));
      else if (directive.word === 'after') after.push(directive.rest);
      else steps.push({ line: at + 1, action: { kind: 'ctrl-c', terminal: directive.rest }, text: '' });
      continue;
    }
    const fence = FENCE.exec(line);
    if (fence !== null) {
      const end = closing(lines, at, fence[2] ?? '');
      const action = actionOf(fence[3] ?? '', waiting);
      if (typeof action === 'string') faults.push(`line ${at + 1}: ${action}`);
      else if (action !== undefined) steps.push({ line: at + 1, action, text: outdented(lines.slice(at + 1, end), fence[1] ?? '') });
      waiting = [];
      at = end;
      continue;
    }
    if (line.trim() === '') continue;
    if (waiting.length > 0) faults.push(`line ${at + 1}: the directive of line ${waiting[0]?.line ?? 0} has no block`);
    waiting = [];
  }
  if (waiting.length > 0) faults.push(`line ${lines.length}: the directive of line ${waiting[0]?.line ?? 0} has no block`);
  return { needs, after, steps, faults };
}

function directiveOf(line: string, at: number): Directive | undefined {
  const found = DIRECTIVE.exec(line);
  return found === null ? undefined : { line: at, word: found[1] ?? '', rest: found[2] ?? '' };
}

function closing(lines: readonly string[], from: number, fence: string): number {
  const found = lines.findIndex((line, at) => at > from && line.trim() === fence);
  return found === -1 ? lines.length : found;
}

const outdented = (lines: readonly string[], indent: string): string =>
  lines.map((line) => `${line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()}\n`).join('');

/** A fault as text, or undefined for a block that needs nothing. */
function actionOf(language: string, directives: readonly Directive[]): Action | string | undefined {
  const words = new Map(directives.map(({ word, rest }) => [word, rest]));
  const unknown = directives.find(({ word }) => !['in', 'until', 'fails', 'type', 'output', 'file', 'change', 'excerpt', 'skip'].includes(word));
  if (unknown !== undefined) return `there is no directive "${unknown.word}"`;
  const reason = words.get('skip');
  if (reason !== undefined) return reason.length >= 10 ? { kind: 'skip', reason } : 'skip needs a reason';
  for (const kind of ['file', 'change', 'excerpt'] as const) {
    const path = words.get(kind);
    if (path !== undefined) return path === '' ? `${kind} needs a path` : { kind, path };
  }
  const output = words.get('output');
  if (output !== undefined) return output === '' ? { kind: 'output' } : { kind: 'output', terminal: afterIn(output) };
  const typed = words.get('type');
  if (typed !== undefined) return { kind: 'type', terminal: afterIn(typed) };
  if (language === 'mermaid') return undefined;
  if (language !== 'sh') return `nothing says what becomes of this ${language === '' ? 'block' : `block of ${language}`}`;
  const until = words.get('until');
  return { kind: 'run', terminal: words.get('in') ?? '1', exit: Number(words.get('fails') ?? 0), ...(until === undefined ? {} : { until: until.replace(/^"|"$/g, '') }) };
}

const afterIn = (text: string): string => text.replace(/^in /, '');
