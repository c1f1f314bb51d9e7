import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../platform/clock-manual.js';
import { systemClock } from '../platform/clock.js';
import { openEmbeddedLog } from '../platform/event-log/embedded.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { silentLogger } from '../platform/observability/logger.js';
import { packageRoot } from '../platform/package-root.js';
import { seededRandom, systemRandom } from '../platform/random.js';
import { eventually, scratchFolder } from '../platform/testing.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { outputOf } from './output.js';
import { runCli } from './program.js';

/** A log in which `confab tail settings.v1` has so many records of 1 KB to print. */
async function logOf(folder: string, records: number): Promise<void> {
  const log = await openEmbeddedLog({ folder, clock: systemClock, random: systemRandom, logger: silentLogger });
  await log.admin.createTopic({ name: 'settings.v1', partitions: 1, config: {} });
  const value = createLocalCodec().of('Setting').encode({ value: 'x'.repeat(1_000), changedBy: 'me', changedAt: 1000 });
  const appender = await log.appender();
  await appender.append(Array.from({ length: records }, (_, i) => ({ topic: 'settings.v1', key: `k${i}`, value, timestamp: systemClock.now() })));
  await log.close();
}

/** Runs a line of bash in which `confab` is this program; gives output, errors and the exit codes of its first pipeline. */
async function bash(line: string, folder: string): Promise<{ out: string; err: string; codes: string }> {
  const confab = `confab() { ${JSON.stringify(process.execPath)} --import tsx ${JSON.stringify(join(packageRoot(), 'main.ts'))} "$@"; }`;
  const child = spawn('bash', ['-c', `${confab}; ${line}; echo "codes \${PIPESTATUS[*]}" >&2`], { cwd: packageRoot(), env: { PATH: process.env.PATH, CONFAB_DATA_DIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => { texts.out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { texts.err += chunk.toString(); });
  await once(child, 'close');
  const [err = '', codes = ''] = texts.err.split(/codes /);
  return { out: texts.out, err, codes: codes.trim() };
}

test('a reader that goes away ends nothing that changes something, and is no error', async (t) => {
  const folder = scratchFolder(t);
  const applied = await bash('confab topology apply | true', folder);
  assert.deepEqual([applied.err, applied.codes], ['', '0 0']);
  const plan = await bash('confab topology plan --exit-code', folder);
  assert.deepEqual([plan.codes, plan.err], ['0', ''], plan.out);
});

test('tail | head ends quietly, however much there would be', async (t) => {
  const folder = scratchFolder(t);
  await logOf(folder, 2_000);
  const { out, err, codes } = await bash('confab tail settings.v1 --from start | head -1', folder);
  assert.deepEqual([out.split('\n').length, err, codes], [2, '', '0 0']);
});

test('what goes into a pipe is whole, however much it is and whatever the exit code', async (t) => {
  const folder = scratchFolder(t);
  await logOf(folder, 400);
  // A reader that takes its time: a pipe holds 64 KiB.
  const slow = '{ confab version >/dev/null; confab version >/dev/null; cat; }';
  const tail = await bash(`confab tail settings.v1 --from start | ${slow}`, folder);
  assert.deepEqual([tail.out.split('\n').length, tail.out.length > 400_000, tail.err, tail.codes], [401, true, '', '0 0']);
  const bots = scratchFolder(t);
  for (let i = 0; i < 30; i++) {
    mkdirSync(join(bots, `bot${i}`));
    writeFileSync(join(bots, `bot${i}`, 'bot.yaml'), Array.from({ length: 120 }, (_, n) => `wrong${n}${'x'.repeat(40)}: 1\n`).join(''));
  }
  const check = await bash(`CONFAB_BOTS_DIR=${bots} confab bot check | ${slow}`, folder);
  assert.deepEqual([check.out.length > 200 * 1024, check.err, check.codes], [true, '', '1 0']);
  assert.match(check.out, /\nbot9: \d+ faults\n$/);
});

test('what follows ends with 0 when nobody reads any more', async () => {
  const clock = new ManualClock();
  const log = new MemoryEventLog({ clock });
  await log.admin.createTopic({ name: 'settings.v1', partitions: 1, config: {} });
  const closed = new AbortController();
  const running = runCli(['tail', 'settings.v1', '--follow'], {
    env: {}, clock, random: seededRandom(1), openLog: () => Promise.resolve(log), interrupted: () => new AbortController().signal,
    stdout: { write: () => undefined, closed: closed.signal }, stderr: { write: () => undefined },
  });
  await clock.advance(100);
  closed.abort();
  assert.equal(await running, 0);
});

test('Ctrl-C ends what follows with 130', async (t) => {
  const folder = scratchFolder(t);
  await bash('confab topology apply', folder);
  const child = spawn(process.execPath, ['--import', 'tsx', join(packageRoot(), 'main.ts'), 'lag', '--watch'], { cwd: packageRoot(), env: { PATH: process.env.PATH, CONFAB_DATA_DIR: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => { out += chunk.toString(); });
  await eventually('the first table', () => out.includes('dead-letters.v1'), 60_000);
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'exit'), [130, null]);
  assert.doesNotMatch(out, /\u001b/, 'no colours, no cursor into a pipe');
});

test('what is written after the reader has gone is dropped; other faults are raised', () => {
  const stream = Object.assign(new EventEmitter(), { texts: [] as string[], write(text: string) { this.texts.push(text); return true; }, isTTY: true, columns: 80 });
  const output = outputOf(stream);
  assert.deepEqual([output.write('a'), output.isTTY, output.columns, output.closed?.aborted], [true, true, 80, false]);
  stream.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' }));
  assert.deepEqual([output.write('b'), output.closed?.aborted, stream.texts], [false, true, ['a']]);
  assert.throws(() => stream.emit('error', Object.assign(new Error('full'), { code: 'ENOSPC' })), /full/);
});
