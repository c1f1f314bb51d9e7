import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { isCode } from '../../platform/errors.js';
import { MemoryEventLog } from '../../platform/event-log/memory.js';
import { systemRandom } from '../../platform/random.js';
import { MemoryStateStore } from '../../platform/state/memory.js';
import { StateScene, TOPIC } from './testing.js';
import { isWhole } from './view.js';
import { rebuildOf, views } from './views.js';

const scene = (): Promise<StateScene> => StateScene.over(new MemoryEventLog({ clock: systemClock, random: systemRandom }));

test('a view that is empty is made again from the log: newest states, watermark at the end', async () => {
  const it = await scene();
  await it.append(0, it.entry('default/a', 1), it.entry('default/b', 2), it.entry('default/a', 3));
  const rebuild = rebuildOf('state', it.parts());
  const parts = await rebuild.parts();
  assert.deepEqual(parts, [{ topic: TOPIC, partition: 0 }, { topic: TOPIC, partition: 1 }]);
  const before = await rebuild.check({ topic: TOPIC, partition: 0 });
  assert.deepEqual([before.conversations, before.missing, before.watermark, isWhole(before)], [2, 2, 'missing', false]);
  let seen = 0;
  const done = await rebuild.run({ topic: TOPIC, partition: 0 }, { onProgress: (records) => { seen = records; } });
  assert.deepEqual([done.records, done.states, seen], [3, 2, 3]);
  assert.deepEqual(await it.held(0, 'default/a'), { turns: 3, data: 'turn 3' });
  assert.equal(await it.watermark(0), 3);
  const after = await rebuild.check({ topic: TOPIC, partition: 0 });
  assert.deepEqual([after.same, after.watermark, isWhole(after)], [2, 'whole', true]);
});

test('beside a running owner nothing newer is overwritten and the watermark does not go back', async () => {
  const it = await scene();
  await it.append(0, it.entry('default/a', 1), it.entry('default/b', 1));
  await it.store.reset(it.topic, 0, it.epoch);
  // The owner is further than what the rebuild will have read.
  await it.store.write(it.topic, 0, [it.entry('default/a', 9, 'newer')], { epoch: it.epoch, offset: 40 }, 0);
  await rebuildOf('state', it.parts()).run({ topic: TOPIC, partition: 0 });
  assert.deepEqual(await it.held(0, 'default/a'), { turns: 9, data: 'newer' });
  assert.deepEqual(await it.held(0, 'default/b'), { turns: 1, data: 'turn 1' });
  assert.equal(await it.watermark(0), 40);
});

test('what was changed, lost or set back behind everybody\'s back is found by the check and mended by the rebuild', async () => {
  const it = await scene();
  await it.append(0, it.entry('default/changed', 1), it.entry('default/back', 2), it.entry('default/back', 3), it.entry('default/gone', 4), it.entry('default/well', 5));
  await it.store.reset(it.topic, 0, it.epoch);
  await it.store.write(it.topic, 0, [it.entry('default/changed', 1, 'by hand'), it.entry('default/back', 2), it.entry('default/well', 5)], { epoch: it.epoch, offset: 5 }, 0);
  const rebuild = rebuildOf('state', it.parts());
  const found = await rebuild.check({ topic: TOPIC, partition: 0 });
  assert.deepEqual([found.same, found.missing, found.behind, found.different, found.watermark], [1, 1, 1, 1, 'whole']);
  assert.deepEqual([...found.examples].sort(), ['default/back', 'default/changed', 'default/gone']);
  await rebuild.run({ topic: TOPIC, partition: 0 });
  assert.deepEqual(await it.held(0, 'default/changed'), { turns: 1, data: 'turn 1' });
  assert.equal(isWhole(await rebuild.check({ topic: TOPIC, partition: 0 })), true);
});

