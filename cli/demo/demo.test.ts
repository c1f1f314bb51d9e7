import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../platform/random.js';
import type { AuditReport } from '../../inspect/audit.js';
import { systemClock } from '../../platform/clock.js';
import { isCode } from '../../platform/errors.js';
import { auditLine, findingLine } from '../audit-text.js';
import { demoDialogues } from './dialogues.js';
import { ServerProcess } from './server-process.js';

const report: AuditReport = { accepted: 4812, answered: 4812, deadLettered: 0, retries: 0, pending: 0, lost: 0, doubled: 0, reordered: 0, stuck: 0, unasked: 0, unreadable: 0, findings: [] };

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
  assert.equal(findingLine({ kind: 'lost', topic: 'messages.v1', partition: 3, offset: 17, key: 'default/c\u001b[2J', position: '0a1b2c3d-000000000017-00', detail: 'stage intent has passed it' }),
    'lost      messages.v1 3-17 · c\\u001b[2J · 0a1b2c3d-000000000017-00 · stage intent has passed it');
});

test('a pipeline that ends instead of starting is an error with what it said', async () => {
  const signal = new AbortController().signal;
  const server = await ServerProcess.create({ folder: '.', clock: systemClock, env: {}, signal, command: ['-e', 'process.stderr.write("no room on the disk\\n"); process.exitCode = 3'] });
  await assert.rejects(server.start(), (error) => isCode(error, 'CONFAB_SERVER_UNREACHABLE') && error.detail === 'The pipeline did not start: no room on the disk');
  await server.stop();
});
