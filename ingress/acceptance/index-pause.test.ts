import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { ConfabError } from '../../platform/errors.js';
import { partitionOf } from '../../platform/partitioner.js';
import { memoryLog } from '../testing.js';
import { MemoryClaimIndex } from './claim-index/memory.js';
import { IndexPause, PAUSE } from './index-pause.js';
import { Node } from './testing.js';

test('a partition that is not answered is refused for a second; the others as well when nobody was answered for as long', async () => {
  const clock = new ManualClock();
  const pause = new IndexPause(clock);
  pause.answered(1);
  pause.failed(0);
  assert.deepEqual([pause.holds(0), pause.holds(1)], [true, false]);
  await clock.advance(PAUSE);
  assert.equal(pause.holds(0), false);
  await clock.advance(1);
  pause.failed(0);
  assert.deepEqual([pause.holds(0), pause.holds(1)], [true, true]);
  await clock.advance(PAUSE);
  assert.deepEqual([pause.holds(0), pause.holds(1)], [false, false]);
  pause.answered(1);
  pause.failed(0);
  assert.deepEqual([pause.holds(0), pause.holds(1)], [true, false]);
});

// A master of a cluster that hung once had the keys of all partitions refused for two seconds of three.
test('the server of one partition is away: keys of the others are accepted all the while', async (t) => {
  const clock = new ManualClock();
  const log = await memoryLog(clock);
  const { partitions } = await log.topic('messages.v1');
  const away = partitionOf('default/c1', partitions);
  const other = Array.from({ length: 100 }, (_, i) => `c${i}`).find((id) => partitionOf(`default/${id}`, partitions) !== away) ?? '';
  let isAway = false;
  const node = await Node.start({ clock, log, index: (_epoch, keepMillis) => {
    const index = new MemoryClaimIndex({ clock, keepMillis });
    const claim = index.claim.bind(index);
    index.claim = (partition, requests) => (isAway && partition === away ? Promise.reject(new ConfabError('CONFAB_INDEX_REBUILDING')) : claim(partition, requests));
    return index;
  } });
  t.after(() => node.acceptor.close());
  for (const conversation of ['c1', other]) assert.equal((await node.send('hello', 'first', conversation)).code, undefined);
  isAway = true;
  for (let n = 0; n < 20; n += 1) {
    assert.equal((await node.send('hello', `k${n}`)).code, 'CONFAB_INDEX_REBUILDING');
    assert.equal((await node.send('hello', `k${n}`, other)).accepted?.duplicate, false);
    await clock.advance(PAUSE / 4);
  }
  isAway = false;
  await clock.advance(PAUSE);
  assert.equal((await node.send('hello', 'k0')).accepted?.duplicate, false);
});
