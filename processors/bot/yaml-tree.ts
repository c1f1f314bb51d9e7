/**
 * YAML text to a small tree in which every node knows its place. Bots are untrusted: size, depth, node count and alias
 * expansion are bounded, tags and merge keys are refused, a key may stand once. YAML 1.2 core schema: `yes` is a word.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node as YamlNode } from 'yaml';
import { shown, type Faults, type Place } from './faults.js';

export type Scalar = string | number | boolean | null;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: Scalar;
  readonly place: Place;
  /** A text as it is written in the file, with its quotes and line ends. */
  readonly raw?: string;
}
export interface ListNode { readonly kind: 'list'; readonly items: readonly Tree[]; readonly place: Place }
export interface MapNode { readonly kind: 'map'; readonly entries: ReadonlyMap<string, MapEntry>; readonly place: Place }
export interface MapEntry { readonly key: string; readonly place: Place; readonly value: Tree }
export type Tree = ScalarNode | ListNode | MapNode;

export const FILE_BYTES = 256 * 1024;
const DEPTH = 32;
const NODES = 50_000;
const ALIASES = 100;
/** The parser quotes what it does not understand, and that may be the whole file. */
const REASON = 300;

interface Walk {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
  readonly document: Document;
  readonly faults: Faults;
  nodes: number;
  aliases: number;
  stopped: boolean;
}

/** The file's tree, or undefined when it is empty or so wrong that nothing can be read; faults are added either way. */
export function parseTree(file: string, text: string, faults: Faults): Tree | undefined {
  const start: Place = { file, line: 1, column: 1 };
  const deep = deepest(text);
  if (deep > DEPTH * 4) { faults.error(start, 'brackets are nested too deeply'); return undefined; }
  const lines = new LineCounter();
  let document: Document;
  try {
    document = parseDocument(text, { lineCounter: lines, schema: 'core', version: '1.2', uniqueKeys: false, merge: false, prettyErrors: false, logLevel: 'error' });
  } catch {
    faults.error(start, 'the file cannot be read as YAML: it is nested too deeply');
    return undefined;
  }
  for (const problem of [...document.errors, ...document.warnings]) {
    faults.error(placeAt(file, lines, problem.pos[0]), (problem.message.split('\n')[0] ?? 'malformed YAML').slice(0, REASON));
  }
  if (document.errors.length + document.warnings.length > 0) return undefined;
  if (document.contents === null) { faults.error(start, 'the file is empty'); return undefined; }
  const walk: Walk = { file, text, lines, document, faults, nodes: 0, aliases: 0, stopped: false };
  return convert(walk, document.contents, 0, start);
}

/** Upper bound of the nesting that brackets and dashes make: the YAML parser itself recurses. */
function deepest(text: string): number {
  let depth = 0;
  let most = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5b || code === 0x7b) { depth += 1; if (depth > most) most = depth; }
    if (code === 0x5d || code === 0x7d) depth -= 1;
    if (code === 0x0a) depth = Math.max(depth, 0);
  }
  for (const run of text.matchAll(/^(?:[ \t]*[-?:][ \t]+)+/gm)) most = Math.max(most, run[0].length / 2);
  return most;
}

function placeAt(file: string, lines: LineCounter, offset: number): Place {
  const at = lines.linePos(offset);
  return { file, line: Math.max(1, at.line), column: Math.max(1, at.col) };
}

function stop(walk: Walk, place: Place, reason: string): undefined {
  if (!walk.stopped) walk.faults.error(place, reason);
  walk.stopped = true;
  return undefined;
}

