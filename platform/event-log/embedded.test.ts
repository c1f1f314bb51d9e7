import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ManualClock } from '../clock-manual.js';
import { systemClock, type Clock } from '../clock.js';
import { isCode } from '../errors.js';
import { silentLogger } from '../observability/logger.js';
import { systemRandom } from '../random.js';
import { eventually, scratchFolder } from '../testing.js';
import { inProcessHarness } from './contract/in-process.contract.js';
import { numbers, readAll, text, valuesIn } from './contract/bench.contract.js';
import { dataDirError } from './embedded/data-directory.js';
import { openEmbeddedLog, type EmbeddedLog, type EmbeddedLogOptions } from './embedded.js';
import { eventLogContract } from './event-log.contract.js';

const DAY = 86_400_000;

const openIn = (folder: string, more: Partial<EmbeddedLogOptions> = {}): Promise<EmbeddedLog> =>
  openEmbeddedLog({ folder, clock: systemClock, random: systemRandom, logger: silentLogger, ...more });

eventLogContract('embedded', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'confab-log-'));
  return { ...inProcessHarness(() => openIn(folder)), close: async () => { rmSync(folder, { recursive: true, force: true }); } };
});

async function openFor(t: TestContext, folder: string, more: Partial<EmbeddedLogOptions> = {}): Promise<EmbeddedLog> {
  const log = await openIn(folder, more);
  t.after(() => log.close());
  return log;
}

test('a second writer is refused and told who holds the directory', async (t) => {
  const folder = scratchFolder(t);
  const log = await openFor(t, folder);
  await assert.rejects(openIn(folder), (error) => isCode(error, 'CONFAB_LOG_LOCKED') && error.detail.includes(String(process.pid)));
  await log.close();
  await (await openIn(folder)).close();
});

test('the lock of a process that is gone is taken over', async (t) => {
  const folder = scratchFolder(t);
  await (await openIn(folder)).close();
  const child = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => { child.on('exit', resolve); });
  writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: child.pid, started: '' }));
  await (await openIn(folder)).close();
});

test('the lock of an earlier process with the same number is taken over, as a container restarted makes it', async (t) => {
  const folder = scratchFolder(t);
  await (await openIn(folder)).close();
  writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: process.pid, started: 'another boot/1' }));
  await (await openIn(folder)).close();
});

test('a directory of another format version is refused, for writing and reading, and left as it is', async (t) => {
  const folder = scratchFolder(t);
  await (await openIn(folder)).close();
  for (const format of ['2\n', '0\n', 'x']) {
    writeFileSync(join(folder, 'format'), format);
    for (const readOnly of [false, true]) await assert.rejects(openIn(folder, { readOnly }), (error) => isCode(error, 'CONFAB_DATA_VERSION'));
    assert.equal(readFileSync(join(folder, 'format'), 'utf8'), format);
  }
  writeFileSync(join(folder, 'format'), '1\n');
  await (await openIn(folder)).close();
});

test('a directory that cannot be made, or holds nothing to read, is refused by its code', async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(openIn(join(folder, 'file', 'data')), (error) => isCode(error, 'CONFAB_DATA_DIR'));
  mkdirSync(join(folder, 'empty'));
  await assert.rejects(openIn(join(folder, 'empty'), { readOnly: true }), (error) => isCode(error, 'CONFAB_DATA_DIR'));
});

test('a newer format, a lack of rights, a full disk: said in words that a person understands', async (t) => {
  const folder = scratchFolder(t);
  await (await openIn(folder)).close();
  writeFileSync(join(folder, 'format'), '7\n');
  await assert.rejects(openIn(folder), (error) => isCode(error, 'CONFAB_DATA_VERSION') && error.detail === `${folder} was written by a newer Confab (format 7; this one knows 1).`);
  const said = (code: string, message = code): string => dataDirError('./data', Object.assign(new Error(message), { code })).detail;
  assert.deepEqual([said('EACCES'), said('ENOSPC'), said('', 'No space left on device'), said('EROFS')], [
    'This user may not write to ./data.', 'The disk of ./data is full.', 'The disk of ./data is full.', './data is on a file system that is read-only.',
  ]);
});

