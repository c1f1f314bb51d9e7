import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Admin, Kafka } from 'kafkajs';
import { systemClock } from '../../clock.js';
import { isCode } from '../../errors.js';
import { LazyAdmin } from './admin.js';

test("kafkajs's admin client that says nothing any more is given up, and another one takes its place", async (t) => {
  // After a restart of its broker a call was never answered; stages that take partitions over waited for it for ever.
  let made = 0;
  let left = 0;
  // Timers of the adapter keep no process alive; here a socket would.
  const over = new AbortController();
  void systemClock.sleep(5_000, over.signal).catch(() => undefined);
  t.after(() => { over.abort(); });
  const client = { admin: () => { made += 1; return { connect: async () => undefined, disconnect: async () => { left += 1; } } as unknown as Admin; } } as Pick<Kafka, 'admin'>;
  const admin = new LazyAdmin(client, 20);
  await assert.rejects(admin.use('asking', () => new Promise(() => undefined)), (error) => isCode(error, 'CONFAB_LOG_UNAVAILABLE'));
  assert.equal(await admin.use('asking', async () => 1), 1);
  assert.equal(made, 2);
  await admin.close();
  assert.equal(left, 2);
});
