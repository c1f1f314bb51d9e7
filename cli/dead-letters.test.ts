import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../platform/clock.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { seededRandom, systemRandom } from '../platform/random.js';
import { LetterScene } from '../operate/letters/testing.js';
import { runCli } from './program.js';

/** As on Kafka: commands open the log themselves. */
async function setUp(env: Record<string, string> = { CONFAB_KAFKA_BROKERS: 'kafka:9092' }) {
  const log = new MemoryEventLog({ clock: systemClock, random: systemRandom });
  const scene = await LetterScene.over(log);
  // A command closes the log that it opened; this one is for more than one.
  const shared = new Proxy(log, { get: (target, name) => { const value: unknown = name === 'close' ? () => Promise.resolve() : Reflect.get(target, name); return typeof value === 'function' ? value.bind(target) as unknown : value; } });
  const run = async (...argv: string[]): Promise<{ code: number; out: string; err: string }> => {
    let out = '';
    let err = '';
    const code = await runCli(argv, {
      env, clock: systemClock, random: seededRandom(1), openLog: () => Promise.resolve(shared as EventLog),
      stdout: { write: (text) => { out += text; } }, stderr: { write: (text) => { err += text; } },
    });
    return { code, out, err };
  };
  return { scene, run };
}

test('letters are listed in columns without a head when piped, and as JSON lines', async () => {
  const { scene, run } = await setUp();
  const { id } = await scene.deadMessage('c1', { at: Date.UTC(2026, 0, 2) });
  const late = await scene.deadIntent('c2', { at: Date.UTC(2026, 0, 3) });
  const { code, out, err } = await run('dead-letters', 'list');
  assert.deepEqual([code, err], [0, '']);
  assert.deepEqual(out.split('\n').map((line) => line.split(/ {2,}/)).slice(0, 2), [
    [id, 'open', 'intent', 'CONFAB_STAGE_FAILED', '1', '2026-01-02T00:00:00.000Z', 'default/c1', '01ARZ3NDEKTSV4RRFFQ69G5FAV'],
    [late, 'open', 'dialogue', 'CONFAB_STAGE_FAILED', '1', '2026-01-03T00:00:00.000Z', 'default/c2', '01ARZ3NDEKTSV4RRFFQ69G5FAV'],
  ]);
  const json = await run('dead-letters', 'list', '--stage', 'dialogue', '--json');
  assert.equal((JSON.parse(json.out) as { id: string }).id, late);
  assert.equal((await run('dead-letters', 'list', '--since', '2026-01-02T12:00:00Z')).out.startsWith(late), true);
  assert.equal((await run('dead-letters', 'list', '--since', '1h')).out, '');
  const one = await run('dead-letters', 'list', '--limit', '1');
  assert.match(one.err, /only the newest 1 are shown/);
});

