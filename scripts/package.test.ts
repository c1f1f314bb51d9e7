/** What `npm ci` takes must run on the oldest Node that package.json promises, and be found at any registry. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../platform/package-root.js';

interface Package { readonly dev?: boolean; readonly resolved?: string; readonly engines?: { readonly node?: string } }

const json = (name: string): unknown => JSON.parse(readFileSync(join(packageRoot(), name), 'utf8'));
const lock = json('package-lock.json') as { packages: Readonly<Record<string, Package>> };
const { engines } = json('package.json') as { engines: { node: string } };
const floor = versionOf(/^>=(.+)$/.exec(engines.node)?.[1] ?? '');

function versionOf(text: string): readonly number[] {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
  return [major, minor, patch];
}

/** Whether one of the alternatives of an engines range takes the version and begins at or below it. */
function takes(range: string, version: readonly number[]): boolean {
  return range.split('||').map((part) => part.trim()).some((part) => {
    const found = /^(>=|\^|~)?\s*v?(\d+(?:\.\d+)*)/.exec(part);
    if (!found) return part === '*' || part === '';
    const from = versionOf(found[2] ?? '');
    const differs = from.findIndex((number, at) => number !== version[at]);
    return (differs === -1 || (from[differs] ?? 0) < (version[differs] ?? 0)) && (found[1] === '>=' || from[0] === version[0]);
  });
}

test('the ranges of engines are read', () => {
  for (const range of ['>=20', '>= 14.17', '18 || 20 || >=22', '*', '>=12.0.0 <21', '^20.0.0', '^18.19.0 || >=20.6.0']) assert.ok(takes(range, [20, 6, 0]), range);
  for (const range of ['>=22', '>=20.19', '^18', '^22 || >=24', '>=20.6.1']) assert.ok(!takes(range, [20, 6, 0]), range);
});

test('no package of the program needs a newer Node than package.json promises', () => {
  const newer = Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true)
    .flatMap(([path, { engines: needs }]) => needs?.node === undefined || takes(needs.node, floor) ? [] : [`${path}: ${needs.node}`]);
  assert.deepEqual(newer, []);
});

test('package-lock.json names no registry', () => {
  assert.deepEqual(Object.entries(lock.packages).filter(([, { resolved }]) => resolved?.startsWith('http') === true).map(([path]) => path), []);
});
