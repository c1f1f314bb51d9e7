import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '../platform/clock-manual.js';
import type { Appender, NewRecord } from '../platform/event-log/event-log.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { silentLogger } from '../platform/observability/logger.js';
import { epochOf, formatPosition } from '../platform/position.js';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { BotReply, DeadLetter, IntentDetected, Message } from '../schemas/types.js';
import { ensureTopology } from '../topology/ensure.js';
import { groupName, topology, type StageName } from '../topology/topology.js';
import { OrderSketch, RepeatSketch } from './audit-sketch.js';
import { audit, FINDING_KINDS, isSound, type AuditOptions, type AuditReport, type FindingKind } from './audit.js';

const codec = createLocalCodec();
const AUTHOR = { type: 'person', name: null };
const PARTITION = 1;

/** A log that is written by hand: what the pipeline would have left, and what it must never leave. */
class History {
  readonly clock = new ManualClock();
  readonly log = new MemoryEventLog({ clock: this.clock, random: seededRandom(3) });
  private appender: Appender | undefined;
  private epoch = '';
  private count = 0;

  static async create(t: TestContext): Promise<History> {
    const history = new History();
    t.after(() => history.log.close());
    await ensureTopology({ log: history.log, clock: history.clock, topology, settings: { prefix: '', partitions: 2 }, apply: 'on-start', logger: silentLogger });
    history.epoch = epochOf((await history.log.topic('messages.v1')).id);
    history.appender = await history.log.appender();
    return history;
  }

  position(offset: number): string { return formatPosition(this.epoch, offset, 0); }

  private async write(topic: string, conversation: string, value: Buffer | null): Promise<number> {
    const record: NewRecord = { topic, partition: PARTITION, key: `default/${conversation}`, value, timestamp: this.clock.now() };
    return (await (this.appender as Appender).append([record]))[0] ?? -1;
  }

  /** Accepts a message; gives its offset. */
  accept(conversation: string, change: Partial<Message> = {}): Promise<number> {
    this.count += 1;
    const message: Message = {
      kind: 'text', messageId: `m${this.count}`, botId: 'b', channel: 'api', accountId: null, userId: null, author: AUTHOR, text: 'x', payload: null, replyId: null,
      locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null, ...change,
    };
    return this.write('messages.v1', conversation, codec.of('Message').encode(message));
  }

  reply(conversation: string, offset: number): Promise<number> {
    const reply: BotReply = {
      position: this.position(offset), inReplyTo: 'm', replyId: 'm-01', botId: 'b', botVersion: 'v', channel: 'api', accountId: null, intent: null, confidence: 0,
      outcome: 'answered', author: AUTHOR, parts: [], handoff: null, effects: [], prev: null, createdAt: this.clock.now(),
    };
    return this.write('replies.v1', conversation, codec.of('BotReply').encode(reply));
  }

  understand(conversation: string, offset: number): Promise<number> {
    const value = { position: this.position(offset), message: { ...blankMessage }, results: [] } as unknown as IntentDetected;
    return this.write('intents.v1', conversation, codec.of('IntentDetected').encode(value));
  }

  letter(conversation: string, offset: number, change: Partial<DeadLetter> = {}): Promise<number> {
    const letter: DeadLetter = {
      status: 'open', closes: null, position: this.position(offset), messageId: 'm', stage: 'intent', phase: 'process', topic: 'messages.v1', partition: PARTITION, offset,
      originalKey: null, originalValue: null, errorCode: 'CONFAB_STAGE_FAILED', errorMessage: '', attempts: 1, at: this.clock.now(), ...change,
    };
    return this.write('dead-letters.v1', conversation, codec.of('DeadLetter').encode(letter));
  }

  /** A place that holds no message. */
  tombstone(conversation: string): Promise<number> { return this.write('messages.v1', conversation, null); }

  junk(topic: string): Promise<number> { return this.write(topic, 'c', Buffer.from([0, 0, 0, 0, 99, 1])); }

  passed(stage: StageName, topic: string, offset: number): Promise<void> {
    return this.log.admin.setCommitted(groupName('', stage), [{ topic, partition: PARTITION, offset, metadata: '' }]);
  }

  /** Everything has been processed. */
  async settled(): Promise<void> {
    const end = async (topic: string): Promise<number> => (await this.log.admin.bounds(topic)).find(({ partition }) => partition === PARTITION)?.end ?? 0;
    await this.passed('intent', 'messages.v1', await end('messages.v1'));
    await this.passed('dialogue', 'intents.v1', await end('intents.v1'));
    await this.clock.advance(120_000);
  }

  /** Conversations without a fault, side by side. */
  async sound(conversations: number, turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn += 1) {
      const offsets: number[] = [];
      for (let i = 0; i < conversations; i += 1) offsets.push(await this.accept(`s${i}`, { idempotencyKeyHash: `key-${i}-${turn}` }));
      // Conversations do not wait for each other: their outcomes stand in any order.
      for (let i = conversations - 1; i >= 0; i -= 1) await this.reply(`s${i}`, offsets[i] ?? 0);
    }
  }

  audit(options: Partial<AuditOptions> = {}): Promise<AuditReport> {
    return audit({ log: this.log, codec, clock: this.clock, prefix: '', ...options });
  }
}

