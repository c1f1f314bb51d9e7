import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeFault } from './node-version.js';
import { packageRoot } from './package-root.js';

test('Node from 20.6 on will do; an older one is told what to install, in one line', () => {
  for (const version of ['20.6.0', '20.20.2', '22.0.0', '24.1.0', '100.0.0']) assert.equal(nodeFault(version), undefined, version);
  for (const version of ['20.5.1', '18.20.4', '16.9.1', '14.0.0', 'nonsense']) {
    assert.match(nodeFault(version) ?? '', /^CONFAB_NODE_TOO_OLD: This is Node \S+; Confab needs 20\.6 or newer\. Install [^\n]+$/, version);
  }
});

test('it is the version that package.json promises', () => {
  const { engines } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { engines: { node: string } };
  const [major = 0, minor = 0] = engines.node.replace('>=', '').split('.').map(Number);
  assert.equal(nodeFault(`${major}.${minor}.0`), undefined);
  assert.notEqual(nodeFault(minor === 0 ? `${major - 1}.99.0` : `${major}.${minor - 1}.99`), undefined);
});
