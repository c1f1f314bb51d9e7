/** `confab chat` as a process of its own, against a server of its own: through a pipe and at a terminal. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort, post, Program } from './composition/testing.js';
import { packageRoot } from './platform/package-root.js';
import { eventually, scratchFolder } from './platform/testing.js';

interface Chat { readonly child: ChildProcess; out: string; err: string; readonly code: Promise<number | null> }

const MAIN = [process.execPath, '--import', 'tsx', join(packageRoot(), 'main.ts'), 'chat'];

/** At a terminal: `script` makes one. */
function chat(t: TestContext, url: string, args: readonly string[], terminal = false): Chat {
  const [command, ...rest] = terminal ? ['script', '-qefc', [...MAIN, ...args].map((word) => `'${word}'`).join(' '), '/dev/null'] : [...MAIN, ...args];
  const child = spawn(command ?? '', rest, { env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm', CONFAB_URL: url } });
  const made: Chat = { child, out: '', err: '', code: new Promise((resolve) => { child.once('exit', resolve); }) };
  child.stdout.on('data', (chunk: Buffer) => { made.out += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { made.err += chunk.toString(); });
  t.after(() => { child.kill('SIGKILL'); });
  return made;
}

async function serve(t: TestContext, env: Readonly<Record<string, string>>): Promise<Program> {
  return (await Program.start(t, { env })).ready();
}

test('through a pipe each line is sent, its reply printed and nothing else; a number chooses what was offered', { timeout: 180_000 }, async (t) => {
  const { url } = await serve(t, { CONFAB_DATA_DIR: scratchFolder(t) });
  const run = chat(t, url, []);
  run.child.stdin?.end('hello\n\n  \n1\r\nPP123456789');
  assert.deepEqual([await run.code, run.err], [0, '']);
  const lines = run.out.trimEnd().split('\n');
  assert.ok(lines.length >= 3, run.out);
  assert.match(run.out, /tracking number/i, 'the first choice is to track a parcel');
  assert.match(run.out, /PP123456789/);
  assert.doesNotMatch(run.out, /\u001b|Pal:/);
});

test('Ctrl-C ends it at once with 130, also while it waits for the next line', { timeout: 180_000 }, async (t) => {
  const { url } = await serve(t, { CONFAB_DATA_DIR: scratchFolder(t) });
  const run = chat(t, url, []);
  run.child.stdin?.write('hello\n');
  await eventually('an answer, so that it waits for more', () => run.out.endsWith('\n'), 60_000);
  run.child.kill('SIGINT');
  assert.deepEqual([await run.code, run.err], [130, '']);
});

test('a server that is not there: one line that says what to do, and exit code 1', { timeout: 30_000 }, async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const run = chat(t, url, []);
  run.child.stdin?.end('hello\n');
  assert.equal(await run.code, 1);
  assert.equal(run.err, `CONFAB_SERVER_UNREACHABLE: The server does not answer. ${url} cannot be reached. Start it with \`confab start\`, or name it with --url or CONFAB_URL.\n`);
  assert.equal(run.out, '');
});

test('a message that the server refuses ends it with the code and exit code 1; a wrong option with 64', { timeout: 180_000 }, async (t) => {
  const { url } = await serve(t, { CONFAB_DATA_DIR: scratchFolder(t) });
  const run = chat(t, url, []);
  run.child.stdin?.end(`${'x'.repeat(5_000)}\n`);
  assert.equal(await run.code, 1);
  assert.match(run.err, /^CONFAB_BODY_INVALID: [^\n]*\n$/);
  const wrong = chat(t, url, ['--conversation', 'no blanks']);
  assert.equal(await wrong.code, 64);
  assert.match(wrong.err, /^CONFAB_USAGE: [^\n]*\n$/);
});

test('at a terminal: history, choices by number, another device, a restart of the server, and /quit', { timeout: 180_000 }, async (t) => {
  const env = { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_HTTP_PORT: String(await freePort()) };
  let program = await serve(t, env);
  const id = randomUUID();
  await post(program.url, id, 'what can you do');
  const run = chat(t, program.url, ['--conversation', id], true);
  const type = (line: string): void => { run.child.stdin?.write(`${line}\r`); };
  await eventually('the history', () => run.out.includes('You:') && run.out.includes('> '));
  type('hello');
  await eventually('a greeting with choices', () => /Parcel Pal:[^]*1[^]*Track a parcel/.test(run.out.slice(run.out.indexOf('hello'))));
  const before = run.out.length;
  type('1');
  await eventually('the choice was taken', () => /tracking number/i.test(run.out.slice(before)));
  await post(program.url, id, 'from elsewhere');
  await eventually('another device is heard', () => run.out.includes('from elsewhere'));
  await program.kill('SIGKILL');
  await eventually('the loss is told', () => run.out.includes('The connection is lost'));
  const offline = run.out.length;
  type('are you there');
  program = await serve(t, env);
  await eventually('it is back, and so is the answer', () => /Connected again/.test(run.out.slice(offline)) && /Parcel Pal:/.test(run.out.slice(offline)), 40_000);
  type('/quit');
  assert.equal(await run.code, 0);
});

test('Ctrl-D and Ctrl-C leave', { timeout: 180_000 }, async (t) => {
  const { url } = await serve(t, { CONFAB_DATA_DIR: scratchFolder(t) });
  for (const key of ['\u0004', '\u0003']) {
    const run = chat(t, url, [], true);
    await eventually('the prompt', () => run.out.includes('> '));
    run.child.stdin?.write(key);
    assert.equal(await run.code, 0, JSON.stringify(key));
  }
});