const blankMessage: Message = {
  kind: 'text', messageId: 'm', botId: 'b', channel: 'api', accountId: null, userId: null, author: AUTHOR, text: 'x', payload: null, replyId: null,
  locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
};

const brief = (report: AuditReport): string[] => report.findings.map(({ kind, topic, offset, detail }) => `${kind} ${topic}/${offset}: ${detail}`);
const wrong = (report: AuditReport): Partial<Record<FindingKind, number>> => Object.fromEntries(FINDING_KINDS.filter((kind) => report[kind] > 0).map((kind) => [kind, report[kind]]));

test('a sound history has no finding, however conversations mix', async (t) => {
  const history = await History.create(t);
  await history.sound(40, 12);
  await history.settled();
  const report = await history.audit();
  assert.deepEqual({ ...report, findings: brief(report) }, {
    accepted: 480, answered: 480, deadLettered: 0, retries: 0, pending: 0, lost: 0, doubled: 0, reordered: 0, stuck: 0, unasked: 0, unreadable: 0, findings: [],
  });
  assert.ok(isSound(report));
});

test('an empty log is sound', async (t) => {
  const report = await (await History.create(t)).audit();
  assert.deepEqual([report.accepted, isSound(report)], [0, true]);
});

/** A fault, how it is planted among sound conversations, and what the audit must say: that and nothing else. */
const faults: readonly [string, (history: History) => Promise<void>, readonly RegExp[]][] = [
  ['a message that stage intent dropped', async (h) => { await h.accept('c'); await h.settled(); },
    [/^lost messages\.v1\/20: stage intent has passed it/]],
  ['a message that stage dialogue dropped', async (h) => { await h.understand('c', await h.accept('c')); await h.settled(); },
    [/^lost messages\.v1\/20: stage dialogue has passed it/]],
  ['a message that stage intent has not passed', async (h) => { const offset = await h.accept('c'); await h.settled(); await h.passed('intent', 'messages.v1', offset); },
    [/^stuck messages\.v1\/20: stage intent has not passed it/]],
  ['a message that waits for stage dialogue', async (h) => { const at = await h.understand('c', await h.accept('c')); await h.settled(); await h.passed('dialogue', 'intents.v1', at); },
    [/^stuck messages\.v1\/20: stage dialogue has not passed it/]],
  ['a message that was answered twice', async (h) => { const offset = await h.accept('c'); await h.reply('c', offset); await h.reply('c', offset); await h.settled(); },
    [/^doubled replies\.v1\/21: its message has an outcome already/]],
  ['a reply and a dead letter for one message', async (h) => { const offset = await h.accept('c'); await h.reply('c', offset); await h.letter('c', offset); await h.settled(); },
    [/^doubled dead-letters\.v1\/0/]],
  ['a message that was accepted twice under one id', async (h) => { for (let i = 0; i < 2; i += 1) await h.reply('c', await h.accept('c', { messageId: 'same' })); await h.settled(); },
    [/^doubled messages\.v1\/21: message same was accepted before, at offset 20/]],
  ['a key that was accepted twice', async (h) => { for (let i = 0; i < 2; i += 1) await h.reply('c', await h.accept('c', { idempotencyKeyHash: 'k' })); await h.settled(); },
    [/^doubled messages\.v1\/21/]],
  ['outcomes in another order than their messages', async (h) => {
    const [a, b, c] = [await h.accept('c'), await h.accept('c'), await h.accept('c')];
    for (const offset of [b, c, a]) await h.reply('c', offset);
    await h.settled();
  }, [/^reordered replies\.v1\/22: it stands after the outcome of the later message at offset 22/]],
  ['an outcome at a place without a message', async (h) => { await h.reply('c', await h.tombstone('c')); await h.settled(); },
    [/^unasked replies\.v1\/20: there is no message at its position/]],
  ['bytes that are no reply', async (h) => { await h.junk('replies.v1'); await h.settled(); }, [/^unreadable replies\.v1\/20: not a BotReply/]],
  ['a letter that was closed as retried without a retry', async (h) => {
    const offset = await h.accept('c');
    const at = await h.letter('c', offset);
    await h.clock.advance(60_000);
    await h.letter('c', offset, { status: 'retried', closes: `${PARTITION}-${at}` });
    await h.settled();
  }, [/^lost dead-letters\.v1\/1: letter 1-0 was closed as retried/]],
  ['a letter that was retried twice', async (h) => {
    const at = await h.letter('c', await h.accept('c'));
    for (let i = 0; i < 2; i += 1) await h.reply('c', await h.accept('c', { retryOf: `${PARTITION}-${at}` }));
    await h.letter('c', 20, { status: 'retried', closes: `${PARTITION}-${at}` });
    await h.settled();
  }, [/^doubled messages\.v1\/22/]],
];

for (const [what, plant, expected] of faults) {
  test(`${what} is found, and nothing else`, async (t) => {
    const history = await History.create(t);
    await history.sound(4, 5);
    await plant(history);
    const found = brief(await history.audit());
    assert.equal(found.length, expected.length, found.join('\n'));
    expected.forEach((form, i) => { assert.match(found[i] ?? '', form); });
  });
}

