/** The failure policy, line by line (docs/system-design.md): what is tried again, what is buried, and that nothing is skipped. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { ConfabError } from '../../platform/errors.js';
import { groupName } from '../../topology/topology.js';
import type { Stage } from '../stage.js';
import { pauseBefore } from './failure.js';
import { counting, Fixture, gate, intentStage, neighbours, withCommit, withMembers } from './testing.js';

const NEVER = new Promise<never>(() => undefined);

test('pauses grow from 0.1 s to 5 s, and no attempt is begun that could not end within the budget', () => {
  const error = new ConfabError('CONFAB_OVERLOADED');
  const pauses: number[] = [];
  let spent = 0;
  for (let attempts = 1; ; attempts += 1) {
    const pause = pauseBefore(error, { attempts, spent, budget: 30_000 });
    if (pause === undefined) break;
    pauses.push(pause);
    spent += pause;
  }
  assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000]);
  assert.equal(pauseBefore(new ConfabError('CONFAB_STAGE_FAILED'), { attempts: 1, spent: 0, budget: 30_000 }), undefined, 'what no retry mends is not tried again');
});

test('while one conversation is tried again its later messages wait and others of its partition go on, at each of its attempts', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const [bad, good] = neighbours('c0', 2) as [string, string];
  await f.run('intent', intentStage((input, result) => { if (input.key === bad && input.value.text === 'fails') throw new ConfabError('CONFAB_OVERLOADED'); return result(); }), { budget: 20_000 });
  await f.send('messages.v1', bad, ['fails', 'behind']);
  for (let round = 0; round < 5; round += 1) {
    await f.send('messages.v1', good, [`${round}`]);
    await f.until('the other goes on', async () => (await f.all('intents.v1')).length === round + 1);
    assert.equal((await f.texts('intents.v1'))[bad.replace('default/', '')], undefined, 'the later message waits');
    await clock.advance(400);
  }
  await clock.advance(20_000);
  await f.until('it goes on behind its dead letter', async () => (await f.texts('intents.v1'))[bad.replace('default/', '')]?.join() === 'behind');
  assert.equal((await f.all('dead-letters.v1')).length, 1);
});

test('a dead letter stands in the transaction of the offset that passes it: without the one there is not the other', async (t) => {
  const f = await new Fixture(t, new ManualClock()).start();
  const groups: { letters: number; offset: number }[] = [];
  const log = withCommit(f.log, (commit, instance, group) => {
    groups.push({ letters: group.records.filter(({ topic }) => topic === 'dead-letters.v1').length, offset: Math.max(...group.offsets.map(({ offset }) => offset)) });
    return commit(instance, group);
  });
  await f.run('intent', intentStage((input, result) => { if (input.value.text === 'poison') throw new Error('poison'); return result(); }), { log });
  await f.send('messages.v1', 'c1', ['poison']);
  await f.until('it is buried', () => groups.some(({ letters }) => letters > 0));
  assert.deepEqual(groups.filter(({ offset }) => offset > 0).map(({ letters }) => letters)[0], 1, 'the first commit beyond it has its letter');
});

test('a process that is killed between a side effect and its commit: the successor asks again with the same position, and one answer is published', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const asked: string[] = [];
  const effect: Stage<'dialogue'> = { ...counting, process: async (input, state, context) => {
    asked.push(input.value.position);
    await clock.sleep(10);
    return counting.process(input, state, context);
  } };
  let killed = false;
  const first = f.make('dialogue', effect, { log: withCommit(f.log, (commit, instance, group) => (killed && group.records.length > 0 ? NEVER : commit(instance, group))) });
  await first.start();
  await f.until('it runs', () => first.ready);
  killed = true;
  await f.send('intents.v1', 'c1', ['a']);
  await clock.advance(100);
  assert.equal(asked.length, 1, 'the effect was had, its commit never came');
  await f.run('dialogue', effect).catch(() => undefined);
  const closing = first.close();
  await clock.advance(5000);
  await closing;
  await f.until('answered', async () => (await f.all('replies.v1')).length === 1);
  assert.ok(asked.length >= 2);
  assert.equal(new Set(asked).size, 1, 'the key of the effect, position and step, is the same');
  assert.deepEqual(await f.texts('replies.v1'), { c1: ['a#1'] });
});

test('calls of a partition that leaves are told so by their signal; those of one that stays go on', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const signals = new Map<string, AbortSignal>();
  let asked = 0;
  const answer = gate();
  const base = intentStage((_input, result) => result());
  const stage: Stage<'intent'> = { ...base, process: async (input, state, context) => {
    asked += 1;
    if (!signals.has(input.key)) signals.set(input.key, context.signal);
    await answer.promise;
    return base.process(input, state, context);
  } };
  await f.run('intent', stage);
  const names = Array.from({ length: 16 }, (_, i) => `c${i}`);
  for (const name of names) await f.send('messages.v1', name, ['1']);
  await f.until('all are asked', () => asked === 16);
  await f.run('intent', stage);
  const left = (): number => [...signals.values()].filter(({ aborted }) => aborted).length;
  await f.until('what has left, and only that, is asked again by its new owner', () => asked > 16 && asked === 16 + left());
  assert.ok(left() < 16, `${left()} of 16 have left`);
  answer.open();
  await f.until('all are answered', async () => (await f.all('intents.v1')).length === 16);
  assert.deepEqual(await f.texts('intents.v1'), Object.fromEntries(names.map((name) => [name, ['1']])));
});

test('a committed offset that retention has passed stops the stage with its code: nothing is skipped silently', async (t) => {
  const f = await new Fixture(t, new ManualClock()).start();
  await f.send('messages.v1', 'c1', ['1', '2', '3']);
  const codes: string[] = [];
  const log = withMembers(f.log, {
    assignment: (assignment) => ({ bounds: async () => (await assignment.bounds()).map((each) => ({ ...each, start: each.end })) }),
    listener: (listener) => ({ failed: (error, fatal) => { codes.push(error.code); listener.failed(error, fatal); } }),
  });
  for (const { partition } of await f.log.admin.bounds('messages.v1')) await f.log.admin.setCommitted(groupName('', 'intent'), [{ topic: 'messages.v1', partition, offset: 0, metadata: '' }]);
  const runner = f.make('intent', intentStage((_input, result) => result()), { log });
  await runner.start();
  await f.until('it is told', () => codes.length > 0);
  assert.deepEqual([...new Set(codes)], ['CONFAB_OFFSET_OUT_OF_RANGE']);
  assert.equal(runner.ready, false);
  assert.equal((await f.all('intents.v1')).length, 0);
});

test('finished work is committed before its partition is given up: drained first, fenced then', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const answer = gate();
  let asked = 0;
  const names = Array.from({ length: 12 }, (_, i) => `c${i}`);
  let hold = false;
  const held = gate();
  // The commit before the last is slow, so that work is finished and not committed when the other member comes.
  const log = withCommit(f.log, async (commit, instance, group) => { if (hold) { hold = false; await held.promise; } return commit(instance, group); });
  const stage = intentStage(async (input, result) => { asked += 1; if (input.value.text === 'late') await answer.promise; return result(); });
  await f.run('intent', stage, { log });
  hold = true;
  await f.send('messages.v1', 'c0', ['first']);
  for (const name of names) await f.send('messages.v1', name, ['late']);
  await f.until('all are asked', () => asked === 13);
  answer.open();
  const joining = f.run('intent', stage);
  held.open();
  await joining;
  await f.until('all are answered', async () => (await f.all('intents.v1')).length === 13);
  assert.equal(asked, 13, 'nothing was done again');
});

test('bursts of work with members that come are answered once each, and a member that comes does not begin anew', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  let asked = 0;
  const stage = intentStage(async (_input, result) => { asked += 1; await clock.sleep(5); return result(); });
  await f.run('intent', stage);
  const names = Array.from({ length: 200 }, (_, i) => `c${i}`);
  for (let burst = 0; burst < 4; burst += 1) {
    for (const name of names) await f.send('messages.v1', name, [`${burst}`]);
    const joining = f.run('intent', stage);
    for (let i = 0; i < 20; i += 1) await clock.advance(50);
    await joining;
  }
  for (let i = 0; i < 200 && (await f.all('intents.v1')).length < 800; i += 1) await clock.advance(100);
  assert.deepEqual(await f.texts('intents.v1'), Object.fromEntries(names.map((name) => [name, ['0', '1', '2', '3']])));
  assert.ok(asked < 800 * 1.5, `${asked} calls for 800 messages`);
});

test('a fast log and a slow stage: inputs in memory stay within their records and bytes, and all are done in the end', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const inMemory = async (): Promise<number> => await f.counted('confab_stage_records_read_total') - await f.counted('confab_stage_records_postponed_total') - await f.counted('confab_stage_inputs_committed_total');
  let most = 0;
  const text = 'x'.repeat(2000);
  const names = Array.from({ length: 400 }, (_, i) => `c${i}`);
  for (const name of names) await f.send('messages.v1', name, Array.from({ length: 10 }, () => text));
  await f.run('intent', intentStage((_input, result) => clock.sleep(100).then(result)), { maxBytes: 1_000_000 });
  for (let i = 0; i < 400 && await f.counted('confab_stage_inputs_committed_total') < 4000; i += 1) { most = Math.max(most, await inMemory()); await clock.advance(50); }
  assert.equal((await f.all('intents.v1')).length, 4000);
  // 1 MB holds about 480 of them; each partition may have one batch of 500 beyond it.
  assert.ok(most > 0 && most <= 480 + 4 * 500, `${most} at once`);
});
