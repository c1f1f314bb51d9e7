/** The package as applications get it: small, without dependencies, and of no platform. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import ts from 'typescript';

const root = join(fileURLToPath(import.meta.url), '../..');
const LIMIT = 6_000;

test('minified and gzipped it stays below 6 kB, and imports nothing', async () => {
  const { outputFiles, metafile } = await build({ entryPoints: [join(root, 'src/index.ts')], bundle: true, minify: true, format: 'esm', target: 'es2022', write: false, metafile: true, logLevel: 'silent' });
  const bytes = gzipSync(outputFiles[0]?.contents ?? Buffer.alloc(LIMIT), { level: 9 }).length;
  assert.ok(bytes < LIMIT, `${bytes} bytes`);
  assert.deepEqual(Object.values(metafile.outputs).flatMap(({ imports }) => imports), []);
});

test('it depends on no package', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  for (const name of ['dependencies', 'peerDependencies', 'optionalDependencies', 'scripts']) assert.equal(manifest[name], undefined, name);
});

test('its sources need the language alone: neither the types of browsers nor those of Node', () => {
  const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.build.json'), { noEmit: true }, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => assert.fail('the configuration cannot be read') });
  assert.deepEqual([config?.options.lib, config?.options.types], [['lib.es2022.d.ts'], []]);
  const program = ts.createProgram(config?.fileNames ?? [], config?.options ?? {});
  assert.deepEqual(ts.getPreEmitDiagnostics(program).map(({ messageText }) => messageText), []);
});

test('only one file touches global objects', () => {
  const files = readdirSync(join(root, 'src')).filter((name) => name.endsWith('.ts') && !/\.test\.ts$|^testing\.ts$/.test(name));
  assert.ok(files.length > 10);
  const GLOBAL = /globalThis|\b(window|document|navigator|localStorage|sessionStorage|process|Buffer)\s*[.([]/;
  const code = (name: string): string => readFileSync(join(root, 'src', name), 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*|`[^`]*`/g, '');
  assert.deepEqual(files.filter((name) => GLOBAL.test(code(name))), ['platform.ts']);
});
