import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineTopology } from './define.js';
import { stagesTowards } from './outcome-path.js';
import { topology } from './topology.js';

test('the outcome of a message hangs on the stages before its reply, and on no others', () => {
  assert.deepEqual([...stagesTowards(topology, 'replies.v1')].sort(), ['dialogue', 'intent']);
  assert.deepEqual([...stagesTowards(topology, 'messages.v1')], []);
});

test('a stage at the side of the path does not count, though it reads the same topic', () => {
  const topic = { record: 'Message', key: 'conversation', partitions: 'conversation', cleanup: 'delete', retention: 1000, purpose: 'x' } as const;
  const stage = { scope: 'conversation', budget: 1000, purpose: 'x' } as const;
  const made = defineTopology({
    topics: { 'in.v1': topic, 'moods.v1': topic, 'out.v1': topic, 'dead.v1': topic },
    stages: { answer: { ...stage, reads: ['in.v1'], writes: ['out.v1'] }, mood: { ...stage, reads: ['in.v1'], writes: ['moods.v1'] } },
    edges: {}, deadLetters: 'dead.v1',
  });
  assert.deepEqual([...stagesTowards(made, 'out.v1')], ['answer']);
});
