/** Bots: folders that anybody may hand in. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../platform/package-root.js';
import { loadBot, loadBots, type Fault } from '../processors/bot/index.js';
import { checkFiles, type BotFile } from '../processors/bot/loader.js';
import { bytes, mutated, nastyText } from './bytes.js';
import { coded, fuzz } from './harness.js';

const EXAMPLE = join(packageRoot(), 'bots', 'parcel');
const real: readonly BotFile[] = readdirSync(EXAMPLE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile() && entry.name.endsWith('.yaml') && !entry.parentPath.startsWith(join(EXAMPLE, 'tests')))
  .map((entry) => ({ file: join(entry.parentPath, entry.name).slice(EXAMPLE.length + 1), bytes: readFileSync(join(entry.parentPath, entry.name)) }));
const wholeText = real.map(({ bytes: raw }) => Buffer.from(raw).toString()).join('\n');
/** The words of the language of bots, taken from a real one. */
const keys = [...new Set(wholeText.match(/[a-z_]+(?=:)/gi))];
const scalars = [...new Set(wholeText.match(/(?<=: )[^\n{[]+$/gm))].slice(0, 200);

function judged(files: readonly BotFile[]): void {
  const { bot, faults, warnings } = checkFiles(files);
  assert.equal(bot === undefined, faults.length > 0, 'a bot without faults, or faults');
  for (const fault of [...faults, ...warnings]) placed(fault);
}

function placed({ file, line, column, reason }: Fault): void {
  assert.ok(file !== '' && line >= 1 && column >= 1, `${file}:${line}:${column}`);
  assert.ok(reason.length > 0 && reason.length < 2000, reason);
}

/** One of the files with another content. */
const replaced = (index: number, content: Buffer | string): BotFile[] => real.map((one, at) => (at === index ? { file: one.file, bytes: Buffer.from(content) } : one));
/** The same without the files that have nothing to do with it: less to parse. */
const alone = (index: number, content: Buffer | string): BotFile[] => replaced(index, content).filter((one, at) => at === index || one.file === 'bot.yaml');
const index = fc.integer({ min: 0, max: real.length - 1 });

type Edit = (lines: string[]) => string[];
const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const key = fc.constantFrom(...keys);
const scalar = fc.oneof(fc.constantFrom(...scalars), nastyText.map((text) => JSON.stringify(text)), nastyText, fc.constantFrom('[]', '{}', '~', '&a [*a]', '*a', '!!js/function x', '!!binary AAAA', '|', '>', '1e400', '.inf', '<<', '? x', '- - - -', '{"a": }', '/(a+)+$/', '(?<n>', '${slot}', '{name}', '{{{{'));
const edit: fc.Arbitrary<Edit> = fc.oneof(
  at.map((where): Edit => (lines) => lines.filter((_, n) => n !== Math.floor(where * lines.length))),
  fc.tuple(at, at).map(([from, to]): Edit => (lines) => { const line = lines[Math.floor(from * lines.length)] ?? ''; const copy = [...lines]; copy.splice(Math.floor(to * lines.length), 0, line); return copy; }),
  fc.tuple(at, fc.integer({ min: 0, max: 6 })).map(([where, by]): Edit => (lines) => lines.map((line, n) => (n === Math.floor(where * lines.length) ? ' '.repeat(by) + line.trimStart() : line))),
  fc.tuple(at, scalar).map(([where, value]): Edit => (lines) => lines.map((line, n) => (n === Math.floor(where * lines.length) ? line.replace(/(:|-) .*$/, `$1 ${value.replaceAll('$', '$$$$')}`) : line))),
  fc.tuple(at, key).map(([where, name]): Edit => (lines) => lines.map((line, n) => (n === Math.floor(where * lines.length) ? line.replace(/[a-z_]+:/i, `${name}:`) : line))),
  fc.tuple(at, key, scalar, fc.integer({ min: 0, max: 8 })).map(([where, name, value, by]): Edit => (lines) => { const copy = [...lines]; copy.splice(Math.floor(where * lines.length), 0, `${' '.repeat(by)}${name}: ${value}`); return copy; }),
);

fuzz('a real bot with lines changed is sound or has faults, each with its place', fc.tuple(index, fc.array(edit, { minLength: 1, maxLength: 6 })), { runs: 250, limit: 10_000 }, ([which, edits]) => {
  const lines = edits.reduce((found, one) => one(found), Buffer.from(real[which]?.bytes ?? '').toString().split('\n'));
  judged(replaced(which, lines.join('\n')));
});

fuzz('a real bot with bytes changed is sound or has faults', index.chain((which) => fc.tuple(fc.constant(which), mutated(fc.constant(Buffer.from(real[which]?.bytes ?? ''))))), { runs: 250, limit: 10_000 }, ([which, content]) => {
  judged(alone(which, content));
});

/** Trees of the language's own words; JSON is YAML. */
const tree: fc.Arbitrary<unknown> = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5, depthSize: 'medium' },
    fc.oneof(fc.constantFrom(...scalars), nastyText, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), key),
    fc.array(tie('node'), { maxLength: 5 }),
    fc.array(fc.tuple(fc.oneof({ weight: 5, arbitrary: key }, { weight: 1, arbitrary: nastyText }), tie('node')), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
  ),
})).node;

