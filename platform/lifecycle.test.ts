import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { ManualClock, settle } from './clock-manual.js';
import { Lifecycle, type Component, type ProcessPort } from './lifecycle.js';
import { createLogger } from './observability/logger.js';

class FakeProcess extends EventEmitter implements ProcessPort {
  readonly exits: number[] = [];
  exit(code: number): void { this.exits.push(code); }
}

function rig() {
  const calls: string[] = [];
  const lines: string[] = [];
  const clock = new ManualClock();
  const fake = new FakeProcess();
  const logger = createLogger({ level: 'info' }, { write: (line: string) => { lines.push(line); } });
  const lifecycle = new Lifecycle({ clock, logger, drainTimeout: 25_000, process: fake });
  const part = (name: string, more: Partial<Component> = {}): Component => ({
    name, start: () => { calls.push(`start ${name}`); }, drain: () => { calls.push(`drain ${name}`); }, stop: () => { calls.push(`stop ${name}`); }, ...more,
  });
  return { calls, lines, clock, fake, lifecycle, part };
}

const never = (): Promise<void> => new Promise(() => undefined);

test('parts start in order, drain and stop in the opposite one, all drained before any is stopped', async () => {
  const { lifecycle, part, calls } = rig();
  lifecycle.add(part('log')).add(part('http'));
  await lifecycle.start();
  assert.equal(await lifecycle.stop('test'), 0);
  assert.deepEqual(calls, ['start log', 'start http', 'drain http', 'drain log', 'stop http', 'stop log']);
  assert.equal(await lifecycle.ended, 0);
});

test('it is ready only when all parts are, and no longer once it stops', async () => {
  const { lifecycle, part } = rig();
  let state: boolean | string = 'joining';
  lifecycle.add(part('log')).add(part('runner', { ready: () => state }));
  assert.equal(lifecycle.readiness().ready, false);
  await lifecycle.start();
  assert.deepEqual(lifecycle.readiness(), { ready: false, waiting: ['runner: joining'] });
  state = false;
  assert.deepEqual(lifecycle.readiness().waiting, ['runner']);
  state = true;
  assert.deepEqual(lifecycle.readiness(), { ready: true, waiting: [] });
  const stopped = lifecycle.stop('test');
  assert.deepEqual(lifecycle.readiness(), { ready: false, waiting: ['stopping'] });
  await stopped;
  assert.deepEqual(lifecycle.readiness().waiting, ['stopped']);
});

test('when a part fails to start, it and those before it are stopped and its error comes out', async () => {
  const { lifecycle, part, calls } = rig();
  lifecycle.add(part('log')).add(part('http', { start: () => { throw new Error('port taken'); } })).add(part('last'));
  await assert.rejects(lifecycle.start(), /port taken/);
  assert.deepEqual(calls, ['start log', 'drain http', 'drain log', 'stop http', 'stop log']);
  assert.equal(await lifecycle.ended, 1);
});

test('SIGTERM stops and exits with 0', async () => {
  const { lifecycle, part, fake, calls } = rig();
  lifecycle.add(part('log'));
  const remove = lifecycle.handleSignals();
  await lifecycle.start();
  fake.emit('SIGTERM', 'SIGTERM');
  await lifecycle.ended;
  await settle();
  assert.deepEqual(fake.exits, [0]);
  assert.deepEqual(calls, ['start log', 'drain log', 'stop log']);
  remove();
  assert.deepEqual(fake.eventNames(), []);
});

test('SIGTERM during the start lets no further part start', async () => {
  const { lifecycle, part, fake, calls } = rig();
  let go: () => void = () => undefined;
  lifecycle.add(part('log', { start: () => new Promise((resolve) => { go = resolve; }) })).add(part('http'));
  lifecycle.handleSignals();
  const started = lifecycle.start();
  fake.emit('SIGINT', 'SIGINT');
  go();
  await started;
  await lifecycle.ended;
  assert.deepEqual(calls, ['drain log', 'stop log']);
});

test('a stop that takes too long exits with 1 and names the part', async () => {
  const { lifecycle, part, clock, fake, lines } = rig();
  lifecycle.add(part('runner', { stop: never }));
  lifecycle.handleSignals();
  await lifecycle.start();
  fake.emit('SIGTERM', 'SIGTERM');
  await clock.advance(24_999);
  assert.deepEqual(fake.exits, []);
  await clock.advance(1);
  assert.deepEqual(fake.exits, [1]);
  assert.match(lines.join(''), /"component":"runner".*took too long/);
});

test('a second signal exits at once', async () => {
  const { lifecycle, part, fake } = rig();
  lifecycle.add(part('runner', { stop: never }));
  lifecycle.handleSignals();
  await lifecycle.start();
  fake.emit('SIGINT', 'SIGINT');
  fake.emit('SIGINT', 'SIGINT');
  assert.deepEqual(fake.exits, [1]);
});

test('a part that fails to stop does not keep the others, but the exit code tells', async () => {
  const { lifecycle, part, calls, lines } = rig();
  lifecycle.add(part('log')).add(part('http', { stop: () => Promise.reject(new Error('stuck')) }));
  await lifecycle.start();
  assert.equal(await lifecycle.stop('test'), 1);
  assert.equal(calls.at(-1), 'stop log');
  assert.match(lines.join(''), /stuck/);
});

test('an error that nobody caught is logged and exits with 1', () => {
  const { lifecycle, fake, lines } = rig();
  lifecycle.handleSignals();
  fake.emit('unhandledRejection', new Error('lost promise'));
  assert.deepEqual(fake.exits, [1]);
  assert.match(lines.join(''), /lost promise/);
});
