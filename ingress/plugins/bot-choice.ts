/** Which bot answers a message: settled here and written into the record, so that no stage has to ask again. */
import type { Principal } from '../../platform/auth/auth.js';
import { ConfabError } from '../../platform/errors.js';

export interface BotChoiceOptions {
  /** The bot of a tenant without one of its own. */
  readonly defaultBot: string;
  /** Default bots by tenant. */
  readonly tenantBots?: Readonly<Record<string, string>>;
  /** False: there is no such bot. Without it every well-formed name is taken. */
  readonly known?: (botId: string) => boolean;
}

/**
 * Token claim, else channel account, else `botId` of an integration, else the tenant's default.
 * @throws CONFAB_SCOPE_MISSING `botId` without the scope integration; CONFAB_BODY_INVALID an unknown bot
 */
export function chooseBot(options: BotChoiceOptions, principal: Principal, asked: string | undefined, accountBot?: string): string {
  if (asked !== undefined) {
    if (!principal.scopes.has('integration')) throw new ConfabError('CONFAB_SCOPE_MISSING', { detail: 'Only a token with the scope integration may set botId.' });
    if (options.known && !options.known(asked)) throw new ConfabError('CONFAB_BODY_INVALID', { errors: [{ pointer: '/botId', detail: 'is not a bot of this server' }] });
  }
  return principal.bot ?? accountBot ?? asked ?? options.tenantBots?.[principal.tenant] ?? options.defaultBot;
}

/**
 * Who wrote the message: the subject of the token, or whom an integration names.
 * @throws CONFAB_USER_MISMATCH
 */
export function chooseUser(principal: Principal, asked: string | undefined): string {
  if (principal.scopes.has('integration')) return asked ?? principal.subject;
  if (asked !== undefined && asked !== principal.subject) throw new ConfabError('CONFAB_USER_MISMATCH');
  return principal.subject;
}
