import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../platform/clock.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { Setting } from '../schemas/types.js';
import { runCli } from './program.js';

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
