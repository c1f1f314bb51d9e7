import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeadLetter } from '../../schemas/types.js';
import { deadLetterOutcome } from './outcome.js';

const LETTER: DeadLetter = {
  status: 'open', closes: null, position: '0a1b2c3d-000000000007-00', messageId: 'M', stage: 'dialogue', phase: 'process', topic: 'intents.v1', partition: 0, offset: 3,
  originalKey: null, originalValue: null, errorCode: 'CONFAB_INTERNAL', errorMessage: '', attempts: 1, at: 0,
};
const positionOf = (letter: Partial<DeadLetter>): string | undefined =>
  deadLetterOutcome('default/c1', { ...LETTER, ...letter }, 0, { messages: 'staging.messages.v1', intents: 'staging.intents.v1' }, '0a1b2c3d')?.position;

// With CONFAB_PREFIX set a dead-lettered message had no outcome: the runner names the topic as it is declared, and egress looked for the full name.
test('a dead letter is the outcome of its message whether it names the topic as declared or in full', () => {
  for (const topic of ['intents.v1', 'staging.intents.v1']) assert.equal(positionOf({ topic }), '0a1b2c3d-000000000007-01', topic);
  for (const topic of ['messages.v1', 'staging.messages.v1']) assert.equal(positionOf({ topic, position: null, stage: 'intent' }), '0a1b2c3d-000000000003-01', topic);
  for (const topic of ['replies.v1', 'staging.replies.v1', 'other.intents.v1']) assert.equal(positionOf({ topic }), undefined, topic);
});

test('a letter that closes another, or of a stage that no answer hangs on, is no outcome; one of a stage that is gone is', () => {
  assert.equal(positionOf({ status: 'retried', closes: '0-1' }), undefined);
  assert.equal(positionOf({ stage: 'analytics', topic: 'messages.v1' }), undefined);
  assert.equal(positionOf({ stage: 'understanding' }), '0a1b2c3d-000000000007-01');
});