fuzz('a file of any tree makes a bot or faults', fc.tuple(index, tree), { runs: 700, limit: 10_000 }, ([which, value]) => { judged(alone(which, JSON.stringify(value))); });

const bomb = Array.from({ length: 30 }, (_, n) => (n === 0 ? 'a0: &a0 [x, x]' : `a${n}: &a${n} [*a${n - 1}, *a${n - 1}, *a${n - 1}]`)).join('\n');
const bombs: fc.Arbitrary<string> = fc.oneof(
  fc.tuple(fc.constantFrom('[', '{', '- ', '? ', 'a: {', '"', '&a ', '!t ', '>\n ', ': ', '[*a,', '\t'), fc.integer({ min: 1, max: 30_000 })).map(([part, times]) => part.repeat(times)),
  fc.integer({ min: 1, max: 400 }).map((depth) => Array.from({ length: depth }, (_, n) => `${' '.repeat(n)}a:`).join('\n')),
  fc.integer({ min: 1, max: 20_000 }).map((count) => Array.from({ length: count }, (_, n) => `k${n}: v`).join('\n')),
  fc.tuple(nastyText, fc.integer({ min: 1, max: 9_000 })).map(([text, times]) => `id: ${text.repeat(times)}`),
);

fuzz<[number, string]>('bombs of aliases, depth and size end soon, with faults', fc.tuple(index, bombs), {
  runs: 50, limit: 15_000, examples: [[0, bomb], [0, 'a: &a [*a, *a]'], [0, '[1'.repeat(2000)], [0, `${'x'.repeat(300_000)}`], [0, `a: &x ${'- '.repeat(20_000)}`], [0, `id: ${'|'.repeat(9_000)}`]],
}, ([which, text]) => { judged(alone(which, text)); });

/** Files of a folder as they may be found: names that lead elsewhere, links, folders with names of files. */
const entry = fc.record({
  name: fc.oneof(fc.constantFrom('bot.yaml', 'flows/x.yaml', 'a/b/c/d/e/f.yaml', 'x.yml', 'intents.yaml', '.hidden.yaml', 'sub.yaml/inner.yaml', 'ünï.yaml', 'intents/\u001b[2J.yaml', 'responses/$(id).yaml'), fc.constantFrom(...real.map(({ file }) => file))),
  kind: fc.constantFrom('file', 'file', 'outside', 'self', 'missing', 'folder', 'huge'),
  content: fc.oneof(bytes(60), fc.constantFrom(...real.map((one) => Buffer.from(one.bytes)))),
});

/** What stands outside of the folder of a bot. A file of the test's own: a fault in here must not reach one of the machine. */
const SECRET = 'outside-of-every-bot';

/** Writes only where nothing is yet: a later entry of the same name must never be written through the link of an earlier one. */
const NEW = { flag: 'wx' } as const;

function put(root: string, outside: string, { name, kind, content }: { name: string; kind: string; content: Buffer }): void {
  const path = join(root, name);
  try {
    mkdirSync(dirname(path), { recursive: true });
    if (kind === 'file') writeFileSync(path, content, NEW);
    if (kind === 'huge') writeFileSync(path, Buffer.alloc(300_000, 0x61), NEW);
    if (kind === 'outside') symlinkSync(outside, path);
    if (kind === 'self') symlinkSync(path, path);
    if (kind === 'missing') symlinkSync(join(root, 'nowhere'), path);
    if (kind === 'folder') mkdirSync(path);
  } catch { /* Two of the entries stand in each other's way. */ }
}

fuzz('a folder with anything in it is loaded or refused with a code, and nothing outside of it is read', fc.array(entry, { maxLength: 8 }), { runs: 150 }, async (entries) => {
  const folder = mkdtempSync(join(tmpdir(), 'confab-fuzz-'));
  const [root, outside] = [join(folder, 'bots'), join(folder, 'outside.yaml')];
  try {
    mkdirSync(root);
    writeFileSync(outside, SECRET);
    for (const one of entries) put(join(root, 'one'), outside, one);
    for (const load of [() => loadBot(join(root, 'one')), () => loadBots(root)]) {
      try { await load(); } catch (error) { assert.doesNotMatch(JSON.stringify([coded(error, 'CONFAB_BOT_INVALID').message, (error as { errors?: unknown }).errors]), new RegExp(SECRET)); }
    }
    assert.equal(readFileSync(outside, 'utf8'), SECRET, 'what is outside is as it was');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
