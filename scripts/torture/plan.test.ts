import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROLES } from './installation/node.js';
import { ABOUT, faultsOf, KINDS, laneNames, LANES, type Fault } from './plan.js';

function first(count: number, ...[lane, seed, kinds]: Parameters<typeof faultsOf>): Fault[] {
  const plan = faultsOf(lane, seed, kinds);
  return Array.from({ length: count }, () => plan.next().value as Fault);
}

test('the same seed draws the same faults, another seed others', () => {
  for (const lane of laneNames) {
    assert.deepEqual(first(40, lane, 7), first(40, lane, 7));
    assert.notDeepEqual(first(40, lane, 7), first(40, lane, 8));
  }
});

test('a lane meets each of its kinds once a round', () => {
  for (const lane of laneNames) {
    const { length } = LANES[lane].kinds;
    const drawn = first(3 * length, lane, 11).map(({ kind }) => kind);
    for (let round = 0; round < 3; round += 1) assert.deepEqual(drawn.slice(round * length, (round + 1) * length).sort(), [...LANES[lane].kinds].sort());
  }
});

test('only the kinds that are asked for are drawn, and a lane without any is empty', () => {
  const kinds = new Set(['broker-kill', 'kill']);
  assert.deepEqual([...new Set(first(10, 'brokers', 3, kinds).map(({ kind }) => kind))], ['broker-kill']);
  assert.equal(faultsOf('redis', 3, kinds).next().done, true);
});

test('what one lane draws does not depend on the kinds of another', () => {
  assert.deepEqual(first(10, 'network', 5, new Set(['net-cut', 'kill'])), first(10, 'network', 5, new Set(['net-cut'])));
});

test('each kind meets every role before it meets one again', () => {
  const rolls = first(36, 'processes', 13).filter(({ kind }) => kind === 'roll').map(({ role }) => role);
  assert.deepEqual([rolls.slice(0, ROLES.length).sort(), rolls.slice(ROLES.length, 2 * ROLES.length).sort()], [[...ROLES].sort(), [...ROLES].sort()]);
});

test('a freeze outlasts session and transaction time-outs, a pause ends before; every kind is explained', () => {
  const pauses = first(60, 'pauses', 21);
  assert.ok(pauses.every(({ kind, millis }) => (kind === 'freeze' ? millis >= 12_000 : millis <= 5_000)));
  assert.deepEqual(Object.keys(ABOUT).sort(), [...KINDS].sort());
});