test('a reader beside the writer sees what was committed, and changes nothing', async (t) => {
  const folder = scratchFolder(t);
  const writer = await openFor(t, folder);
  await writer.admin.createTopic({ name: 't', partitions: 2, config: {} });
  const appender = await writer.appender();
  await appender.append([text('t', 'before')]);
  const reader = await openFor(t, folder, { readOnly: true });
  assert.deepEqual(valuesIn(await readAll(reader, 't')), ['before']);
  await appender.append([text('t', 'after')]);
  await writer.admin.createTopic({ name: 'new', partitions: 1, config: {} });
  await writer.admin.setCommitted('g', [{ topic: 't', partition: 0, offset: 1, metadata: 'm' }]);
  await eventually('the new record', async () => (await readAll(reader, 't')).length === 2);
  assert.equal((await reader.admin.topics()).length, 2);
  assert.equal((await reader.admin.committed('g', 't'))[0]?.offset, 1);
  assert.equal((await reader.admin.bounds('t'))[0]?.end, 2);
  const refused = (error: unknown): boolean => isCode(error, 'CONFAB_LOG_READ_ONLY');
  const listener = { assigned: async () => undefined, records: () => undefined, revoking: async () => undefined, failed: () => undefined };
  const calls = [
    () => reader.appender(), () => reader.join({ group: 'g', topics: ['t'] }, listener), () => reader.once.appendOnce([]),
    () => reader.admin.createTopic({ name: 'x', partitions: 1, config: {} }), () => reader.admin.deleteTopic('t'),
    () => reader.admin.setCommitted('g', []), () => reader.admin.addPartitions('t', 3), () => reader.admin.setTopicConfig('t', {}),
  ];
  for (const call of calls) await assert.rejects(call(), refused);
});

