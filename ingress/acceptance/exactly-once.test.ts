/** Acceptance exactly once over the claim index: a fault between any two steps, by a hand-moved clock. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { ConfabError } from '../../platform/errors.js';
import type { Appender, EventLog } from '../../platform/event-log/event-log.js';
import { partitionOf } from '../../platform/partitioner.js';
import { memoryLog, PARTITIONS, readMessages } from '../testing.js';
import { MemoryClaimIndex, MemoryClaimStore } from './claim-index/memory.js';
import { Node, type NodeOptions, type Result, type Step } from './testing.js';

/** An appender whose appends wait until they are released. */
function held(): Required<Pick<NodeOptions, 'appender'>> & { readonly release: () => void } {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => { release = resolve; });
  return { release, appender: (real) => ({ append: async (records) => { await gate; return real.append(records); }, close: () => real.close() }) };
}

class Bench {
  readonly store = new MemoryClaimStore();
  private constructor(readonly clock: ManualClock, readonly log: EventLog) {}

  static async create(): Promise<Bench> {
    const clock = new ManualClock();
    return new Bench(clock, await memoryLog(clock));
  }

  async node(options: Partial<NodeOptions> = {}): Promise<Node> {
    const node = await Node.start({ clock: this.clock, log: this.log, index: (_epoch, keepMillis) => new MemoryClaimIndex({ clock: this.clock, keepMillis, store: this.store }), ...options });
    await this.clock.advance(0);
    return node;
  }

  /** Moves the clock until the request is answered. */
  async answer(request: Promise<Result>, millis = 3000): Promise<Result> {
    const state: { result?: Result } = {};
    void request.then((result) => { state.result = result; });
    for (let moved = 0; moved <= millis; moved += 50) {
      await this.clock.advance(0);
      if (state.result) return state.result;
      await this.clock.advance(50);
    }
    throw new Error(`no answer within ${millis} ms`);
  }

  async written(): Promise<string[]> { return (await readMessages(this.log, 'messages.v1')).map(({ messageId }) => messageId); }
}

test('a new key is accepted, a repeat gets the first result, another body is refused', async () => {
  const bench = await Bench.create();
  const node = await bench.node();
  const first = await bench.answer(node.send('a', 'k'));
  assert.equal(first.accepted?.duplicate, false);
  const again = await bench.answer(node.send('a', 'k'));
  assert.deepEqual(again.accepted, { ...first.accepted, duplicate: true });
  assert.equal((await bench.answer(node.send('b', 'k'))).code, 'CONFAB_IDEMPOTENCY_KEY_REUSED');
  assert.deepEqual(await bench.written(), [first.accepted?.messageId]);
});

test('the record is stamped with the time of its claim, so that the log can refuse a late append', async () => {
  const bench = await Bench.create();
  const node = await bench.node();
  await bench.clock.advance(1234);
  const at = bench.clock.now();
  await bench.answer(node.send('a', 'k'));
  assert.equal((await readMessages(bench.log, 'messages.v1'))[0]?.timestamp, at);
});

for (const [step, duplicate] of [['before claim', false], ['after claim', false], ['after append', true]] as const) {
  test(`a node that dies ${step}: the repeat on another node is settled by the log, once`, async () => {
    const bench = await Bench.create();
    const dying = await bench.node({ diesAt: step satisfies Step });
    const living = await bench.node();
    void dying.send('a', 'k');
    await bench.clock.advance(10);
    const early = await bench.answer(living.send('a', 'k'));
    if (step === 'before claim') {
      assert.equal(early.accepted?.duplicate, false);
    } else {
      assert.equal(early.code, 'CONFAB_OUTCOME_UNKNOWN');
      assert.ok((early.error?.retryAfterMs ?? 0) > 10_000);
      await bench.clock.advance(15_000);
    }
    const late = await bench.answer(living.send('a', 'k'));
    assert.equal(late.accepted?.duplicate, step === 'before claim' ? true : duplicate);
    const last = await bench.answer(living.send('a', 'k'));
    assert.deepEqual(last.accepted, { ...late.accepted, duplicate: true });
    assert.deepEqual(await bench.written(), [late.accepted?.messageId]);
  });
}

test('a time-out after a successful append: 503, then the repeat finds it', async () => {
  const bench = await Bench.create();
  const node = await bench.node({ appender: (real) => timesOutOnce(real) });
  assert.equal((await bench.answer(node.send('a', 'k'))).code, 'CONFAB_OUTCOME_UNKNOWN');
  assert.equal((await bench.answer(node.send('a', 'k'))).code, 'CONFAB_OUTCOME_UNKNOWN');
  await bench.clock.advance(15_000);
  const late = await bench.answer(node.send('a', 'k'));
  assert.equal(late.accepted?.duplicate, true);
  assert.deepEqual(await bench.written(), [late.accepted?.messageId]);
});

