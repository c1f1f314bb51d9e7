import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfabError } from '../../platform/errors.js';
import { json, testServer } from '../../platform/outbound/testing.js';
import type { EffectResult } from '../../schemas/types.js';
import { action, effect, effectsFor } from '../effects/testing.js';
import type { EffectRequest, Stage, StageInput } from '../stage.js';
import type { EffectRunner } from './effects.js';
import { Fixture, gate, neighbours, reply, withCommit } from './testing.js';

/** A dialogue whose texts that begin with `call` wait for the action; its reply is the text and what came of it. */
function calling(origin: string): Stage<'dialogue'> {
  const request = (input: StageInput<'intents.v1'>): EffectRequest => effect(
    action(origin, { method: 'POST', keyed: true, path: ['/'], input: [], headers: [] }), {},
    { key: `${input.value.position}#flow.step.0`, conversation: input.key.slice(input.key.indexOf('/') + 1) },
  );
  const answer = (input: StageInput<'intents.v1'>, turns: number, done?: EffectResult): ReturnType<Stage<'dialogue'>['process']> => ({
    outputs: [{ topic: 'replies.v1', value: { ...reply(input.value.position, `${input.value.message.text as string}${done === undefined ? '' : `=${done.status}`}`), effects: done === undefined ? [] : [done] } }],
    state: { reflects: input.value.position, prev: null, botId: 'b', botVersion: '1', handedOff: false, turns, data: '{}', history: null },
  });
  return {
    scope: 'conversation',
    position: (input) => input.value.position,
    process: (input, state, context) => (!(input.value.message.text as string).startsWith('call') ? answer(input, (state?.turns ?? 0) + 1)
      : context.effects.run(request(input)).then((result) => answer(input, (state?.turns ?? 0) + 1, result))),
  };
}

const texts = async (f: Fixture): Promise<Record<string, string[]>> => f.texts('replies.v1');
const count = async (f: Fixture): Promise<number> => (await f.all('replies.v1')).length;

test('without anybody who does effects they are unavailable, and the turn goes on', async (t) => {
  const f = await new Fixture(t).start();
  await f.run('dialogue', calling('http://127.0.0.1:1'));
  await f.send('intents.v1', 'a', ['call', 'then']);
  await f.until('both are answered', async () => await count(f) === 2);
  assert.deepEqual(await texts(f), { a: ['call=CONFAB_EFFECT_UNAVAILABLE', 'then'] });
});

test('while a call is under way only its conversation waits, in order; the others of its partition go on', async (t) => {
  const f = await new Fixture(t).start();
  const waits = gate();
  const server = await testServer(t, (response) => { void waits.promise.then(() => { json(response, { state: 'x' }); }); });
  const { effects } = effectsFor(t, [server.origin]);
  await f.run('dialogue', calling(server.origin), { effects });
  const others = neighbours('a', 20);
  await f.send('intents.v1', 'a', ['call', 'second', 'third']);
  for (const other of others) await f.send('intents.v1', other, ['one', 'two']);
  await f.until('the others are answered', async () => await count(f) === 40);
  assert.equal((await texts(f)).a, undefined);
  waits.open();
  await f.until('and then the one that waited', async () => await count(f) === 43);
  assert.deepEqual((await texts(f)).a, ['call=ok', 'second', 'third']);
  assert.equal(server.asked.length, 1);
});

test('a process that dies between the answer and the commit asks again with the same key; the reply is published once', async (t) => {
  const f = await new Fixture(t).start();
  const server = await testServer(t, (response) => { json(response, { state: 'x' }); });
  const dies = gate();
  const log = withCommit(f.log, (commit, instance, group) => {
    if (!group.records.some(({ topic }) => topic === 'replies.v1')) return commit(instance, group);
    dies.open();
    // As a process that was killed: its commit never comes.
    return Promise.reject(new ConfabError('CONFAB_FENCED'));
  });
  const doomed = f.make('dialogue', calling(server.origin), { log, effects: effectsFor(t, [server.origin]).effects });
  await doomed.start();
  await f.send('intents.v1', 'a', ['call', 'then']);
  await dies.promise;
  await doomed.close();
  assert.equal(await count(f), 0);
  await f.run('dialogue', calling(server.origin), { effects: effectsFor(t, [server.origin]).effects });
  await f.until('it is answered', async () => await count(f) === 2);
  assert.deepEqual(await texts(f), { a: ['call=ok', 'then'] });
  assert.ok(server.asked.length >= 2);
  assert.equal(server.keys.size, 1, 'the other side can tell that it is the same call');
});

