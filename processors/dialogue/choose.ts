/**
 * The version of its bot that a conversation has a turn with. It begins with the one that its share says (the canary or the
 * current one) and moves as that one's rule says (choose-version.ts). Nodes learn of versions at different moments,
 * and an input that is read again after a crash may meet other versions than at first: a version of which the intent stage
 * has said nothing yet is put off where there is another one, and no turn ever fails for a result that is missing.
 */
import { ConfabError } from '../../platform/errors.js';
import type { DialogueState, IntentResult, Message } from '../../schemas/types.js';
import type { Bot, Bots } from '../bot/index.js';
import { chooseVersion } from './choose-version.js';

export interface Chooser {
  readonly key: string;
  readonly message: Pick<Message, 'botId' | 'kind'>;
  readonly results: readonly IntentResult[];
}

/** @throws CONFAB_BOT_UNKNOWN; CONFAB_BOT_NOT_READY it is being made ready here */
export function chooseBot(bots: Bots, { key, message: { botId }, results }: Chooser, state: DialogueState | undefined): Bot {
  const chosen = bots.choose(botId, key);
  if (chosen === undefined) throw missing(bots, botId);
  const versions = bots.versions(botId);
  const wanted = chooseVersion(chosen === versions[0] ? versions : [chosen, ...versions], botId, state) ?? chosen;
  // What is under way under another version than the chosen one stays there.
  return wanted !== chosen || results.length === 0 || isHeard(wanted, results) ? wanted : putOff(wanted, versions, results, state);
}

/** While the intent stage does not know the version yet: one that it knows, first of all that of the conversation. */
function putOff(wanted: Bot, versions: readonly Bot[], results: readonly IntentResult[], state: DialogueState | undefined): Bot {
  const heard = versions.filter((bot) => isHeard(bot, results));
  return heard.find((bot) => state?.botId === bot.id && bot.version === state.botVersion) ?? heard[0] ?? wanted;
}

const isHeard = (bot: Bot, results: readonly IntentResult[]): boolean => results.some(({ version }) => version === bot.version);

function missing(bots: Bots, botId: string): ConfabError {
  if (bots.awaited?.(botId) === true) return new ConfabError('CONFAB_BOT_NOT_READY', { detail: `The bot "${botId}" is being made ready here.` });
  return new ConfabError('CONFAB_BOT_UNKNOWN', { detail: `The bot "${botId}" is not loaded here.` });
}
