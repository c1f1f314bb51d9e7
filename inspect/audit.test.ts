import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../platform/clock-manual.js';
import { ConfabError } from '../platform/errors.js';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { audit, isSound, type AuditOptions, type AuditReport } from './audit.js';
import { DEFECTS, type Expected } from './audit/testing/defects.js';
import { History, scriptOf, type HistoryOptions } from './audit/testing/history.js';
import { scriptedLog, type Script } from './audit/testing/scripted-log.js';

const codec = createLocalCodec();
const CLEAN = 1_000;
const ROUNDS = 8;

function historiesOf(seed: number, options: Partial<HistoryOptions> = {}): History[] {
  const random = seededRandom(seed);
  return [0, 1].map((partition) => new History({ random, partition, partitions: 2, ...options }));
}

const endOf = (histories: readonly History[]): number => Math.max(...histories.map(({ now }) => now));

function auditOf(script: Script, now: number, seed: number, options: Partial<AuditOptions> = {}): Promise<AuditReport> {
  const random = seededRandom(seed);
  return audit({ log: scriptedLog(script, random, 1 + Math.floor(random.float() * 200)), codec, clock: new ManualClock(now + 600_000), prefix: '', atOnce: 1 + seed % 3, ...options });
}

const brief = ({ findings }: AuditReport): string[] => findings.map(({ kind, topic, partition, offset, position, detail }) => `${kind} ${topic} ${partition}-${offset} ${position ?? ''}: ${detail}`);
const judged = ({ millis: _millis, ...report }: AuditReport): Omit<AuditReport, 'millis'> => report;

test('nothing is found in sound histories, whatever is in them', async () => {
  for (let seed = 1; seed <= CLEAN; seed += 1) {
    const random = seededRandom(seed);
    const histories = historiesOf(seed, { conversations: 1 + Math.floor(random.float() * 15), steps: Math.floor(random.float() * 120) });
    const report = await auditOf(scriptOf(histories, codec), endOf(histories), seed);
    assert.deepEqual(brief(report), [], `seed ${seed}`);
    const messages = histories.reduce((sum, history) => sum + history.messages.length, 0);
    assert.deepEqual([isSound(report), report.accepted, report.answered, report.pending], [true, messages, messages, 0], `seed ${seed}`);
  }
});

/** It is told, at the right place, and nothing else but what it brings about in the same conversation. */
function assertFound(report: AuditReport, expected: Expected, partition: number, position: string | null, where: string): void {
  const found = report.findings.find(({ kind, topic, ...at }) => kind === expected.kind && topic === expected.topic && at.partition === partition
    && (position === null || at.position === position) && (expected.record === undefined || at.offset === expected.record.offset));
  assert.ok(found, `${where}: not found\n${JSON.stringify(expected)} ${position ?? ''}\n${brief(report).join('\n')}`);
  const allowed = new Set([expected.kind, ...expected.also ?? []]);
  assert.deepEqual(brief({ ...report, findings: report.findings.filter(({ kind }) => !allowed.has(kind)) }), [], where);
  assert.equal(isSound(report), false);
}

for (const [name, plant] of Object.entries(DEFECTS)) {
  test(`found, and nothing else: ${name}`, async () => {
    let planted = 0;
    for (let seed = 1; seed <= ROUNDS; seed += 1) {
      const histories = historiesOf(seed);
      const random = seededRandom(seed);
      const history = histories[seed % 2] as History;
      for (let others = Math.floor(random.float() * 10); others > 0; others -= 1) history.turn(history.pick(history.conversations).key);
      const expected = plant(history);
      if (expected === undefined) continue;
      planted += 1;
      const script = scriptOf(histories, codec);
      const report = await auditOf(script, endOf(histories), seed);
      assertFound(report, expected, history.partition, expected.message === undefined ? null : history.position(expected.message), `seed ${seed}`);
    }
    assert.ok(planted >= ROUNDS / 2, `planted ${planted} times`);
  });
}

/** As many defects at once as there are places for, each in its own part of the history. */
function plantMany(histories: readonly History[], seed: number, count: number): Expected[] {
  const random = seededRandom(seed);
  const names = Object.keys(DEFECTS).filter((name) => !/^a message that stage|count|state (that|made)|reflected twice/.test(name));
  return Array.from({ length: count }, () => DEFECTS[names[Math.floor(random.float() * names.length)] ?? '']?.(histories[Math.floor(random.float() * 2)] as History)).filter((one) => one !== undefined);
}

test('of several defects at once each is found', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const histories = historiesOf(seed);
    const planted = plantMany(histories, seed, 2 + seed % 4);
    const report = await auditOf(scriptOf(histories, codec), endOf(histories), seed);
    for (const { kind, topic, record } of planted) {
      assert.ok(report.findings.some((one) => one.kind === kind && one.topic === topic && (record === undefined || one.offset === record.offset)), `seed ${seed}: ${kind} ${topic} ${record?.offset ?? ''}\n${brief(report).join('\n')}`);
    }
  }
});

