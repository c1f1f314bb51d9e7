/** What a node that takes tokens follows of revocations.v1: whole before it listens, then several times a second. */
import { REFUSES_ALL, ruleOf } from '../operate/revocations/revocation.js';
import { revocable, RevocationTable, revoked, type Revocations } from '../platform/auth/revocations.js';
import type { Authenticator } from '../platform/auth/auth.js';
import type { Component } from '../platform/lifecycle.js';
import { Counter, Gauge } from '../platform/observability/metrics.js';
import type { Revocation } from '../schemas/types.js';
import { topicName } from '../topology/topology.js';
import type { Infrastructure } from './process.js';
import { TopicFollow } from './rollout/topic-follow.js';

/** What is revoked is refused everywhere within a second: this, the append and the read of one record are less. */
const POLL_MILLIS = 200;
/** A node that has not read for so long takes no more sockets: somebody may have been locked out meanwhile. */
const LONGEST_BLIND = 30_000;

/** @throws CONFAB_LOG_UNAVAILABLE, CONFAB_TOPIC_UNKNOWN, CONFAB_REGISTRY_UNAVAILABLE the node must know them before it listens */
export async function followRevocations(infrastructure: Pick<Infrastructure, 'log' | 'codec' | 'clock' | 'logger' | 'metrics' | 'config'>, authenticator: Authenticator): Promise<{ readonly authenticator: Authenticator; readonly component: Component }> {
  const { clock, metrics, config, codec } = infrastructure;
  const table = new RevocationTable(clock);
  const watchers: (() => void)[] = [];
  const changed = (): void => { for (const watcher of watchers) watcher(); };
  const registers = [metrics];
  const refusals = new Counter({ name: 'confab_revoked_refusals_total', help: 'Requests and sockets refused, and sockets closed, because their token was revoked.', registers });
  const revocations: Revocations = {
    refusal: (principal) => {
      if (!table.refuses(principal)) return undefined;
      refusals.inc();
      return revoked();
    },
    watch: (watcher) => { watchers.push(watcher); },
  };
  /** What cannot be read refuses all that its key names, until something later is said of it. */
  const unread: { readonly key: string | null; readonly offset: number; readonly rule: typeof REFUSES_ALL }[] = [];
  const follow = new TopicFollow<Revocation>({
    ...infrastructure, codec: codec.of('Revocation'), topic: topicName(config.pipeline.prefix, 'revocations.v1'), pollMillis: POLL_MILLIS,
    take: (records) => {
      const rules = [...records.map(({ key, value, offset }) => ({ key, offset, rule: ruleOf(value) })), ...unread.splice(0)].sort((a, b) => a.offset - b.offset);
      for (const { key, rule } of rules) if (key !== null) table.set(key, rule);
      changed();
    },
    unread: (key, offset) => { unread.push({ key, offset, rule: REFUSES_ALL }); },
    // What was refused stays refused as long as this process lives: whoever made the topic anew did not mean to let them in.
    anew: () => undefined,
  });
  new Gauge({ name: 'confab_revocations', help: 'Revocations of tokens that this process holds against requests and sockets.', registers, collect() { this.set(table.size); } });
  new Gauge({ name: 'confab_revocations_age_seconds', help: 'Since this process has read all revocations there were; a few tenths while all is well.', registers, collect() { this.set(Math.min(follow.age, 1e9) / 1_000); } });
  await follow.prime();
  return {
    authenticator: revocable(authenticator, revocations),
    component: {
      name: 'revocations', start: () => { follow.start(); }, stop: () => follow.close(),
      ready: () => (follow.age <= LONGEST_BLIND ? true : 'revocations of tokens cannot be read'),
    },
  };
}