test('a partition that leaves takes its calls along: they are aborted here and made again by the next owner, with the same key', async (t) => {
  const f = await new Fixture(t).start();
  let answers = false;
  let aborted = 0;
  const server = await testServer(t, (response, _asked, request) => { if (answers) json(response, { state: 'x' }); else request.on('close', () => { aborted += 1; }); });
  const first = await f.run('dialogue', calling(server.origin), { effects: effectsFor(t, [server.origin]).effects });
  const conversations = Array.from({ length: 16 }, (_, i) => `c${i}`);
  for (const name of conversations) await f.send('intents.v1', name, ['call']);
  await f.until('all are under way', () => server.asked.length >= 8);
  answers = true;
  await first.close();
  assert.equal(await count(f), 0);
  await f.run('dialogue', calling(server.origin), { effects: effectsFor(t, [server.origin]).effects });
  await f.until('all are answered', async () => await count(f) === 16);
  for (const name of conversations) assert.deepEqual((await texts(f))[name], ['call=ok']);
  await f.until('what was under way is given up', () => aborted >= 8);
  assert.equal(server.keys.size, 16);
});

test('a stage that drains commits the calls that are answered in time', async (t) => {
  const f = await new Fixture(t).start();
  const server = await testServer(t, (response) => { json(response, { state: 'x' }); });
  const runner = await f.run('dialogue', calling(server.origin), { effects: effectsFor(t, [server.origin]).effects });
  await f.send('intents.v1', 'a', ['call']);
  await f.until('it is answered', async () => await count(f) === 1);
  await runner.close();
  await f.run('dialogue', calling(server.origin), { effects: effectsFor(t, [server.origin]).effects });
  await f.send('intents.v1', 'a', ['then']);
  await f.until('the next is too', async () => await count(f) === 2);
  assert.deepEqual([...server.keys.values()], [1]);
});

test('a call that hangs ends before the budget of the stage: the flow hears of it, nothing goes to the dead letters', async (t) => {
  const f = await new Fixture(t).start();
  const server = await testServer(t, () => { /* says nothing */ });
  await f.run('dialogue', calling(server.origin), { effects: effectsFor(t, [server.origin]).effects, budget: 2500 });
  await f.send('intents.v1', 'a', ['call', 'then']);
  await f.until('both are answered', async () => await count(f) === 2);
  assert.deepEqual(await texts(f), { a: ['call=CONFAB_ACTION_TIMEOUT', 'then'] });
  assert.equal((await f.all('dead-letters.v1')).length, 0);
});

test('whoever does effects and throws is a failed effect, not a failed turn', async (t) => {
  const f = await new Fixture(t).start();
  const effects: EffectRunner = { run: () => Promise.reject(new TypeError('an error of the program')) };
  await f.run('dialogue', calling('http://127.0.0.1:1'), { effects });
  await f.send('intents.v1', 'a', ['call']);
  await f.until('it is answered', async () => await count(f) === 1);
  assert.deepEqual(await texts(f), { a: ['call=CONFAB_EFFECT_FAILED'] });
});

test('what an attempt listens to is let go with it: a partition that lives long gathers nothing', async (t) => {
  const f = await new Fixture(t).start();
  const signals: AbortSignal[] = [];
  const effects: EffectRunner = { run: (request, { signal }) => { signals.push(signal); return Promise.resolve({ key: request.key, kind: 'http', status: 'ok', result: null }); } };
  let added = 0;
  let removed = 0;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- both are called with the target below
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  t.mock.method(EventTarget.prototype, 'addEventListener', function add(this: EventTarget, ...args: Parameters<typeof addEventListener>) { added += 1; addEventListener.apply(this, args); });
  t.mock.method(EventTarget.prototype, 'removeEventListener', function remove(this: EventTarget, ...args: Parameters<typeof removeEventListener>) { removed += 1; removeEventListener.apply(this, args); });
  await f.run('dialogue', calling('http://127.0.0.1:1'), { effects });
  await f.send('intents.v1', 'a', Array.from({ length: 50 }, (_, i) => `call ${i}`));
  await f.until('all are answered', async () => await count(f) === 50);
  assert.equal(signals.length, 50);
  assert.ok(signals.every((signal) => !signal.aborted));
  assert.deepEqual([added, removed], [50, 50]);
});
