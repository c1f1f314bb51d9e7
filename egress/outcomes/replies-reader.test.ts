import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfabError } from '../../platform/errors.js';
import type { Assignment, EventLog, GroupListener, GroupOptions } from '../../platform/event-log/event-log.js';
import { silentLogger } from '../../platform/observability/logger.js';
import type { Announcement, Fanout } from '../fanout/fanout.js';
import { MemoryFanout } from '../fanout/memory.js';
import { OutcomeDecoder } from './outcome-decoder.js';
import { MemoryOutbox } from '../outbox/memory.js';
import { RepliesReader, type RepliesReaderOptions } from './replies-reader.js';
import { Scene, turns } from '../testing.js';

async function setUp(more: Partial<RepliesReaderOptions> = {}) {
  const scene = await Scene.make(1);
  const { clock, log, topics, codec } = scene;
  const outbox = more.outbox ?? new MemoryOutbox({ clock });
  const fanout = new MemoryFanout();
  const got: Announcement[] = [];
  fanout.listen({ announced: (list) => { got.push(...list); }, lapsed: () => { /* none */ } });
  for (const key of ['default/c1', 'default/c2']) await fanout.subscribe(0, key);
  const make = (other: Partial<RepliesReaderOptions> = {}): RepliesReader => new RepliesReader({
    log, topics, group: 'g', instance: 'i', decoder: new OutcomeDecoder(codec, topics, silentLogger), fanout, clock, logger: silentLogger, ...more, outbox, ...other,
  });
  return { scene, outbox, got, make };
}
const committed = async (scene: Scene, topic: string): Promise<number | null> => (await scene.log.admin.committed('g', topic))[0]?.offset ?? null;

test('it commits what was announced, and a reader that takes over goes on there', async () => {
  const { scene, got, make } = await setUp();
  const first = make();
  await first.start();
  for (let i = 0; i < 3; i += 1) await scene.answer('c1', await scene.accept('c1'));
  await turns();
  assert.equal(got.length, 3);
  await scene.clock.advance(1_000);
  assert.equal(await committed(scene, 'replies.v1'), 3);
  await first.close();
  const second = make();
  await second.start();
  await scene.answer('c1', await scene.accept('c1'));
  await turns();
  assert.equal(got.length, 4);
  await second.close();
});

test('a dead letter that waits is not committed past', async () => {
  const { scene, got, make } = await setUp({ holdMillis: 3_000 });
  const reader = make();
  await reader.start();
  await scene.giveUp('c1', await scene.accept('c1'));
  await turns();
  await scene.clock.advance(1_000);
  assert.deepEqual([got.length, await committed(scene, 'dead-letters.v1')], [0, 0]);
  await scene.clock.advance(4_000);
  await turns();
  await scene.clock.advance(1_000);
  // It is announced; but what is read again after a take-over must have it among its replies.
  assert.deepEqual([got.length, await committed(scene, 'dead-letters.v1')], [1, 0]);
  await scene.clock.advance(31_000);
  assert.deepEqual([got.length, await committed(scene, 'dead-letters.v1')], [1, 1]);
  await reader.close();
});

// Commits become visible after they were decided. One that was read as 2 had been followed by 1, of a generation that ended at once; nothing came any more, and 1 it stayed.
test('what it was told to begin at is committed again, since another offset may have been committed meanwhile', async () => {
  const { scene, make } = await setUp();
  const { log, topics } = scene;
  for (let i = 0; i < 2; i += 1) await scene.giveUp('c1', await scene.accept('c1'));
  await log.admin.setCommitted('g', [{ topic: topics.deadLetters, partition: 0, offset: 1, metadata: '' }]);
  const join = log.join.bind(log);
  const reader = make({ log: Object.create(log, {
    join: { value: ((options, listener) => join(options, { ...listener, assigned: (assignment) => {
      assignment.committed = async () => [{ topic: topics.deadLetters, partition: 0, offset: 2, metadata: '' }];
      return listener.assigned(assignment);
    } })) satisfies EventLog['join'] },
  }) as EventLog });
  await reader.start();
  await turns();
  await scene.clock.advance(1_000);
  assert.deepEqual([await committed(scene, 'dead-letters.v1'), await committed(scene, 'replies.v1')], [2, 0]);
  await reader.close();
});

test('a dead letter waits for the reply to an earlier message, and goes before that to a later one', async () => {
  const { scene, got, make } = await setUp();
  const reader = make();
  await reader.start();
  const [a, b, c] = [await scene.accept('c1'), await scene.accept('c1'), await scene.accept('c1')];
  await scene.giveUp('c1', b);
  await turns();
  const first = await scene.answer('c1', a);
  await turns();
  const last = await scene.answer('c1', c);
  await turns();
  assert.deepEqual(got.map(({ position, prev, late }) => [position, prev, late]), [[first, null, false], [`${b.slice(0, -1)}1`, first, false], [last, `${b.slice(0, -1)}1`, false]]);
  await reader.close();
});