test('what is found depends neither on the sizes of batches, nor on how topics come in between, nor on how much is held in memory', async () => {
  const LIMITS = [{}, { conversations: 3 }, { names: { exact: 8, filterNames: 50, filterBits: 4096 } }, { page: 16, pages: 0 }, { counts: 2 }, { conversations: 2, names: { exact: 8, filterNames: 50, filterBits: 4096 }, page: 8, pages: 1, counts: 1 }];
  for (let seed = 1; seed <= 60; seed += 1) {
    const histories = historiesOf(seed, { steps: 150 });
    plantMany(histories, seed, 3);
    const script = scriptOf(histories, codec);
    const reports = [];
    for (let way = 0; way < LIMITS.length; way += 1) reports.push(await auditOf(script, endOf(histories), seed * 100 + way, { limits: LIMITS[way] ?? {} }));
    const [first, ...others] = reports.map((report) => ({ ...judged(report), records: 0, bytes: 0 }));
    for (const [way, other] of others.entries()) assert.deepEqual(other, first, `seed ${seed}, limits ${JSON.stringify(LIMITS[way + 1])}`);
  }
});

test('an audit that begins in the middle finds what it would have found of what comes after', async () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const histories = historiesOf(seed);
    const since = Math.floor((Math.min(...histories.map(({ messages }) => messages[0]?.timestamp ?? 0)) + endOf(histories)) / 2);
    plantMany(histories, seed, 4);
    const script = scriptOf(histories, codec);
    const whole = await auditOf(script, endOf(histories), seed);
    const part = await auditOf(script, endOf(histories), seed + 1, { since });
    const within = new Set(brief(whole));
    assert.deepEqual(brief(part).filter((line) => !within.has(line)), [], `seed ${seed}: nothing that the whole has not`);
    const first = histories.map((history) => history.position(script.topics.get('messages.v1')?.[history.partition]?.records.find(({ timestamp }) => timestamp >= since)?.offset ?? Infinity));
    const later = whole.findings.filter(({ position, partition, detail }) => position !== null && position >= (first[partition] ?? '') && !/offset \d|prev/.test(detail));
    const told = new Set(brief(part));
    assert.deepEqual(brief({ ...whole, findings: later }).filter((line) => !told.has(line)), [], `seed ${seed}: all that needs nothing from before`);
  }
});

test('what retention has removed is not missed, and another life of the topic is not judged', async () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const histories = historiesOf(seed);
    const script = scriptOf(histories, codec);
    const random = seededRandom(seed);
    const cut = ['messages.v1', 'intents.v1', 'replies.v1', 'dead-letters.v1'].filter(() => random.float() < 0.6);
    for (const topic of cut) for (const partition of script.topics.get(topic) ?? []) {
      const first = partition.records[Math.floor(random.float() * partition.records.length)]?.offset ?? 0;
      partition.records.splice(0, partition.records.findIndex(({ offset }) => offset === first));
      partition.start = first;
    }
    const report = await auditOf(script, endOf(histories), seed);
    assert.deepEqual(brief(report), [], `seed ${seed}, without the beginning of ${cut.join()}`);
    const anew = await auditOf({ ...script, id: 'beef'.repeat(8) }, endOf(histories), seed);
    assert.deepEqual(anew.findings.filter(({ topic }) => topic !== 'messages.v1' && topic !== 'analytics.v1').map(({ kind }) => kind), [], `seed ${seed}`);
    assert.ok(anew.unjudged > 0);
  }
});

test('without the right to see the groups what is open is stuck; partitions that were added to one topic move no key', async () => {
  const histories = historiesOf(7);
  histories[0]?.accept(histories[0].conversations[0]?.key ?? '');
  const script = scriptOf(histories, codec);
  const blind = scriptedLog(script, seededRandom(1));
  blind.admin.committed = () => Promise.reject(new ConfabError('CONFAB_LOG_REFUSED'));
  const report = await audit({ log: blind, codec, clock: new ManualClock(endOf(histories) + 600_000), prefix: '' });
  assert.deepEqual([report.stuck, report.lost, report.findings.length], [1, 0, 1]);
  assert.match(report.findings[0]?.detail ?? '', /is not known$/);
  const raised = new Map([...script.topics].map(([topic, partitions]) => [topic, topic === 'messages.v1' ? [...partitions, { start: 0, end: 0, records: [] }] : partitions]));
  assert.deepEqual((await auditOf({ ...script, topics: raised }, endOf(histories), 1)).findings.map(({ kind }) => kind), ['lost']);
});
