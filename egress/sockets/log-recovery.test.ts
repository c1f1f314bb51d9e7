import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventLog, ReadRange, RecordBatch } from '../../platform/event-log/event-log.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { formatPosition } from '../../platform/position.js';
import { LogRecovery, type LogRecoveryOptions, type Recovered } from './log-recovery.js';
import { OutcomeDecoder } from '../outcomes/outcome-decoder.js';
import { part, Scene } from '../testing.js';

interface Counted { readonly recovery: LogRecovery; readonly scans: () => number; readonly looked: () => number; readonly most: (() => number) & { forget(): void } }

/** Counts passes over replies.v1, the records that they looked at, and how many ran at the same time. */
function counted(scene: Scene, more: Partial<LogRecoveryOptions> = {}): Counted {
  const { log, topics, codec } = scene;
  const read = log.read.bind(log);
  let [scans, looked, running, most] = [0, 0, 0, 0];
  log.read = (topic, ...rest) => {
    if (topic !== topics.replies) return read(topic, ...rest);
    scans += 1;
    return (async function* () {
      running += 1;
      most = Math.max(most, running);
      try {
        for await (const batch of read(topic, ...rest)) { looked += batch.records.length; yield batch; }
      } finally { running -= 1; }
    })();
  };
  const recovery = new LogRecovery({ log, topics, decoder: new OutcomeDecoder(codec, topics, silentLogger), ...more });
  return { recovery, scans: () => scans, looked: () => looked, most: Object.assign(() => most, { forget: () => { most = 0; } }) };
}

/** Replies to `count` conversations in turn; the position of the first message, and of each reply. */
async function history(scene: Scene, count: number, conversations: number, text = 'hi'): Promise<{ start: string; replies: Map<string, string[]> }> {
  const replies = new Map<string, string[]>();
  let start = '';
  for (let i = 0; i < count; i += 1) {
    const name = `c${i % conversations}`;
    const asked = await scene.accept(name, { timestamp: scene.clock.now() + i * 1_000 });
    if (i === 0) start = asked;
    const list = replies.get(name) ?? [];
    list.push(await scene.answer(name, asked, { parts: [part(text)] }));
    replies.set(name, list);
  }
  return { start, replies };
}

const never = (): boolean => false;
const positions = ({ outcomes }: Recovered): string[] => outcomes.map(({ position }) => position);

test('a thousand conversations of a partition are recovered by one pass over it', async () => {
  const scene = await Scene.make(1);
  const { start, replies } = await history(scene, 3_000, 1_000);
  const { recovery, scans, looked } = counted(scene);
  const found = await Promise.all([...replies].map(async ([name, list]) => {
    const recovered = await recovery.recover({ partition: 0, key: `default/${name}`, after: start, cancelled: never });
    return [positions(recovered), recovered.more, list] as const;
  }));
  for (const [got, more, list] of found) assert.deepEqual([got, more], [list, false]);
  assert.deepEqual([scans(), looked()], [1, 3_000]);
});

test('the same conversation for a thousand sockets is one pass; those that come meanwhile share the next', async () => {
  const scene = await Scene.make(1);
  const { start, replies } = await history(scene, 2_000, 20);
  const { recovery, scans } = counted(scene);
  const ask = (): Promise<Recovered> => recovery.recover({ partition: 0, key: 'default/c0', after: start, cancelled: never });
  const first = Array.from({ length: 500 }, ask);
  while (scans() === 0) await new Promise((resolve) => { setImmediate(resolve); });
  const later = Array.from({ length: 500 }, ask);
  for (const recovered of await Promise.all([...first, ...later])) assert.deepEqual(positions(recovered), replies.get('c0'));
  assert.equal(scans(), 2);
});

test('no more than two passes run at a time, and others get their turns in between', async () => {
  const scene = await Scene.make(8);
  const names = Array.from({ length: 64 }, (_, i) => `c${i}`);
  for (let i = 0; i < 20; i += 1) for (const name of names) await scene.answer(name, await scene.accept(name));
  const { recovery, most, scans } = counted(scene);
  let turns = 0;
  let done = false;
  const tick = (): void => { turns += 1; if (!done) setImmediate(tick); };
  setImmediate(tick);
  await Promise.all(names.map((name) => recovery.recover({ partition: scene.partition(`default/${name}`), key: `default/${name}`, after: `${scene.topics.epoch}-000000000000-00`, cancelled: never })));
  done = true;
  assert.equal(most(), 2);
  assert.ok(turns >= scans() / 2, `${turns} turns, ${scans()} passes`);
});

