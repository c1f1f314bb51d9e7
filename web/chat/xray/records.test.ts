import assert from 'node:assert/strict';
import { test } from 'node:test';
import { journeysOf, type XrayRecord } from './records.js';

const record = (topic: string, number: number, sinceAcceptedMs: number | null, more: Partial<XrayRecord> = {}): XrayRecord => ({
  topic, partition: 3, offset: number, position: `0000abcd-${String(number).padStart(12, '0')}-00`, messageId: `M${number}`, stage: 'intent', acceptedAt: '2026-01-01T12:00:00.000Z',
  at: null, sinceAcceptedMs, sincePreviousMs: 1, summary: `${topic} ${number}`, value: {}, ...more,
});

test('records stand together by message, the newest message first, each in the order of its making', () => {
  const journeys = journeysOf([record('replies.v1', 1, 9), record('messages.v1', 2, 0), record('messages.v1', 1, 0), record('intents.v1', 1, 4)]);
  assert.deepEqual(journeys.map(({ title, millis, hops }) => [title, millis, hops.map(({ record: { topic } }) => topic)]), [
    ['messages.v1 2', 0, ['messages.v1']],
    ['messages.v1 1', 9, ['messages.v1', 'intents.v1', 'replies.v1']],
  ]);
});

test('a record that does not say when it was made stands in the order of the topics, at the time of the one before', () => {
  const [journey] = journeysOf([record('dialogue-states.v1', 1, null), record('replies.v1', 1, 5), record('intents.v1', 1, 3)]);
  assert.deepEqual(journey?.hops.map((hop) => [hop.record.topic, hop.sinceAccepted]), [['intents.v1', 3], ['replies.v1', 5], ['dialogue-states.v1', 5]]);
});

test('a record that comes again stands once', () => {
  assert.equal(journeysOf([record('messages.v1', 1, 0), record('messages.v1', 1, 0)])[0]?.hops.length, 1);
});