function convert(walk: Walk, node: YamlNode | null, depth: number, parent: Place): Tree | undefined {
  const place = node?.range ? placeAt(walk.file, walk.lines, node.range[0]) : parent;
  walk.nodes += 1;
  if (walk.stopped) return undefined;
  if (walk.nodes > NODES) return stop(walk, place, `the file has more than ${NODES} nodes`);
  if (depth > DEPTH) return stop(walk, place, `nested more than ${DEPTH} deep`);
  if (node === null) return { kind: 'scalar', value: null, place };
  if (isAlias(node)) {
    walk.aliases += 1;
    if (walk.aliases > ALIASES) return stop(walk, place, `more than ${ALIASES} aliases`);
    const target = node.resolve(walk.document);
    if (!target) return stop(walk, place, `unknown anchor "${shown(node.source)}"`);
    return convert(walk, target, depth + 1, place);
  }
  if (isScalar(node)) return convertScalar(walk, node.value, place, node.range ? walk.text.slice(node.range[0], node.range[1]) : undefined);
  if (isSeq(node)) {
    const items: Tree[] = [];
    for (const item of node.items) {
      const tree = convert(walk, item as YamlNode | null, depth + 1, place);
      if (tree) items.push(tree);
    }
    return walk.stopped ? undefined : { kind: 'list', items, place };
  }
  if (isMap(node)) return convertMap(walk, node.items, depth, place);
  return stop(walk, place, 'this kind of YAML node is not used in bots');
}

function convertScalar(walk: Walk, value: unknown, place: Place, raw: string | undefined): Tree | undefined {
  if (typeof value === 'string') return raw === undefined ? { kind: 'scalar', value, place } : { kind: 'scalar', value, place, raw };
  if (typeof value === 'boolean' || value === null || (typeof value === 'number' && Number.isFinite(value))) {
    return { kind: 'scalar', value, place };
  }
  walk.faults.error(place, 'the value must be a text, a finite number, true or false');
  return undefined;
}

function convertMap(walk: Walk, items: readonly { key: unknown; value: unknown }[], depth: number, place: Place): Tree | undefined {
  const entries = new Map<string, MapEntry>();
  for (const item of items) {
    const keyNode = item.key as YamlNode | null;
    const keyPlace = keyNode?.range ? placeAt(walk.file, walk.lines, keyNode.range[0]) : place;
    const raw = isScalar(keyNode) ? keyNode.value : undefined;
    if (typeof raw !== 'string' && typeof raw !== 'number' && typeof raw !== 'boolean') { walk.faults.error(keyPlace, 'a key must be a plain text'); continue; }
    const key = String(raw);
    const value = convert(walk, item.value as YamlNode | null, depth + 1, keyPlace);
    if (walk.stopped) return undefined;
    if (entries.has(key)) { walk.faults.error(keyPlace, `"${shown(key)}" stands twice`); continue; }
    if (value) entries.set(key, { key, place: keyPlace, value });
  }
  return { kind: 'map', entries, place };
}

/** Where the character `index` of a text's value stands: quotes, escapes and line ends of the file are counted. */
export function placeIn(node: ScalarNode, index: number): Place {
  const { value, raw, place } = node;
  if (raw === undefined || typeof value !== 'string') return place;
  let at = raw[0] === '"' || raw[0] === "'" ? 1 : 0;
  // A block begins on the line below its sign.
  if (raw[0] === '|' || raw[0] === '>') at = raw.indexOf('\n') + 1;
  for (let seen = 0; seen < index && at < raw.length; seen++) {
    at = skipped(raw, at, value[seen] ?? '') + written(raw, at);
  }
  at = Math.min(skipped(raw, at, value[index] ?? ''), raw.length);
  const before = raw.slice(0, at);
  const newline = before.lastIndexOf('\n');
  return newline < 0 ? { ...place, column: place.column + at } : { ...place, line: place.line + before.split('\n').length - 1, column: at - newline };
}

/** Indentation and line ends, which stand for one blank or nothing. */
function skipped(raw: string, at: number, char: string): number {
  let next = at;
  while (next < raw.length && raw[next] !== char && (raw[next] === ' ' || raw[next] === '\n' || raw[next] === '\r' || raw[next] === '\t')) next += 1;
  return next;
}

/** How many characters of the file the character at `at` takes. */
function written(raw: string, at: number): number {
  if (raw[0] === "'" && raw[at] === "'" && raw[at + 1] === "'") return 2;
  if (raw[0] !== '"' || raw[at] !== '\\') return 1;
  const code = raw[at + 1];
  return code === 'x' ? 4 : code === 'u' ? 6 : code === 'U' ? 10 : 2;
}
