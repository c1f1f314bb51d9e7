/** What a view does while its store, or a part of it, does not answer or cannot be believed. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ManualClock, settle } from '../../platform/clock-manual.js';
import { ConfabError } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { MemoryEventLog } from '../../platform/event-log/memory.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { epochOf } from '../../platform/position.js';
import { seededRandom } from '../../platform/random.js';
import { MemoryStateStore } from '../../platform/state/memory.js';
import type { StateRead, StateStore } from '../../platform/state/state-store.js';
import { StateView, type StateViewOptions } from './state-view.js';

const TOPIC = 'states';
const away = (): Promise<never> => Promise.reject(new ConfabError('CONFAB_STATE_UNAVAILABLE'));

class FaultyStore extends MemoryStateStore {
  readonly away = new Set<number>();
  takesWrites = true;
  reads = 0;

  override read(view: string, partition: number, keys: readonly string[]): Promise<StateRead> {
    this.reads += 1;
    return this.away.has(partition) ? away() : super.read(view, partition, keys);
  }

  override write(...args: Parameters<StateStore['write']>): Promise<boolean> {
    return this.takesWrites && !this.away.has(args[1]) ? super.write(...args) : away();
  }
}

interface Scene { readonly view: StateView<string>; readonly store: FaultyStore; readonly log: EventLog; readonly clock: ManualClock; heals: number; readonly commit: (partition: number, key: string, reflects: string, size?: number) => Promise<void> }

/** Two partitions; nothing stays in memory longer than it must. States are text: `<reflects>:<key>`. */
async function scene(t: TestContext, options: Partial<StateViewOptions<string>> = {}): Promise<Scene> {
  const clock = new ManualClock();
  const log = new MemoryEventLog({ clock, random: seededRandom(1) });
  await log.admin.createTopic({ name: TOPIC, partitions: 2, config: {} });
  const store = new FaultyStore();
  const codec = {
    decode: (bytes: Buffer) => { if (!bytes.includes(':')) throw new ConfabError('CONFAB_RECORD_INVALID'); return bytes.toString(); },
    reflects: (value: string) => value.slice(0, value.indexOf(':')),
  };
  const made: { heals: number } = { heals: 0 };
  const view = new StateView<string>({ log, store, clock, logger: silentLogger, topic: TOPIC, codec, cacheSize: 0, onHeal: () => { made.heals += 1; }, ...options });
  await view.gain(0);
  await view.gain(1);
  const appender = await log.appender();
  t.after(() => appender.close());
  const commit = async (partition: number, key: string, reflects: string, size = 0): Promise<void> => {
    const value = Buffer.from(`${reflects}:${key}${'x'.repeat(size)}`);
    view.set(partition, key, { value: value.toString(), reflects }, value.length);
    const [offset = 0] = await appender.append([{ topic: TOPIC, partition, key, value, timestamp: 1 }]);
    view.unpin(key);
    view.committed(partition, [{ key, value, reflects }], offset + 1);
    await settle();
    view.trim();
  };
  return Object.assign(made, { view, store, log, clock, commit });
}

test('while a part of the store is away only its conversations wait, without asking for each, and then they all go on', async (t) => {
  const { view, store, clock, commit } = await scene(t);
  await commit(0, 'a', '1');
  await commit(0, 'b', '1');
  await commit(1, 'c', '1');
  store.away.add(0);
  await view.ensure(0, ['a']);
  assert.equal(view.has('a'), false);
  const before = store.reads;
  const there: string[] = [];
  for (const key of ['a', 'b', 'new']) void view.loaded(0, key).then(() => { there.push(key); });
  await view.ensure(1, ['c']);
  assert.equal(view.get('c')?.reflects, '1');
  await settle();
  assert.deepEqual([there, store.reads - before], [[], 1], 'nobody asks the part that is away but one look at a time');
  await clock.advance(3000);
  assert.deepEqual(there, []);
  store.away.delete(0);
  for (let i = 0; i < 5; i += 1) await clock.advance(2000);
  assert.deepEqual(there.sort(), ['a', 'b', 'new']);
  assert.deepEqual([view.get('a')?.reflects, view.get('b')?.reflects, view.get('new')?.reflects], ['1', '1', '']);
});

