/** A node with thousands of sockets is told to stop: each is closed with 1001, in slices, and the process ends by itself. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { call, Client, serve } from './composition/protocol/testing.js';
import { systemClock } from './platform/clock.js';
import { eventually, scratchFolder } from './platform/testing.js';

const COUNT = 2_000;
/** Sockets that a node closes in a second when it has the time: platform/http/server.ts. */
const CLOSED_A_SECOND = 500;
/** Between two slices, milliseconds: platform/http/socket-registry.ts. */
const SLICE = 50;
/** Handshakes under way at a time: a node sends away what comes faster than it takes. */
const OPENING = 50;
const PATIENCE = 120_000;

interface Close { readonly code: number; readonly reason: string; readonly at: number }
type Report = { readonly type: 'open' } | { readonly type: 'closed'; readonly closes: readonly Close[] };

/** The process of its own that holds the sockets. Says when all stand, and how they ended. */
async function crowd(url: string): Promise<void> {
  const closes: Close[] = [];
  const tell = (report: Report): void => { process.send?.(report); };
  let next = 0;
  await Promise.all(Array.from({ length: OPENING }, async () => {
    while (next < COUNT) {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/conversations/c${next}/stream`, ['confab.v1']);
      next += 1;
      socket.on('error', () => { /* it closes */ });
      socket.once('close', (code, reason) => {
        closes.push({ code, reason: reason.toString(), at: systemClock.now() });
        if (closes.length === COUNT) tell({ type: 'closed', closes });
      });
      await once(socket, 'message');
    }
  }));
  tell({ type: 'open' });
}

/** Starts it; resolves when all of its sockets stand, with how they will end. */
async function startCrowd(t: TestContext, url: string): Promise<{ closes: () => readonly Close[] | undefined }> {
  const child = fork(fileURLToPath(import.meta.url), ['crowd', url], { execArgv: process.execArgv, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  t.after(() => { child.kill('SIGKILL'); });
  let open = false;
  let closes: readonly Close[] | undefined;
  child.on('message', (report: Report) => { if (report.type === 'open') open = true; else closes = report.closes; });
  await eventually('all sockets stand', () => { assert.equal(child.exitCode, null); return open; }, PATIENCE);
  return { closes: () => closes };
}

if (process.argv[2] === 'crowd') await crowd(process.argv[3] ?? '');
else {
  test('SIGTERM with thousands of sockets: each gets 1001, in slices over as long as their number asks for; who does not answer does not hold up the end', { timeout: 300_000 }, async (t) => {
    const program = await serve(t, { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_DRAIN_TIMEOUT: '60s' });
    const { url } = program;
    const { closes } = await startCrowd(t, url);
    const silent = await Client.open(t, url, '/v1/conversations/silent/stream');
    await silent.wait('ready', PATIENCE);
    const open = async (): Promise<number> => Number(/^confab_egress_sockets (\d+)$/m.exec((await call(url, '/metrics')).text)?.[1]);
    assert.equal(await open(), COUNT + 1);
    silent.socket.pause();

    const begun = systemClock.now();
    let ended = false;
    const exit = program.kill('SIGTERM').finally(() => { ended = true; });
    // As the node itself counts them, while it can be asked.
    const counts: number[] = [];
    while (!ended) await open().then((count) => { counts.push(count); }, () => systemClock.sleep(10));
    assert.deepEqual(await exit, { code: 0, signal: null }, program.output);
    await eventually('all are closed', () => closes() !== undefined, PATIENCE);

    const all = closes() ?? [];
    assert.deepEqual(all.filter(({ code }) => code !== 1001), []);
    const waits = all.map(({ reason }) => JSON.parse(reason) as { code: string; retryAfterMs: number });
    assert.ok(waits.every(({ code, retryAfterMs }) => code === 'CONFAB_DRAINING' && retryAfterMs >= 100 && retryAfterMs <= 1_000));
    assert.ok(new Set(waits.map(({ retryAfterMs }) => retryAfterMs)).size > 100, 'they come back at different times');

    const between = new Set(counts.filter((count) => count > 1 && count < COUNT));
    t.diagnostic(`${between.size} different counts on the way, the last socket closed after ${(all.at(-1)?.at ?? 0) - begun} ms`);
    assert.ok(between.size >= 3, `a few at a time: ${counts.join(' ')}`);
    assert.deepEqual(counts, counts.toSorted((a, b) => b - a));
    // The last slice begins one slice before the end, and pauses between slices are whole milliseconds: of 49.4 ms they take 49.
    assert.ok((all.at(-1)?.at ?? 0) - begun >= (COUNT / CLOSED_A_SECOND) * 1_000 - 2 * SLICE, 'not before its time');
  });
}
