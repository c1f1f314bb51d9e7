/** The producer against a broker that is made up: what it must never do with sequence numbers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../clock.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { KafkaCode } from './codes.js';
import type { Directory } from './directory.js';
import { Batch, Producer, without, type Policy } from './producer.js';
import type { WireRequest } from './wire.js';
import { Writer } from './wire.js';

interface Sent { readonly sequence: number; readonly records: number }

/** Answers each Produce request for partition 0 of `t` as told: a code, an offset, or no answer. */
function broker(answers: ({ code: number; offset?: number } | 'cut' | 'refused')[]): { network: Network; sent: Sent[] } {
  const sent: Sent[] = [];
  const send = async <T>(_node: number | 'any', request: WireRequest<T>): Promise<T> => {
    const answer = answers.shift() ?? { code: 0, offset: 0 };
    if (answer === 'refused') throw new NoAnswer(false, new Error('refused'));
    const out = new Writer();
    request.encode(out);
    const bytes = out.result;
    // transactional id, acks, time-out, one topic named `t`, one partition, size of the batch
    const batch = bytes.subarray(2 + 2 + 4 + 4 + 3 + 4 + 4 + 4);
    sent.push({ sequence: batch.readInt32BE(53), records: batch.readInt32BE(57) });
    if (answer === 'cut') throw new NoAnswer(true, new Error('cut'));
    return [{ topic: 't', partition: 0, code: answer.code, baseOffset: answer.offset ?? 0, refused: [], message: null }] as T;
  };
  return { network: { send } as unknown as Network, sent };
}

const directory = { cached: () => ({ leaders: [1] }), topic: async () => ({ leaders: [1] }), forget: () => undefined } as unknown as Directory;
const identity = { transactionalId: null, producerId: 1, epoch: 0 };

function batchOf(...values: string[]): Batch<string> {
  const batch = new Batch<string>('t', 0);
  for (const value of values) batch.add({ topic: 't', partition: 0, key: null, value: Buffer.from(value), timestamp: 0 }, value);
  return batch;
}

function policy(log: string[], more: Partial<Policy<string>> = {}): Policy<string> {
  return {
    written: (batch, offset) => { log.push(`written ${batch.refs.join('')} at ${offset}`); },
    refused: (batch, code) => { log.push(`refused ${batch.refs.join('')} ${code}`); return []; },
    again: (batch) => [batch],
    dropped: (batch) => { log.push(`dropped ${batch.refs.join('')}`); },
    ...more,
  };
}

test('a batch without an answer is sent again with the same number; the next one follows on it', async () => {
  const { network, sent } = broker(['cut', 'refused', { code: 0, offset: 5 }, { code: 0, offset: 7 }]);
  const log: string[] = [];
  await new Producer(identity, { network, directory, clock: systemClock }).send([batchOf('a', 'b'), batchOf('c')], 1_000, policy(log));
  assert.deepEqual(sent, [{ sequence: 0, records: 2 }, { sequence: 0, records: 2 }, { sequence: 2, records: 1 }]);
  assert.deepEqual(log, ['written ab at 5', 'written c at 7']);
});

test('a refused batch uses no number', async () => {
  const { network, sent } = broker([{ code: KafkaCode.MESSAGE_TOO_LARGE }, { code: 0, offset: 0 }]);
  const log: string[] = [];
  await new Producer(identity, { network, directory, clock: systemClock }).send([batchOf('a'), batchOf('b')], 1_000, policy(log));
  assert.deepEqual(sent.map(({ sequence }) => sequence), [0, 0]);
  assert.deepEqual(log, [`refused a ${KafkaCode.MESSAGE_TOO_LARGE}`, 'written b at 0']);
});

test('after a batch was given up without an answer nothing else is sent under its number', async () => {
  const { network, sent } = broker(['cut']);
  const log: string[] = [];
  const producer = new Producer(identity, { network, directory, clock: systemClock });
  await producer.send([batchOf('a'), batchOf('b'), batchOf('c')], 1_000, policy(log, { again: () => [] }));
  assert.equal(sent.length, 1);
  assert.deepEqual(log, ['dropped b', 'dropped c']);
  assert.ok(producer.worn);
});

test('when the broker has lost the thread the producer is worn, and what follows is not sent', async () => {
  const { network, sent } = broker([{ code: KafkaCode.OUT_OF_ORDER_SEQUENCE_NUMBER }]);
  const log: string[] = [];
  const producer = new Producer(identity, { network, directory, clock: systemClock });
  await producer.send([batchOf('a'), batchOf('b')], 1_000, policy(log));
  assert.equal(sent.length, 1);
  assert.deepEqual(log, [`refused a ${KafkaCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`, 'dropped b']);
  assert.ok(producer.worn);
});

test('what was given up while the batch waited for its next attempt is not sent, what is left is', async () => {
  // A call was told that nothing was written, and its record was sent all the same after the pause.
  const { network, sent } = broker(['refused', { code: 0, offset: 0 }]);
  const log: string[] = [];
  const given = new Set<string>();
  const clock = { ...systemClock, sleep: async () => { given.add('a'); } };
  const kept = (batch: Batch<string>): Batch<string>[] => (batch.sent ? [batch] : without(batch, (ref) => given.has(ref)));
  await new Producer(identity, { network, directory, clock }).send([batchOf('a', 'b')], 1_000, policy(log, { again: kept, stale: (batch) => batch.refs.some((ref) => given.has(ref)) }));
  assert.deepEqual(sent, [{ sequence: 0, records: 1 }]);
  assert.deepEqual(log, ['written b at 0']);
});

test('a leader that stepped down may have appended: its answer leaves the batch as it is, and in doubt', async () => {
  const { network, sent } = broker([{ code: KafkaCode.NOT_LEADER_OR_FOLLOWER }, { code: 0, offset: 0 }]);
  const doubt: boolean[] = [];
  await new Producer(identity, { network, directory, clock: systemClock }).send([batchOf('a', 'b')], 1_000, policy([], { again: (batch) => { doubt.push(batch.sent); return [batch]; } }));
  assert.deepEqual(doubt, [true]);
  assert.deepEqual(sent, [{ sequence: 0, records: 2 }, { sequence: 0, records: 2 }]);
});
