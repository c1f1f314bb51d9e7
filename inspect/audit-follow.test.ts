import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '../platform/clock-manual.js';
import type { Appender, EventLog } from '../platform/event-log/event-log.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { ConfabError } from '../platform/errors.js';
import { silentLogger } from '../platform/observability/logger.js';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { BotReply, Message } from '../schemas/types.js';
import { ensureTopology } from '../topology/ensure.js';
import { groupName, topology, type StageName, type TopicName } from '../topology/topology.js';
import type { AuditReport } from './audit.js';
import { encoded, History, type Planned } from './audit/testing/history.js';
import { followAudit, type FollowOptions } from './audit/follow.js';
import { epochOf } from '../platform/position.js';

const codec = createLocalCodec();
const PATIENCE = 60_000;
const INTERVAL = 5_000;

/** A log into which a history is written bit by bit, while an audit follows it. */
class Scene {
  readonly clock = new ManualClock();
  readonly log = new MemoryEventLog({ clock: this.clock, random: seededRandom(3) });
  readonly said: string[] = [];
  readonly rounds: AuditReport[] = [];
  /** Set to make the next look fail. */
  trouble: ConfabError | undefined;
  private readonly abort = new AbortController();
  private readonly written = new Map<TopicName, number>();
  private end: Promise<AuditReport> | undefined;
  history!: History;
  private appender!: Appender;

  static async create(t: TestContext): Promise<Scene> {
    const scene = new Scene();
    t.after(() => scene.log.close());
    await ensureTopology({ log: scene.log, clock: scene.clock, topology, settings: { prefix: '', partitions: 1 }, apply: 'on-start', logger: silentLogger });
    scene.history = new History({ random: seededRandom(5), steps: 0, conversations: 3, start: scene.clock.now(), epoch: epochOf((await scene.log.topic('messages.v1')).id), gaps: false });
    scene.appender = await scene.log.appender();
    // Turns of a history take their own time.
    await scene.log.admin.setTopicConfig('messages.v1', { 'message.timestamp.before.max.ms': '86400000' });
    setMaxListeners(0, scene.abort.signal);
    return scene;
  }

  follow(change: Partial<FollowOptions> = {}): void {
    const { log, clock } = this;
    const failing: EventLog = new Proxy(log, { get: (target, name): unknown => {
      const value: unknown = Reflect.get(target, name);
      if (name === 'topic' && this.trouble !== undefined) { const error = this.trouble; this.trouble = undefined; return () => Promise.reject(error); }
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    } });
    this.end = followAudit({
      log: failing, codec, clock, prefix: '', patience: PATIENCE, interval: INTERVAL, signal: this.abort.signal,
      onFinding: ({ kind, topic, offset }) => { this.said.push(`${kind} ${topic}/${offset}`); }, onLate: ({ kind, position }) => { this.said.push(`late ${kind} ${Number(position.slice(9, 21))}`); },
      onRound: (report) => { this.rounds.push(report); }, onTrouble: (error) => { this.said.push(error.code); }, ...change,
    });
  }

  /** What the history has more than the log is written. */
  async write(): Promise<void> {
    const { history } = this;
    history.now = Math.max(history.now, this.clock.now());
    const lists: [TopicName, readonly Planned[]][] = [['messages.v1', history.messages], ['intents.v1', history.intents], ['replies.v1', history.replies], ['dialogue-states.v1', history.states], ['dead-letters.v1', history.letters]];
    for (const [topic, list] of lists) {
      for (const planned of list.slice(this.written.get(topic) ?? 0)) {
        const { key, timestamp, value } = encoded(planned, topic as 'messages.v1', codec);
        await this.appender.append([{ topic, partition: 0, key, value, timestamp }]);
      }
      this.written.set(topic, list.length);
    }
  }

  async accept(key = this.history.conversations[0]?.key ?? ''): Promise<Planned<Message>> {
    this.history.now = this.clock.now();
    const message = this.history.accept(key);
    message.timestamp = this.clock.now();
    await this.write();
    return message;
  }

  passed(stage: StageName, topic: TopicName, offset: number): Promise<void> {
    return this.log.admin.setCommitted(groupName('', stage), [{ topic, partition: 0, offset, metadata: '' }]);
  }

  async wait(millis: number): Promise<void> {
    for (let left = millis; left > 0; left -= INTERVAL) await this.clock.advance(Math.min(left, INTERVAL));
  }