test('a store that is away when a partition is taken over: its conversations wait, what was committed before is read when it is back', async (t) => {
  const { view, store, clock, commit } = await scene(t);
  await commit(0, 'a', '1');
  view.lose(0);
  store.away.add(0);
  await view.gain(0);
  await view.ensure(0, ['a']);
  assert.equal(view.has('a'), false);
  let there = false;
  void view.loaded(0, 'a').then(() => { there = true; });
  await clock.advance(3000);
  assert.equal(there, false);
  // It comes back with nothing: what it says must not be believed before it was healed.
  store.flush();
  store.away.delete(0);
  for (let i = 0; i < 5; i += 1) await clock.advance(2000);
  assert.deepEqual([there, view.get('a')?.reflects], [true, '1']);
  await commit(0, 'a', '2');
  assert.equal((await store.read(TOPIC, 0, ['a'])).entries[0]?.reflects, '2');
});

test('who waits for a partition that leaves is not kept', async (t) => {
  const { view, store } = await scene(t);
  store.away.add(0);
  await view.ensure(0, ['a']);
  let left = false;
  void view.loaded(0, 'a').then(() => { left = true; });
  await settle();
  assert.equal(left, false);
  view.lose(0);
  await settle();
  assert.equal(left, true);
});

test('a store that takes no writes fills no memory: what waits is let go at the bound, and read back from the log', async (t) => {
  const made = await scene(t, { maxBacklogBytes: 10_000 });
  const { view, store, clock, commit } = made;
  await commit(0, 'old', '1');
  store.takesWrites = false;
  for (let n = 0; n < 20; n += 1) await commit(0, `k${n}`, '2', 1_000);
  await commit(0, 'old', '3');
  assert.ok(view.backlog < 12, `${view.backlog} entries wait`);
  // The store answers reads all the while, with the state of before: it must not be believed.
  await view.ensure(0, ['old', 'k1']);
  assert.deepEqual([view.has('old'), view.has('k1')], [false, false]);
  store.takesWrites = true;
  let there = false;
  void view.loaded(0, 'old').then(() => { there = true; });
  for (let i = 0; i < 5; i += 1) await clock.advance(2000);
  assert.equal(there, true);
  assert.equal(view.get('old')?.reflects, '3');
  await view.ensure(0, ['k1']);
  assert.equal(view.get('k1')?.reflects, '2');
  assert.equal(view.backlog, 0);
});

test('bytes in the store that are no state are written again from the log', async (t) => {
  const made = await scene(t);
  const { view, store, log, commit } = made;
  await commit(0, 'a', '1');
  await commit(0, 'b', '1');
  const epoch = epochOf((await log.topic(TOPIC)).id);
  await store.write(TOPIC, 0, [{ key: 'a', reflects: '1', value: Buffer.from('garbage') }], { epoch, offset: 0 }, 0);
  await view.ensure(0, ['a', 'b']);
  assert.deepEqual([view.get('a')?.value, view.get('b')?.value, made.heals], ['1:a', '1:b', 1]);
});

test('a state whose schema was not met yet is looked up, in the store as in the log', async (t) => {
  let known = false;
  const decode = (bytes: Buffer): string => { if (!known) throw new ConfabError('CONFAB_SCHEMA_UNKNOWN'); return bytes.toString(); };
  const { view, store, commit } = await scene(t, { codec: { decode, reflects: (value) => value.slice(0, value.indexOf(':')), learn: async () => { known = true; } } });
  await commit(0, 'a', '1');
  await view.ensure(0, ['a']);
  assert.equal(view.get('a')?.value, '1:a');
  known = false;
  store.flush();
  view.lose(0);
  await view.gain(0);
  await view.ensure(0, ['a']);
  assert.equal(view.get('a')?.value, '1:a');
});

test('a zombie writes late: what its successor wrote stays, and the watermark does not go back', async (t) => {
  const { view, store, log, commit } = await scene(t);
  await commit(0, 'a', '5');
  const epoch = epochOf((await log.topic(TOPIC)).id);
  const { watermark } = await store.read(TOPIC, 0, []);
  assert.equal(await store.write(TOPIC, 0, [{ key: 'a', reflects: '2', value: Buffer.from('2:zombie') }], { epoch, offset: 1 }, 0), true);
  await view.ensure(0, ['a']);
  assert.deepEqual([view.get('a')?.value, (await store.read(TOPIC, 0, [])).watermark], ['5:a', watermark]);
});
