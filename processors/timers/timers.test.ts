import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { ConfabError, isCode } from '../../platform/errors.js';
import type { NewRecord } from '../../platform/event-log/event-log.js';
import { partitionOf } from '../../platform/partitioner.js';
import type { Message, Timer } from '../../schemas/types.js';
import { codec, Fixture, PARTITIONS, withCommit } from '../runner/testing.js';
import { createTimersStage } from './index.js';

const SECOND = 1000;

class Scene extends Fixture {
  readonly time: ManualClock;

  constructor(t: TestContext, time = new ManualClock()) {
    super(t, time);
    this.time = time;
  }

  timer(change: Partial<Timer> = {}): Timer {
    return { timerId: 'call@1', botId: 'b', dueAt: this.time.now() + SECOND, setBy: '1', payload: '{"timer":"call"}', channel: 'web', accountId: 'a', userId: 'u', locale: 'en', ...change };
  }

  /** Sets, or cancels where there is no timer, as the dialogue does. */
  async put(conversation: string, id: string, timer: Timer | null): Promise<void> {
    const key = `default/${conversation}`;
    const record: NewRecord = { topic: 'timers.v1', partition: partitionOf(key, PARTITIONS), key: `${key}\0${id}`, value: timer === null ? null : codec.of('Timer').encode(timer), timestamp: this.time.now() };
    const appender = await this.log.appender();
    await appender.append([record]);
    await appender.close();
  }

  async fired(): Promise<{ key: string; message: Message; timestamp: number; partition: number }[]> {
    return (await this.all('messages.v1')).map(({ key, value, timestamp, partition }) => ({ key: key as string, message: codec.of('Message').decode(value!), timestamp, partition }));
  }

  async tombstones(): Promise<string[]> {
    return (await this.all('timers.v1')).filter(({ value }) => value === null).map(({ key }) => key as string);
  }
}

const scene = (t: TestContext): Promise<Scene> => new Scene(t).start();

