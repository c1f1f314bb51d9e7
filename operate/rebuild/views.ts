/** The views of the log. A new one is one entry here, with a `rebuild` where it does not heal by itself alone. */
import { ConfabError } from '../../platform/errors.js';
import { stateRebuild } from './state-rebuild.js';
import type { Rebuild, RebuildParts, View } from './view.js';

export const views: readonly View[] = [
  {
    name: 'state', holds: 'states of conversations, in Redis or `state/` of the data directory', from: 'dialogue-states.v1',
    heals: 'by the owner of a partition: when it takes it over, and when a read or write finds it flushed or rolled back',
    rebuild: stateRebuild,
  },
  { name: 'claims', holds: 'idempotency keys of 24 h, in Redis', from: 'messages.v1', heals: 'by ingress, when a request finds it lost; requests with a key wait for about 15 s' },
  { name: 'outbox', holds: 'the newest outcomes of each conversation, in Redis or memory', from: 'replies.v1, dead-letters.v1', heals: 'by egress: what is missing is read from the log, new outcomes fill it' },
  { name: 'counts', holds: 'the open hours of analytics, in memory', from: 'analytics.v1', heals: 'by the owner of a partition, when it takes it over' },
  { name: 'models', holds: 'trained classifiers, in `models/` of the data directory', from: 'the folders of the bots', heals: 'at start: what is missing is trained again' },
];

/** @throws CONFAB_VIEW_UNKNOWN, CONFAB_VIEW_HEALS_ITSELF, CONFAB_VIEW_NOT_KEPT */
export function rebuildOf(name: string, parts: RebuildParts): Rebuild {
  return rebuildable(name)(parts);
}

/** @throws CONFAB_VIEW_UNKNOWN, CONFAB_VIEW_HEALS_ITSELF */
export function rebuildable(name: string): NonNullable<View['rebuild']> {
  const view = views.find((each) => each.name === name);
  if (view === undefined) throw new ConfabError('CONFAB_VIEW_UNKNOWN', { detail: `There is no view "${name.slice(0, 100)}"; there are ${views.map((each) => each.name).join(', ')}.` });
  if (view.rebuild === undefined) throw new ConfabError('CONFAB_VIEW_HEALS_ITSELF', { detail: `${name}: ${view.heals}.` });
  return view.rebuild;
}
