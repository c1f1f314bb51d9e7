import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../platform/clock.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { Setting } from '../schemas/types.js';
import { Chronicle, tellAll } from '../inspect/testing.js';
import { runCli } from './program.js';
import { widthOf } from './text-width.js';

const bytes = (value: Setting): Buffer => createLocalCodec().of('Setting').encode(value);

async function logWith(...values: (Buffer | null)[]): Promise<MemoryEventLog> {
  const log = new MemoryEventLog({ clock: systemClock });
  await log.admin.createTopic({ name: 'settings.v1', partitions: 1, config: {} });
  const appender = await log.appender();
  await appender.append(values.map((value, index) => ({ topic: 'settings.v1', key: `k${index}`, value, timestamp: systemClock.now() })));
  return log;
}

async function tail(log: MemoryEventLog, ...flags: string[]) {
  let out = '';
  let err = '';
  const interrupt = new AbortController();
  const code = await runCli(['tail', 'settings.v1', ...flags], {
    env: {}, clock: systemClock, random: seededRandom(1), openLog: () => Promise.resolve(log), interrupted: () => interrupt.signal,
    stdout: { write: (text) => { out += text; } }, stderr: { write: (text) => { err += text; } },
  });
  return { code, err, lines: out.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('records come decoded, one JSON object a line, from the start to the end', async () => {
  const { code, lines } = await tail(await logWith(bytes({ value: '"on"', changedBy: 'me', changedAt: 1000 }), null), '--from', 'start');
  assert.equal(code, 0);
  assert.deepEqual(lines.map(({ topic, partition, offset, key }) => [topic, partition, offset, key]), [['settings.v1', 0, 0, 'k0'], ['settings.v1', 0, 1, 'k1']]);
  assert.equal(typeof lines[0]?.value, 'object');
  assert.equal(lines[1]?.value, null);
});

test('bytes that are no record are shown as they are, with the reason', async () => {
  const { lines } = await tail(await logWith(Buffer.from('junk')), '--from', 'start', '--limit', '1');
  assert.deepEqual(lines[0]?.value, { undecodable: Buffer.from('junk').toString('base64'), reason: 'CONFAB_RECORD_INVALID' });
});

test('without --from it prints the newest, with --from end nothing', async () => {
  const values = Array.from({ length: 12 }, (_, i) => bytes({ value: String(i), changedBy: 'me', changedAt: 1000 }));
  const shown = async (...flags: string[]) => (await tail(await logWith(...values), ...flags)).lines.map(({ offset }) => offset);
  assert.deepEqual(await shown(), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.deepEqual(await shown('--limit', '2'), [10, 11]);
  assert.deepEqual(await shown('--from', 'start', '--limit', '2'), [0, 1]);
  assert.deepEqual(await shown('--from', 'end'), []);
  assert.deepEqual(await shown('--from', '1h', '--limit', '1'), [0]);
  assert.deepEqual(await shown('--from', '2000-01-01T00:00:00Z', '--limit', '1'), [0]);
});

async function print(chronicle: Chronicle, argv: string[], more: { isTTY?: boolean; env?: Record<string, string> } = {}) {
  let out = '';
  let err = '';
  const code = await runCli(['tail', ...argv], {
    env: more.env ?? {}, clock: chronicle.clock, random: seededRandom(1), openLog: () => Promise.resolve(chronicle.log), interrupted: () => new AbortController().signal,
    stdout: { write: (text) => { out += text; }, ...(more.isTTY === true ? { isTTY: true, columns: 90 } : {}) }, stderr: { write: (text) => { err += text; } },
  });
  return { code, out, err };
}

test('records of all partitions come in the order of their times, those of one conversation alone', async () => {
  const ids = async (...flags: string[]) => {
    const chronicle = await Chronicle.memory(4);
    for (let i = 0; i < 8; i += 1) { await chronicle.accept(`c${i % 3}`, `M${i}`); await chronicle.clock.advance(10); }
    return (await print(chronicle, ['messages.v1', ...flags])).out.split('\n').filter(Boolean).map((line) => (JSON.parse(line) as { value: { messageId: string } }).value.messageId).join(' ');
  };
  assert.equal(await ids('--from', 'start'), 'M0 M1 M2 M3 M4 M5 M6 M7');
  assert.equal(await ids('--limit', '3'), 'M5 M6 M7');
  assert.equal(await ids('--conversation', 'c1'), 'M1 M4 M7');
  assert.equal(await ids('--conversation', 'c1', '--tenant', 'acme'), '');
  assert.equal(await ids('--from', '35ms'), 'M5 M6 M7');
});

test('a position begins with what its message caused', async () => {
  const chronicle = await Chronicle.memory(1);
  const [, change] = await tellAll(chronicle);
  const { out } = await print(chronicle, ['replies.v1', '--conversation', 'c1', '--from', change!.position, '--text']);
  assert.deepEqual(out.split('\n').map((line) => line.slice(26)), ['0@2       default/c1            Which parcel?', '0@3       default/c1            (handed_off) (handed to the person: asked)', '']);
  for (const argv of [['replies.v1', '--from', change!.position], ['analytics.v1', '--conversation', 'c1'], ['replies.v1', '--json', '--text']]) assert.equal((await print(chronicle, argv)).code, 64, argv.join(' '));
});

test('on a terminal a record is one line that fits, and nothing in it is obeyed', async () => {
  const chronicle = await Chronicle.memory(1);
  await chronicle.accept('c1', 'M', { text: `\u001b[2J\u202e${'\u4f60'.repeat(80)}` });
  await chronicle.bytes('messages.v1', 'c1', Buffer.from('\u001b[31mjunk'));
  await chronicle.bytes('messages.v1', 'c1', null);
  const { out } = await print(chronicle, ['messages.v1'], { isTTY: true });
  const lines = out.replace(/\u001b\[\d+m/g, '').split('\n');
  assert.notEqual(lines.join('\n'), out);
  assert.equal(lines[0], `2026-01-01T00:00:00.000Z  0@0       default/c1            \\u001b[2J\\u202e${'\u4f60'.repeat(8)}…`);
  assert.match(lines[1] ?? '', /9 bytes that are no record of t…$/);
  assert.match(lines[2] ?? '', / {2}removed$/);
  assert.ok(lines.every((line) => widthOf(line) <= 90));
  const again = await Chronicle.memory(1);
  await again.accept('c1', 'M', { text: '\u202e' });
  assert.match((await print(again, ['messages.v1'])).out, /"text":"\\u202e"/);
});