test('one letter is shown with its record, and terminal escapes in it are made harmless', async () => {
  const { scene, run } = await setUp();
  const { id } = await scene.deadMessage('c1', { errorMessage: 'broken \u001b[31m' }, { text: 'red \u001b[31m \u202e text' });
  const { code, out } = await run('dead-letters', 'show', id);
  assert.equal(code, 0);
  assert.match(out, /^id {12}\S+\nstatus {8}open\n/);
  assert.match(out, /error {9}CONFAB_STAGE_FAILED: broken \\u001b\[31m/);
  assert.match(out, /"text": "red \\u001b\[31m \\u202e text"/);
  assert.ok(!out.includes('\u001b') && !out.includes('\u202e'));
  const missing = await run('dead-letters', 'show', '0-99');
  assert.deepEqual([missing.code, missing.out], [1, '']);
  assert.match(missing.err, /^CONFAB_LETTER_UNKNOWN: /);
});

test('a retry says the new position, the second one that it was done; what is refused is told on stderr and exits with 1', async () => {
  const { scene, run } = await setUp();
  const { id } = await scene.deadMessage('c1');
  const first = await run('dead-letters', 'retry', id);
  assert.deepEqual([first.code, first.err], [0, '']);
  assert.match(first.out, new RegExp(`^${id} {2}retried as [0-9a-f]{8}-\\d{12}-00\\n$`));
  const second = await run('dead-letters', 'retry', id, '0-77');
  assert.equal(second.code, 1);
  assert.equal(second.out, first.out.replace('retried', 'already retried'));
  assert.match(second.err, /^0-77 {2}CONFAB_LETTER_UNKNOWN: /);
  const discard = await run('dead-letters', 'discard', id, '--json');
  assert.deepEqual([discard.code, (JSON.parse(discard.out) as { code: string }).code], [1, 'CONFAB_LETTER_CLOSED']);
});

test('--all takes every open letter of a stage', async () => {
  const { scene, run } = await setUp();
  for (let i = 0; i < 5; i += 1) await scene.deadMessage(`c${i}`);
  const other = await scene.deadIntent('c9');
  const { code, out } = await run('dead-letters', 'retry', '--stage', 'intent', '--all');
  assert.deepEqual([code, out.trim().split('\n').length], [0, 5]);
  assert.deepEqual([(await run('dead-letters', 'list')).out.split(' ')[0], (await run('dead-letters', 'retry', '--stage', 'intent', '--all')).out], [other, '']);
});

test('a wrong command line says what to do and exits with 64', async () => {
  const { run } = await setUp();
  const wrong: [string[], RegExp][] = [
    [['dead-letters', 'retry'], /Name the letters/], [['dead-letters', 'retry', '--all'], /--stage STAGE/], [['dead-letters', 'retry', '1-1', '--stage', 'intent'], /--stage goes with --all/],
    [['dead-letters', 'retry', '--stage', 'intnt', '--all'], /Did you mean intent\?/], [['dead-letters', 'list', '--since', 'yesterday'], /30m, 12h/],
    [['dead-letters', 'list', '--status', 'closed'], /Allowed choices/], [['dead-letters', 'list', '--limit', '0'], /whole number/], [['dead-letters', 'lst'], /lst/], [['dead-letters', 'show'], /missing/i],
    [['dead-letters', 'retry', '1-1', '--url', 'here'], /Use a URL/],
  ];
  for (const [argv, reason] of wrong) {
    const { code, err } = await run(...argv);
    assert.equal(code, 64, argv.join(' '));
    assert.match(err, reason);
  }
});

async function serve(t: TestContext, listener: (method: string, url: string, done: (status: number, body: unknown) => void, cut: () => void) => void): Promise<string> {
  const server: Server = createServer((request, response) => {
    listener(request.method ?? '', request.url ?? '', (status, body) => { response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)); }, () => { request.socket.destroy(); });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('on the embedded log a retry goes through the running process; an answer that is lost is asked for again', async (t) => {
  const asked: string[] = [];
  const url = await serve(t, (method, path, done, cut) => {
    asked.push(`${method} ${path}`);
    if (asked.length === 1) cut();
    else done(200, { results: [{ id: '1-1', status: 'retried', already: true, messageId: 'M', position: 'P' }, { id: '1-2', code: 'CONFAB_LETTER_CLOSED', detail: 'It was discarded.' }] });
  });
  const { run } = await setUp({ CONFAB_URL: url });
  const { code, out, err } = await run('dead-letters', 'retry', '1-1', '1-2');
  assert.deepEqual([code, out], [1, '1-1  already retried as P\n']);
  assert.match(err, /^1-2 {2}CONFAB_LETTER_CLOSED: .*It was discarded\.\n$/);
  assert.deepEqual(asked, ['POST /v1/admin/dead-letters/retry', 'POST /v1/admin/dead-letters/retry']);
});

test('when no process runs, or something else answers, one line says so', async (t) => {
  const { run } = await setUp({ CONFAB_URL: 'http://127.0.0.1:1' });
  const nobody = await run('dead-letters', 'discard', '1-1');
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /^CONFAB_SERVER_UNREACHABLE: [^\n]*goes through the running process\.[^\n]*confab start[^\n]*\n$/);
  const url = await serve(t, (_method, _path, done) => { done(200, 'hello'); });
  const other = await serve(t, (_method, _path, done) => { done(418, { teapot: true }); });
  assert.match((await run('dead-letters', 'discard', '1-1', '--url', other)).err, /^CONFAB_SERVER_UNREACHABLE: [^\n]*answered 418[^\n]*\n$/);
  assert.match((await run('dead-letters', 'show', '1-1', '--url', url)).err, /^CONFAB_SERVER_UNREACHABLE: [^\n]*not as Confab does[^\n]*\n$/);
  const silent = await serve(t, (_method, _path, _done, cut) => { cut(); });
  assert.match((await run('dead-letters', 'retry', '1-1', '--url', silent)).err, /^CONFAB_SERVER_UNREACHABLE: [^\n]*what was done is not done again[^\n]*\n$/);
});
