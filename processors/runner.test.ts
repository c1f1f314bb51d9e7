import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../platform/clock-manual.js';
import { ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { silentLogger } from '../platform/observability/logger.js';
import { partitionOf } from '../platform/partitioner.js';
import { formatPosition } from '../platform/position.js';
import { seededRandom } from '../platform/random.js';
import { groupName } from '../topology/topology.js';
import { createRunner } from './runner.js';
import { decodeMetadata } from './runner/offset-metadata.js';
import { codec, counting, Fixture, intentStage, PARTITIONS, reply, withCommit } from './runner/testing.js';
import type { Stage } from './stage.js';

test('every input is processed once, in the order of its conversation, to its own partition', async (t) => {
  const f = await new Fixture(t).start();
  const conversations = Array.from({ length: 20 }, (_, i) => `c${i}`);
  for (const name of conversations) await f.send('messages.v1', name, ['1', '2', '3']);
  await f.run('intent', intentStage((_input, result) => result()));
  for (const name of conversations) await f.send('messages.v1', name, ['4', '5']);
  await f.until('all are there', async () => (await f.all('intents.v1')).length >= 100);
  assert.deepEqual(await f.texts('intents.v1'), Object.fromEntries(conversations.map((name) => [name, ['1', '2', '3', '4', '5']])));
  for (const record of await f.all('intents.v1')) assert.equal(record.partition, partitionOf(record.key!, PARTITIONS));
});

test('when all is read the committed offset is the end and nothing beyond it is marked', async (t) => {
  const f = await new Fixture(t).start();
  await f.run('intent', intentStage((_input, result) => result()));
  await f.send('messages.v1', 'c1', ['1', '2', '3']);
  const partition = partitionOf('default/c1', PARTITIONS);
  await f.until('committed', async () => (await f.log.admin.committed(groupName('', 'intent'), 'messages.v1')).find((each) => each.partition === partition)?.offset === 3);
  const committed = (await f.log.admin.committed(groupName('', 'intent'), 'messages.v1')).find((each) => each.partition === partition);
  assert.deepEqual(decodeMetadata(committed!.metadata).runs, []);
});

test('a conversation that waits holds up itself only, also inside its partition', async (t) => {
  const f = await new Fixture(t).start();
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => { open = resolve; });
  const slow = 'c0';
  const beside = Array.from({ length: 200 }, (_, i) => `x${i}`).filter((name) => partitionOf(`default/${name}`, PARTITIONS) === partitionOf(`default/${slow}`, PARTITIONS));
  await f.run('intent', intentStage((input, result) => (input.key === `default/${slow}` && input.value.text === '1' ? gate.then(result) : result())));
  await f.send('messages.v1', slow, ['1', '2']);
  for (const name of beside) await f.send('messages.v1', name, ['1']);
  await f.until('the others are answered', async () => (await f.all('intents.v1')).length === beside.length);
  assert.equal((await f.texts('intents.v1'))[slow], undefined);
  open();
  await f.until('then the slow one', async () => (await f.all('intents.v1')).length === beside.length + 2);
  assert.deepEqual((await f.texts('intents.v1'))[slow], ['1', '2']);
});

test('work finished beyond a waiting record is not done again by the next owner', async (t) => {
  const f = await new Fixture(t).start();
  const stuck = intentStage((input, result) => (input.value.text === 'wait' ? new Promise(() => undefined) : result()));
  const first = await f.run('intent', stuck);
  await f.send('messages.v1', 'c0', ['wait']);
  const beside = Array.from({ length: 100 }, (_, i) => `x${i}`).filter((name) => partitionOf(`default/${name}`, PARTITIONS) === partitionOf('default/c0', PARTITIONS));
  for (const name of beside) await f.send('messages.v1', name, ['1']);
  await f.until('others done', async () => (await f.all('intents.v1')).length === beside.length);
  await first.close();
  const seen: string[] = [];
  await f.run('intent', intentStage((input, result) => { seen.push(input.key); return result(); }));
  await f.until('the open one too', async () => (await f.all('intents.v1')).length === beside.length + 1);
  assert.deepEqual(seen, ['default/c0']);
});

