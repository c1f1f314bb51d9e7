import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../platform/clock.js';
import { ConfabError } from '../platform/errors.js';
import { packageVersion } from '../platform/package-root.js';
import { seededRandom } from '../platform/random.js';
import { scratchFolder } from '../platform/testing.js';
import type { CliContext, CliDependencies } from './context.js';
import { runCli } from './program.js';
import { FakeServer, type Faults } from './replay/fake-server.js';
import { startCommand } from './start.js';
import { errorText, harmless } from './terminal.js';

async function run(argv: string[], env: Record<string, string> = {}, more: Partial<CliDependencies> = {}) {
  const texts = { out: '', err: '' };
  const code = await runCli(argv, {
    env, clock: systemClock, random: seededRandom(1),
    stdout: { write: (text) => { texts.out += text; } }, stderr: { write: (text) => { texts.err += text; } },
    interrupted: () => new AbortController().signal, ...more,
  });
  return { code, ...texts };
}

test('version and help', async () => {
  assert.deepEqual(await run(['version']), { code: 0, out: `${packageVersion()}\n`, err: '' });
  assert.deepEqual(await run(['--version']), { code: 0, out: `${packageVersion()}\n`, err: '' });
  const help = await run(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.out, /replay .*topology/s);
  assert.match(help.out, /Exit codes: 0 done, 1 failed/);
  assert.match((await run([])).out, /Usage: confab/);
  assert.match((await run(['replay', '--help'])).out, /CONFAB_TOKEN/);
  assert.match((await run(['topology', '--help'])).out, /plan/);
  assert.match((await run(['help', 'replay'])).out, /--concurrency/);
});

test('a mistyped command is refused in one line, with the nearest one', async () => {
  const { code, out, err } = await run(['repaly', 'x']);
  assert.deepEqual([code, out], [64, '']);
  assert.match(err, /^CONFAB_USAGE: The command line is wrong\. There is no command "repaly"\. Did you mean replay\? [^\n]*\n$/);
});

test('a command that only holds others prints its help, and nothing else', async () => {
  for (const name of ['topology', 'bot']) {
    const { code, out, err } = await run([name]);
    assert.equal(code, 64);
    assert.match(out + err, new RegExp(`^Usage: confab ${name} [^]*Commands:`));
    assert.doesNotMatch(out + err, /CONFAB_USAGE/);
  }
});

test('a role that does not exist is refused before anything else', async () => {
  const never = async (): Promise<never> => { throw new Error('started'); };
  const commands = [{ name: 'start', description: 'start', load: async (context: CliContext) => startCommand(context, ['ingress', 'intent'], never) }];
  const { code, err } = await run(['start', '--role', 'intnt'], {}, { commands });
  assert.equal(code, 64);
  assert.match(err, /^CONFAB_USAGE: [^\n]*There is no role "intnt"\. Did you mean intent\? There are ingress, intent\.[^\n]*\n$/);
});

test('what went wrong and what to do are sentences of their own', () => {
  assert.match(errorText(new ConfabError('CONFAB_LOG_LOCKED', { detail: 'process 7 writes to ./data' }), { colour: false, stack: false }), /writes to \.\/data\. Stop it/);
});

test('a wrong option is refused in one line', async () => {
  for (const argv of [['replay'], ['replay', 'f', '--rat', '1'], ['replay', 'f', '--rate', '0'], ['replay', 'f', '--url', 'x'], ['replay', 'f', '--concurrency', '1.5'], ['bot', 'chek'], ['version', 'x'], ['tail', 'nope']]) {
    const { code, out, err } = await run(argv);
    assert.deepEqual([code, out], [64, ''], argv.join(' '));
    assert.match(err, /^CONFAB_USAGE: [^\n]+\n$/);
  }
});

