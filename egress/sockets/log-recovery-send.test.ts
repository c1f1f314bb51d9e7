import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPosition } from '../../platform/position.js';
import type { Hub } from './hub.js';
import { Subscription } from './subscription.js';

test('thousands of outcomes of one answer of the log leave turns to others, in order', async () => {
  const position = (offset: number): string => formatPosition('0a1b2c3d', offset, 1);
  const outcomes = Array.from({ length: 3_000 }, (_, i) => ({ key: 'default/c', position: position(i + 1), prev: position(i), frame: `${i + 1}`, timestamp: 0 }));
  const hub = {
    topics: { epoch: '0a1b2c3d' }, clock: { after: () => ({ cancel: () => undefined }) }, attach: () => Promise.resolve(), delivered: () => undefined,
    readOutbox: () => Promise.resolve(undefined), recovery: { recover: ({ after }: { after: string }) => Promise.resolve({ outcomes: outcomes.filter((outcome) => outcome.position > after), more: false, lost: false }) },
  };
  const sent: string[] = [];
  const seen: number[] = [];
  const outlet = {
    id: 'o', open: true, behind: false, deliver: (frame: string) => { sent.push(frame); }, deliverLossy: () => true, room: () => undefined,
    turn: <T>(work: () => Promise<T>) => work(), error: (error: Error) => { assert.fail(error.message); },
  };
  const subscription = new Subscription(hub as unknown as Hub, outlet, 'default/c', 'c', 0);
  let done = false;
  const others = (): void => { seen.push(sent.length); if (!done) setImmediate(others); };
  setImmediate(others);
  const started = subscription.start(position(0));
  // Announced meanwhile: it comes after what is older.
  subscription.offer({ key: 'default/c', position: position(3_001), prev: position(3_000), late: false, timestamp: 0, frame: '3001' });
  await started;
  done = true;
  assert.deepEqual(sent.slice(1), Array.from({ length: 3_001 }, (_, i) => String(i + 1)));
  assert.ok(seen.length >= 20, `${seen.length} turns`);
  assert.ok(seen.every((count, i) => count - (seen[i - 1] ?? 0) <= 200), JSON.stringify(seen));
});
