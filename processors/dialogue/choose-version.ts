/** Which version of its bot a conversation goes on under. */
import type { DialogueState } from '../../schemas/types.js';
import type { Bot } from '../bot/index.js';
import { parseStored } from './memory-form.js';

/**
 * `versions`: those that are live, the one that a new conversation would get first. The newer version's rule decides: with
 * `migrate` the conversation moves at once; with `finish` what is under way ends under its own version while that is live.
 */
export function chooseVersion(versions: readonly Bot[], botId: string, state: DialogueState | undefined): Bot | undefined {
  const current = versions[0];
  if (current === undefined || state?.botId !== botId || state.botVersion === current.version) return current;
  const own = versions.find((bot) => bot.version === state.botVersion);
  return own !== undefined && current.versions.onChange === 'finish' && isUnderWay(state) ? own : current;
}

/** A flow is open, or a choice of what to do is. */
function isUnderWay({ data }: DialogueState): boolean {
  const stored = parseStored(typeof data === 'string' ? data : null);
  return (Array.isArray(stored.f) && stored.f.length > 0) || stored.k !== undefined;
}