test('a retryable error is tried again while its conversation waits; past the budget it goes to the dead letters and the conversation goes on', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  let tries = 0;
  await f.run('intent', intentStage((input, result) => {
    if (input.value.text === 'poison') { tries += 1; throw new ConfabError('CONFAB_OVERLOADED'); }
    return result();
  }), { budget: 1000 });
  await f.send('messages.v1', 'c1', ['a', 'poison', 'b']);
  await f.send('messages.v1', 'c2', ['other']);
  await f.until('the others go on', async () => (await f.all('intents.v1')).length === 2);
  await clock.advance(2000);
  await f.until('the conversation goes on', async () => (await f.all('intents.v1')).length === 3);
  assert.equal(tries, 4, 'at 0, 100, 300 and 700 ms');
  const [letter] = (await f.all('dead-letters.v1')).map((record) => codec.of('DeadLetter').decode(record.value!));
  assert.equal(letter?.errorCode, 'CONFAB_OVERLOADED');
  assert.equal(letter.attempts, 4);
  assert.equal(letter.phase, 'process');
  assert.equal(letter.position, formatPosition(f.epoch, 1, 0));
  assert.deepEqual(codec.of('Message').decode(letter.originalValue!).text, 'poison');
  assert.deepEqual((await f.texts('intents.v1')).c1, ['a', 'b']);
});

test('an error that no retry mends goes to the dead letters at once', async (t) => {
  const f = await new Fixture(t).start();
  await f.run('intent', intentStage((input, result) => { if (input.value.text === 'poison') throw new TypeError('quotes the message: poison'); return result(); }));
  await f.send('messages.v1', 'c1', ['a', 'poison', 'b']);
  await f.until('done', async () => (await f.all('intents.v1')).length === 2);
  const [letter] = (await f.all('dead-letters.v1')).map((record) => codec.of('DeadLetter').decode(record.value!));
  assert.equal(letter?.errorCode, 'CONFAB_STAGE_FAILED');
  assert.doesNotMatch(letter.errorMessage, /poison/, 'no message texts');
});

test('bytes that are no record go to the dead letters, whole, and the partition goes on', async (t) => {
  const f = await new Fixture(t).start();
  await f.run('intent', intentStage((_input, result) => result()));
  const appender = await f.log.appender();
  const garbage = [Buffer.alloc(0), Buffer.from('hello'), Buffer.from([0, 0, 0, 0, 1, 255, 255]), Buffer.from([0, 255, 255, 255, 255])];
  await appender.append([...garbage.map((value) => ({ topic: 'messages.v1', key: 'default/c1', value, timestamp: 1 })), { topic: 'messages.v1', key: null, partition: 0, value: garbage[1]!, timestamp: 1 }]);
  await f.send('messages.v1', 'c1', ['a']);
  await f.until('goes on', async () => (await f.all('intents.v1')).length === 1);
  const letters = (await f.all('dead-letters.v1')).map((record) => codec.of('DeadLetter').decode(record.value!));
  assert.equal(letters.length, 5);
  assert.ok(letters.every((letter) => letter.phase === 'decode'));
  const expected = [...garbage, garbage[1]!].map((each) => each.toString('hex')).sort();
  assert.deepEqual(letters.map((letter) => letter.originalValue!.toString('hex')).sort(), expected);
});

test('a call that never answers ends at its budget, its signal aborted', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  let signal: AbortSignal | undefined;
  const stage = intentStage((_input, result) => result());
  const waiting: Stage<'intent'> = { ...stage, process: (input, state, context) => {
    if (input.value.text !== 'wait') return stage.process(input, state, context);
    signal = context.signal;
    return new Promise(() => undefined);
  } };
  await f.run('intent', waiting, { budget: 1000 });
  await f.send('messages.v1', 'c1', ['wait', 'next']);
  await f.until('it waits', () => signal !== undefined);
  await clock.advance(1001);
  await f.until('the conversation goes on', async () => (await f.all('intents.v1')).length === 1);
  assert.equal(signal?.aborted, true);
  assert.equal(codec.of('DeadLetter').decode((await f.all('dead-letters.v1'))[0]!.value!).errorCode, 'CONFAB_STAGE_TIMEOUT');
});

