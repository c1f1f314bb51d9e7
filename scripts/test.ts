/**
 * Runs every *.test.ts of the project (or those whose path contains one of the arguments) and ends with
 * `N passed, N failed, N skipped`. Under CI=true a skipped test is a failure: CI has every server.
 */
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { testServices } from './services/addresses.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const SKIP_FOLDERS = new Set(['node_modules', 'dist', 'data', '.git', '.services']);

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return SKIP_FOLDERS.has(entry.name) ? [] : testFiles(join(folder, entry.name));
    return entry.name.endsWith('.test.ts') ? [join(folder, entry.name)] : [];
  });
}

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const files = testFiles(root).filter((file) => wanted.length === 0 || wanted.some((part) => relative(root, file).includes(part))).sort();
if (files.length === 0) { process.stdout.write('no test file matches\n'); process.exit(1); }

Object.assign(process.env, await testServices());

const counts = { passed: 0, failed: 0, skipped: 0 };
const skipped: string[] = [];
const failed: string[] = [];
const seen = new Set<string>();
/** What the fuzz tests say of themselves, one line a property (fuzz/harness.ts). */
const fuzzed = { cases: 0, uncoded: 0 };
/** Under CI fewer cases than these in a whole run are a failure: somebody has left out a suite. */
const FUZZ_CASES = 20_000;
/** A file that holds no test stands for itself in the stream: it has proved nothing. */
const isFile = (name: string): boolean => files.includes(name);

// The time-out is for one file: a test that hangs, or leaves something open, is killed with its process.
const stream = run({ files, concurrency: Number(process.env.CONFAB_TEST_CONCURRENCY ?? 2), timeout: Number(process.env.CONFAB_TEST_TIMEOUT ?? 420_000) });
// Tests of a shared suite name the file of the suite; the end of a file names itself.
stream.on('test:complete', ({ name, file }) => { seen.add(isFile(name) ? name : file ?? ''); });
stream.on('test:diagnostic', ({ message }) => {
  const [, cases = 0, uncoded = 0] = /^fuzz: (\d+) cases, (\d+) uncoded/.exec(message)?.map(Number) ?? [];
  fuzzed.cases += cases;
  fuzzed.uncoded += uncoded;
});
stream.on('test:pass', (event) => {
  if (event.details.type === 'suite') return;
  if (isFile(event.name)) { fail(`${relative(root, event.name)}: holds no test`); return; }
  if (event.skip !== undefined) { counts.skipped += 1; skipped.push(`${event.name}${typeof event.skip === 'string' ? `: ${event.skip}` : ''}`); } else counts.passed += 1;
});
stream.on('test:fail', (event) => {
  if (event.details.type === 'suite') return;
  fail(isFile(event.name) ? `${relative(root, event.name)}: the file failed, crashed or did not end in time` : `${event.name} (${relative(root, event.file ?? '')})`);
});

function fail(what: string): void { counts.failed += 1; failed.push(what); }

const list = (title: string, lines: readonly string[]): string => lines.length === 0 ? '' : `\n${title}:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;

const report = stream.pipe(new spec());
report.pipe(process.stdout, { end: false });
report.on('end', () => {
  for (const file of files) if (!seen.has(file)) fail(`${relative(root, file)}: said nothing`);
  if (process.env.CI === 'true' && wanted.length === 0 && fuzzed.cases < FUZZ_CASES) fail(`fuzz: ${fuzzed.cases} cases, fewer than ${FUZZ_CASES}`);
  process.stdout.write(list('skipped', skipped) + list('failed', failed));
  if (fuzzed.cases > 0) process.stdout.write(`fuzz: ${fuzzed.cases} cases, ${fuzzed.uncoded} uncoded\n`);
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  process.exitCode = counts.failed > 0 || (process.env.CI === 'true' && counts.skipped > 0) ? 1 : 0;
});