test('who reaches far back does not keep the others waiting, and is not passed over twice', async () => {
  const scene = await Scene.make(1);
  await history(scene, 30_000, 50);
  const { recovery, looked } = counted(scene);
  const ended: { name: string; looked: number }[] = [];
  const ask = async (name: string, offset: number): Promise<void> => {
    await recovery.recover({ partition: 0, key: 'default/c1', after: formatPosition(scene.topics.epoch, offset, 0), cancelled: never });
    ended.push({ name, looked: looked() });
  };
  await Promise.all([ask('far', 1), ask('near', 29_900), ask('near', 29_950), ask('near', 29_990)]);
  assert.deepEqual(ended.map(({ name }) => name), ['near', 'near', 'near', 'far']);
  assert.ok((ended[2]?.looked ?? Infinity) < 1_000, JSON.stringify(ended));
  // One that has waited for a pass is in the next, whoever else is.
  ended.length = 0;
  const far = ask('far', 1);
  const near = ask('near', 29_900);
  await near;
  await Promise.all([far, ask('late', 29_950)]);
  assert.deepEqual(ended.map(({ name }) => name), ['near', 'far', 'late']);
});

test('answers are bounded in bytes, each has its share, and goes on after its last outcome', async () => {
  const scene = await Scene.make(1);
  const { start, replies } = await history(scene, 60, 2, 'x'.repeat(200_000));
  const { recovery } = counted(scene);
  for (const name of ['c0', 'c1']) {
    const got: string[] = [];
    let pages = 0;
    for (let after = start; ;) {
      const recovered = await recovery.recover({ partition: 0, key: `default/${name}`, after, cancelled: never });
      const bytes = recovered.outcomes.reduce((sum, { frame }) => sum + frame.length, 0);
      assert.ok(bytes < 4 * 1024 * 1024 + 300_000, String(bytes));
      got.push(...positions(recovered));
      pages += 1;
      if (!recovered.more) break;
      after = got[got.length - 1] ?? '';
    }
    assert.deepEqual([got, pages], [replies.get(name), 2]);
  }
});

/** The name of each that is answered, as it is. */
function asker(recovery: LogRecovery, scene: Scene, partition = 0): { ask: (name: string, offset: number) => Promise<Recovered>; ended: string[] } {
  const ended: string[] = [];
  const ask = async (name: string, offset: number): Promise<Recovered> => {
    const recovered = await recovery.recover({ partition, key: 'default/c1', after: formatPosition(scene.topics.epoch, offset, 0), cancelled: never });
    ended.push(name);
    return recovered;
  };
  return { ask, ended };
}

const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

test('who comes while a pass goes over much, and is near, does not wait for it; who is not shares the next', async () => {
  const scene = await Scene.make(1);
  const { replies } = await history(scene, 4_000, 50);
  const { recovery, scans, most, looked } = counted(scene, { farOffsets: 1_000 });
  const { ask, ended } = asker(recovery, scene);
  const far = ask('far', 1);
  while (looked() === 0) await turn();
  const later = [ask('far later', 2), ask('far later', 700)];
  const near = await ask('near', 3_900);
  assert.deepEqual(ended, ['near']);
  assert.deepEqual(positions(near), (replies.get('c1') ?? []).slice(-2));
  await Promise.all([far, ...later]);
  assert.deepEqual(ended.slice(0, 2), ['near', 'far']);
  assert.deepEqual([scans(), most()], [3, 2]);
});

test('of passes over much one runs at a time, whatever the partition', async () => {
  const scene = await Scene.make(4);
  for (let i = 0; i < 3_000; i += 1) await scene.answer(`c${i % 40}`, await scene.accept(`c${i % 40}`));
  const { recovery, scans, most } = counted(scene, { farOffsets: 100 });
  // Where a partition ends is known once somebody has asked for it.
  for (const round of [1, 2]) {
    await Promise.all([0, 1, 2, 3].map((partition) => asker(recovery, scene, partition).ask('far', 1)));
    assert.equal(scans(), 4 * round);
    if (round === 1) most.forget();
  }
  assert.equal(most(), 1);
});