test('state is carried from turn to turn, committed with the reply, and written to the store after', async (t) => {
  const f = await new Fixture(t).start();
  const first = await f.run('dialogue', counting);
  await f.send('intents.v1', 'c1', ['a', 'b', 'c']);
  await f.until('answered', async () => (await f.all('replies.v1')).length === 3);
  await first.close();
  await f.run('dialogue', counting);
  await f.send('intents.v1', 'c1', ['d']);
  await f.until('answered', async () => (await f.all('replies.v1')).length === 4);
  assert.deepEqual((await f.texts('replies.v1')).c1, ['a#1', 'b#2', 'c#3', 'd#4']);
  const partition = partitionOf('default/c1', PARTITIONS);
  await f.until('the store has it', async () => codec.of('DialogueState').decode((await f.state.read('dialogue-states.v1', partition, ['default/c1'])).entries[0]!.value!).turns === 4);
});

test('a store that was flushed heals from the log, at take-over and in mid-traffic', async (t) => {
  const f = await new Fixture(t).start();
  const first = await f.run('dialogue', counting);
  await f.send('intents.v1', 'c1', ['a', 'b']);
  await f.until('answered', async () => (await f.all('replies.v1')).length === 2);
  await first.close();
  const partition = partitionOf('default/c1', PARTITIONS);
  await f.state.reset('dialogue-states.v1', partition, 'ffffffff');
  await f.run('dialogue', counting);
  await f.send('intents.v1', 'c1', ['c']);
  await f.until('answered', async () => (await f.all('replies.v1')).length === 3);
  await f.state.reset('dialogue-states.v1', partition, 'ffffffff');
  // Another conversation of the partition is not in the cache: its read meets the loss.
  const beside = Array.from({ length: 100 }, (_, i) => `x${i}`).find((name) => partitionOf(`default/${name}`, PARTITIONS) === partition)!;
  await f.send('intents.v1', beside, ['a']);
  await f.until('answered', async () => (await f.all('replies.v1')).length === 4);
  assert.deepEqual((await f.texts('replies.v1')).c1, ['a#1', 'b#2', 'c#3']);
  await f.until('healed', async () => (await f.state.read('dialogue-states.v1', partition, ['default/c1'])).entries[0] !== undefined);
  assert.equal(await f.counted('confab_stage_state_heals_total'), 1);
});

test('a store that was rolled back to an older copy heals from the log, also when the next thing it meets is a write', async (t) => {
  const f = await new Fixture(t).start();
  await f.run('dialogue', counting);
  const partition = partitionOf('default/c1', PARTITIONS);
  const view = 'dialogue-states.v1';
  await f.send('intents.v1', 'c1', ['a']);
  const watermark = async (): Promise<number> => (await f.state.read(view, partition, [])).watermark?.offset ?? 0;
  await f.until('the store has the first', async () => await watermark() > 0);
  const old = await f.state.read(view, partition, ['default/c1']);
  await f.send('intents.v1', 'c1', ['b', 'c']);
  await f.until('the store has the others', async () => await watermark() > old.watermark!.offset);
  // What a replica that lagged behind would show after it became the master.
  await f.state.reset(view, partition, old.watermark!.epoch);
  await f.state.write(view, partition, [old.entries[0]!], old.watermark!, 0);
  await f.send('intents.v1', 'c1', ['d']);
  await f.until('healed', async () => codec.of('DialogueState').decode((await f.state.read(view, partition, ['default/c1'])).entries[0]!.value!).turns === 4);
  assert.deepEqual((await f.texts('replies.v1')).c1, ['a#1', 'b#2', 'c#3', 'd#4']);
});