test('an outcome that comes after a later one is marked late', async () => {
  const { scene, got, make } = await setUp({ holdMillis: 0 });
  const reader = make();
  await reader.start();
  const [a, b] = [await scene.accept('c1'), await scene.accept('c1')];
  await scene.answer('c1', b);
  await turns();
  await scene.giveUp('c1', a);
  await turns();
  await scene.clock.advance(10);
  await turns();
  assert.deepEqual(got.map(({ position, late }) => [position, late]), [[`${b.slice(0, -1)}1`, false], [`${a.slice(0, -1)}1`, true]]);
  await reader.close();
});

test('what cannot be decoded is left out, and the rest goes on', async () => {
  const { scene, got, make } = await setUp();
  const reader = make();
  await reader.start();
  const [a, b] = [await scene.accept('c1'), await scene.accept('c1')];
  await scene.write('replies.v1', 'default/c1', a, Buffer.from('garbage'));
  await scene.write('dead-letters.v1', 'default/c1', a, Buffer.from([0, 0, 0, 0, 99, 1]));
  await scene.answer('c1', b);
  await turns();
  assert.deepEqual(got.map(({ position }) => position), [`${b.slice(0, -1)}1`]);
  await scene.clock.advance(1_000);
  assert.deepEqual([await committed(scene, 'replies.v1'), await committed(scene, 'dead-letters.v1')], [2, 1]);
  await reader.close();
});

test('while the outbox is away nothing is committed or lost', async () => {
  let away = true;
  const clock = { now: () => 0 } as never;
  class Flaky extends MemoryOutbox {
    override append(...args: Parameters<MemoryOutbox['append']>): ReturnType<MemoryOutbox['append']> {
      return away ? Promise.reject(new ConfabError('CONFAB_STATE_UNAVAILABLE')) : super.append(...args);
    }
  }
  const { scene, got, make } = await setUp({ outbox: new Flaky({ clock }) });
  const reader = make();
  await reader.start();
  for (let i = 0; i < 5; i += 1) { await scene.answer('c1', await scene.accept('c1')); await turns(3); }
  await scene.clock.advance(3_000);
  assert.deepEqual([got.length, await committed(scene, 'replies.v1')], [0, 0]);
  away = false;
  for (let i = 0; i < 5; i += 1) { await scene.clock.advance(1_000); await turns(); }
  assert.deepEqual([got.length, await committed(scene, 'replies.v1')], [5, 5]);
  await reader.close();
});

// Outcomes that had been put into the outbox were put there again as long as the fan-out was away; of those that it had trimmed meanwhile it said that they came late.
test('while the fan-out is away nothing is put into the outbox twice', async () => {
  const { scene, got, make } = await setUp();
  let away = true;
  const announced: Announcement[] = [];
  const fanout: Fanout = { kind: 'memory', announce: async (_partition, list) => { if (away) throw new ConfabError('CONFAB_STATE_UNAVAILABLE'); announced.push(...list); } } as Partial<Fanout> as Fanout;
  const reader = make({ fanout, outbox: new MemoryOutbox({ clock: scene.clock, maxEntries: 2 }) });
  const all: string[] = [];
  for (let i = 0; i < 4; i += 1) all.push(await scene.answer('c1', await scene.accept('c1')));
  await reader.start();
  await scene.clock.advance(1_000);
  assert.deepEqual([announced.length, await committed(scene, 'replies.v1')], [0, 0]);
  away = false;
  for (let i = 0; i < 3; i += 1) { await scene.clock.advance(1_000); await turns(); }
  assert.deepEqual(announced.map(({ position, late }) => [position, late]), all.map((position) => [position, false]));
  assert.deepEqual([got.length, await committed(scene, 'replies.v1')], [0, 4]);
  await reader.close();
});

test('many records: a partition at its bound is paused, and all come in order', async () => {
  const { scene, got, make } = await setUp();
  const reader = make();
  const all: string[] = [];
  for (let i = 0; i < 12_000; i += 1) {
    const position = await scene.accept('c1');
    all.push(await scene.answer('c1', position));
  }
  await reader.start();
  for (let i = 0; i < 200 && got.length < all.length; i += 1) { await turns(4); await scene.clock.advance(1); }
  assert.deepEqual(got.map(({ position }) => position), all);
  await reader.close();
});