test('a view of another log is begun anew', async () => {
  const it = await scene();
  await it.append(0, it.entry('default/a', 1));
  await it.store.reset(it.topic, 0, 'ffffffff');
  await it.store.write(it.topic, 0, [it.entry('default/a', 99), it.entry('default/old', 99)], { epoch: 'ffffffff', offset: 700 }, 0);
  const rebuild = rebuildOf('state', it.parts());
  assert.equal((await rebuild.check({ topic: TOPIC, partition: 0 })).watermark, 'of another log');
  await rebuild.run({ topic: TOPIC, partition: 0 });
  assert.deepEqual([await it.held(0, 'default/a'), await it.held(0, 'default/old'), await it.watermark(0)], [{ turns: 1, data: 'turn 1' }, undefined, 1]);
});

test('a view that reflects more than the log has is told', async () => {
  const it = await scene();
  await it.store.reset(it.topic, 0, it.epoch);
  await it.store.write(it.topic, 0, [], { epoch: it.epoch, offset: 40 }, 0);
  const found = await rebuildOf('state', it.parts()).check({ topic: TOPIC, partition: 0 });
  assert.deepEqual([found.watermark, isWhole(found)], ['ahead of the log', false]);
});

for (const [what, lose] of [['flushed', (it: StateScene) => { it.store.flush(); }], ['set back', undefined]] as const) {
  test(`a view that is ${what} while it is made is begun anew, and nothing is missing in the end`, async () => {
    const it = await scene();
    const entries = Array.from({ length: 1_000 }, (_, n) => it.entry(`default/c${n}`, n + 1));
    await it.append(0, ...entries);
    let restore = (): void => undefined;
    it.store.beforeWrite = (count) => {
      if (count === 2) restore = it.store.snapshot();
      if (count === 4) { if (lose === undefined) restore(); else lose(it); }
    };
    const rebuild = rebuildOf('state', it.parts());
    const done = await rebuild.run({ topic: TOPIC, partition: 0 });
    assert.equal(done.records, 1_000);
    assert.equal((await rebuild.check({ topic: TOPIC, partition: 0 })).same, 1_000);
  });
}

test('records that nobody can read are left out', async () => {
  const it = await scene();
  await it.append(0, { key: 'default/a', reflects: '', value: Buffer.from('no record') }, it.entry('default/b', 1));
  const done = await rebuildOf('state', it.parts()).run({ topic: TOPIC, partition: 0 });
  assert.deepEqual([done.records, done.states], [2, 1]);
});

test('a rebuild that is given up stops, and one after it ends the work', async () => {
  const it = await scene();
  await it.append(0, ...Array.from({ length: 500 }, (_, n) => it.entry(`default/c${n}`, n + 1)));
  const controller = new AbortController();
  it.store.beforeWrite = () => { controller.abort(new Error('given up')); };
  const rebuild = rebuildOf('state', it.parts());
  await it.append(0, it.entry('default/last', 501));
  await rebuild.run({ topic: TOPIC, partition: 0 }, { signal: controller.signal }).catch((error: unknown) => { assert.match(String(error), /given up/); });
  it.store.beforeWrite = undefined;
  await rebuild.run({ topic: TOPIC, partition: 0 });
  assert.equal((await rebuild.check({ topic: TOPIC, partition: 0 })).same, 501);
});

test('views that heal by themselves say how, unknown ones are refused, and states in memory have no rebuild', async () => {
  const it = await scene();
  const code = (name: string, parts = it.parts()): string => { try { rebuildOf(name, parts); return ''; } catch (error) { return isCode(error, 'CONFAB_VIEW_UNKNOWN', 'CONFAB_VIEW_HEALS_ITSELF', 'CONFAB_VIEW_NOT_KEPT') ? error.code : String(error); } };
  assert.equal(code('search'), 'CONFAB_VIEW_UNKNOWN');
  assert.equal(code('state', it.parts({ state: new MemoryStateStore() })), 'CONFAB_VIEW_NOT_KEPT');
  assert.equal(code('state', it.parts({ state: undefined })), 'CONFAB_VIEW_NOT_KEPT');
  for (const { name, rebuild, heals } of views) {
    assert.ok(heals.length > 10, name);
    if (rebuild === undefined) assert.equal(code(name), 'CONFAB_VIEW_HEALS_ITSELF');
  }
});
