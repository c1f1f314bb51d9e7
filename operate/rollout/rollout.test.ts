import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCode } from '../../platform/errors.js';
import type { BotVersion } from '../../schemas/types.js';
import { overviewOf } from './overview.js';
import { deploySteps, promoteSteps, rollbackSteps, type Step } from './rollout-steps.js';
import { RolloutTable, versionKey } from './rollout-table.js';
import { checkSetting, SettingsTable } from './settings-table.js';

const author = { now: 1000, by: 'me' };
const id = (n: number): string => String(n).padStart(16, '0');

/** A log of bots.v1 that can be read whole or compacted. */
class Bots {
  readonly records: { key: string; value: BotVersion; offset: number }[] = [];
  do(step: Step): string {
    for (const value of step.records) this.records.push({ key: versionKey(value.botId, value.version), value, offset: this.records.length });
    return step.said;
  }
  table(compacted = false): RolloutTable {
    const table = new RolloutTable();
    const newest = new Map(this.records.map(({ key, offset }) => [key, offset]));
    for (const { key, value, offset } of this.records) if (!compacted || newest.get(key) === offset) table.apply(key, value, offset);
    return table;
  }
  deploy(n: number, share?: number): string { return this.do(deploySteps(this.table(), { botId: 'b', version: id(n), files: Buffer.from([n]), share }, author)); }
  promote(): string { return this.do(promoteSteps(this.table(), 'b', author)); }
  rollback(to?: string): string { return this.do(rollbackSteps(this.table(), 'b', to, author)); }
  /** `current|canary:share|earlier,…`, the same from a compacted log. */
  live(): string {
    const [whole, compacted] = [this.table(), this.table(true)].map((table) => {
      const plan = table.plan('b');
      return plan === undefined ? '-' : `${Number(plan.current?.version ?? -1)}|${plan.canary === undefined ? '' : `${Number(plan.canary.version)}:${plan.canary.share}`}|${plan.earlier.map(({ version }) => Number(version)).join(',')}`;
    });
    assert.equal(whole, compacted, 'compaction changes nothing');
    return whole ?? '';
  }
}

test('a deployment is live at once, and the one before is what a roll-back goes back to', () => {
  const bots = new Bots();
  assert.equal(bots.live(), '-');
  bots.deploy(1);
  bots.deploy(2);
  assert.equal(bots.live(), '2||1');
  assert.match(bots.deploy(2), /already: nothing was written/);
  bots.rollback();
  assert.equal(bots.live(), '1||', 'the version that was left is retired');
  bots.rollback();
  assert.equal(bots.live(), '-', 'before the first one there are the files');
  assert.throws(() => bots.rollback(), (error) => isCode(error, 'CONFAB_ROLLOUT_REFUSED'));
  bots.deploy(2);
  assert.equal(bots.live(), '2||', 'a retired version can be deployed again');
});

test('a canary grows, is promoted or taken back, and ends with any deployment', () => {
  const bots = new Bots();
  bots.deploy(1);
  bots.deploy(2, 0.1);
  assert.equal(bots.live(), '1|2:0.1|');
  bots.deploy(2, 0.5);
  assert.match(bots.deploy(2, 0.5), /already/);
  assert.equal(bots.live(), '1|2:0.5|');
  bots.promote();
  assert.equal(bots.live(), '2||1');
  assert.throws(() => bots.promote(), (error) => isCode(error, 'CONFAB_ROLLOUT_REFUSED'));
  assert.throws(() => bots.deploy(2, 0.1), (error) => isCode(error, 'CONFAB_ROLLOUT_REFUSED'), 'the current version is not tried beside itself');
  bots.deploy(3, 0.2);
  bots.rollback();
  assert.equal(bots.live(), '2||1');
  bots.deploy(3, 0.2);
  bots.deploy(4, 0.3);
  assert.equal(bots.live(), '2|4:0.3|1', 'one canary at a time');
  bots.deploy(5);
  assert.equal(bots.live(), '5||2,1');
});

test('a canary of a bot that was never deployed stands beside its files', () => {
  const bots = new Bots();
  bots.deploy(1, 0.1);
  assert.equal(bots.live(), '-1|1:0.1|');
  bots.promote();
  assert.equal(bots.live(), '1||');
});

test('a canary that another operator overtook does not come back with the files', () => {
  const bots = new Bots();
  const both = bots.table();
  bots.do(deploySteps(both, { botId: 'b', version: id(1), files: Buffer.from([1]), share: 0.5 }, author));
  bots.do(deploySteps(both, { botId: 'b', version: id(2), files: Buffer.from([2]), share: undefined }, author));
  assert.equal(bots.live(), '2||', 'the later step counts');
  bots.rollback('files');
  assert.equal(bots.live(), '-');
});

test('only so many versions are kept, and a roll-back may name one of them', () => {
  const bots = new Bots();
  for (let n = 1; n <= 8; n++) bots.deploy(n);
  assert.equal(bots.live(), '8||7,6,5,4');
  assert.ok(bots.records.filter(({ value }) => value.status === 'retired').every(({ value }) => value.files === null), 'the retired give their room back');
  assert.throws(() => bots.rollback(id(2)), (error) => isCode(error, 'CONFAB_ROLLOUT_REFUSED'));
  bots.rollback(id(5));
  assert.equal(bots.live(), '5||4');
  bots.rollback('files');
  assert.equal(bots.live(), '-');
  const bytes = overviewOf(bots.table()).bots;
  assert.deepEqual(bytes, [], 'nothing of it is deployed');
});

test('records that are not of this form change nothing', () => {
  const table = new RolloutTable();
  const value: BotVersion = { botId: 'b', version: id(1), status: 'live', share: 1, files: Buffer.from('x'), deployedAt: null, deployedBy: null };
  for (const [key, record] of [[null, value], ['b', value], [`c@${id(1)}`, value], [`b@${id(2)}`, value], [`b@${id(1)}`, { ...value, status: 'hot' }]] as const) assert.equal(table.apply(key, record, 0), undefined);
  assert.equal(table.plan('b'), undefined);
  table.apply(`b@${id(1)}`, { ...value, status: 'canary', share: 7 }, 1);
  assert.equal(table.plan('b')?.canary?.share, 1, 'a share is at most all');
  table.apply(`b@${id(1)}`, null, 2);
  assert.equal(table.plan('b'), undefined);
});

test('settings have a declared form and type; what does not fit counts as not set', () => {
  assert.equal(checkSetting('flags.a_1', 15), 15);
  assert.throws(() => checkSetting('flags.A', true), (error) => isCode(error, 'CONFAB_SETTING_UNKNOWN'));
  assert.throws(() => checkSetting('port', 1), (error) => isCode(error, 'CONFAB_SETTING_UNKNOWN'));
  for (const wrong of [null, {}, [], Infinity, 'x'.repeat(201)]) assert.throws(() => checkSetting('flags.a', wrong), (error) => isCode(error, 'CONFAB_SETTING_INVALID'));
  const table = new SettingsTable();
  const set = (key: string, value: string): boolean => table.apply(key, { value, changedBy: 'me', changedAt: 1 });
  assert.deepEqual([set('flags.a', 'true'), set('flags.a', 'true'), set('flags.b', '{'), set('other', '1'), set('flags.c', '"x"')], [true, false, false, false, true]);
  assert.deepEqual([...table.flags()], [['a', true], ['c', 'x']]);
  assert.equal(table.apply('flags.a', null), true);
  assert.deepEqual([...table.flags().keys()], ['c']);
});
