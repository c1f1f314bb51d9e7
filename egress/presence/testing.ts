/** For tests only: what presence.v1 holds, and time that passes on a scene. */
import type { EventLog } from '../../platform/event-log/event-log.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { Presence } from '../../schemas/types.js';
import { turns, type Scene } from '../testing.js';
import { parsePresenceKey } from './presence-keys.js';

export interface Said {
  /** Newest value of each entry, `conversation key node`; without those taken back. */
  readonly entries: Map<string, Presence>;
  readonly leases: Map<string, Presence>;
  /** Records of all kinds but leases, tombstones among them. */
  readonly changes: number;
}

/** What the topic says, all partitions together. */
export async function saidBy(log: EventLog, topic = 'presence.v1'): Promise<Said> {
  const codec = createLocalCodec().of('Presence');
  const said = { entries: new Map<string, Presence>(), leases: new Map<string, Presence>(), changes: 0 };
  for (let partition = 0; partition < (await log.topic(topic)).partitions; partition += 1) {
    for await (const { records } of log.read(topic, partition, 0)) {
      for (const { key, value } of records) {
        const { conversation, node } = parsePresenceKey(key) ?? { conversation: '', node: '' };
        const [into, name] = conversation === '' ? [said.leases, `${node} ${partition}`] as const : [said.entries, `${conversation} ${node}`] as const;
        if (conversation !== '') said.changes += 1;
        if (value === null) into.delete(name); else into.set(name, codec.decode(value));
      }
    }
  }
  return said;
}

/** Lets time pass in steps, so that what each of them causes has happened before the next. */
export async function pass(scene: Scene, millis: number, step = 500): Promise<void> {
  await turns();
  for (let left = millis; left > 0; left -= step) {
    await scene.clock.advance(Math.min(step, left));
    await turns();
  }
}