function timesOutOnce(real: Appender): Appender {
  let first = true;
  return {
    append: async (records) => {
      const offsets = await real.append(records);
      if (!first) return offsets;
      first = false;
      throw new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN');
    },
    close: () => real.close(),
  };
}

test('a log that refuses frees the key: the repeat is accepted at once', async () => {
  const bench = await Bench.create();
  let away = true;
  const node = await bench.node({ appender: (real) => ({ append: (records) => (away ? Promise.reject(new ConfabError('CONFAB_LOG_UNAVAILABLE')) : real.append(records)), close: () => real.close() }) });
  assert.equal((await bench.answer(node.send('a', 'k'))).code, 'CONFAB_LOG_UNAVAILABLE');
  assert.equal((await bench.answer(node.send('u'))).code, 'CONFAB_LOG_UNAVAILABLE');
  away = false;
  const again = await bench.answer(node.send('a', 'k'));
  assert.equal(again.accepted?.duplicate, false);
  assert.deepEqual(await bench.written(), [again.accepted?.messageId]);
});

test('the same key at two nodes at once is written once; the second waits for the first', async () => {
  const bench = await Bench.create();
  const { appender, release } = held();
  const slow = await bench.node({ appender });
  const other = await bench.node();
  const first = slow.send('a', 'k');
  await bench.clock.advance(1);
  const second = other.send('a', 'k');
  await bench.clock.advance(100);
  release();
  const [one, two] = [await bench.answer(first), await bench.answer(second)];
  assert.equal(one.accepted?.duplicate, false);
  assert.deepEqual(two.accepted, { ...one.accepted, duplicate: true });
  assert.equal((await bench.written()).length, 1);
});

test('many nodes, many keys, all at once: one record a key, one answer', async () => {
  const bench = await Bench.create();
  const nodes = await Promise.all([bench.node(), bench.node(), bench.node()]);
  const requests = Array.from({ length: 300 }, (_, n) => (nodes[n % 3] as Node).send(`${n % 50}`, `k${n % 50}`, `c${n % 5}`).then((result) => ({ key: n % 50, result })));
  const results = [];
  for (const request of requests) results.push({ result: await bench.answer(request.then(({ result }) => result)), key: (await request).key });
  const ids = new Map<number, Set<string>>();
  for (const { key, result } of results) {
    assert.ok(result.accepted, result.code);
    ids.set(key, (ids.get(key) ?? new Set()).add(result.accepted.messageId));
  }
  assert.ok([...ids.values()].every((set) => set.size === 1));
  assert.equal((await bench.written()).length, 50);
  assert.equal(results.filter(({ result }) => result.accepted?.duplicate === false).length, 50);
});

test('an append that comes after its claim was given up is refused by the log', async () => {
  const bench = await Bench.create();
  const { appender, release } = held();
  const stopped = await bench.node({ appender });
  const other = await bench.node();
  void stopped.send('a', 'k');
  await bench.clock.advance(16_000);
  const late = await bench.answer(other.send('a', 'k'));
  assert.equal(late.accepted?.duplicate, false);
  release();
  await bench.clock.advance(1000);
  assert.deepEqual(await bench.written(), [late.accepted?.messageId]);
  const again = await bench.answer(stopped.send('a', 'k'));
  assert.deepEqual(again.accepted, { ...late.accepted, duplicate: true }, 'the late node gave up only its own claim');
});

test('an index that was flushed is rebuilt: keys wait, others go on, results stay', async () => {
  const bench = await Bench.create();
  const node = await bench.node();
  const first = await bench.answer(node.send('a', 'k'));
  bench.store.flush();
  assert.equal((await bench.answer(node.send('a', 'k'))).code, 'CONFAB_INDEX_REBUILDING');
  assert.ok((await bench.answer(node.send('u'))).accepted);
  await bench.clock.advance(14_000);
  assert.equal((await bench.answer(node.send('a', 'k'))).code, 'CONFAB_INDEX_REBUILDING', 'a lost claim may still be on its way');
  await bench.clock.advance(2500);
  const again = await bench.answer(node.send('a', 'k'));
  assert.deepEqual(again.accepted, { ...first.accepted, duplicate: true });
  assert.equal((await bench.written()).length, 2);
});

test('records that nobody can read do not stop the rebuild', async () => {
  const bench = await Bench.create();
  const node = await bench.node();
  const first = await bench.answer(node.send('a', 'k'));
  const foreign = await bench.log.appender();
  for (const value of [Buffer.from('no record'), Buffer.from([0, 0, 0, 0x24, 0xc7, 1, 2, 3])]) {
    await foreign.append([{ topic: 'messages.v1', partition: partitionOf('default/c1', PARTITIONS), key: 'default/c1', value, timestamp: bench.clock.now() }]);
  }
  await foreign.close();
  bench.store.flush();
  assert.equal((await bench.answer(node.send('a', 'k'))).code, 'CONFAB_INDEX_REBUILDING');
  await bench.clock.advance(17_000);
  assert.deepEqual((await bench.answer(node.send('a', 'k'))).accepted, { ...first.accepted, duplicate: true });
});

