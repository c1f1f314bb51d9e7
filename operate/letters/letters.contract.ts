/** What every log must give: letters are closed once, together with what their closing means. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ConfabError } from '../../platform/errors.js';
import type { CommitGroup, EventLog, GroupListener } from '../../platform/event-log/event-log.js';
import type { Settled } from './letter-desk.js';
import { LetterScene, MESSAGE } from './testing.js';

export interface LettersBench {
  /** The same log each time it is called in a test, as another process would open it. */
  open(): Promise<EventLog>;
  readonly prefix: string;
}

export type LettersFactory = (t: TestContext) => Promise<LettersBench>;

const shown = (results: readonly Settled[]): unknown[] => results.map((result) => (result.error ? [result.id, result.error.code] : [result.id, result.status, result.already]));

/** @param name of the log @param skip a reason to skip, or false */
export function lettersContract(name: string, skip: string | false, factory: LettersFactory): void {
  const rule = (sentence: string, run: (scene: LetterScene, bench: LettersBench) => Promise<void>): void => {
    test(`${name}: ${sentence}`, { skip, timeout: 120_000 }, async (t) => {
      const bench = await factory(t);
      await run(await LetterScene.over(await bench.open(), bench.prefix), bench);
    });
  };
  onceRules(rule);
  faultRules(rule);
}

type Rule = (sentence: string, run: (scene: LetterScene, bench: LettersBench) => Promise<void>) => void;

function onceRules(rule: Rule): void {
  rule('a retry appends the message anew and closes the letter, once, and says so when it is asked again', async (scene) => {
    const { id, position } = await scene.deadMessage('c1');
    const [first] = await scene.desk().settle([id], 'retry');
    assert.ok(first !== undefined && first.error === undefined, String(first?.error));
    assert.deepEqual([first.status, first.already, first.messageId], ['retried', false, MESSAGE.messageId]);
    const again = await scene.desk().settle([id], 'retry');
    assert.deepEqual(again, [{ ...first, already: true }], 'the same position comes back');
    const messages = await scene.all('messages.v1');
    assert.deepEqual(messages.map(({ value }) => value), [MESSAGE, { ...MESSAGE, idempotencyKeyHash: null, bodyHash: null, retryOf: id }]);
    assert.ok(first.position !== null && first.position > position);
    assert.equal(messages[1]?.record.key, 'default/c1');
    assert.equal(messages[1]?.partition, messages[0]?.partition);
    const letters = (await scene.all('dead-letters.v1')).map(({ value }) => [value.status, value.closes]);
    assert.deepEqual(letters, [['open', null], ['retried', id]]);
  });

  rule('a letter that is closed takes no other action', async (scene) => {
    const [{ id: one }, { id: two }] = [await scene.deadMessage('c1'), await scene.deadMessage('c2')];
    assert.deepEqual(shown(await scene.desk().settle([one], 'discard')), [[one, 'discarded', false]]);
    assert.deepEqual(shown(await scene.desk().settle([one, two], 'retry')), [[one, 'CONFAB_LETTER_CLOSED'], [two, 'retried', false]]);
    assert.deepEqual(shown(await scene.desk().settle([one, two], 'discard')), [[one, 'discarded', true], [two, 'CONFAB_LETTER_CLOSED']]);
    assert.equal((await scene.all('messages.v1')).length, 3);
  });

  rule('two who retry the same letters at the same moment append each message once', async (scene, bench) => {
    const ids: string[] = [];
    for (let i = 0; i < 12; i += 1) ids.push((await scene.deadMessage(`c${i}`)).id);
    const other = await bench.open();
    const [one, two] = await Promise.all([scene.desk().settle(ids, 'retry'), scene.desk({ log: other }).settle([...ids].reverse(), 'retry')]);
    const all = [...one, ...two];
    assert.deepEqual(all.filter(({ error }) => error !== undefined), []);
    assert.equal(all.filter((result) => result.error === undefined && !result.already).length, ids.length, 'each was retried by one of them');
    const retries = (await scene.all('messages.v1')).flatMap(({ value }) => value.retryOf ?? []);
    assert.deepEqual(retries.sort(), [...ids].sort());
    assert.equal((await scene.all('dead-letters.v1')).filter(({ value }) => value.closes !== null).length, ids.length);
  });

  rule('letters of one conversation are retried in their order', async (scene) => {
    const ids: string[] = [];
    for (const text of ['a', 'b', 'c', 'd']) ids.push((await scene.deadMessage('c1', {}, { text })).id);
    await scene.desk().settle([...ids].reverse(), 'retry');
    assert.deepEqual((await scene.all('messages.v1')).slice(4).map(({ value }) => value.text), ['a', 'b', 'c', 'd']);
  });
}

