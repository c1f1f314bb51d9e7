import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fanoutContract } from './fanout.contract.js';
import { MemoryBus, MemoryFanout } from './memory.js';

fanoutContract('memory', () => {
  const bus = new MemoryBus();
  return () => new MemoryFanout(bus);
});

test('memory fan-out: a lapse is told to the listener', () => {
  const fanout = new MemoryFanout();
  let lapses = 0;
  fanout.listen({ announced: () => { /* none */ }, lapsed: () => { lapses += 1; } });
  fanout.lapse();
  assert.equal(lapses, 1);
});
