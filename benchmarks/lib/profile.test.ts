import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { packageRoot } from '../../platform/package-root.js';
import { componentOf, summarise } from './profile.js';

const frame = (functionName: string, url = '', lineNumber = -1): { functionName: string; url: string; lineNumber: number } => ({ functionName, url, lineNumber });
const inDist = (path: string): string => `file://${join(packageRoot(), 'dist', path)}`;

test('a function belongs to a folder of ours, a package, Node, generated code or the engine', () => {
  assert.equal(componentOf(frame('pump', inDist('processors/runner/conversation-engine.js'), 3)), 'processors/runner');
  assert.equal(componentOf(frame('append', inDist('egress/outbox/redis.js'), 3)), 'egress/outbox');
  assert.equal(componentOf(frame('send', `file://${join(packageRoot(), 'node_modules/kafkajs/src/network/connection.js')}`, 3)), 'kafkajs');
  assert.equal(componentOf(frame('x', `file://${join(packageRoot(), 'node_modules/@fastify/websocket/index.js')}`, 3)), '@fastify/websocket');
  assert.equal(componentOf(frame('onread', 'node:internal/stream_base_commons', 3)), 'node');
  assert.equal(componentOf(frame('writev')), 'native');
  assert.equal(componentOf(frame('writeMessage', '', 4)), 'generated code');
  assert.equal(componentOf(frame('(garbage collector)')), 'garbage collector');
});

test('shares are of the busy samples of the measured time: idle ones and those outside do not count', () => {
  const profile = {
    startTime: 1_000,
    nodes: [{ id: 1, callFrame: frame('(idle)') }, { id: 2, callFrame: frame('pump', inDist('processors/runner/a.js'), 1) }, { id: 3, callFrame: frame('writev') }],
    // Taken at 1100 (outside), 1200, 1300, 1400, 1500 (outside).
    samples: [2, 2, 1, 3, 2],
    timeDeltas: [100, 100, 100, 100, 100],
  };
  assert.deepEqual(summarise(profile, { from: 1_150, to: 1_450 }).components, { 'processors/runner': 50, native: 50 });
});