function startWriter(folder: string): ChildProcess {
  const script = fileURLToPath(new URL('./embedded/crash-writer.contract.ts', import.meta.url));
  return spawn(process.execPath, ['--import', 'tsx', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('a process reads while another one writes, is told who writes, and goes on when that one is killed', { timeout: 60_000 }, async (t) => {
  const folder = scratchFolder(t);
  const child = startWriter(folder);
  t.after(() => child.kill('SIGKILL'));
  let acknowledged = 0;
  child.stdout?.setEncoding('utf8');
  child.stdout?.on('data', (chunk: string) => { acknowledged += chunk.split('\n').filter((line) => line.startsWith('appended')).length; });
  await eventually('writes', () => acknowledged > 50, 30_000);
  const reader = await openFor(t, folder, { readOnly: true });
  await assert.rejects(openIn(folder), (error) => isCode(error, 'CONFAB_LOG_LOCKED') && error.detail.includes(`process ${child.pid}`));
  for (let round = 0; round < 5; round += 1) {
    const before = acknowledged;
    await eventually('what was acknowledged', async () => (await readAll(reader, 'in')).length > before);
    const [one, two] = [await readAll(reader, 'in', 0), await readAll(reader, 'in', 3)];
    const most = Math.min(one.length, two.length);
    assert.deepEqual(one.slice(0, most).map((record) => record.key), two.slice(0, most).map((record) => record.key));
  }
  const ended = new Promise((resolve) => { child.on('close', resolve); });
  child.kill('SIGKILL');
  await ended;
  await eventually('the rest', async () => (await readAll(reader, 'in')).length >= acknowledged);
  const there = (await readAll(reader, 'in')).length;
  const successor = startWriter(folder);
  t.after(() => successor.kill('SIGKILL'));
  await eventually('what the successor writes', async () => (await readAll(reader, 'in')).length > there, 30_000);
});

/** Starts the crash writer, kills it after some acknowledgements, and gives back what it had acknowledged. */
async function killInTheMiddle(folder: string, after: number): Promise<Map<string, number[]>> {
  const child = startWriter(folder);
  let said = '';
  let lines = 0;
  child.stdout?.setEncoding('utf8');
  child.stdout?.on('data', (chunk: string) => {
    said += chunk;
    lines += chunk.split('\n').length - 1;
    if (lines >= after) child.kill('SIGKILL');
  });
  const [code, signal] = await new Promise<unknown[]>((resolve) => { child.on('close', (...end) => { resolve(end); }); });
  assert.equal(signal, 'SIGKILL', `it ended by itself with ${String(code)} after ${lines} lines`);
  const acknowledged = new Map<string, number[]>([['appended', []], ['committed', []]]);
  for (const line of said.split('\n').slice(0, -1)) acknowledged.get(line.split(' ')[0] ?? '')?.push(Number(line.split(' ')[1]));
  return acknowledged;
}

test('kill -9 under appends, commits and compaction loses nothing that was acknowledged and leaves nothing half done', { timeout: 120_000 }, async (t) => {
  const folder = scratchFolder(t);
  const appended = new Set<number>();
  let committed = -1;
  for (const after of [1, 40, 700, 1_500, 3_000, 333]) {
    const acknowledged = await killInTheMiddle(folder, after);
    for (const n of acknowledged.get('appended') ?? []) appended.add(n);
    committed = Math.max(committed, ...acknowledged.get('committed') ?? []);
    const log = await openIn(folder);
    const partitions = await Promise.all(numbers(4).map(async (partition) => valuesIn(await readAll(log, 'in', partition)).map((value) => parseInt(value, 10))));
    for (const found of partitions) {
      assert.deepEqual(found, partitions[0]);
      assert.equal(new Set(found).size, found.length);
      const there = new Set(found);
      assert.deepEqual([...appended].filter((n) => !there.has(n)), []);
    }
    const offset = (await log.admin.committed('g', 'out'))[0];
    const next = offset?.offset ?? 0;
    assert.equal(offset?.metadata, next === 0 ? '' : `m${next - 1}`);
    assert.ok(next > committed);
    assert.equal((await log.admin.bounds('out'))[0]?.end, next);
    assert.equal((await readAll(log, 'out')).at(-1)?.offset, next === 0 ? undefined : next - 1);
    await log.close();
  }
  assert.ok(appended.size > 500);
});

test('a full disk refuses appends by their code; what was acknowledged stays, and the log goes on once there is space', { timeout: 60_000 }, async (t) => {
  const script = fileURLToPath(new URL('./embedded/full-disk.contract.ts', import.meta.url));
  // In blocks of 512 or 1,024 bytes, as the shell has it. lmdb prints the system's errors.
  const folder = scratchFolder(t);
  const child = spawn('sh', ['-c', `ulimit -f 4000 && exec "${process.execPath}" --import tsx "$0" "$1"`, script, folder], { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => { said += chunk; });
  assert.equal(await new Promise((resolve) => { child.on('close', resolve); }), 0);
  const { outcomes, keys } = JSON.parse(said) as { outcomes: string[]; keys: number[] };
  assert.deepEqual([...new Set(outcomes)].sort(), ['refused', 'written']);
  assert.deepEqual(keys, numbers(100).filter((n) => outcomes[n] === 'written'));
  const log = await openFor(t, folder);
  assert.deepEqual(await (await log.appender()).append([text('t', 'after')]), [keys.length]);
});

const withClock = (t: TestContext, clock: Clock): Promise<EmbeddedLog> => openFor(t, scratchFolder(t), { clock });

test('retention removes whole blocks from the front, and the end outlives a reopening', async (t) => {
  const clock = new ManualClock();
  const folder = scratchFolder(t);
  const log = await openFor(t, folder, { clock });
  await log.admin.createTopic({ name: 't', partitions: 1, config: { 'retention.ms': String(DAY) } });
  const appender = await log.appender();
  for (const n of numbers(300)) await appender.append([text('t', `v${n}`, { timestamp: clock.now() - 2 * DAY + n })]);
  await log.maintain();
  assert.deepEqual(await log.admin.bounds('t'), [{ topic: 't', partition: 0, start: 300, end: 300 }]);
  await log.close();
  const again = await openFor(t, folder, { clock });
  assert.deepEqual(await again.admin.bounds('t'), [{ topic: 't', partition: 0, start: 300, end: 300 }]);
  assert.deepEqual(await (await again.appender()).append([text('t', 'next', { timestamp: clock.now() })]), [300]);
  assert.deepEqual(valuesIn(await readAll(again, 't')), ['next']);
});

test('retention by size keeps the newest records', async (t) => {
  const log = await withClock(t, systemClock);
  await log.admin.createTopic({ name: 't', partitions: 1, config: { 'retention.bytes': '20000' } });
  const appender = await log.appender();
  for (const n of numbers(50)) await appender.append([text('t', String(n).padEnd(1_000))]);
  await log.maintain();
  const left = valuesIn(await readAll(log, 't')).map((value) => parseInt(value, 10));
  assert.ok(left.length >= 15 && left.length <= 20, `${left.length} left`);
  assert.equal(left.at(-1), 49);
});

test('compaction of several passes and steps keeps order, the newest of each key and recent tombstones', async (t) => {
  const clock = new ManualClock();
  const log = await withClock(t, clock);
  await log.admin.createTopic({ name: 't', partitions: 1, config: { 'cleanup.policy': 'compact', 'delete.retention.ms': '1000' } });
  const appender = await log.appender();
  const expected = new Map<string, string>();
  const filler = 'x'.repeat(2_000);
  for (let round = 0; round < 30; round += 1) {
    await appender.append(numbers(100).map((n) => {
      const key = `k${(n * 7 + round) % 150}`;
      expected.set(key, `${round}:${n}`);
      return { topic: 't', partition: 0, key, value: Buffer.from(`${round}:${n} ${filler}`), timestamp: clock.now() };
    }));
    if (round % 10 === 9) await log.maintain();
  }
  await appender.append([{ topic: 't', partition: 0, key: 'k1', value: null, timestamp: clock.now() }]);
  await appender.append([text('t', 'last', { key: 'last', timestamp: clock.now() })]);
  await log.maintain();
  const records = await readAll(log, 't');
  assert.equal(records.length, 151);
  assert.deepEqual(records.map((record) => record.offset), records.map((record) => record.offset).sort((a, b) => a - b));
  for (const { key, value } of records) if (key !== 'k1' && key !== 'last') assert.equal(String(value).split(' ')[0], expected.get(key ?? ''));
  assert.equal(records.find((record) => record.key === 'k1')?.value, null);
  await clock.advance(5_000);
  await log.maintain();
  await appender.append([text('t', 'more', { key: 'more', timestamp: clock.now() })]);
  await log.maintain();
  assert.equal((await readAll(log, 't')).some((record) => record.key === 'k1'), false);
  assert.equal((await log.admin.bounds('t'))[0]?.end, 3_003);
});

test('offsetAt finds the first record at or after a time that jumps back and forth, after compaction too', async (t) => {
  const clock = new ManualClock();
  const log = await withClock(t, clock);
  await log.admin.createTopic({ name: 't', partitions: 1, config: { 'cleanup.policy': 'compact' } });
  const appender = await log.appender();
  const times = numbers(200).map((n) => 1_000_000 + n * 10 + (n % 7) * 55);
  for (const [n, timestamp] of times.entries()) await appender.append([text('t', `v${n}`, { key: `k${n % 60}`, timestamp })]);
  const check = async (): Promise<void> => {
    const records = await readAll(log, 't');
    for (let at = 999_000; at < 1_003_000; at += 37) {
      assert.equal(await log.admin.offsetAt('t', 0, at), records.find((record) => record.timestamp >= at)?.offset ?? 200, String(at));
    }
  };
  await check();
  await log.maintain();
  assert.ok((await readAll(log, 't')).length < 200);
  await check();
});

test('what a deleted topic leaves behind is swept', async (t) => {
  const log = await withClock(t, systemClock);
  await log.admin.createTopic({ name: 't', partitions: 2, config: {} });
  const appender = await log.appender();
  for (const n of numbers(250)) await appender.append([text('t', `v${n}`, { partition: n % 2 })]);
  await log.admin.deleteTopic('t');
  await log.maintain();
  await log.admin.createTopic({ name: 't', partitions: 2, config: {} });
  assert.deepEqual(await readAll(log, 't'), []);
  assert.deepEqual(await appender.append([text('t', 'new')]), [0]);
});
