import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../platform/package-root.js';
import { GROUPS, readDocument } from './documents.js';

const tutorials = readdirSync(join(packageRoot(), 'docs/tutorials')).map((name) => `docs/tutorials/${name}`);
const documents = ['README.md', ...tutorials];

test('README and every tutorial are walked, on their own or at the beginning of another', () => {
  const walked = Object.values(GROUPS).flat().flatMap((path) => [path, ...readDocument(path).after.map((before) => join(dirname(path), before))]);
  assert.deepEqual(walked.sort(), documents.sort());
});

test('every block of README and tutorials is run, or says why not', () => {
  for (const document of documents) assert.deepEqual(readDocument(document).faults, [], document);
});
