/** Links, pictures and names of every page lead somewhere. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { catalogue } from '../../platform/errors.js';
import { packageRoot } from '../../platform/package-root.js';
import { anchorsOf, brokenLinks, pages, pictureFaults } from './links.js';
import { foundMetrics } from './metrics-doc.js';

const root = packageRoot();
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const all = pages(root);

test('every relative link of every page leads to a file, and its anchor to a heading', () => {
  assert.ok(all.includes('README.md') && all.includes('docs/README.md'));
  assert.deepEqual(all.flatMap((page) => brokenLinks(root, page).map((fault) => `${page}: ${fault}`)), []);
});

test('every picture is of a kind that is drawn, and its lines are read', () => {
  assert.deepEqual(all.flatMap((page) => pictureFaults(read(page)).map((fault) => `${page}: ${fault}`)), []);
});

test('every setting, error code and metric that a page names exists', () => {
  const settings = new Set([...read('docs/config.md').matchAll(/`(CONFAB_[A-Z0-9_]+)`/g)].map(([, name]) => name));
  const metrics = new Set(foundMetrics(root).map(({ name }) => name));
  const faults = all.filter((page) => page !== 'CHANGELOG.md').flatMap((page) => {
    const text = read(page);
    const names = [...text.matchAll(/\bCONFAB_[A-Z0-9_]*[A-Z0-9]\b(?!_)/g)].map(([name]) => name).filter((name) => !/^CONFAB_(TEST|BENCH|FUZZ|SERVICES)/.test(name) && !settings.has(name) && !(name in catalogue));
    const measured = [...text.matchAll(/\bconfab_[a-z0-9_]*[a-z0-9]\b/g)].map(([name]) => name).filter((name) => !metrics.has(name) && !metrics.has(name.replace(/_(bucket|sum|count)$/, '')));
    return [...names, ...measured].map((name) => `${page}: ${name}`);
  });
  assert.deepEqual(faults, []);
});

test('anchors are those that GitHub makes', () => {
  const anchors = anchorsOf('# One `two`: three!\n## Same\n## Same\n```sh\n# no heading\n```\n<a id="By_hand"></a>\n## [messages.v1](#x)\n');
  assert.deepEqual([...anchors], ['By_hand', 'one-two-three', 'same', 'same-1', 'messagesv1']);
});

test('a picture with a broken line is found', () => {
  const picture = (...lines: string[]): string => ['```mermaid', 'flowchart LR', ...lines, '```', ''].join('\n');
  assert.deepEqual(pictureFaults(picture('  a([x]) -- "y, z" --> b[(q)] --> c', '  a <-.->|state| b', '  a -. why .-> b')), []);
  assert.deepEqual(pictureFaults(picture('  a[x --> b')), ['not read: a[x --> b']);
  assert.deepEqual(pictureFaults('```mermaid\nflowhart LR\n```\n'), ['unknown kind of picture: flowhart LR']);
});
