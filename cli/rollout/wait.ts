/** Follows a step of a roll-out until every node has taken it, or says why it has not. */
import type { CliContext } from '../context.js';
import type { Node, RolloutDesk } from './desk.js';

export interface Wanted {
  readonly botId: string;
  /** Nodes that run it: as the current version or as a canary. */
  readonly version: string;
  readonly state: 'current' | 'canary';
}

export interface Arrival {
  readonly node: string;
  readonly roles: readonly string[];
  readonly host: string;
  /** `running`, or why not. */
  readonly state: 'running' | 'waiting' | 'refused';
  readonly reason: string | null;
}

const PATIENCE = 10_000;
const PAUSE = 200;

/** Undefined when no server can be asked. */
export async function arrivals({ clock }: Pick<CliContext, 'clock'>, desk: RolloutDesk, wanted: Wanted): Promise<Arrival[] | undefined> {
  const end = clock.monotonic() + PATIENCE;
  for (;;) {
    const nodes = await desk.nodes();
    if (nodes === undefined) return undefined;
    const all = nodes.filter(({ status }) => status.bots.length > 0).map((node) => arrivalOf(node, wanted));
    if (all.every(({ state }) => state !== 'waiting') || clock.monotonic() >= end) return all;
    await clock.sleep(PAUSE);
  }
}

function arrivalOf({ node, status }: Node, { botId, version, state }: Wanted): Arrival {
  const found = status.bots.find(({ id }) => id === botId)?.versions.find((one) => one.version === version);
  const about = { node, roles: status.roles, host: `${status.host}:${status.pid}` };
  if (found?.state === 'refused') return { ...about, state: 'refused', reason: found.reason ?? 'it gives no reason' };
  if (found?.state === state) return { ...about, state: 'running', reason: null };
  return { ...about, state: 'waiting', reason: found === undefined ? 'it has not heard of it yet' : found.state === 'preparing' ? 'it is making it ready' : `it runs it as ${found.state}` };
}
