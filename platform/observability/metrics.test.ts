import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../package-root.js';
import { Counter, createMetrics, createProcessMetrics, metricFaults, metricNameFaults } from './metrics.js';

test('the metrics of a process name its version and roles, and have those of Node', async () => {
  const metrics = createProcessMetrics({ version: '1.2.3', roles: ['intent'] });
  const text = await metrics.metrics();
  assert.match(text, /confab_build_info\{version="1.2.3",roles="intent"\} 1/);
  assert.match(text, /process_resident_memory_bytes/);
  assert.match(text, /nodejs_eventloop_lag_seconds/);
  assert.deepEqual(await metricFaults(metrics), []);
});

test('a name that breaks the conventions is told why', async () => {
  const help = 'A sentence.';
  assert.deepEqual(metricNameFaults({ name: 'confab_stage_commit_duration_seconds', type: 'histogram', help }), []);
  assert.deepEqual(metricNameFaults({ name: 'confab_stage_records_total', type: 'counter', help }), []);
  assert.equal(metricNameFaults({ name: 'confab_latency_ms', type: 'histogram', help }).length, 2);
  assert.equal(metricNameFaults({ name: 'latencySeconds', type: 'gauge', help: 'none' }).length, 2);
  assert.equal(metricNameFaults({ name: 'confab_records', type: 'counter', help }).length, 1);
  const metrics = createMetrics();
  new Counter({ name: 'confab_bad', help, registers: [metrics] });
  assert.deepEqual(await metricFaults(metrics), ['confab_bad: a counter ends in _total']);
});

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return sources(join(folder, entry.name));
    return entry.name.endsWith('.ts') && !entry.name.includes('.test.') && !entry.name.includes('.contract.') ? [join(folder, entry.name)] : [];
  });
}

test('every metric that the source names follows the conventions', () => {
  const files = ['platform', 'processors', 'ingress', 'egress', 'schemas', 'topology', 'cli'].flatMap((folder) => sources(join(packageRoot(), folder)));
  for (const file of files) for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/['`](confab_[a-z0-9_]+)['`]/g)) {
    const type = name.endsWith('_total') ? 'counter' : 'gauge';
    assert.deepEqual(metricNameFaults({ name, type, help: 'A sentence.' }), [], `${name} in ${file}`);
  }
});