test('inputs that the state already reflects are dropped and counted after a group was moved back', async (t) => {
  const f = await new Fixture(t).start();
  const first = await f.run('dialogue', counting);
  await f.send('intents.v1', 'c1', ['a', 'b']);
  await f.until('answered', async () => (await f.all('replies.v1')).length === 2);
  await first.close();
  const partition = partitionOf('default/c1', PARTITIONS);
  await f.log.admin.setCommitted(groupName('', 'dialogue'), [{ topic: 'intents.v1', partition, offset: 0, metadata: '' }]);
  await f.run('dialogue', counting);
  await f.send('intents.v1', 'c1', ['c']);
  await f.until('answered', async () => (await f.all('replies.v1')).length >= 3);
  assert.deepEqual((await f.texts('replies.v1')).c1, ['a#1', 'b#2', 'c#3']);
  assert.equal(await f.counted('confab_stage_inputs_dropped_total'), 2);
});

test('members that come and go under traffic neither lose, double nor reorder', async (t) => {
  const f = await new Fixture(t).start();
  const random = seededRandom(3);
  const lagging = intentStage((_input, result) => (random.float() < 0.3 ? new Promise((resolve) => { setImmediate(() => { resolve(result()); }); }) : result()));
  const conversations = Array.from({ length: 30 }, (_, i) => `c${i}`);
  const runners = [await f.run('intent', lagging)];
  for (let round = 0; round < 12; round += 1) {
    for (const name of conversations) await f.send('messages.v1', name, [`${round}`]);
    if (round % 3 === 1) runners.push(await f.run('intent', lagging));
    if (round % 3 === 2) await runners.shift()?.close();
  }
  await f.until('all processed', async () => (await f.all('intents.v1')).length >= 360);
  const wanted = Array.from({ length: 12 }, (_, i) => `${i}`);
  assert.deepEqual(await f.texts('intents.v1'), Object.fromEntries(conversations.map((name) => [name, wanted])));
});

test('a stage of scope partition writes absolute values at its pace and restores its memory', async (t) => {
  const f = await new Fixture(t).start();
  const stage = (): Stage<'analytics'> => ({
    scope: 'partition', restoreMillis: 1e15,
    restore: (records) => ({ count: records[0]?.value.replies ?? 0 }),
    process: (inputs, memory: { count: number }) => {
      if (inputs.some((input) => input.value.botId === 'poison')) { memory.count += 1000; throw new Error('spoils its memory'); }
      memory.count += inputs.length;
      return [{ topic: 'analytics.v1', key: `p${inputs[0]!.partition}`, value: { minute: 0, botId: 'b', channel: 'api', intent: null, partition: inputs[0]!.partition, replies: memory.count, outcomes: {}, latencyMillisSum: 0, latencyMillisMax: 0, latencyBuckets: [] } }];
    },
  });
  const appender = await f.log.appender();
  const send = async (...bots: string[]): Promise<void> => {
    await appender.append(bots.map((botId) => ({ topic: 'replies.v1', key: 'default/c1', timestamp: 1, value: codec.of('BotReply').encode({ ...reply('p', 'x'), botId }) })));
  };
  const last = async (): Promise<number> => codec.of('AnalyticsCount').decode((await f.all('analytics.v1')).at(-1)?.value ?? codec.of('AnalyticsCount').encode({ minute: 0, botId: '', channel: '', intent: null, partition: 0, replies: 0, outcomes: {}, latencyMillisSum: 0, latencyMillisMax: 0, latencyBuckets: [] })).replies;
  const first = await f.run('analytics', stage(), { commitEvery: 10 });
  await send('b', 'b', 'b');
  await f.until('three', async () => await last() === 3);
  await first.close();
  await f.run('analytics', stage(), { commitEvery: 10 });
  await send('b', 'b');
  await f.until('five', async () => await last() === 5);
  await send('b', 'poison', 'b');
  await f.until('seven', async () => await last() === 7);
  assert.equal((await f.all('dead-letters.v1')).length, 1);
});

