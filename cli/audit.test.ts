import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '../platform/clock-manual.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { silentLogger } from '../platform/observability/logger.js';
import { seededRandom } from '../platform/random.js';
import { eventually } from '../platform/testing.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { Message } from '../schemas/types.js';
import { ensureTopology } from '../topology/ensure.js';
import { groupName, topology } from '../topology/topology.js';
import { runCli } from './program.js';

const codec = createLocalCodec();
const MESSAGE: Message = {
  kind: 'text', messageId: 'm', botId: 'b', channel: 'api', accountId: null, userId: null, author: { type: 'person', name: null }, text: 'x', payload: null, replyId: null,
  locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
};

/** A log with `lost` messages that every stage has passed, and one that is not passed. */
async function logWith(t: TestContext, lost: number): Promise<{ log: MemoryEventLog; clock: ManualClock }> {
  const clock = new ManualClock();
  const log = new MemoryEventLog({ clock, random: seededRandom(1) });
  t.after(() => log.close());
  await ensureTopology({ log, clock, topology, settings: { prefix: '', partitions: 1 }, apply: 'on-start', logger: silentLogger });
  const appender = await log.appender();
  for (let i = 0; i <= lost; i += 1) {
    await appender.append([{ topic: 'messages.v1', key: `default/c${i}`, value: codec.of('Message').encode({ ...MESSAGE, messageId: `m${i}` }), timestamp: clock.now() }]);
  }
  await log.admin.setCommitted(groupName('', 'intent'), [{ topic: 'messages.v1', partition: 0, offset: lost, metadata: '' }]);
  await clock.advance(3_600_000);
  return { log, clock };
}

async function scene(t: TestContext, lost: number) {
  const { log, clock } = await logWith(t, lost);
  return async (...argv: string[]) => {
    const said = { out: '', err: '' };
    const code = await runCli(['audit', ...argv], {
      env: {}, clock, random: seededRandom(1), interrupted: () => new AbortController().signal,
      stdout: { write: (text) => { said.out += text; } }, stderr: { write: (text) => { said.err += text; } },
      openLog: () => Promise.resolve(Object.assign(Object.create(log) as MemoryEventLog, { close: () => Promise.resolve() })), openCodec: () => Promise.resolve(codec),
    });
    return { code, ...said };
  };
}

test('what is wrong is told a line each with the place, and the exit code says so', async (t) => {
  const run = await scene(t, 3);
  const { code, out, err } = await run('--most', '2');
  assert.equal(code, 1);
  assert.equal(out.replaceAll(/[0-9a-f]{8}-(?=\d{12})/g, 'EPOCH-'), [
    'lost       messages.v1 0-0 · c0 · EPOCH-000000000000-00 · m0 · stage intent has passed it and left nothing',
    'lost       messages.v1 0-1 · c1 · EPOCH-000000000001-00 · m1 · stage intent has passed it and left nothing',
    'stuck      messages.v1 0-3 · c3 · EPOCH-000000000003-00 · m3 · stage intent has not passed it',
    'and 1 more (--most)', 'Look closer: confab conversation c0', 'accepted 4 · answered 0 · lost 3 · doubled 0 · reordered 0 · stuck 1', '',
  ].join('\n'));
  assert.match(err, /^read 4 records of 1 partition, 0\.0 MiB, in [\d.]+ s: [\d,]+ records\/s\n$/);
});

test('one JSON object for machines; a time or an age leaves out what is older; patience waits', async (t) => {
  const run = await scene(t, 1);
  const report = async (...argv: string[]) => {
    const { code, out } = await run('--json', ...argv);
    const { sound, accepted, lost, stuck, pending } = JSON.parse(out) as Record<string, unknown>;
    return [code, sound, accepted, lost, stuck, pending];
  };
  assert.deepEqual(await report(), [1, false, 2, 1, 1, 0]);
  assert.deepEqual(await report('--from', '10m'), [0, true, 0, 0, 0, 0]);
  assert.deepEqual(await report('--from', '2025-12-31T00:00:00Z'), [1, false, 2, 1, 1, 0]);
  assert.deepEqual(await report('--patience', '2h'), [0, true, 2, 0, 0, 2]);
});

test('a position belongs to one conversation, and a duration has a unit', async (t) => {
  const run = await scene(t, 0);
  assert.match((await run('--from', '0a1b2c3d-000000000042-00')).err, /^CONFAB_USAGE: .*a position belongs to one\./);
  assert.equal((await run('--patience', '90')).code, 64);
});

test('--follow writes JSON lines into a pipe, and lines with a status on a terminal; Ctrl-C sums up', async (t) => {
  for (const terminal of [false, true]) {
    const { log, clock } = await logWith(t, 1);
    const interrupt = new AbortController();
    const said = { out: '', err: '' };
    let opened = false;
    const ended = runCli(['audit', '--follow', '--interval', '2s', '--from', '2h'], {
      env: {}, clock, random: seededRandom(1), interrupted: () => interrupt.signal,
      stdout: { write: (text) => { said.out += text; }, isTTY: terminal }, stderr: { write: (text) => { said.err += text; }, isTTY: terminal, columns: 60 },
      openLog: () => { opened = true; return Promise.resolve(Object.assign(Object.create(log) as MemoryEventLog, { close: () => Promise.resolve() })); }, openCodec: () => Promise.resolve(codec),
    });
    // What it is made of is read from disk first, in a time that no clock of ours tells.
    await eventually('the log is opened', () => opened);
    const judged = (): boolean => said.out.includes('stuck') && (said.out.includes('"status"') || said.err.includes('accepted'));
    await eventually('all of it is judged', async () => { await clock.advance(100); return judged(); });
    interrupt.abort();
    await clock.advance(2_000);
    assert.equal(await ended, 1, said.err);
    if (terminal) {
      assert.match(said.out, /^lost {7}messages\.v1 0-0 · c0 · \S+ · m0 · .*\nstuck .*\naccepted 2 · answered 0 · lost 1 · doubled 0 · reordered 0 · stuck 1\n$/);
      assert.match(said.err, /\r\u001b\[K\d\d:\d\d:\d\d accepted 2 · answered 0 · lost 1/);
    } else {
      const lines = said.out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual(lines.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1]), ['finding', 'status', 'summary']);
      const { kind, key, messageId } = lines[0] as { kind: string; key: string; messageId: string };
      assert.deepEqual([kind, key, messageId], ['lost', 'default/c0', 'm0']);
      const { sound, lost, stuck } = lines.at(-1) as { sound: boolean; lost: number; stuck: number };
      assert.deepEqual([sound, lost, stuck], [false, 1, 1]);
    }
  }
});
