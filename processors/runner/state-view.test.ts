import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ManualClock, settle } from '../../platform/clock-manual.js';
import { ConfabError } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { MemoryEventLog } from '../../platform/event-log/memory.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { seededRandom } from '../../platform/random.js';
import { MemoryStateStore } from '../../platform/state/memory.js';
import type { StateRead, StateStore } from '../../platform/state/state-store.js';
import { StateView } from './state-view.js';

const TOPIC = 'states';

/** A store whose next calls can be held back. */
class HeldStore extends MemoryStateStore {
  afterRead: (() => Promise<void>) | undefined;
  refuseWrites = false;

  override async read(...args: Parameters<StateStore['read']>): Promise<StateRead> {
    const found = await super.read(...args);
    const wait = this.afterRead;
    this.afterRead = undefined;
    await wait?.();
    return found;
  }

  override write(...args: Parameters<StateStore['write']>): Promise<boolean> {
    return this.refuseWrites ? Promise.reject(new ConfabError('CONFAB_STATE_UNAVAILABLE')) : super.write(...args);
  }
}

/** States are text: `<reflects>:<value>`. */
async function setUp(t: TestContext, options: { cacheSize?: number; maxBacklogBytes?: number } = {}): Promise<{ view: StateView<string>; store: HeldStore; log: EventLog; clock: ManualClock; commit: (key: string, reflects: string) => Promise<void> }> {
  const clock = new ManualClock();
  const log = new MemoryEventLog({ clock, random: seededRandom(1) });
  await log.admin.createTopic({ name: TOPIC, partitions: 1, config: {} });
  const store = new HeldStore();
  const view = new StateView<string>({
    log, store, clock, logger: silentLogger, topic: TOPIC, ...options,
    codec: { decode: (bytes) => bytes.toString(), reflects: (value) => value.slice(0, value.indexOf(':')) },
  });
  await view.gain(0);
  const appender = await log.appender();
  t.after(() => appender.close());
  const commit = async (key: string, reflects: string): Promise<void> => {
    const value = Buffer.from(`${reflects}:${key}`);
    view.set(0, key, { value: value.toString(), reflects }, value.length);
    const [offset = 0] = await appender.append([{ topic: TOPIC, partition: 0, key, value, timestamp: 1 }]);
    view.unpin(key);
    view.committed(0, [{ key, value, reflects }], offset + 1);
  };
  return { view, store, log, clock, commit };
}

test('a read that the store answered before a write, and that ends after it, gives the newest state', async (t) => {
  const { view, store, clock, commit } = await setUp(t, { cacheSize: 0 });
  await commit('a', '1');
  await settle();
  await view.ensure(0, ['a']);
  store.refuseWrites = true;
  await commit('a', '2');
  view.trim();
  assert.equal(view.has('a'), false);
  // While the answer is on its way the write goes through, and what waited for it is gone from the backlog.
  store.afterRead = async () => {
    store.refuseWrites = false;
    while (view.backlog > 0) await clock.advance(2000);
  };
  await view.ensure(0, ['a']);
  assert.equal(view.get('a')?.reflects, '2');
});

test('two reads of one state at once: the later answer does not undo what was made of the earlier', async (t) => {
  const { view, store } = await setUp(t);
  let answer = (): void => undefined;
  store.afterRead = () => new Promise((resolve) => { answer = resolve; });
  const slow = view.ensure(0, ['a']);
  await view.ensure(0, ['a']);
  view.set(0, 'a', { value: '1:a', reflects: '1' }, 3);
  answer();
  await slow;
  assert.equal(view.get('a')?.reflects, '1');
});

test('closing does not wait for a store that cannot be reached', async (t) => {
  const { view, store, clock, commit } = await setUp(t);
  store.refuseWrites = true;
  await commit('a', '1');
  await settle();
  let closed = false;
  const closing = view.close().then(() => { closed = true; });
  for (let i = 0; i < 20 && !closed; i += 1) await clock.advance(200);
  assert.equal(closed, true);
  await closing;
});

test('healing reads up to what is committed though not visible yet', async (t) => {
  const { view, store, log, commit } = await setUp(t, { cacheSize: 0 });
  await commit('a', '1');
  await commit('b', '1');
  await settle();
  view.trim();
  // As on Kafka while markers are being written: a plain read ends before the last record.
  let visible = false;
  const read = log.read.bind(log);
  const settledEnd = log.settledEnd.bind(log);
  log.read = (topic, partition, from, to) => read(topic, partition, from, visible ? to : 1);
  log.settledEnd = async (topic, partition) => { visible = true; return settledEnd(topic, partition); };
  await store.reset(TOPIC, 0, 'ffffffff');
  await view.ensure(0, ['b']);
  assert.equal(view.get('b')?.reflects, '1');
});