  stopWhenEnded(): Promise<AuditReport> { return this.end as Promise<AuditReport>; }

  async stop(): Promise<AuditReport> {
    this.abort.abort();
    return this.end as Promise<AuditReport>;
  }
}

test('a message is told as stuck after the patience, and again when it is answered late', async (t) => {
  const scene = await Scene.create(t);
  scene.follow();
  await scene.wait(INTERVAL);
  const message = await scene.accept();
  await scene.wait(PATIENCE - INTERVAL);
  assert.deepEqual(scene.said, []);
  assert.equal(scene.rounds.at(-1)?.pending, 1);
  await scene.wait(3 * INTERVAL);
  assert.deepEqual(scene.said, ['stuck messages.v1/0']);
  assert.deepEqual([scene.rounds.at(-1)?.stuck, scene.rounds.at(-1)?.pending], [1, 0]);
  scene.history.toReply(scene.history.toIntent(message));
  await scene.write();
  await scene.wait(2 * INTERVAL);
  assert.deepEqual(scene.said, ['stuck messages.v1/0', 'late stuck 0']);
  const { stuck, answered, accepted } = await scene.stop();
  assert.deepEqual([stuck, answered, accepted], [0, 1, 1]);
});

test('what stages have passed without leaving anything is lost, by intent and by dialogue', async (t) => {
  const scene = await Scene.create(t);
  scene.follow();
  await scene.accept();
  const second = await scene.accept(scene.history.conversations[1]?.key);
  scene.history.toIntent(second);
  await scene.write();
  await scene.passed('intent', 'messages.v1', 2);
  await scene.wait(2 * INTERVAL);
  // The dialogue commits after its input was read: what counts is what stands when the patience is over.
  await scene.passed('dialogue', 'intents.v1', 1);
  await scene.wait(PATIENCE + 2 * INTERVAL);
  assert.deepEqual(scene.said.sort(), ['lost messages.v1/0', 'lost messages.v1/1']);
  assert.equal((await scene.stop()).lost, 2);
});

test('findings are told once, as they come; a log that does not answer is asked again', async (t) => {
  const scene = await Scene.create(t);
  for (let i = 0; i < 5; i += 1) scene.history.turn(scene.history.conversations[i % 3]?.key ?? '');
  await scene.write();
  scene.follow();
  await scene.wait(2 * INTERVAL);
  assert.deepEqual(scene.said, []);
  const reply = scene.history.replies[2] as Planned<BotReply>;
  scene.history.replies.push({ ...reply });
  await scene.write();
  scene.trouble = new ConfabError('CONFAB_LOG_UNAVAILABLE');
  await scene.wait(3 * INTERVAL);
  const first = scene.history.messages[0]?.value as Message;
  const again = scene.history.turn(scene.history.conversations[0]?.key ?? '', { messageId: first.messageId, idempotencyKeyHash: null });
  await scene.write();
  await scene.wait(4 * INTERVAL);
  assert.deepEqual(scene.said, ['CONFAB_LOG_UNAVAILABLE', 'doubled replies.v1/5', `doubled messages.v1/${again.offset}`]);
  assert.equal((await scene.stop()).doubled, 2);
});

test('it goes on for ever in bounded memory: what was not heard of for longest is forgotten, and nothing is found for that', async (t) => {
  const scene = await Scene.create(t);
  scene.follow({ limits: { conversations: 4, names: { exact: 16 }, page: 8, pages: 1, marks: 4_096 } });
  const keys = scene.history.keys(12);
  for (let round = 0; round < 20; round += 1) {
    for (let i = 0; i < 6; i += 1) scene.history.turn(keys[(round * 5 + i * 7) % 12] ?? '');
    await scene.write();
    await scene.wait(2 * INTERVAL);
  }
  await scene.wait(PATIENCE * 2);
  assert.deepEqual(scene.said, []);
  assert.equal((await scene.stop()).accepted, 120);
});

test('a topic that was made anew ends it', async (t) => {
  const scene = await Scene.create(t);
  scene.follow();
  await scene.wait(INTERVAL);
  await scene.log.admin.deleteTopic('messages.v1');
  await scene.log.admin.createTopic({ name: 'messages.v1', partitions: 1, config: {} });
  const ended = assert.rejects(scene.stopWhenEnded(), /made anew/);
  await scene.wait(2 * INTERVAL);
  await ended;
});
