import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { codec } from '../testing.js';
import { Acceptor } from './acceptor.js';
import type { Pending } from './pending.js';
import { submission } from './testing.js';

/** An acceptor over a log whose batches take a millisecond each, and what it was given. */
function open(gatherMillis: number): { clock: ManualClock; acceptor: Acceptor; batches: number[]; send: (count: number) => void } {
  const clock = new ManualClock();
  const batches: number[] = [];
  const write = async (batch: readonly Pending[], finished: (pending: Pending) => void): Promise<void> => {
    batches.push(batch.length);
    await clock.sleep(1);
    for (const pending of batch) { pending.accept({ messageId: pending.messageId, position: '', duplicate: false }); finished(pending); }
  };
  const acceptor = new Acceptor({
    clock, writer: { write, close: async () => undefined }, topic: 'messages.v1', partitions: 1, encode: (message) => codec.of('Message').encode(message),
    maxRecordBytes: 1_000_000, limits: { gatherMillis },
  });
  let sent = 0;
  const send = (count: number): void => {
    for (let i = 0; i < count; i += 1) acceptor.submit(submission(`m${sent += 1}`, 'c', 'text', undefined, () => { /* the batches tell */ }));
  };
  return { clock, acceptor, batches, send };
}

test('a lone message never waits for others', async () => {
  const { clock, batches, send } = open(5);
  for (let i = 1; i <= 3; i += 1) {
    send(1);
    await clock.advance(1);
    assert.equal(batches.length, i);
  }
});

test('after a batch of several the next one gathers until its time has passed since that began', async () => {
  const { clock, batches, send } = open(5);
  send(3);
  await clock.advance(1);
  assert.deepEqual(batches, [3]);
  send(1);
  await clock.advance(3);
  send(1);
  assert.deepEqual(batches, [3]);
  await clock.advance(1);
  assert.deepEqual(batches, [3, 2]);
  // Nothing came meanwhile: the next one is on its own again.
  await clock.advance(10);
  send(1);
  await clock.advance(0);
  assert.deepEqual(batches, [3, 2, 1]);
});

test('enough messages for a batch of their own, and a drain, end the gathering', async () => {
  const { clock, acceptor, batches, send } = open(60_000);
  send(2);
  await clock.advance(1);
  send(255);
  await clock.advance(1);
  assert.deepEqual(batches, [2]);
  send(1);
  await clock.advance(1);
  assert.deepEqual(batches, [2, 256]);
  send(1);
  const drained = acceptor.drain();
  await clock.advance(1);
  await drained;
  assert.deepEqual(batches, [2, 256, 1]);
});

test('where a batch costs nothing beyond its messages none is waited for', async () => {
  const { clock, batches, send } = open(0);
  send(3);
  await clock.advance(0);
  send(2);
  await clock.advance(1);
  assert.deepEqual(batches, [3, 2]);
});
