import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../platform/clock-manual.js';
import { ConfabError } from '../platform/errors.js';
import { silentLogger } from '../platform/observability/logger.js';
import { patiently } from './patience.js';

function scene(failures: number, code: 'CONFAB_STATE_UNAVAILABLE' | 'CONFAB_REDIS_EVICTS' = 'CONFAB_STATE_UNAVAILABLE') {
  const clock = new ManualClock(0);
  const at: number[] = [];
  const open = (): Promise<string> => {
    at.push(clock.now());
    return at.length > failures ? Promise.resolve('open') : Promise.reject(new ConfabError(code));
  };
  return { clock, at, opening: patiently({ clock, logger: silentLogger, until: 10_000 }, 'Redis', open) };
}

test('what is not there yet is asked for again, each time later', async () => {
  const { clock, at, opening } = scene(4);
  await clock.advance(10_000);
  assert.equal(await opening, 'open');
  assert.deepEqual(at, [0, 250, 750, 1750, 3750]);
});

test('when the time is over its error is told', async () => {
  const { clock, at, opening } = scene(Infinity);
  const told = assert.rejects(opening, { code: 'CONFAB_STATE_UNAVAILABLE' });
  await clock.advance(10_000);
  await told;
  assert.equal(at.at(-1), 7750);
});

test('what no waiting mends is told at once', async () => {
  const { at, opening } = scene(Infinity, 'CONFAB_REDIS_EVICTS');
  await assert.rejects(opening, { code: 'CONFAB_REDIS_EVICTS' });
  assert.deepEqual(at, [0]);
});