test('flushed between claim and append: what is appended meanwhile is found by the rebuild', async () => {
  const bench = await Bench.create();
  await bench.answer((await bench.node()).send('before', 'k0'));
  const { appender, release } = held();
  const slow = await bench.node({ diesAt: 'never', appender });
  const other = await bench.node();
  const first = slow.send('a', 'k');
  await bench.clock.advance(1);
  bench.store.flush();
  assert.equal((await bench.answer(other.send('a', 'k'))).code, 'CONFAB_INDEX_REBUILDING');
  await bench.clock.advance(1000);
  release();
  const one = await bench.answer(first);
  await bench.clock.advance(16_000);
  const again = await bench.answer(other.send('a', 'k'));
  assert.deepEqual(again.accepted, { ...one.accepted, duplicate: true });
  assert.equal((await bench.written()).length, 2);
});

// An index of a log without messages was once opened at once, also when a claim of before the flush was still on its way.
test('flushed in the first seconds of an installation, before any message: a key that is on its way is not taken again', async () => {
  const bench = await Bench.create();
  const { appender, release } = held();
  const slow = await bench.node({ diesAt: 'never', appender });
  const other = await bench.node();
  const first = slow.send('a', 'k');
  await bench.clock.advance(1);
  bench.store.flush();
  assert.equal((await bench.answer(other.send('a', 'k'))).code, 'CONFAB_INDEX_REBUILDING');
  await bench.clock.advance(1000);
  assert.equal((await bench.answer(other.send('a', 'k'))).code, 'CONFAB_INDEX_REBUILDING');
  release();
  const one = await bench.answer(first);
  await bench.clock.advance(16_000);
  assert.deepEqual((await bench.answer(other.send('a', 'k'))).accepted, { ...one.accepted, duplicate: true });
  assert.equal((await bench.written()).length, 1);
});

test('a rebuild remembers keys of the last 24 hours, not older ones', async () => {
  const bench = await Bench.create();
  const keepMillis = 60_000;
  const node = await bench.node({ keepMillis });
  const old = await bench.answer(node.send('a', 'old'));
  await bench.clock.advance(50_000);
  const young = await bench.answer(node.send('a', 'young'));
  bench.store.flush();
  await bench.answer(node.send('a', 'young'));
  await bench.clock.advance(17_000);
  assert.deepEqual((await bench.answer(node.send('a', 'young'))).accepted, { ...young.accepted, duplicate: true });
  const anew = await bench.answer(node.send('a', 'old'));
  assert.ok(anew.accepted?.duplicate === false && anew.accepted.messageId !== old.accepted?.messageId);
});

test('an index that does not answer refuses keys at once and lets others pass', async () => {
  const bench = await Bench.create();
  let calls = 0;
  const away = (): Promise<never> => { calls += 1; return Promise.reject(new ConfabError('CONFAB_INDEX_REBUILDING')); };
  const node = await bench.node({ index: () => ({ kind: 'memory', claim: away, read: away, confirm: away, release: away, beginRebuild: away, fill: away, finishRebuild: away, close: () => Promise.resolve() }) });
  assert.equal((await bench.answer(node.send('a', 'k'))).code, 'CONFAB_INDEX_REBUILDING');
  const before = calls;
  for (let n = 0; n < 5; n += 1) assert.equal((await bench.answer(node.send('a', 'k'))).code, 'CONFAB_INDEX_REBUILDING');
  assert.equal(calls, before, 'it is not asked again within a second');
  assert.ok((await bench.answer(node.send('u'))).accepted);
});

test('while the log hangs: who waits hears LOG_UNAVAILABLE, who was sent OUTCOME_UNKNOWN, all within 2 s; then it recovers', async () => {
  const bench = await Bench.create();
  const { appender, release } = held();
  const node = await bench.node({ appender });
  const sent = node.send('sent');
  await bench.clock.advance(1);
  const waiting = node.send('waiting');
  const start = bench.clock.now();
  assert.equal((await bench.answer(waiting)).code, 'CONFAB_LOG_UNAVAILABLE');
  assert.equal((await bench.answer(sent)).code, 'CONFAB_OUTCOME_UNKNOWN');
  assert.ok(bench.clock.now() - start <= 2000);
  release();
  assert.ok((await bench.answer(node.send('later'))).accepted);
  assert.equal((await bench.written()).length, 2, 'what was refused as not written was not written');
});

test('draining answers what is under way and refuses what comes', async () => {
  const bench = await Bench.create();
  const node = await bench.node();
  const request = node.send('a', 'k');
  const drained = node.acceptor.close();
  assert.equal((await bench.answer(node.send('b'))).code, 'CONFAB_DRAINING');
  assert.ok((await bench.answer(request)).accepted);
  await bench.clock.advance(10);
  await drained;
});