test('large records: what waits behind a slow outbox is bounded in bytes', async () => {
  const sizes: number[] = [];
  let goOn: () => void = () => undefined;
  const stuck = new Promise<void>((resolve) => { goOn = resolve; });
  class Slow extends MemoryOutbox {
    override async append(...[partition, outcomes, behind]: Parameters<MemoryOutbox['append']>): ReturnType<MemoryOutbox['append']> {
      sizes.push(outcomes.reduce((sum, { frame }) => sum + frame.length, 0));
      await stuck;
      return super.append(partition, outcomes, behind);
    }
  }
  const { scene, got, make } = await setUp({ outbox: new Slow({ clock: { now: () => 0 } as never }) });
  const reader = make();
  await reader.start();
  const parts = [{ text: 'x'.repeat(500_000), quickReplies: [], buttons: [], image: null, citations: [] }];
  for (let i = 0; i < 40; i += 1) { await scene.answer('c1', await scene.accept('c1'), { parts }); await turns(1); }
  goOn();
  for (let i = 0; i < 100 && got.length < 40; i += 1) await turns(2);
  assert.equal(got.length, 40);
  assert.ok(Math.max(...sizes) < 6_000_000, `${Math.max(...sizes)} bytes at once`);
  await reader.close();
});

test('a hand-over that outlasts its generation takes nothing from the next one', async () => {
  let hang = true;
  class Hanging extends MemoryOutbox {
    override append(...args: Parameters<MemoryOutbox['append']>): ReturnType<MemoryOutbox['append']> {
      return hang ? Promise.reject(new ConfabError('CONFAB_STATE_UNAVAILABLE')) : super.append(...args);
    }
  }
  const { scene, got, make } = await setUp({ outbox: new Hanging({ clock: { now: () => 0 } as never }) });
  const reader = make();
  await reader.start();
  await scene.answer('c1', await scene.accept('c1'));
  await turns();
  // Another member comes: the generation ends while the outbox is away, for longer than a hand-over may take.
  const other = await scene.log.join({ group: 'g', topics: [scene.topics.replies, scene.topics.deadLetters] }, { assigned: async () => undefined, records: () => undefined, revoking: async () => undefined, failed: () => undefined });
  for (let i = 0; i < 4; i += 1) { await scene.clock.advance(1_000); await turns(); }
  hang = false;
  for (let i = 0; i < 4; i += 1) { await scene.clock.advance(1_000); await turns(); }
  assert.equal(reader.running, true);
  assert.equal(got.length, 1);
  await scene.answer('c1', await scene.accept('c1'));
  await turns();
  await scene.clock.advance(1_000);
  assert.deepEqual([got.length, await committed(scene, 'replies.v1')], [2, 2]);
  await other.close();
  await reader.close();
});

test('a commit that was not answered, and is carried out after newer ones, does not stay', async () => {
  const { scene, make } = await setUp();
  let late: (() => Promise<unknown>) | undefined;
  const log: EventLog = Object.create(scene.log, { join: { value: (options: GroupOptions, listener: GroupListener) => scene.log.join(options, { ...listener, assigned: (assignment) => {
    const commit: Assignment['commit'] = (instance, group) => {
      if (late !== undefined || group.offsets.every(({ offset }) => offset === 0)) return assignment.commit(instance, group);
      late = () => assignment.commit(instance, group);
      return Promise.reject(new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN'));
    };
    return listener.assigned(Object.create(assignment, { commit: { value: commit } }) as Assignment);
  } }) } }) as EventLog;
  const reader = make({ log });
  await reader.start();
  await scene.clock.advance(1_000);
  await scene.answer('c1', await scene.accept('c1'));
  await turns();
  await scene.clock.advance(1_000);
  await scene.answer('c1', await scene.accept('c1'));
  await turns();
  await scene.clock.advance(1_000);
  assert.equal(await committed(scene, 'replies.v1'), 2);
  await late?.();
  assert.equal(await committed(scene, 'replies.v1'), 1);
  await scene.clock.advance(10_000);
  assert.equal(await committed(scene, 'replies.v1'), 2);
  await reader.close();
});

test('the outbox is told where the messages end, as the reader begins and after a loss, not for each batch', async () => {
  const told: string[] = [];
  class Asking extends MemoryOutbox {
    override append(...[partition, outcomes, behind]: Parameters<MemoryOutbox['append']>): ReturnType<MemoryOutbox['append']> {
      return super.append(partition, outcomes, async () => { const end = await behind(); told.push(end); return end; });
    }
  }
  const outbox = new Asking({ clock: { now: () => 0 } as never });
  const { scene, make } = await setUp({ outbox });
  const reader = make();
  await scene.answer('c1', await scene.accept('c1'));
  await reader.start();
  await turns();
  const answered = await scene.answer('c1', await scene.accept('c1'));
  await turns();
  assert.deepEqual(told, [`${scene.topics.epoch}-000000000001-00`]);
  outbox.flush();
  await scene.answer('c1', await scene.accept('c1'));
  await turns();
  assert.deepEqual(told.slice(1), [`${scene.topics.epoch}-000000000003-00`]);
  assert.ok((told[1] ?? '') > answered, 'behind all that was lost');
  await reader.close();
});
