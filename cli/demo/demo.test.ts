import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { loadConfig } from '../../platform/config.js';
import { openEmbeddedLog } from '../../platform/event-log/embedded.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { packageRoot } from '../../platform/package-root.js';
import { seededRandom, systemRandom } from '../../platform/random.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { FINDING_KINDS, type AuditReport, type FindingKind } from '../../inspect/audit.js';
import { systemClock } from '../../platform/clock.js';
import { isCode } from '../../platform/errors.js';
import { auditLine, findingLine } from '../audit-text.js';
import { demoCommand } from '../demo.js';
import { demoDialogues } from './dialogues.js';
import { ServerProcess } from './server-process.js';

const sound = Object.fromEntries(FINDING_KINDS.map((kind) => [kind, 0])) as Record<FindingKind, number>;
const report: AuditReport = { ...sound, accepted: 4812, answered: 4812, deadLettered: 0, retries: 0, pending: 0, expired: 0, unjudged: 0, records: 0, bytes: 0, partitions: 1, millis: 1, findings: [] };

test('the dialogues are the same each time, differ from each other, and hold nothing that cannot be sent', () => {
  const dialogues = demoDialogues(500, seededRandom(1));
  assert.deepEqual(dialogues, demoDialogues(500, seededRandom(1)));
  assert.equal(new Set(dialogues.map(({ name }) => name)).size, 500);
  assert.ok(new Set(dialogues.map(({ turns }) => turns.join('|'))).size > 300);
  for (const { turns } of dialogues) assert.ok(turns.length >= 8 && turns.every((text) => text.trim() !== '' && text.length < 200));
});

test('the proof is one line; faults other than the three are told only where there are some', () => {
  assert.equal(auditLine(report), 'accepted 4,812 · answered 4,812 · lost 0 · doubled 0 · reordered 0');
  assert.equal(auditLine({ ...report, answered: 4809, lost: 1, stuck: 2, deadLettered: 3, retries: 1, pending: 4 }), 'accepted 4,812 · answered 4,809 · lost 1 · doubled 0 · reordered 0 · stuck 2 · pending 4 · dead letters 3 · retries 1');
});

test('a finding names kind, place, conversation and reason, and moves no cursor', () => {
  assert.equal(findingLine({ kind: 'lost', topic: 'messages.v1', partition: 3, offset: 17, key: 'default/c\u001b[2J', position: '0a1b2c3d-000000000017-00', messageId: '01A', detail: 'stage intent has passed it' }),
    'lost       messages.v1 3-17 · c\\u001b[2J · 0a1b2c3d-000000000017-00 · 01A · stage intent has passed it');
});

test('a pipeline that ends instead of starting is an error with what it said', async () => {
  const signal = new AbortController().signal;
  const server = await ServerProcess.create({ folder: '.', clock: systemClock, env: {}, signal, command: ['-e', 'process.stderr.write("no room on the disk\\n"); process.exitCode = 3'] });
  await assert.rejects(server.start(), (error) => isCode(error, 'CONFAB_SERVER_UNREACHABLE') && error.detail === 'The pipeline did not start: no room on the disk');
  await server.stop();
});

/** The log as if one reply, the first that is read, had never been written. */
function withoutOneReply(log: EventLog): EventLog {
  let taken = false;
  async function* read(...[topic, ...rest]: Parameters<EventLog['read']>): ReturnType<EventLog['read']> {
    for await (const batch of log.read(topic, ...rest)) {
      const hide = topic === 'replies.v1' && !taken && batch.records.length > 0;
      taken ||= hide;
      yield hide ? { ...batch, records: batch.records.slice(1) } : batch;
    }
  }
  return new Proxy(log, { get: (target, name): unknown => {
    const value: unknown = name === 'read' ? read : Reflect.get(target, name);
    return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
  } });
}

test('a log that lacks one reply is no proof: the loss is named and the exit code is 1', { timeout: 120_000 }, async () => {
  for (const json of [false, true]) {
    let out = '';
    let code = 0;
    const command = demoCommand({
      env: { PATH: process.env.PATH, HOME: process.env.HOME }, clock: systemClock, random: systemRandom, stdin: Readable.from([]), stdout: { write: (text) => { out += text; } }, stderr: { write: () => undefined },
      config: () => loadConfig({}, { serving: false }), exitCode: (wanted) => { code = wanted; }, interrupted: () => new AbortController().signal, openCodec: () => Promise.resolve(createLocalCodec()),
      openLog: async ({ pipeline }) => withoutOneReply(await openEmbeddedLog({ folder: pipeline.dataDir, clock: systemClock, random: systemRandom, logger: silentLogger, readOnly: true })),
    }, ['--import', 'tsx', join(packageRoot(), 'main.ts'), 'start']);
    await command.parseAsync(['--conversations', '4', '--concurrency', '2', ...(json ? ['--json'] : [])], { from: 'user' });
    assert.equal(code, 1, out);
    if (json) {
      const { proven, lost, accepted, answered, findings } = JSON.parse(out) as { proven: boolean; lost: number; accepted: number; answered: number; findings: { kind: string }[] };
      assert.deepEqual([proven, lost, accepted - answered, findings[0]?.kind], [false, 1, 1, 'lost']);
      // Its minute counts one reply more than the log shows; whether that minute was written by then is up to the clock.
      assert.ok(findings.slice(1).every(({ kind }) => kind === 'miscounted') && findings.length <= 2, JSON.stringify(findings));
    } else {
      assert.match(out, / · lost 1 · doubled 0 · reordered 0/);
      assert.match(out, /\n {2}lost +messages\.v1 \d+-\d+ · /);
      assert.match(out, /\nNOT PROVEN after \d+\.\d s\.\n/);
      assert.doesNotMatch(out, /Proven in/);
    }
  }
});
