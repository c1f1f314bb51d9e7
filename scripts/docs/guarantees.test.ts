/** docs/guarantees.md names tests: each of them is there, under that name. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../platform/package-root.js';

const root = packageRoot();
/** `["name of a test"](../path/of/a.test.ts)`; a name that the test makes up from parts is given up to its first part. */
const NAMED = /\["([^"]+)"\]\(\.\.\/([^)]+\.ts)\)/g;

test('every test that the guarantees name exists', () => {
  const named = [...readFileSync(join(root, 'docs/guarantees.md'), 'utf8').matchAll(NAMED)];
  assert.ok(named.length >= 15, `${named.length} tests are named`);
  const missing = named.filter(([, name = '', path = '']) => !readFileSync(join(root, path), 'utf8').replaceAll("\\'", "'").includes(name));
  assert.deepEqual(missing.map(([, name, path]) => `${path}: ${name}`), []);
});
