/** For tests only: what presence.v1 holds, and time that passes on a scene. */
import { ConfabError } from '../../platform/errors.js';
import type { Appender, EventLog } from '../../platform/event-log/event-log.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { Presence } from '../../schemas/types.js';
import { turns, type Scene } from '../testing.js';
import type { Place } from './held.js';
import { PresenceService, type PresenceOptions } from './presence.js';
import { parsePresenceKey } from './presence-keys.js';

interface TestContext { after(run: () => void | Promise<void>): void }

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

/** A node without sockets: it is told who comes and goes. */
export async function presenceNode(t: TestContext, scene: Scene, name: string, more: Partial<PresenceOptions> = {}): Promise<PresenceService> {
  const presence = await PresenceService.open({
    log: scene.log, codec: scene.codec, clock: scene.clock, logger: silentLogger, metrics: createMetrics(), prefix: '', node: name, owned: () => [], ...more,
  });
  presence.start();
  t.after(() => presence.close());
  return presence;
}

export const place = (scene: Scene, conversation: string): Place => {
  const key = `default/${conversation}`;
  return { key, partition: scene.partition(key) };
};

/** The log as a node has it that is to be gone without a word: dead, it writes and reads nothing more. */
export function mortal(log: EventLog): { readonly log: EventLog; dead: boolean; appends: number } {
  const life = { dead: false, appends: 0, log };
  const gone = (): Promise<never> => Promise.reject(new ConfabError('CONFAB_LOG_UNAVAILABLE'));
  life.log = new Proxy(log, {
    get(target, name) {
      if (name === 'appender') {
        return async (): Promise<Appender> => {
          const appender = await target.appender();
          return { append: (records) => { if (life.dead) return gone(); life.appends += 1; return appender.append(records); }, close: () => appender.close() };
        };
      }
      if (life.dead && name === 'admin') return { bounds: gone };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
    },
  });
  return life;
}

/** A clock whose timers wait while it is stopped. */
export function stoppable({ clock }: Scene): Scene['clock'] & { stop(): void; goOn(): void } {
  let stopped = false;
  let waiting: (() => void)[] = [];
  const own = Object.create(clock) as Scene['clock'] & { stop(): void; goOn(): void };
  own.now = () => clock.now();
  own.monotonic = () => clock.monotonic();
  own.sleep = (millis, signal) => clock.sleep(millis, signal);
  own.after = (millis, run) => clock.after(millis, () => { if (stopped) waiting.push(run); else run(); });
  own.stop = () => { stopped = true; };
  own.goOn = () => { stopped = false; for (const run of waiting) run(); waiting = []; };
  return own;
}
