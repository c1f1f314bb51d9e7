import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { scratchFolder } from '../../platform/testing.js';
import { freePort } from './ports.js';
import { end, isRunning, launch, startAll, waitReady } from './processes.js';
import { ServiceError } from './service.js';

const SLEEPER = ['-e', 'console.log("hello from the sleeper"); setInterval(() => {}, 1000)'];

test('a taken port is passed over', async (t) => {
  const wanted = await freePort(24_100);
  const server = createServer().listen(wanted, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => { server.close(); });
  assert.ok(await freePort(wanted) > wanted);
});

test('a launched process is told apart from another one with its pid', async (t) => {
  const started = await launch(process.execPath, SLEEPER, { name: 'sleeper', folder: scratchFolder(t) });
  t.after(() => end(started, 0));
  assert.equal(isRunning(started), true);
  if (process.platform === 'linux') assert.equal(isRunning({ ...started, startedAt: '1' }), false);
});

test('end ends what was started, and leaves a process with another start time alone', async (t) => {
  const started = await launch(process.execPath, SLEEPER, { name: 'sleeper', folder: scratchFolder(t) });
  t.after(() => end(started, 0));
  if (process.platform === 'linux') {
    await end({ ...started, startedAt: '1' });
    assert.equal(isRunning(started), true);
  }
  await end(started);
  assert.equal(isRunning(started), false);
});

test('a process that dies before it is ready fails with the end of its log', async (t) => {
  const folder = scratchFolder(t);
  const starting = startAll(
    [() => launch(process.execPath, ['-e', 'console.log("cannot bind"); process.exit(2)'], { name: 'dying', folder })],
    (processes) => waitReady(processes, () => Promise.resolve(false), 10_000),
  );
  await assert.rejects(starting, (error: Error) => error instanceof ServiceError && error.message.includes('cannot bind'));
});

test('what was started is ended when it does not become ready', async (t) => {
  const folder = scratchFolder(t);
  const starting = startAll(
    [() => launch(process.execPath, SLEEPER, { name: 'sleeper', folder })],
    async (processes) => {
      const [sleeper] = processes;
      t.after(() => { assert.equal(sleeper !== undefined && isRunning(sleeper), false); });
      await waitReady(processes, () => Promise.resolve(false), 50);
    },
  );
  await assert.rejects(starting, /not ready within/);
});

test('a program that is missing is told in one line', async (t) => {
  await assert.rejects(launch('/nonexistent/server', [], { name: 'none', folder: scratchFolder(t) }), ServiceError);
});
