import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { MemoryEventLog } from '../../platform/event-log/memory.js';
import { seededRandom } from '../../platform/random.js';
import { AUDITED, readSpans } from './spans.js';

// On Kafka each role makes the topics that it needs, and none of them needs timers.v1: no such log could be audited.
test('a topic that no role has made is empty; only messages.v1 must be there', async (t) => {
  const log = new MemoryEventLog({ clock: new ManualClock(), random: seededRandom(1) });
  t.after(() => log.close());
  await assert.rejects(readSpans(log, '', 2), { code: 'CONFAB_TOPIC_UNKNOWN' });
  for (const name of AUDITED.filter((topic) => topic !== 'timers.v1' && topic !== 'deliveries.v1')) await log.admin.createTopic({ name, partitions: 2, config: {} });
  const spans = await readSpans(log, '', 2);
  assert.deepEqual(spans.map(({ of }) => of['timers.v1']), [{ start: 0, end: 0 }, { start: 0, end: 0 }]);
});
