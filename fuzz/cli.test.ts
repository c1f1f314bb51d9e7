/** The command line in process: words in any order, and the files that commands read. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { runCli } from '../cli/program.js';
import { readDialogues } from '../cli/replay/dialogues.js';
import { startCommand } from '../cli/start.js';
import { systemClock } from '../platform/clock.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { MemoryStore } from '../platform/event-log/memory-store.js';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { topology } from '../topology/topology.js';
import { bytes, mutated, nastyJson, nastyText } from './bytes.js';
import { coded, fuzz } from './harness.js';

const folder = mkdtempSync(join(tmpdir(), 'confab-fuzz-'));
process.on('exit', () => { rmSync(folder, { recursive: true, force: true }); });
// What a command writes by a name without a folder stays in there.
process.chdir(folder);
const codec = createLocalCodec();

interface Run { readonly code: number; readonly out: string; readonly err: string }

/** One command line as a process of its own would run it, on a log in memory that is interrupted at once. */
async function confab(argv: readonly string[], { store = new MemoryStore(), stdin = '' }: { store?: MemoryStore; stdin?: string | Uint8Array } = {}): Promise<Run> {
  const run = { out: '', err: '' };
  const clock = systemClock;
  const code = await runCli(argv, {
    env: { CONFAB_DATA_DIR: join(folder, 'data'), CONFAB_URL: 'http://127.0.0.1:9' }, clock, random: seededRandom(1),
    stdin: Readable.from([Buffer.from(stdin)]), stdout: { write: (text) => { run.out += text; } }, stderr: { write: (text) => { run.err += text; } },
    commands: [{ name: 'start', description: 'run', load: async (context) => startCommand(context, ['ingress', 'egress', 'intent'], async () => ({ url: 'http://127.0.0.1:1', ready: Promise.resolve(), ended: Promise.resolve(0) })) }],
    openLog: async () => new MemoryEventLog({ clock, random: seededRandom(1), store }), openCodec: async () => codec,
    interrupted: () => AbortSignal.abort(new Error('interrupted')),
  });
  return { code, ...run };
}

const HARMFUL = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u;

function judged(argv: readonly string[], { code, err }: Run): void {
  const shown = `${JSON.stringify(argv)}: ${code} ${err}`;
  assert.ok([0, 1, 2, 64, 130].includes(code), shown);
  assert.doesNotMatch(err, /CONFAB_INTERNAL/, shown);
  assert.ok(!HARMFUL.test(err), shown);
  if (code === 64) assert.match(err, /^CONFAB_USAGE: |^Usage: /m, shown);
  if (code === 1 && err !== '') assert.match(err, /^CONFAB_[A-Z_]+: /, shown);
}

/** `help` is no command of its own. `demo` starts processes and kills them, as often as there are cases: half a minute each. */
const LEFT_OUT = new Set(['help', 'demo']);
const listed = (help: string): string[] => [...(help.split('\nCommands:\n')[1]?.split('\n\n')[0] ?? '').matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name ?? '').filter((name) => name !== '' && !LEFT_OUT.has(name));
const commands = listed((await confab(['--help'])).out);
assert.ok(commands.length >= 6, 'the help lists the commands');
/** Every command and subcommand with its own options. `--out` writes files: it has a test of its own. */
const lines = (await Promise.all(commands.map(async (command) => {
  const { out } = await confab([command, '--help']);
  const inner = listed(out);
  return Promise.all([[command], ...inner.map((name) => [command, name])].map(async (words) => ({ words, options: [...new Set([...(await confab([...words, '--help'])).out.matchAll(/--[a-z][a-z-]*/g)].map(([name]) => name))].filter((name) => name !== '--out') })));
}))).flat();

const value = fc.oneof(
  fc.constantFrom('start', 'end', '1', '0', '-5', '1e9', 'mermaid', 'dot', 'all', 'parcel', 'http://127.0.0.1:9', 'http://', 'ftp://x', 'add-partitions:messages.v1', ...Object.keys(topology.topics), 'messages.v2', '2026-01-31T12:00:00Z', '00000000-000000000000-00', 'c1', 'ingress', 'nobody', '--', '-x', '--nosuch', '--json=1', '--no-follow=x', '-V', '-h'),
  // Paths that lead somewhere have their own test.
  nastyText.filter((text) => !text.includes('/') && !LEFT_OUT.has(text)),
);
const line = fc.constantFrom(...lines).chain(({ words, options }) => fc.array(fc.oneof({ weight: 2, arbitrary: fc.constantFrom('--help', '--json', ...options) }, { weight: 3, arbitrary: value }), { maxLength: 6 }).map((rest) => [...words, ...rest]));

