/** `confab revoke`: tokens are refused before they end, on every node, within a second. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { ConfabError } from '../platform/errors.js';
import { instantOf } from '../platform/http/validator.js';
import { AdminClient } from './admin-client.js';
import type { CliContext } from './context.js';
import { conversationId, tenantName } from './options.js';
import { baseUrl } from './server-url.js';
import { harmless } from './terminal.js';

interface Flags {
  readonly subject?: string; readonly tokenId?: string; readonly conversation?: string; readonly everyToken?: true; readonly tenant?: string;
  readonly issuedBefore?: string; readonly until?: string; readonly reason?: string; readonly withdraw?: true; readonly json?: true; readonly url?: string;
}

interface View {
  readonly kind: string; readonly tenant?: string; readonly tokenId?: string; readonly subject?: string; readonly conversationId?: string;
  readonly issuedBefore: string | null; readonly until: string | null; readonly reason: string | null; readonly revokedBy: string; readonly revokedAt: string;
}

const ABOUT = `
Requests and new sockets with such a token are refused with CONFAB_TOKEN_REVOKED, open sockets are closed with 4100. Of a
subject, a conversation or a tenant the tokens issued (claim iat) before now are revoked; a token that is issued later holds.
Give --until where it is known when the last of them ends by itself: the revocation is then forgotten.

Examples:
  confab revoke --subject ann
  confab revoke --token-id 01J9ZQ --until 2026-02-01T00:00:00Z --reason 'found in a log'
  confab revoke --conversation v:7f3a --tenant shop
  confab revoke --every-token --tenant shop
  confab revoke --subject ann --withdraw
  confab revoke list --json

Exit codes: 0 done, 1 refused or the server does not answer, 64 wrong command line.`;

export function revokeCommand(context: CliContext): Command {
  const command = new Command('revoke').description('refuse tokens before they end: of a subject, by id, of a conversation or of a tenant; list').addHelpText('after', ABOUT)
    .option('--subject <sub>', 'the tokens of a subject').option('--token-id <jti>', 'one token, by its claim jti')
    .option('--conversation <id>', 'the tokens that name a conversation: those of its visitors', conversationId).option('--every-token', 'all tokens of the tenant')
    .option('--tenant <tenant>', 'the tenant of subject and conversation (default: default)', tenantName)
    .addOption(new Option('--issued-before <time>', 'tokens issued before (default: now)').argParser(time))
    .addOption(new Option('--until <time>', 'when the last of the tokens ends by itself').argParser(time))
    .option('--reason <text>', 'kept for operators').option('--withdraw', 'take the revocation back').option('--json', 'print one JSON object').addOption(urlOption())
    .action((flags: Flags) => revoke(context, flags));
  const listing = command.command('list').description('what is revoked, the newest first').option('--json', 'print one JSON object').addOption(urlOption())
    .addHelpText('after', '\nExample:\n  confab revoke list --json')
    .action(() => list(context, { ...command.opts<Flags>(), ...listing.opts<Flags>() }));
  return command;
}

function time(value: string): string {
  if (instantOf(value) === undefined) throw new InvalidArgumentError('Use a time such as 2026-01-31T12:00:00Z.');
  return value;
}

const clientOf = (context: CliContext, { url }: Flags): AdminClient => new AdminClient({ config: context.config(), url, clock: context.clock });

function bodyOf({ subject, tokenId, conversation, everyToken, tenant, issuedBefore, until, reason, withdraw }: Flags): object {
  return { subject, tokenId, conversationId: conversation, everyToken, tenant, issuedBefore, until, reason, withdraw };
}

/** The same again is nothing new: it is repeated when the connection breaks. */
async function revoke(context: CliContext, flags: Flags): Promise<void> {
  const { subject, tokenId, conversation, everyToken, tenant } = flags;
  if ([subject, tokenId, conversation, everyToken].filter((one) => one !== undefined).length !== 1) throw new ConfabError('CONFAB_USAGE', { detail: 'Name one of --subject, --token-id, --conversation and --every-token.' });
  if (everyToken && tenant === undefined) throw new ConfabError('CONFAB_USAGE', { detail: 'Name the --tenant whose tokens are all to be refused.' });
  const { revocation } = await clientOf(context, flags).postAgain('/v1/admin/revocations', bodyOf(flags)) as { revocation: View | null };
  if (flags.json === true) context.stdout.write(`${JSON.stringify({ revocation })}\n`);
  else context.stdout.write(`${revocation === null ? 'taken back: tokens that have not ended hold again' : harmless(`revoked ${line(revocation)}`)}\n`);
}

async function list(context: CliContext, flags: Flags): Promise<void> {
  const found = await clientOf(context, flags).get('/v1/admin/revocations') as { revocations: View[]; total: number };
  if (flags.json === true) { context.stdout.write(`${JSON.stringify(found)}\n`); return; }
  for (const one of found.revocations) context.stdout.write(`${harmless(`${one.revokedAt}  ${line(one)}  by ${one.revokedBy}${one.reason === null ? '' : `: ${one.reason}`}`)}\n`);
  if (found.total === 0) context.stdout.write('nothing is revoked\n');
  if (found.total > found.revocations.length) context.stdout.write(`and ${found.total - found.revocations.length} older ones\n`);
}

function line({ kind, tenant, tokenId, subject, conversationId: conversation, issuedBefore, until }: View): string {
  const what = kind === 'token' ? `token ${tokenId}` : kind === 'tenant' ? `every token of tenant ${tenant}` : `${kind} ${subject ?? conversation} of tenant ${tenant}`;
  return `${what}${issuedBefore === null ? '' : `, issued before ${issuedBefore}`}${until === null ? '' : `, until ${until}`}`;
}

const urlOption = (): Option => new Option('--url <url>', 'the server to go through; default: CONFAB_URL or the local server').argParser(baseUrl);