test('a pass over much waits for those who come together, a little, and not for ever', async () => {
  const scene = await Scene.make(1);
  await history(scene, 3_000, 50);
  const { recovery, scans } = counted(scene, { farOffsets: 1_000, clock: scene.clock });
  const { ask, ended } = asker(recovery, scene);
  const asked: Promise<Recovered>[] = [];
  for (let i = 0; i < 9; i += 1) {
    asked.push(ask('far', 1 + i));
    await scene.clock.advance(150);
  }
  assert.deepEqual([scans(), ended.length], [0, 0]);
  // Nobody else comes: it starts, and is one for all of them.
  while (ended.length < asked.length) await scene.clock.advance(200);
  assert.equal(scans(), 1);
  // They do not stop coming: it starts all the same.
  for (let i = 0; scans() === 1; i += 1) {
    assert.ok(i < 20, 'it waits for ever');
    asked.push(ask('far', 1 + i));
    await scene.clock.advance(150);
  }
  while (ended.length < asked.length) await scene.clock.advance(200);
});

test('a log that can look for keys is asked for those alone', async () => {
  const scene = await Scene.make(1);
  const { start, replies } = await history(scene, 600, 6);
  const { log } = scene;
  const seen: { topic: string; keys: string[] }[] = [];
  const keyed = { readKeys: async function* ({ topic, partition, from, to }: ReadRange, keys: ReadonlySet<string>): AsyncIterable<RecordBatch> {
    seen.push({ topic, keys: [...keys].sort() });
    for await (const batch of log.read(topic, partition, from, to)) yield { ...batch, records: batch.records.filter(({ key }) => key !== null && keys.has(key)) };
  } };
  let scanned = 0;
  const metrics = { scan: () => undefined, scanned: (records: number) => { scanned += records; }, recovering: () => undefined };
  const recovery = new LogRecovery({ log: Object.create(log, { keyed: { value: keyed } }) as EventLog, topics: scene.topics, decoder: new OutcomeDecoder(scene.codec, scene.topics, silentLogger), metrics });
  const ask = (name: string): Promise<Recovered> => recovery.recover({ partition: 0, key: `default/${name}`, after: start, cancelled: never });
  const [one, two] = await Promise.all([ask('c1'), ask('c4')]);
  assert.deepEqual([positions(one), positions(two)], [replies.get('c1'), replies.get('c4')]);
  assert.deepEqual(seen, [scene.topics.deadLetters, scene.topics.replies].map((topic) => ({ topic, keys: ['default/c1', 'default/c4'] })));
  assert.equal(scanned, 600);
});

test('answers are given with turns for others in between', async () => {
  const scene = await Scene.make(1);
  const { start, replies } = await history(scene, 2_000, 100, 'x'.repeat(1_000));
  const { recovery } = counted(scene);
  let turns = 0;
  let done = false;
  const tick = (): void => { turns += 1; if (!done) setImmediate(tick); };
  setImmediate(tick);
  const at: number[] = [];
  await Promise.all([...replies.keys()].map(async (name) => {
    await recovery.recover({ partition: 0, key: `default/${name}`, after: start, cancelled: never });
    at.push(turns);
  }));
  done = true;
  // Each has 20 kB and more.
  assert.ok((at[at.length - 1] ?? 0) - (at[0] ?? 0) >= 40, JSON.stringify(at));
});

test('who has the reply and not the hand-over of the same message gets the hand-over', async () => {
  const scene = await Scene.make(1);
  const asked = await scene.accept('c1');
  const reply = await scene.answer('c1', asked, { outcome: 'handed_off', parts: [part('a person comes')], handoff: { to: 'support', reason: null, transcript: [] } });
  const next = await scene.answer('c1', await scene.accept('c1'));
  const { recovery } = counted(scene);
  const ask = async (after: string): Promise<string[]> => positions(await recovery.recover({ partition: 0, key: 'default/c1', after, cancelled: never }));
  const handoff = `${reply.slice(0, -1)}2`;
  assert.deepEqual(await ask(asked), [reply, handoff, next]);
  assert.deepEqual(await ask(reply), [handoff, next]);
  assert.deepEqual(await ask(handoff), [next]);
  assert.deepEqual(await ask(next), []);
});
