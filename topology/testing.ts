/** For tests on real brokers: what an installation of the test's own leaves behind, and the rights of one edge of the topology. */
import type { TestContext } from 'node:test';
import { systemClock } from '../platform/clock.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { openKafkaLog } from '../platform/event-log/kafkajs.js';
import { silentLogger } from '../platform/observability/logger.js';
import { systemRandom } from '../platform/random.js';
import { serviceAddress } from '../platform/testing.js';
import { applyTopology } from './apply.js';
import { planTopology } from './plan.js';
import { topology } from './topology.js';

/** Removes topics and rights of the prefix. */
export async function clean(log: EventLog, prefix: string): Promise<void> {
  for (const name of await log.admin.topicNames()) if (name.startsWith(prefix)) await log.admin.deleteTopic(name);
  if (await log.acls?.available()) await log.acls?.remove((await log.acls.list()).filter((acl) => acl.name.startsWith(prefix)));
}

export interface Guarded {
  readonly admin: EventLog;
  readonly prefix: string;
  /** Gives the principal `app` the rights of the edge and no others, and logs in as it. */
  readonly app: (edge: string) => Promise<EventLog>;
}

/** A broker with an authorizer, seen by its administrator; what is made under the prefix is removed after the test. */
export async function guardedKafka(t: TestContext): Promise<Guarded> {
  const open = (username: string): Promise<EventLog> => openKafkaLog({
    brokers: (serviceAddress('kafka-acl') ?? '').split(','), clientId: 'rights-test', clock: systemClock, logger: silentLogger, sasl: { mechanism: 'plain', username, password: `${username}-secret` },
  });
  const admin = await open('admin');
  const prefix = `t${systemRandom.bytes(5).toString('hex')}.`;
  t.after(async () => { await clean(admin, prefix); await admin.close(); });
  const app = async (edge: string): Promise<EventLog> => {
    const inputs = {
      topology, settings: { prefix, partitions: 2, principal: (name: string) => (name === edge ? 'User:app' : `User:confab-${name}`) }, admin: admin.admin,
      ...(admin.acls === undefined ? {} : { acls: admin.acls }),
    };
    await applyTopology(await planTopology(inputs), inputs);
    const log = await open('app');
    t.after(() => log.close());
    return log;
  };
  return { admin, prefix, app };
}