test('a timer comes when it is due, once, as a message of its conversation, and leaves a tombstone', async (t) => {
  const f = await scene(t);
  await f.run('timers', createTimersStage());
  const timer = f.timer();
  await f.put('c', 'call@1', timer);
  await f.time.advance(SECOND - 1);
  assert.deepEqual(await f.fired(), []);
  await f.time.advance(1);
  await f.until('the timer has come', async () => (await f.tombstones()).length === 1);
  await f.time.advance(120 * SECOND);
  const [only, ...more] = await f.fired();
  assert.equal(more.length, 0);
  assert.equal(only?.key, 'default/c');
  assert.equal(only.partition, partitionOf('default/c', PARTITIONS));
  assert.equal(only.timestamp, timer.dueAt);
  const { messageId, ...rest } = only.message;
  assert.match(messageId, /^[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.deepEqual({ ...rest, author: { ...rest.author }, attributes: { ...rest.attributes } }, {
    kind: 'timer', botId: 'b', channel: 'web', accountId: 'a', userId: 'u', author: { type: 'system', name: null }, text: null, payload: '{"timer":"call"}', replyId: null, locale: 'en',
    attributes: { timerId: 'call@1', dueAt: new Date(timer.dueAt).toISOString(), setBy: '1' }, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
  });
  assert.deepEqual(await f.tombstones(), ['default/c\0call@1']);
  assert.equal(await f.counted('confab_stage_dead_letters_total'), 0);
});

test('a timer that is cancelled does not come', async (t) => {
  const f = await scene(t);
  await f.run('timers', createTimersStage());
  await f.put('c', 'call@1', f.timer());
  await f.put('c', 'stay@1', f.timer({ timerId: 'stay@1' }));
  await f.put('c', 'call@1', null);
  await f.time.advance(10 * SECOND);
  await f.until('the other has come', async () => (await f.fired()).length === 1);
  assert.deepEqual((await f.fired()).map(({ message }) => message.attributes.timerId), ['stay@1']);
});

test('what became due while nobody looked comes at once, the earliest first, with the time at which it comes', async (t) => {
  const f = await scene(t);
  const due = [5, 1, 4, 2, 3].map((at) => ({ id: `t${at}@1`, dueAt: f.time.now() + at * SECOND }));
  for (const { id, dueAt } of due) await f.put('c', id, f.timer({ timerId: id, dueAt }));
  await f.time.advance(3600 * SECOND);
  await f.run('timers', createTimersStage());
  await f.until('all have come', async () => (await f.fired()).length === 5);
  const fired = await f.fired();
  assert.deepEqual(fired.map(({ message }) => message.attributes.timerId), ['t1@1', 't2@1', 't3@1', 't4@1', 't5@1']);
  // messages.v1 refuses what is older than ten seconds.
  for (const { timestamp } of fired) assert.ok(f.time.now() - timestamp < SECOND);
});

test('more timers than one commit holds are all due at once, and all come', async (t) => {
  const f = await scene(t);
  const dueAt = f.time.now() + SECOND;
  const appender = await f.log.appender();
  const partition = partitionOf('default/c', PARTITIONS);
  await appender.append(Array.from({ length: 5000 }, (_, i) => ({
    topic: 'timers.v1', partition, key: `default/c\0t${i}@1`, value: codec.of('Timer').encode(f.timer({ timerId: `t${i}@1`, dueAt })), timestamp: f.time.now(),
  })));
  await appender.close();
  await f.run('timers', createTimersStage());
  await f.time.advance(SECOND);
  await f.until('all have come', async () => (await f.fired()).length === 5000);
  assert.equal(new Set((await f.fired()).map(({ message }) => message.messageId)).size, 5000);
});

test('a commit whose outcome is not known brings no timer twice and loses none', async (t) => {
  for (const written of [true, false]) {
    const f = await scene(t);
    let failures = 0;
    const log = withCommit(f.log, async (commit, instance, group) => {
      if (!group.records.some(({ topic }) => topic === 'messages.v1') || failures > 0) return commit(instance, group);
      failures += 1;
      if (written) await commit(instance, group);
      throw new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN');
    });
    const runner = await f.run('timers', createTimersStage(), { log });
    await f.put('c', 'call@1', f.timer());
    await f.put('d', 'call@1', f.timer());
    for (let i = 0; i < 20; i += 1) await f.time.advance(SECOND);
    await f.until('it has come', async () => (await f.tombstones()).length >= 2 && runner.ready);
    for (let i = 0; i < 20; i += 1) await f.time.advance(SECOND);
    assert.equal(failures, 1);
    const ids = (await f.fired()).map(({ message }) => message.messageId);
    assert.equal(ids.length, 2, `written: ${String(written)}`);
    assert.equal(new Set(ids).size, 2);
  }
});

test('a timer comes once though its owner changes before, while and after it is due', async (t) => {
  const f = await scene(t);
  const first = await f.run('timers', createTimersStage());
  for (let i = 0; i < 40; i += 1) await f.put(`c${i}`, 'call@1', f.timer({ dueAt: f.time.now() + (i + 1) * SECOND }));
  await f.time.advance(10 * SECOND);
  const second = f.make('timers', createTimersStage());
  await second.start();
  for (let i = 0; i < 10; i += 1) await f.time.advance(SECOND);
  await f.until('both own partitions', () => first.ready && second.ready);
  await first.close();
  for (let i = 0; i < 40; i += 1) await f.time.advance(SECOND);
  await f.until('all have come', async () => (await f.fired()).length >= 40);
  const fired = await f.fired();
  assert.equal(fired.length, 40);
  assert.equal(new Set(fired.map(({ key }) => key)).size, 40);
});

test('a timer that is set again under the name of one that comes at that moment is another, and comes too', async (t) => {
  const f = await scene(t);
  let again = true;
  const log = withCommit(f.log, async (commit, instance, group) => {
    // Between the decision to fire and the commit of it.
    if (again && group.records.some(({ topic }) => topic === 'messages.v1')) { again = false; await f.put('c', 'call@2', f.timer({ timerId: 'call@2', setBy: '2' })); }
    return commit(instance, group);
  });
  await f.run('timers', createTimersStage(), { log });
  await f.put('c', 'call@1', f.timer());
  for (let i = 0; i < 5; i += 1) await f.time.advance(SECOND);
  await f.until('both have come', async () => (await f.fired()).length === 2);
  assert.deepEqual((await f.fired()).map(({ message }) => message.attributes.setBy), ['1', '2']);
});

// Such a record stays in the compacted topic for good: whoever took the partition over failed on it, for ever, and no reminder came.
test('a record that is no timer keeps nobody from taking the partition over: it goes to the dead letters once, and the others come', async (t) => {
  const f = await scene(t);
  const key = 'default/c';
  const appender = await f.log.appender();
  await appender.append([{ topic: 'timers.v1', partition: partitionOf(key, PARTITIONS), key: `${key}\0bad@1`, value: Buffer.from('no timer'), timestamp: f.time.now() }]);
  await appender.close();
  await f.put('c', 'call@1', f.timer());
  for (const owner of [1, 2]) {
    const runner = await f.run('timers', createTimersStage());
    for (let i = 0; i < 10; i += 1) await f.time.advance(SECOND);
    await f.until(`owner ${owner}: the timer has come`, async () => (await f.fired()).length === owner);
    assert.equal((await f.all('dead-letters.v1')).length, 1);
    await runner.close();
    await f.put('c', 'call@2', f.timer({ timerId: 'call@2', setBy: '2' }));
  }
});

test('a timer that no clock will reach, and one that carries too much, go to the dead letters; the others come', async (t) => {
  const f = await scene(t);
  await f.run('timers', createTimersStage());
  await f.put('c', 'never@1', f.timer({ dueAt: -5 }));
  await f.put('c', 'fat@1', f.timer({ payload: 'x'.repeat(20_000) }));
  await f.put('c', 'call@1', f.timer());
  for (let i = 0; i < 10; i += 1) await f.time.advance(SECOND);
  await f.until('the sound one has come', async () => (await f.fired()).length === 1);
  await f.until('the others are letters', async () => (await f.all('dead-letters.v1')).length === 2);
  assert.deepEqual((await f.fired()).map(({ message }) => message.attributes.timerId), ['call@1']);
});

test('a commit that cannot be made for so long that the topic takes it no more is made anew, with the time of then', async (t) => {
  const f = await scene(t);
  await f.log.admin.setTopicConfig('messages.v1', { 'message.timestamp.before.max.ms': String(10 * SECOND) });
  const until = f.time.now() + 30 * SECOND;
  let refused = 0;
  const log = withCommit(f.log, (commit, instance, group) => {
    if (!group.records.some(({ topic }) => topic === 'messages.v1')) return commit(instance, group);
    if (f.time.now() < until) return Promise.reject(new ConfabError('CONFAB_LOG_UNAVAILABLE'));
    return commit(instance, group).catch((error: unknown) => { refused += isCode(error, 'CONFAB_TIMESTAMP_REFUSED') ? 1 : 0; throw error; });
  });
  await f.run('timers', createTimersStage(), { log });
  await f.put('c', 'call@1', f.timer());
  for (let i = 0; i < 60; i += 1) await f.time.advance(SECOND);
  await f.until('it has come', async () => (await f.fired()).length === 1);
  assert.equal(refused, 1);
  const [only] = await f.fired();
  assert.ok(only !== undefined && only.timestamp >= until);
  assert.equal((await f.all('dead-letters.v1')).length, 0);
});

test('idle, nothing is committed and nothing ticks beyond the look at the clock', async (t) => {
  const f = await scene(t);
  await f.run('timers', createTimersStage());
  await f.put('c', 'call@1', f.timer({ dueAt: f.time.now() + 3600 * SECOND }));
  await f.time.advance(60 * SECOND);
  const before = await f.counted('confab_stage_records_written_total');
  await f.time.advance(600 * SECOND);
  assert.equal(await f.counted('confab_stage_records_written_total'), before);
});
