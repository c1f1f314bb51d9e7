import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../platform/package-root.js';

interface Manifest {
  readonly license?: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts?: Readonly<Record<string, boolean>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

const manifest = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
const root = packageRoot();
const own = manifest(root);
const [runTime = '', development = ''] = readFileSync(join(root, 'docs', 'dependencies.md'), 'utf8').split('\n## ').slice(1, 3);

/** Cells of the rows of a table, without head. */
const rows = (section: string): string[][] => section.split('\n').filter((line) => line.startsWith('| ')).slice(2).map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));

for (const [name, section, wanted] of [['run time', runTime, own.dependencies], ['development', development, own.devDependencies]] as const) {
  test(`docs/dependencies.md names each package of ${name}, and no other`, () => {
    assert.deepEqual(rows(section).map(([one]) => one), Object.keys(wanted));
  });

  test(`what docs/dependencies.md says of packages of ${name} is whole and true`, () => {
    for (const [one = '', ...cells] of rows(section)) {
      assert.ok(cells.length === 5 && cells.every((cell) => cell !== ''), one);
      const { license, scripts = {} } = manifest(join(root, 'node_modules', one));
      if (license !== undefined) assert.equal(cells[3], license, `${one}: licence`);
      const script = ['preinstall', 'install', 'postinstall'].find((step) => scripts[step] !== undefined);
      assert.equal(cells[4]?.split(':')[0], script ?? 'none', `${one}: install script`);
      if (script !== undefined) assert.equal(own.allowScripts?.[one], false, `${one}: declared as not needed`);
    }
  });
}

test('no installed package but those that are declared as not needed has an install script', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Readonly<Record<string, { hasInstallScript?: boolean; optional?: boolean }>> };
  const found = Object.entries(lock.packages).filter(([path, entry]) => path !== '' && entry.hasInstallScript === true && existsSync(join(root, path))).map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 13));
  for (const one of found) assert.equal(own.allowScripts?.[one], false, one);
});
