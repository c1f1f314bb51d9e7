import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, settle } from '../clock-manual.js';
import { ConfabError } from '../errors.js';
import { createMetrics } from '../observability/metrics.js';
import { seededRandom } from '../random.js';
import { SocketAdmission, type Release, type SocketAdmissionOptions } from './socket-admission.js';

const AT_ONCE = 4;

function admission(more: Partial<SocketAdmissionOptions> = {}): { clock: ManualClock; door: SocketAdmission } {
  const clock = new ManualClock();
  return { clock, door: new SocketAdmission({ clock, random: seededRandom(1), metrics: createMetrics(), open: () => 0, ...more }) };
}

/** Asks `count` times; who was let in, and who was sent away, in the order of the answers. */
function crowd(door: SocketAdmission, count: number): { inside: Release[]; away: ConfabError[] } {
  const [inside, away]: [Release[], ConfabError[]] = [[], []];
  for (let i = 0; i < count; i += 1) void door.enter().then((release) => { inside.push(release); }, (error: unknown) => { assert.ok(error instanceof ConfabError); away.push(error); });
  return { inside, away };
}

test('handshakes are taken in turn, a few at a time', async () => {
  const { door } = admission();
  const { inside, away } = crowd(door, 100);
  await settle();
  assert.deepEqual([inside.length, door.waiting], [AT_ONCE, 100 - AT_ONCE]);
  for (let done = 0; done < 100; done += 1) {
    inside[done]?.();
    inside[done]?.();
    await settle();
    await settle();
    assert.equal(inside.length, Math.min(100, AT_ONCE + done + 1), 'one place for each that leaves');
  }
  assert.deepEqual([door.waiting, away.length], [0, 0]);
  const again = crowd(door, AT_ONCE);
  await settle();
  assert.equal(again.inside.length, AT_ONCE, 'all places are free again');
});

test('while some wait, handshakes rest for three times what a slice of them took', async () => {
  const { clock, door } = admission();
  const { inside } = crowd(door, 20);
  await settle();
  await clock.advance(2);
  for (const release of inside.slice(0, 4)) release();
  await settle();
  await settle();
  assert.equal(inside.length, 8, 'the first slice begins with the first that leaves');
  await clock.advance(2);
  for (const release of inside.slice(4, 8)) release();
  await settle();
  await settle();
  assert.equal(inside.length, 8);
  const late = crowd(door, 1);
  await clock.advance(5);
  assert.deepEqual([inside.length, late.inside.length], [8, 0], 'nobody goes before those that wait');
  await clock.advance(1);
  assert.equal(inside.length, 12);
});

test('beyond the queue they are sent away, with times that spread them at the pace of the node', async () => {
  const { clock, door } = admission({ maxWaiting: 100 });
  const { inside } = crowd(door, 100 + AT_ONCE);
  await settle();
  // The node does 100 a second.
  for (let i = 0; i < 90; i += 1) { inside[i]?.(); await settle(); await clock.advance(10); }
  const { away } = crowd(door, 590);
  await settle();
  assert.equal(away.length, 500);
  assert.ok(away.every(({ code }) => code === 'CONFAB_OVERLOADED'));
  const waits = away.map(({ retryAfterMs = 0 }) => retryAfterMs);
  assert.ok(Math.min(...waits) >= 375, 'never at once');
  const inOneSecond = Math.max(...waits.map((from) => waits.filter((wait) => wait >= from && wait < from + 1_000).length));
  const [first = 0, last = 0] = [waits[0], waits[waits.length - 1]];
  assert.ok(last > first * 2, `${first} … ${last}: who is sent away later waits for longer`);
  assert.ok(inOneSecond < 450, `${inOneSecond} come back in one second`);
  assert.ok(new Set(waits).size > 300, 'they do not come back together');
});

test('a node that is full, or short of memory, or too slow, takes no more', async () => {
  let [open, short] = [10, false];
  const { clock, door } = admission({ maxSockets: 20, open: () => open, memoryShort: () => short });
  const { inside, away } = crowd(door, 12);
  await settle();
  assert.deepEqual([inside.length + door.waiting, away.length], [10, 2], 'those on their way count');
  assert.ok((away[0]?.retryAfterMs ?? 0) >= 3_750);
  for (let done = 0; done < 10; done += 1) {
    inside[done]?.();
    await clock.advance(20);
  }
  assert.equal(inside.length, 10);
  short = true;
  assert.equal((await door.enter().catch((error: unknown) => error) as ConfabError).code, 'CONFAB_OVERLOADED');
  short = false;
  open = 0;
  const many = crowd(door, 20);
  await settle();
  await clock.advance(4_000);
  assert.equal((await door.enter().catch((error: unknown) => error) as ConfabError).code, 'CONFAB_OVERLOADED', 'full again');
  many.inside[0]?.();
  await settle();
  await clock.advance(2_000);
  // The first that waits has done so for 6 s.
  open = -20;
  assert.equal((await door.enter().catch((error: unknown) => error) as ConfabError).code, 'CONFAB_OVERLOADED');
});
