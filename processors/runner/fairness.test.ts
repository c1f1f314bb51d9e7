import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { partitionOf } from '../../platform/partitioner.js';
import { seededRandom } from '../../platform/random.js';
import type { NewRecord } from '../../platform/event-log/event-log.js';
import type { Stage } from '../stage.js';
import { MAX_METADATA_LENGTH } from './offset-metadata.js';
import { codec, counting, Fixture, intentStage, message, neighbours, PARTITIONS, withCommit } from './testing.js';

/** Appends in one go: a record for each (key, text). */
async function append(f: Fixture, records: readonly (readonly [key: string, text: string])[]): Promise<void> {
  const appender = await f.log.appender();
  await appender.append(records.map(([key, text]): NewRecord => ({ topic: 'messages.v1', key, value: codec.of('Message').encode(message(text)), timestamp: f.clock.now() })));
  await appender.close();
}

const backlog = (tenant: string, conversations: number, turns: number): [string, string][] => Array.from({ length: conversations * turns }, (_, i) => [`${tenant}/n${i % conversations}`, `${Math.floor(i / conversations)}`]);

/** An intent stage that takes `millis` for each message. */
const waiting = (clock: ManualClock, millis: number, seen: string[]): Stage<'intent'> => intentStage(async (input, result) => {
  await clock.sleep(millis);
  seen.push(input.key);
  return result();
});

test('behind the backlog of one tenant in its partition, another tenant is answered after its own time and a turn, not after the backlog', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const seen: string[] = [];
  // 20 places of 100 ms: 200 a second. The backlog of 40,000 is 200 s of work.
  await append(f, backlog('noisy', 4000, 10));
  await f.run('intent', waiting(clock, 100, seen), { concurrency: 20 });
  await clock.advance(1000);
  const partition = partitionOf('noisy/n0', PARTITIONS);
  const quiet = Array.from({ length: 200 }, (_, i) => `quiet/q${i}`).filter((key) => partitionOf(key, PARTITIONS) === partition).slice(0, 10);
  for (const key of quiet) {
    const before = seen.length;
    await append(f, [[key, '0']]);
    for (let i = 0; i < 100 && !seen.includes(key); i += 1) await clock.advance(10);
    // Without the other: its own 100 ms. With it: the place that becomes free next, so at most one more round.
    assert.ok(seen.includes(key), `${key} is answered within a second`);
    assert.ok(seen.length - before <= 2 * 20 + 1, `${key} waited for ${seen.length - before} others`);
  }
  assert.ok(await f.counted('confab_stage_records_postponed_total') > 30_000, 'the backlog was put off');
  assert.ok(seen.filter((key) => key.startsWith('noisy/')).length > 200, 'and is worked on all the same');
});

test('one tenant at ten times what the stage can do: the slowest turn of another tenant takes at most twice as long as without it', async (t) => {
  const slowest = async (noisyPerStep: number): Promise<number> => {
    const clock = new ManualClock();
    const f = await new Fixture(t, clock).start();
    const due = new Map<string, number>();
    let worst = 0;
    // 20 places of 100 ms are 200 a second; a step is 20 ms.
    await f.run('intent', intentStage(async (input, result) => {
      await clock.sleep(100);
      const from = due.get(input.value.text as string);
      if (from !== undefined) { worst = Math.max(worst, clock.monotonic() - from); due.delete(input.value.text as string); }
      return result();
    }), { concurrency: 20 });
    for (let step = 0; step < 600; step += 1) {
      const records: [string, string][] = Array.from({ length: noisyPerStep }, (_, i) => [`noisy/n${(step * noisyPerStep + i) % 5000}`, 'noise']);
      if (step % 2 === 0) { records.push([`quiet/q${step % 200}`, `q${step}`]); due.set(`q${step}`, clock.monotonic()); }
      await append(f, records);
      await clock.advance(20);
    }
    await clock.advance(1000);
    assert.equal(due.size, 0, `${due.size} of the quiet tenant are not answered`);
    return worst;
  };
  const alone = await slowest(0);
  const beside = await slowest(40);
  assert.ok(beside <= 2 * alone, `${beside} ms beside it, ${alone} ms alone`);
});

test('a backlog that comes in small pieces, with commits between them, is put off as well: its flow does not end before it has begun', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const seen: string[] = [];
  await f.run('intent', waiting(clock, 100, seen), { concurrency: 4 });
  const [mine] = neighbours('c0', 1, 'quiet') as [string];
  const others = neighbours('c0', 1500, 'noisy');
  // Ten at a time, a commit after each: 40 a second are done, so the window fills all the same.
  for (let i = 0; i < 3000; i += 10) { await append(f, others.slice(i % 1500, i % 1500 + 10).map((key) => [key, `${i}`])); await clock.advance(i % 100 === 0 ? 100 : 1); }
  await append(f, [[mine, '0']]);
  await clock.advance(1000);
  assert.ok(seen.includes(mine), 'it is answered within a second, behind 2,900 others');
  assert.ok(seen.length < 300, `${seen.length}`);
});