fuzz('any command line ends with a known exit code and, when it is wrong, with a coded line that moves no cursor', fc.oneof({ weight: 6, arbitrary: line }, { weight: 1, arbitrary: fc.array(value, { maxLength: 5 }) }), { runs: 1500, limit: 15_000 }, async (argv) => {
  judged(argv, await confab(argv));
});

const dialogue = fc.record({ conversation: fc.oneof(fc.string(), nastyJson), turn: fc.oneof(fc.nat(), nastyJson), speaker: fc.oneof(fc.constantFrom('user', 'USER', 'bot'), nastyJson), text: fc.oneof(nastyText, nastyJson) }, { requiredKeys: [] });
const replayLines = fc.array(fc.oneof({ weight: 4, arbitrary: dialogue.map((found) => JSON.stringify(found)) }, { weight: 1, arbitrary: nastyText }), { maxLength: 8 });

async function* each(found: readonly string[]): AsyncGenerator<string> { yield* found; }

fuzz('any lines are dialogues or are refused with the number of the line', fc.tuple(replayLines, fc.option(fc.nat(3), { nil: undefined })), { runs: 1500 }, async ([found, limit]) => {
  try {
    const { dialogues, messages } = await readDialogues(each(found), limit);
    assert.equal(dialogues.reduce((sum, { turns }) => sum + turns.length, 0), messages);
    assert.ok(messages > 0);
  } catch (error) { coded(error, 'CONFAB_INPUT_INVALID'); }
});

const file = join(folder, 'input');
/** Arguments that name the file, a folder or nothing that can be had. */
const place = fc.constantFrom(file, folder, join(folder, 'missing'), join(file, 'inside'), `${file}\0`, '', '/dev/null');
const content = fc.oneof(bytes(200), replayLines.map((found) => Buffer.from(found.join('\n'))), nastyJson.map((found) => Buffer.from(JSON.stringify(found))), fc.constant(Buffer.from('{"version":1,"steps":[null],"refused":[],"allow":[]}')));

fuzz('a file that a command reads is taken or refused with a code, whatever it is and holds', fc.tuple(fc.constantFrom<string[]>(['replay'], ['replay', '--json'], ['produce', 'messages.v1', '--file'], ['produce', 'settings.v1', '--key', 'k', '--file'], ['bot', 'check'], ['topology', 'apply', '--plan'], ['topology', 'plan', '--out']), place, content), {
  runs: 400, limit: 15_000, examples: [[['topology', 'plan', '--out'], folder, Buffer.alloc(0)]],
}, async ([words, path, raw]) => {
  writeFileSync(file, raw);
  const argv = [...words, path === '/dev/null' && words.includes('--out') ? file : path];
  judged(argv, await confab(argv));
});

fuzz('what comes on standard input is taken or refused with a code', fc.tuple(fc.constantFrom<string[]>(['produce', 'messages.v1'], ['produce', 'messages.v1', '--conversation', 'c1'], ['produce', 'settings.v1', '--key', 'k', '--force'], ['replay', '-'], ['chat']), content), { runs: 300, limit: 15_000 }, async ([argv, stdin]) => {
  judged(argv, await confab(argv, { stdin }));
});

const applied = new MemoryStore();
await confab(['topology', 'apply'], { store: applied });
const plan = Buffer.from((await confab(['topology', 'plan', '--json'])).out);
const planTree = JSON.parse(plan.toString()) as Record<string, unknown> & { steps: unknown[] };
const planned = fc.oneof(
  mutated(fc.constant(plan)),
  fc.tuple(fc.constantFrom(...Object.keys(planTree)), nastyJson).map(([key, found]) => Buffer.from(JSON.stringify({ ...planTree, [key]: found }))),
  fc.array(fc.oneof(nastyJson, fc.record({ kind: fc.oneof(fc.constantFrom('create', 'create-topic', 'add-partitions', 'config', 'set-config', 'acl'), nastyText), topic: fc.oneof(fc.constantFrom(...Object.keys(topology.topics)), nastyJson), spec: nastyJson }), ...planTree.steps.map((step) => fc.constant(step))), { maxLength: 4 }).map((steps) => Buffer.from(JSON.stringify({ ...planTree, steps }))),
);

fuzz('a plan that somebody wrote or changed is applied as it was made or is refused with a code', fc.tuple(planned, fc.boolean()), { runs: 250 }, async ([raw, fresh]) => {
  writeFileSync(file, raw);
  const argv = ['topology', 'apply', '--plan', file];
  judged(argv, await confab(argv, { store: fresh ? new MemoryStore() : applied }));
});