test('config prints every setting, secrets masked; faults come one a line', async () => {
  const secret = 'x'.repeat(40);
  const all = await run(['config'], { CONFAB_AUTH_SECRET: secret, CONFAB_HTTP_PORT: '9000' });
  assert.equal(all.code, 0);
  assert.match(all.out, /CONFAB_HTTP_PORT +9000 {2}\(set\)/);
  assert.ok(!all.out.includes(secret));
  const changed = await run(['config', '--json', '--changed'], { CONFAB_HTTP_PORT: '9000' });
  assert.deepEqual(JSON.parse(changed.out), { CONFAB_HTTP_PORT: '9000' });
  const wrong = await run(['config'], { CONFAB_HTTP_PORT: 'x', CONFAB_LOG_LEVEL: '\u001b[31m' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /^CONFAB_CONFIG_INVALID: [^\n]*\n {2}CONFAB_HTTP_PORT is "x"[^\n]*\n {2}CONFAB_LOG_LEVEL[^\n]*\n$/);
  assert.ok(!wrong.err.includes('\u001b'));
  assert.match((await run(['config', '--role', 'intent'])).err, /^CONFAB_ROLE_NEEDS_KAFKA: [^\n]*CONFAB_KAFKA_BROKERS is missing/);
});

test('bot check names faults with file and line', async (t) => {
  const bots = scratchFolder(t);
  mkdirSync(join(bots, 'bad'));
  writeFileSync(join(bots, 'bad', 'bot.yaml'), 'id: bad\nnonsense: [');
  const { code, out } = await run(['bot', 'check'], { CONFAB_BOTS_DIR: bots });
  assert.equal(code, 1);
  assert.match(out, /bot\.yaml:\d+:\d+: error: /);
  const json = JSON.parse((await run(['bot', 'check', 'bad', '--json'], { CONFAB_BOTS_DIR: bots })).out) as { bots: { name: string; faults: unknown[] }[] };
  assert.ok(json.bots[0]?.name === 'bad' && json.bots[0].faults.length > 0);
  assert.match((await run(['bot', 'check', 'bed'], { CONFAB_BOTS_DIR: bots })).err, /CONFAB_BOT_UNKNOWN.*Did you mean bad\?/);
});

async function replayFile(t: TestContext, faults: Faults, ...flags: string[]) {
  const file = join(scratchFolder(t), 'talk.jsonl');
  writeFileSync(file, ['a', 'b'].flatMap((conversation) => [0, 1, 2].map((turn) => JSON.stringify({ conversation, turn, speaker: turn === 1 ? 'system' : 'user', text: 'hello' }))).join('\n'));
  const server = new FakeServer(faults);
  await server.listen();
  t.after(() => server.kill());
  return run(['replay', file, '--url', server.url, ...flags]);
}

test('replay prints the figures, and exits with 1 when something is wrong', async (t) => {
  const sound = await replayFile(t, {}, '--json');
  assert.deepEqual([sound.code, sound.err], [0, '']);
  const { accepted, answered, lost, duplicated, outOfOrder } = JSON.parse(sound.out) as Record<string, number>;
  assert.deepEqual({ accepted, answered, lost, duplicated, outOfOrder }, { accepted: 4, answered: 4, lost: 0, duplicated: 0, outOfOrder: 0 });
  const doubled = await replayFile(t, { double: (n) => n === 0 });
  assert.equal(doubled.code, 1);
  assert.match(doubled.out, /duplicated +1\n/);
  assert.match((await replayFile(t, {}, '--conversations', '1', '--json')).out, /"accepted":2/);
});

test('replay of a file that is not there', async () => {
  const { code, err } = await run(['replay', '/no/such.jsonl']);
  assert.equal(code, 1);
  assert.match(err, /^CONFAB_INPUT_INVALID/);
});

test('a command that the program brings is loaded only when it is called', async () => {
  let loaded = 0;
  const commands = [{ name: 'start', description: 'run', load: (context: { exitCode(code: number): void }) => { loaded += 1; return Promise.resolve(new Command('start').option('--role <role>').action(() => { context.exitCode(7); })); } }];
  await run(['version'], {}, { commands });
  assert.equal(loaded, 0);
  assert.equal((await run(['start', '--role', 'x'], {}, { commands })).code, 7);
  assert.match((await run(['strat'], {}, { commands })).err, /Did you mean start\?/);
});

test('foreign text cannot move the cursor, clear the screen or turn the direction', () => {
  assert.equal(harmless('a\u001b[2Jb\u009b\u202e\r\n\tc'), 'a\\u001b[2Jb\\u009b\\u202e\\u000d\n\tc');
});

test('an error is one line with what to do; unknown ones say what they said', () => {
  const plain = { colour: false, stack: false };
  assert.equal(errorText(new ConfabError('CONFAB_LOG_LOCKED'), plain), 'CONFAB_LOG_LOCKED: Another process writes to the data directory. Stop it, or use another CONFAB_DATA_DIR.\n');
  assert.equal(errorText(new ConfabError('CONFAB_PORT_TAKEN', { detail: 'x is in use. Set CONFAB_HTTP_PORT to a free one.' }), plain).match(/Set CONFAB/g)?.length, 1);
  assert.match(errorText(new Error('boom\nbang'), plain), /^CONFAB_INTERNAL: An error of the server\. boom bang[^\n]*\n$/);
  assert.match(errorText(new Error('boom'), { colour: true, stack: true }), /^\u001b\[31m.*\u001b\[0m\nError: boom\n/s);
});