test('a dead letter is an outcome; its retry is a message of its own; closing records and letters of later stages are no outcomes', async (t) => {
  const history = await History.create(t);
  const offset = await history.accept('c');
  const at = await history.letter('c', offset);
  const discarded = await history.accept('d');
  const other = await history.letter('d', discarded, { topic: 'intents.v1', stage: 'dialogue' });
  await history.clock.advance(60_000);
  await history.reply('c', await history.accept('c', { messageId: 'm1', retryOf: `${PARTITION}-${at}` }));
  await history.letter('c', offset, { status: 'retried', closes: `${PARTITION}-${at}` });
  await history.letter('d', discarded, { status: 'discarded', closes: `${PARTITION}-${other}` });
  const counted = await history.accept('e');
  await history.reply('e', counted);
  await history.letter('e', counted, { topic: 'replies.v1', stage: 'analytics' });
  await history.settled();
  const report = await history.audit();
  assert.deepEqual([report.accepted, report.answered, report.deadLettered, report.retries, wrong(report)], [4, 4, 2, 1, {}]);
});

test('what is young may still be open', async (t) => {
  const history = await History.create(t);
  await history.accept('c');
  await history.passed('intent', 'messages.v1', 1);
  assert.deepEqual(wrong(await history.audit()), {});
  assert.equal((await history.audit()).pending, 1);
  await history.clock.advance(5_000);
  assert.deepEqual(wrong(await history.audit({ patience: 4_000 })), { lost: 1 });
});

test('an idempotency key may come again after a day', async (t) => {
  const history = await History.create(t);
  for (let day = 0; day < 3; day += 1) {
    await history.reply('c', await history.accept('c', { idempotencyKeyHash: 'k' }));
    await history.clock.advance(24 * 60 * 60 * 1000);
  }
  await history.settled();
  assert.deepEqual(wrong(await history.audit()), {});
});

test('an audit since a time leaves out what was accepted before, faults included', async (t) => {
  const history = await History.create(t);
  await history.accept('old');
  await history.clock.advance(3_600_000);
  const since = history.clock.now();
  await history.sound(3, 3);
  await history.settled();
  const report = await history.audit({ since });
  assert.deepEqual([report.accepted, report.answered, wrong(report)], [9, 9, {}]);
  assert.deepEqual(wrong(await history.audit()), { lost: 1 });
});

test('many faults are all counted, the first of each kind are told, and each names its conversation and position', async (t) => {
  const history = await History.create(t);
  for (let i = 0; i < 30; i += 1) await history.accept(`c${i}`);
  await history.settled();
  const report = await history.audit({ mostFindings: 5 });
  assert.deepEqual([report.lost, report.findings.length], [30, 5]);
  assert.deepEqual(report.findings[3], {
    kind: 'lost', topic: 'messages.v1', partition: PARTITION, offset: 3, key: 'default/c3', position: history.position(3), detail: 'stage intent has passed it and left nothing',
  });
});

test('random histories: what was planted is counted exactly', async (t) => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const history = await History.create(t);
    const random = seededRandom(seed);
    const planted: Record<string, number> = {};
    const plant = (kind: string): void => { planted[kind] = (planted[kind] ?? 0) + 1; };
    let open: { conversation: string; offset: number }[] = [];
    for (let i = 0; i < 300; i += 1) {
      const conversation = `c${Math.floor(random.float() * 12)}`;
      open.push({ conversation, offset: await history.accept(conversation) });
      if (random.float() < 0.7) continue;
      // Conversations are answered in any order, the messages of one in theirs.
      const shuffled = [...new Set(open.map((one) => one.conversation))].map((of) => ({ of, at: random.float() })).sort((x, y) => x.at - y.at);
      for (const { of } of shuffled) for (const { offset } of open.filter((one) => one.conversation === of)) {
        const dice = random.float();
        if (dice < 0.03) { plant('lost'); continue; }
        await history.reply(of, offset);
        if (dice < 0.06) { await history.reply(of, offset); plant('doubled'); }
      }
      open = [];
    }
    for (const { conversation, offset } of open.sort((a, b) => a.offset - b.offset)) await history.reply(conversation, offset);
    await history.settled();
    assert.deepEqual(wrong(await history.audit()), planted, `seed ${seed}`);
  }
});

test('the sketches never miss: what repeats or falls is named, and little else', () => {
  const repeats = new RepeatSketch(10_000);
  const order = new OrderSketch(1_000);
  let falsely = 0;
  for (let i = 0; i < 10_000; i += 1) if (repeats.seen(`id-${i}`)) falsely += 1;
  for (let i = 0; i < 10_000; i += 1) assert.ok(repeats.seen(`id-${i}`));
  assert.ok(falsely < 1_000, `${falsely} of 10,000`);
  for (let i = 0; i < 1_000; i += 1) order.fell(`key-${i}`, 1_000_000 + i);
  for (let i = 0; i < 1_000; i += 1) assert.ok(order.fell(`key-${i}`, i));
});