function faultRules(rule: Rule): void {
  rule('an answer that was lost: the call finds out by itself, and the message stands there once', async (scene) => {
    const { id } = await scene.deadMessage('c1');
    let lost = 0;
    const log = withCommit(scene.log, async (commit) => {
      const result = await commit();
      lost += 1;
      if (lost === 2) throw new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN');
      return result;
    });
    assert.deepEqual(shown(await scene.desk({ log }).settle([id], 'retry')), [[id, 'retried', false]]);
    assert.equal(lost >= 2, true, 'the first commit takes the partitions over, the second retries');
    assert.equal((await scene.all('messages.v1')).filter(({ value }) => value.retryOf === id).length, 1);
  });

  rule('a process that dies before its commit has written nothing: the next one does it', async (scene, bench) => {
    const { id } = await scene.deadMessage('c1');
    let commits = 0;
    const log = withCommit(scene.log, (commit) => { commits += 1; return commits < 2 ? commit() : Promise.reject(new ConfabError('CONFAB_CLOSED')); });
    assert.deepEqual(shown(await scene.desk({ log }).settle([id], 'retry')), [[id, 'CONFAB_CLOSED']]);
    assert.equal((await scene.all('messages.v1')).length, 1);
    assert.deepEqual(shown(await scene.desk({ log: await bench.open() }).settle([id], 'retry')), [[id, 'retried', false]]);
  });

  rule('one that lost its place while it was about to commit writes nothing: another has done it by then', async (scene, bench) => {
    const { id } = await scene.deadMessage('c1');
    const other = await bench.open();
    let commits = 0;
    const between: Settled[] = [];
    const log = withCommit(scene.log, async (commit, leave) => {
      commits += 1;
      if (commits === 2) {
        await leave();
        between.push(...await scene.desk({ log: other }).settle([id], 'retry'));
      }
      return commit();
    });
    const late = await scene.desk({ log }).settle([id], 'retry');
    assert.deepEqual(shown(between), [[id, 'retried', false]]);
    assert.deepEqual(shown(late), [[id, 'retried', true]]);
    assert.equal((await scene.all('messages.v1')).filter(({ value }) => value.retryOf === id).length, 1);
  });

  rule('what cannot be retried is refused with the reason, and can be discarded', async (scene) => {
    const analytics = await scene.letter('default/c1', { stage: 'analytics', topic: 'replies.v1', originalValue: Buffer.from('x') });
    const junk = await scene.letter('default/c2', { phase: 'decode', originalValue: Buffer.from('junk'), offset: 999 });
    const empty = await scene.letter('default/c3', { originalValue: null });
    const stranger = await scene.letter('no-conversation', { originalValue: scene.codec.of('Message').encode(MESSAGE) });
    const nowhere = '1-99999';
    const results = await scene.desk().settle([analytics, junk, empty, stranger, nowhere, 'x', '01-1', '99-0'], 'retry');
    assert.deepEqual(results.map(({ error }) => error?.code), [...Array<string>(4).fill('CONFAB_LETTER_NOT_RETRIABLE'), ...Array<string>(4).fill('CONFAB_LETTER_UNKNOWN')]);
    assert.match(results[0]?.error?.detail ?? '', /twice/);
    assert.equal((await scene.all('messages.v1')).length, 0);
    assert.deepEqual(shown(await scene.desk().settle([analytics, junk, empty, stranger], 'discard')), [analytics, junk, empty, stranger].map((id) => [id, 'discarded', false]));
  });

  rule('the message inside of an intent is retried; a long original is read where it came from', async (scene) => {
    const intent = await scene.deadIntent('c1');
    const { id: long } = await scene.deadMessage('c2', { topic: `${scene.prefix}messages.v1`, originalValue: scene.codec.of('Message').encode({ ...MESSAGE, text: 'long '.repeat(50) }).subarray(0, 60) }, { text: 'long '.repeat(50) });
    assert.deepEqual(shown(await scene.desk().settle([intent, long], 'retry')), [[intent, 'retried', false], [long, 'retried', false]]);
    const retries = (await scene.all('messages.v1')).filter(({ value }) => value.retryOf !== null);
    assert.deepEqual(new Map(retries.map(({ value }) => [value.retryOf, value.text])), new Map([[intent, 'hello'], [long, 'long '.repeat(50)]]));
  });
}

/** The log, with each commit of its members in the hands of `run`; `leave` ends the membership. */
function withCommit(log: EventLog, run: (commit: () => Promise<readonly number[]>, leave: () => Promise<void>) => Promise<readonly number[]>): EventLog {
  const wrapped = Object.create(log) as EventLog & { join: EventLog['join'] };
  wrapped.join = async (options, listener) => {
    const joined = new Map<'member', Awaited<ReturnType<EventLog['join']>>>();
    const member = await log.join(options, listening(listener, (commit) => run(commit, async () => { await joined.get('member')?.close(); })));
    joined.set('member', member);
    return member;
  };
  for (const name of ['appender', 'read', 'settledEnd', 'topic', 'check', 'close'] as const) Object.defineProperty(wrapped, name, { value: (log[name] as (...all: unknown[]) => unknown).bind(log) });
  return wrapped;
}

function listening(listener: GroupListener, run: (commit: () => Promise<readonly number[]>) => Promise<readonly number[]>): GroupListener {
  return {
    records: (batch) => { listener.records(batch); }, revoking: () => listener.revoking(), failed: (error, fatal) => { listener.failed(error, fatal); },
    assigned: (assignment) => {
      const own = Object.create(assignment) as typeof assignment;
      // Private fields belong to the object itself: its methods are called on it.
      for (const name of ['committed', 'fence', 'bounds', 'start', 'pause', 'resume'] as const) Object.defineProperty(own, name, { value: (assignment[name] as (...all: unknown[]) => unknown).bind(assignment) });
      for (const name of ['generation', 'partitions', 'signal'] as const) Object.defineProperty(own, name, { get: () => assignment[name] });
      Object.defineProperty(own, 'commit', { value: (instance: string, group: CommitGroup) => run(() => assignment.commit(instance, group)) });
      return listener.assigned(own);
    },
  };
}
