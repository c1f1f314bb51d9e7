import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnalyticsCount, BotReply } from '../../schemas/types.js';
import { noEffects } from '../runner/effects.js';
import type { StageContext, StageInput } from '../stage.js';
import { createAnalyticsStage, LATENCY_BOUNDS } from './index.js';

const MINUTE = 60_000;
const NOW = 1_000_000 * MINUTE;

/** The stage over a state topic: newest value by key, as a reader sees it. */
class Bench {
  now = NOW;
  offset = 0;
  readonly topic = new Map<string, AnalyticsCount>();
  private readonly stage = createAnalyticsStage();
  private memory: unknown = this.restore();

  private restore(): unknown {
    if (this.stage.scope !== 'partition') throw new Error('scope');
    // As the log does it: records whose acceptance lies within the time to restore.
    const records = [...this.topic].filter(([, value]) => value.minute >= this.now - (this.stage as { restoreMillis: number }).restoreMillis).map(([key, value]) => ({ key, value }));
    return this.stage.restore(records, 3, 0);
  }

  restart(): void { this.memory = this.restore(); }

  send(...replies: { at?: number; latency?: number; intent?: string | null; outcome?: string; channel?: string }[]): number {
    if (this.stage.scope !== 'partition') throw new Error('scope');
    const inputs = replies.map((reply) => {
      const timestamp = reply.at ?? this.now;
      return { topic: 'replies.v1', partition: 3, offset: this.offset++, key: 'default/c', timestamp, value: {
        botId: 'b', channel: reply.channel ?? 'web', intent: reply.intent === undefined ? 'greet' : reply.intent, outcome: reply.outcome ?? 'answered', createdAt: timestamp + (reply.latency ?? 7),
      } as BotReply } satisfies StageInput<'replies.v1'>;
    });
    const context: StageContext = { now: () => this.now, epoch: '00000000', signal: new AbortController().signal, effects: noEffects };
    const outputs = this.stage.process(inputs, this.memory, context);
    for (const output of outputs) if (output.key !== undefined && output.value) this.topic.set(output.key, output.value);
    return outputs.length;
  }

  /** What a reader adds up for a minute. */
  total(minute: number): number {
    return [...this.topic.values()].filter((value) => value.minute === minute).reduce((sum, value) => sum + value.replies, 0);
  }
}

test('replies are counted by minute, bot, channel and intent, once a batch', () => {
  const bench = new Bench();
  assert.equal(bench.send({ latency: 4 }, { latency: 40_000, outcome: 'fallback' }, { intent: null }, { channel: 'a|b' }), 3);
  assert.deepEqual([...bench.topic.keys()], [`${NOW}|b|web|greet|3`, `${NOW}|b|web||3`, `${NOW}|b|a%7Cb|greet|3`]);
  const count = bench.topic.get(`${NOW}|b|web|greet|3`);
  assert.deepEqual(count, {
    minute: NOW, botId: 'b', channel: 'web', intent: 'greet', partition: 3, replies: 2, outcomes: { answered: 1, fallback: 1 },
    latencyMillisSum: 40_004, latencyMillisMax: 40_000, latencyBuckets: [1, ...new Array<number>(11).fill(0), 1],
  });
});

test('a latency on a bound belongs to its bucket, one below nothing counts as nothing', () => {
  const bench = new Bench();
  for (const bound of LATENCY_BOUNDS) bench.send({ latency: bound });
  bench.send({ latency: -50 });
  assert.deepEqual([...bench.topic.values()][0]?.latencyBuckets, [2, ...new Array<number>(11).fill(1), 0]);
});

test('values are absolute and go on after a restart', () => {
  const bench = new Bench();
  bench.send({}, {});
  bench.restart();
  bench.send({});
  bench.now += 10 * MINUTE;
  bench.restart();
  bench.send({ at: NOW });
  assert.equal(bench.topic.size, 1);
  assert.equal(bench.total(NOW), 4);
});

test('a late reply never overwrites what was counted before, whatever was restored', () => {
  const bench = new Bench();
  bench.send({}, {}, {});
  bench.now += 5 * 60 * MINUTE;
  bench.send({ at: NOW });
  bench.send({ at: NOW });
  assert.equal(bench.total(NOW), 5);
  bench.restart();
  bench.send({ at: NOW });
  assert.equal(bench.total(NOW), 6);
  assert.deepEqual([...bench.topic.keys()], [`${NOW}|b|web|greet|3`, `${NOW}|b|web|greet|3|3`, `${NOW}|b|web|greet|3|5`]);
});

test('a group that lagged for days counts right, restarts included', () => {
  const bench = new Bench();
  bench.now = NOW + 3 * 24 * 60 * MINUTE;
  for (let n = 0; n < 300; n++) {
    bench.send({ at: NOW + (n % 7) * MINUTE });
    if (n % 50 === 0) bench.restart();
    bench.now += 5000;
  }
  let sum = 0;
  for (let minute = 0; minute < 7; minute++) sum += bench.total(NOW + minute * MINUTE);
  assert.equal(sum, 300);
});

test('a clock that goes back opens no closed minute', () => {
  const bench = new Bench();
  bench.send({});
  bench.now += 40 * MINUTE;
  bench.send({});
  bench.now = NOW;
  bench.send({});
  assert.equal(bench.total(NOW), 2);
});

test('what was handed out does not change afterwards', () => {
  const bench = new Bench();
  bench.send({});
  const before = [...bench.topic.values()][0];
  const copy = structuredClone(before);
  bench.send({});
  assert.deepEqual(before, copy);
});

test('another partition\'s records are not restored', () => {
  const stage = createAnalyticsStage();
  assert.ok(stage.scope === 'partition');
  const value = { minute: NOW, botId: 'b', channel: 'web', intent: 'greet', partition: 4, replies: 9, outcomes: {}, latencyMillisSum: 0, latencyMillisMax: 0, latencyBuckets: [] };
  const memory = stage.restore([{ key: `${NOW}|b|web|greet|4`, value }], 3, 0) as { open: Map<string, unknown> };
  assert.equal(memory.open.size, 0);
});