test('a stage that answers at once takes the tenants in turn', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const order: string[] = [];
  const mine = neighbours('c0', 5, 'quiet');
  const others = neighbours('c0', 300, 'noisy');
  await append(f, [...others.map((key): [string, string] => [key, '0']), ...mine.map((key): [string, string] => [key, '0'])]);
  await f.run('intent', intentStage((input, result) => { order.push(input.key); return result(); }));
  await f.until('all are done', () => order.length === 305);
  assert.ok(order.indexOf(mine.at(-1) as string) < 12, `the last of five was number ${order.indexOf(mine.at(-1) as string)}`);
});

test('within a tenant, one conversation that is flooded holds up itself, not the others of its partition', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const seen: string[] = [];
  const [flooded, ...others] = neighbours('c0', 21) as [string, ...string[]];
  await append(f, Array.from({ length: 6000 }, (_, i): [string, string] => [flooded, `${i}`]));
  await append(f, others.map((key) => [key, '0']));
  await f.run('intent', waiting(clock, 100, seen));
  await clock.advance(1000);
  assert.deepEqual(others.filter((key) => !seen.includes(key)), [], 'behind 600 s of one conversation all others are answered');
  await clock.advance(650_000);
  const texts = (await f.texts('intents.v1'))[flooded.replace('default/', '')];
  assert.deepEqual(texts, Array.from({ length: 6000 }, (_, i) => `${i}`), 'and it is worked off whole, in its order');
});

test('a conversation that waits for long lets its partition go on far beyond a window', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const [slow, ...others] = neighbours('c0', 101) as [string, ...string[]];
  await f.run('intent', intentStage((input, result) => (input.key === slow ? clock.sleep(25_000).then(result) : result())));
  await append(f, [[slow, '0'], ...Array.from({ length: 20_000 }, (_, i): [string, string] => [others[i % 100] as string, `${i}`])]);
  await f.until('all others are done', async () => (await f.all('intents.v1')).length === 20_000);
  await clock.advance(25_000);
  await f.until('and the slow one', async () => (await f.all('intents.v1')).length === 20_001);
});

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`tenants with backlogs, flooded conversations and owners that change: each once, in order, the metadata within its limit (seed ${seed})`, async (t) => {
    const clock = new ManualClock();
    const f = await new Fixture(t, clock).start();
    const random = seededRandom(seed);
    let longest = 0;
    const log = withCommit(f.log, (commit, instance, group) => {
      for (const { metadata } of group.offsets) longest = Math.max(longest, metadata.length);
      return commit(instance, group);
    });
    const stage = intentStage((_input, result) => (random.float() < 0.7 ? clock.sleep(Math.floor(random.float() * 200)).then(result) : result()));
    const run = (): ReturnType<Fixture['run']> => f.run('intent', stage, { log, concurrency: 100, maxBytes: 400_000 });
    const names = [...Array.from({ length: 300 }, (_, i) => `noisy/n${i}`), ...Array.from({ length: 30 }, (_, i) => `default/d${i}`), ...Array.from({ length: 20 }, (_, i) => `quiet/q${i}`)];
    const next = new Map<string, number>();
    const write = async (count: number): Promise<void> => {
      await append(f, Array.from({ length: count }, () => {
        const dice = random.float();
        const key = dice < 0.5 ? names[Math.floor(random.float() * 300)] as string : dice < 0.8 ? 'noisy/n0' : dice < 0.9 ? 'default/d0' : names[300 + Math.floor(random.float() * 50)] as string;
        const turn = next.get(key) ?? 0;
        next.set(key, turn + 1);
        return [key, `${turn}`] as const;
      }));
    };
    await write(6000);
    const runners = [await run()];
    for (let round = 0; round < 8; round += 1) {
      await write(500);
      await clock.advance(2000);
      if (round % 3 === 1) { const joined = run(); await clock.advance(1000); runners.push(await joined); }
      if (round % 3 === 2) { const left = runners.shift()?.close(); await clock.advance(1000); await left; }
    }
    const left = async (): Promise<number> => 10_000 - (await f.log.admin.bounds('intents.v1')).reduce((sum, { end }) => sum + end, 0);
    for (let i = 0; i < 500 && await left() > 0; i += 1) await clock.advance(5000);
    const texts = await f.texts('intents.v1');
    for (const [key, turns] of next) assert.deepEqual(texts[key.replace('default/', '')], Array.from({ length: turns }, (_, i) => `${i}`), key);
    assert.ok(longest <= MAX_METADATA_LENGTH, `${longest} characters`);
    assert.ok(await f.counted('confab_stage_records_postponed_total') > 1000);
  });
}

test('state follows its conversation through being put off', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const stage: Stage<'dialogue'> = { ...counting, process: async (input, state, context) => { await clock.sleep(5); return counting.process(input, state, context); } };
  for (let i = 0; i < 12; i += 1) await f.send('intents.v1', 'noisy/a', Array.from({ length: 250 }, (_, turn) => `${i * 250 + turn}`));
  await f.send('intents.v1', 'b', ['0', '1']);
  await f.run('dialogue', stage);
  await clock.advance(20_000);
  const texts = await f.texts('replies.v1');
  assert.deepEqual(texts.b, ['0#1', '1#2']);
  assert.deepEqual(texts['noisy/a'], Array.from({ length: 3000 }, (_, i) => `${i}#${i + 1}`));
});
