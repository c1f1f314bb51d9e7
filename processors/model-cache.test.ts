import assert from 'node:assert/strict';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../platform/testing.js';
import { fileModelCache } from './model-cache.js';

test('with a bound only the newest models are left', (t) => {
  const folder = scratchFolder(t);
  const cache = fileModelCache(folder, 3);
  for (let i = 1; i <= 6; i += 1) {
    cache.set(`a${i}`, Buffer.from([i]));
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), Number(name[1]), Number(name[1]));
  }
  assert.deepEqual(readdirSync(folder).sort(), ['a4.model', 'a5.model', 'a6.model']);
  assert.deepEqual([cache.get('a6'), cache.get('a1')], [Buffer.from([6]), undefined]);
});

test('without one all stay, and a folder that cannot be written is no error', (t) => {
  const folder = scratchFolder(t);
  for (let i = 1; i <= 6; i += 1) fileModelCache(folder).set(`a${i}`, Buffer.from([i]));
  assert.equal(readdirSync(folder).length, 6);
  fileModelCache('/proc/confab', 3).set('a', Buffer.from([1]));
});
