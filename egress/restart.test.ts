import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../platform/clock-manual.js';
import { openEmbeddedLog, type EmbeddedLog } from '../platform/event-log/embedded.js';
import { openSocket } from '../platform/http/testing.js';
import { silentLogger } from '../platform/observability/logger.js';
import { seededRandom } from '../platform/random.js';
import { scratchFolder } from '../platform/testing.js';
import { Scene, testNode } from './testing.js';

test('on the embedded log: after a restart sockets resume from the log and go on, once and in order', async (t) => {
  const folder = scratchFolder(t);
  const clock = new ManualClock();
  let prev: string | null = null;
  const seen: unknown[] = [];
  const all: string[] = [];
  let after: string | undefined;
  for (let run = 0; run < 3; run += 1) {
    const log: EmbeddedLog = await openEmbeddedLog({ folder, clock, random: seededRandom(run), logger: silentLogger });
    const scene = await Scene.over(log, clock);
    const asked = await scene.accept('c1');
    after ??= asked;
    // Answered while nobody listens.
    all.push(await scene.answer('c1', asked, { prev }));
    const { app, egress } = await testNode(t, scene);
    const socket = await openSocket(app, `/v1/conversations/c1/stream?after=${after}`, 'confab.v1');
    assert.equal((await socket.next()).recovered, true);
    const next = await scene.accept('c1');
    all.push(await scene.answer('c1', next));
    prev = next;
    while (seen.length < all.length) seen.push((await socket.next()).position);
    after = all[all.length - 1];
    socket.socket.terminate();
    await egress.close();
    await log.close();
  }
  assert.deepEqual(seen, all);
});
