/**
 * No daemon is needed to know most of what the image does: its context, its build step and its files are put together here as
 * the Dockerfile says, without the packages that are for development only, and the program is started from them.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { loadConfig } from '../../platform/config.js';
import { packageRoot } from '../../platform/package-root.js';
import { eventually, scratchFolder } from '../../platform/testing.js';

const root = packageRoot();
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const dockerfile = read('Dockerfile');
const { scripts, bin } = JSON.parse(read('package.json')) as { scripts: Record<string, string>; bin: { confab: string } };
const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { dev?: boolean; devOptional?: boolean }> };
const final = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));

/** Files of the project that .dockerignore lets through. */
function context(): string[] {
  const ignored = read('.dockerignore').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).split('\n');
  return files.filter((file) => file !== '' && existsSync(join(root, file)) && !ignored.some((form) => covers(form, file)));
}

/** Docker's rule, as far as our patterns use it: a pattern covers a path and everything below it. */
function covers(form: string, file: string): boolean {
  const parts = file.split('/');
  const tail = new RegExp(`^${form.replace('**/', '').replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`);
  return form.startsWith('**/') ? parts.some((part) => tail.test(part)) : parts.some((_, at) => tail.test(parts.slice(0, at + 1).join('/')));
}

function copyFiles(files: readonly string[], to: string): void {
  for (const file of files) { mkdirSync(dirname(join(to, file)), { recursive: true }); cpSync(join(root, file), join(to, file)); }
}

/** What `npm prune --omit=dev` leaves. */
function linkProductionPackages(to: string): void {
  for (const [path, { dev, devOptional }] of Object.entries(packages)) {
    if (!/^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) || dev === true || devOptional === true || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    symlinkSync(join(root, path), join(to, path));
  }
}

test('the commands of the Dockerfile are scripts of the package, and it starts what the package starts', () => {
  for (const [, script = ''] of dockerfile.matchAll(/npm run ([\w:-]+)/g)) assert.ok(script in scripts, script);
  assert.match(dockerfile, new RegExp(`^ENTRYPOINT \\["node", "${bin.confab}"\\]$`, 'm'));
  assert.match(scripts.start ?? '', new RegExp(`${bin.confab} start$`));
});

test('the image runs on one pinned Node, unprivileged, with a health check, and has longer to stop than it drains', () => {
  const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  assert.equal(new Set(images).size, 1);
  assert.match(images[0] ?? '', /^node:24-/);
  assert.match(final, /^USER node$/m);
  assert.match(final, /^HEALTHCHECK .*/m);
  const { services } = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, { image: string; stop_grace_period?: string; user?: string; cap_drop?: string[]; healthcheck?: object }> };
  for (const [name, service] of Object.entries(services)) {
    if (service.image !== 'confab:local') continue;
    assert.ok(Number.parseInt(service.stop_grace_period ?? '10', 10) * 1000 > loadConfig({}, { serving: false }).http.drainTimeout, name);
    assert.deepEqual(service.cap_drop, ['ALL'], name);
  }
});

test('the program starts from the files of the image, serves the page, answers its health check and stops in order', async (t) => {
  const [build, image] = [scratchFolder(t), scratchFolder(t)];
  copyFiles(context(), build);
  symlinkSync(join(root, 'node_modules'), join(build, 'node_modules'));
  const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: build, encoding: 'utf8' });
  assert.equal(built.status, 0, `${built.stdout}${built.stderr}`);
  for (const [, from = '', to = ''] of final.matchAll(/^COPY --from=build \/app\/(\S+) (\S+)$/gm)) {
    if (from !== 'node_modules') cpSync(join(build, from), join(image, to === './' ? from : to), { recursive: true });
  }
  linkProductionPackages(image);
  const env = { PATH: process.env.PATH ?? '', CONFAB_DATA_DIR: join(image, 'data'), CONFAB_HTTP_PORT: '0', CONFAB_LOG_LEVEL: 'warn' };
  const [, entry = ''] = /^ENTRYPOINT \["node", "([^"]+)"\]$/m.exec(final) ?? [];
  const child = spawn(process.execPath, [entry, 'start'], { cwd: image, env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { said += text; });
  const address = /http:\/\/127\.0\.0\.1:\d+/;
  await eventually('it says where it listens', () => address.test(said) || child.exitCode !== null, 60_000);
  const [url = ''] = address.exec(said) ?? [];
  const [, check = ''] = /CMD \["node", "-e", "(.*)"\]$/m.exec(final) ?? [];
  execFileSync(process.execPath, ['-e', check], { env: { ...env, CONFAB_HTTP_PORT: new URL(url).port } });
  const page = await fetch(url);
  assert.match(page.headers.get('content-type') ?? '', /text\/html/);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit') as [number | null];
  assert.equal(code, 0);
});