/** Commits fail now and then: refused before, refused for good, or decided without an answer. */
function withFaultyCommits(log: EventLog, random: () => number, faults: string[]): EventLog {
  return withCommit(log, async (commit, ...parts) => {
    const dice = random();
    if (dice < 0.08) { faults.push('unavailable'); throw new ConfabError('CONFAB_LOG_UNAVAILABLE'); }
    if (dice < 0.12) { faults.push('fenced'); throw new ConfabError('CONFAB_FENCED'); }
    if (dice < 0.16) { faults.push('unknown, not written'); throw new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN'); }
    const offsets = await commit(...parts);
    if (dice < 0.2) { faults.push('unknown, written'); throw new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN'); }
    return offsets;
  });
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`commits that fail in every way change nothing of the outcome (seed ${seed})`, async (t) => {
    const clock = new ManualClock();
    const f = await new Fixture(t, clock).start();
    const random = seededRandom(seed);
    const faults: string[] = [];
    const log = withFaultyCommits(f.log, () => random.float(), faults);
    const start = async (): Promise<void> => {
      const runner = createRunner('dialogue', counting, { log, codec, state: f.state, clock, random, logger: silentLogger, metrics: f.metrics, prefix: '', onFatal: (error) => { throw error; } });
      await runner.start();
      t.after(() => runner.close());
    };
    await start();
    await start();
    const conversations = Array.from({ length: 12 }, (_, i) => `c${i}`);
    for (let round = 0; round < 25; round += 1) {
      for (const name of conversations) await f.send('intents.v1', name, [`${round}`]);
      await clock.advance(40);
    }
    for (let i = 0; i < 300 && (await f.all('replies.v1')).length < 300; i += 1) await clock.advance(200);
    const wanted = Array.from({ length: 25 }, (_, i) => `${i}#${i + 1}`);
    assert.deepEqual(await f.texts('replies.v1'), Object.fromEntries(conversations.map((name) => [name, wanted])), [...new Set(faults)].join());
    assert.ok(new Set(faults).size >= 3, `faults met: ${faults.join()}`);
  });
}

test('an output that the log refuses is found among its commit group and buried; the others and its conversation go on', async (t) => {
  const f = await new Fixture(t).start();
  let refused = 0;
  const log = withCommit(f.log, (commit, instance, group) => {
    if (group.records.some(({ topic, value }) => topic === 'replies.v1' && value?.includes('huge'))) { refused += 1; return Promise.reject(new ConfabError('CONFAB_RECORD_TOO_LARGE')); }
    return commit(instance, group);
  });
  for (let i = 0; i < 20; i += 1) await f.send('intents.v1', `c${i}`, ['a', 'b']);
  await f.send('intents.v1', 'c3', ['huge', 'after']);
  const runner = createRunner('dialogue', counting, { log, codec, state: f.state, clock: f.clock, random: seededRandom(9), logger: silentLogger, metrics: f.metrics, prefix: '', onFatal: (error) => { throw error; } });
  await runner.start();
  t.after(() => runner.close());
  await f.until('all but one', async () => (await f.all('replies.v1')).length === 41);
  const [letter] = (await f.all('dead-letters.v1')).map((record) => codec.of('DeadLetter').decode(record.value!));
  assert.equal(letter?.phase, 'produce');
  assert.notEqual(letter.position, null);
  assert.deepEqual((await f.texts('replies.v1')).c3, ['a#1', 'b#2', 'after#3']);
  assert.ok(refused > 1, 'met in a group with others, and alone');
});

for (const written of [false, true]) {
  test(`a commit without an answer (${written ? 'written' : 'not written'}) when the generation ends: its work is neither lost nor done twice`, async (t) => {
    const clock = new ManualClock();
    const f = await new Fixture(t, clock).start();
    let hang = false;
    let hung = 0;
    const log = withCommit(f.log, async (commit, instance, group) => {
      if (!hang || group.records.length === 0) return commit(instance, group);
      hang = false;
      hung += 1;
      if (written) await commit(instance, group);
      return new Promise(() => undefined);
    });
    const random = seededRandom(5);
    const start = async (): Promise<void> => {
      const runner = createRunner('dialogue', counting, { log, codec, state: f.state, clock, random, logger: silentLogger, metrics: f.metrics, prefix: '', onFatal: (error) => { throw error; } });
      await runner.start();
      t.after(async () => { const closed = runner.close(); await clock.advance(2000); await closed; });
      await clock.advance(10);
    };
    await start();
    const conversations = Array.from({ length: 8 }, (_, i) => `c${i}`);
    for (const name of conversations) await f.send('intents.v1', name, ['a']);
    await clock.advance(100);
    hang = true;
    for (const name of conversations) await f.send('intents.v1', name, ['b']);
    await clock.advance(100);
    assert.equal(hung, 1);
    await start();
    for (const name of conversations) await f.send('intents.v1', name, ['c']);
    for (let i = 0; i < 100 && (await f.all('replies.v1')).length < 24; i += 1) await clock.advance(100);
    assert.deepEqual(await f.texts('replies.v1'), Object.fromEntries(conversations.map((name) => [name, ['a#1', 'b#2', 'c#3']])));
  });
}

test('a state that leaves the cache between its reading and its turn is read again, not taken for a new conversation', async (t) => {
  const f = await new Fixture(t).start();
  const tried = new Set<string>();
  const stage: Stage<'dialogue'> = { ...counting, process: (input, before, context) => {
    // While it waits for its second attempt the others are committed, which empties the cache.
    if (input.value.message.text === 'again' && !tried.has(input.key)) { tried.add(input.key); throw new ConfabError('CONFAB_OVERLOADED'); }
    return counting.process(input, before, context);
  } };
  await f.run('dialogue', stage, { cachedStates: 1 });
  const conversations = Array.from({ length: 12 }, (_, i) => `c${i}`);
  for (const name of conversations) await f.send('intents.v1', name, ['a', 'b']);
  await f.until('answered', async () => (await f.all('replies.v1')).length >= 24);
  for (const name of conversations) await f.send('intents.v1', name, name === 'c0' ? ['again', 'd'] : ['c', 'd']);
  await f.until('answered', async () => (await f.all('replies.v1')).length >= 48);
  assert.deepEqual(await f.texts('replies.v1'), Object.fromEntries(conversations.map((name) => [name, ['a#1', 'b#2', name === 'c0' ? 'again#3' : 'c#3', 'd#4']])));
});

test('a take-over that outlives its generation changes nothing of the next one', async (t) => {
  const f = await new Fixture(t).start();
  await f.send('messages.v1', 'c1', ['1', '2']);
  // The first restoring is slow; it ends after another generation has begun, and been worked in.
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => { open = resolve; });
  let calls = 0;
  const log = new Proxy(f.log, { get: (target, name) => {
    if (name === 'topic') return async (topic: string) => { calls += 1; if (calls === 1) await gate; return target.topic(topic); };
    const value: unknown = Reflect.get(target, name);
    return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
  } });
  const stage = intentStage((_input, result) => result());
  const slow = createRunner('intent', stage, { log, codec, state: f.state, clock: f.clock, random: seededRandom(77), logger: silentLogger, metrics: f.metrics, prefix: '', onFatal: (error) => { throw error; } });
  await slow.start();
  t.after(() => slow.close());
  await f.until('it is taking over', () => calls === 1);
  const other = await f.run('intent', stage);
  open();
  await f.until('both own their share', () => slow.ready);
  await f.until('all are there', async () => (await f.all('intents.v1')).length >= 2);
  await other.close();
  await f.send('messages.v1', 'c1', ['3']);
  await f.until('all are there', async () => (await f.all('intents.v1')).length >= 3);
  assert.deepEqual(await f.texts('intents.v1'), { c1: ['1', '2', '3'] });
});
