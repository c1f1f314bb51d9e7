import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from './make-folder.js';
import { scratchFolder } from './testing.js';

test('a folder is made with those above it, and again is fine', (t) => {
  const folder = join(scratchFolder(t), 'a', 'b', 'c');
  makeFolder(folder);
  makeFolder(folder);
  assert.ok(existsSync(folder));
});

test('a folder that the file system will not make is an error, not a loop', () => {
  assert.throws(() => { makeFolder('/dev/null/x'); });
  assert.throws(() => { makeFolder('/proc/nope/x'); });
});
