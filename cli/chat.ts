/** `confab chat`: a conversation in the terminal, on the client SDK as any application would use it. */
import { Command, Option } from 'commander';
import WebSocket from 'ws';
import { ClientError, createClient, type Client } from '../client/src/index.js';
import { catalogue, ConfabError, type ErrorCode } from '../platform/errors.js';
import { ulidMaker } from '../platform/random.js';
import { converse } from './chat/terminal-chat.js';
import { pipe } from './chat/piped-chat.js';
import type { CliContext } from './context.js';
import { conversationId } from './options.js';
import { baseUrl, serverUrl } from './server-url.js';
import { painter } from './terminal.js';

interface ChatFlags { readonly url?: string; readonly conversation?: string }

const HELP = `
In the terminal: type and press Enter; a number chooses one of the answers that are offered; /quit, Ctrl-C or Ctrl-D leaves.
Without a terminal each line of standard input is sent, and its reply printed, one after the other; exits with 1 when one fails.
With authentication on, give a token as CONFAB_TOKEN.

Examples:
  confab chat
  confab chat --conversation order-4711
  confab chat --url https://chat.example.com
  echo "Where is my parcel?" | confab chat`;

/** How long a first connection may take before the server counts as not there. */
const PATIENCE = 5_000;

export function chatCommand(context: CliContext): Command {
  return new Command('chat').description('talk with the bot in the terminal')
    .addOption(new Option('--url <url>', 'the server; default: CONFAB_URL, else the local one').argParser(baseUrl))
    .addOption(new Option('--conversation <id>', 'the conversation to go on with; default: a new one').argParser(conversationId))
    .addHelpText('after', HELP)
    .action((flags: ChatFlags) => chat(context, flags));
}

async function chat(context: CliContext, flags: ChatFlags): Promise<void> {
  const config = context.config();
  const { clock, random, stdin, stdout, env } = context;
  const url = serverUrl(config, flags.url);
  const id = flags.conversation ?? `chat-${ulidMaker(clock, random)().toLowerCase()}`;
  const token = config.client.token?.reveal();
  const client = createClient({ url, WebSocket, clock, random: () => random.float(), ...(token === undefined ? {} : { token }) });
  try {
    const conversation = client.conversation(id);
    await opened(client, context);
    const parts = { context, client, conversation, paint: painter(stdout, env) };
    if (stdin.isTTY && stdout.isTTY) await converse({ ...parts, url, goesOn: flags.conversation !== undefined });
    else await pipe(parts);
  } catch (error) {
    throw toConfab(error, url);
  } finally {
    client.close();
  }
}

/** Resolves once connected. @throws ClientError why the first connection failed */
function opened(client: Client, { clock }: CliContext): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (): void => { reject(client.connection.reason ?? new ClientError('CONFAB_SERVER_UNREACHABLE', 'No connection in time.')); };
    const timer = clock.after(PATIENCE, fail);
    client.on('connection', ({ state }) => {
      if (state === 'open') { timer.cancel(); resolve(); }
      if (state === 'closed' || state === 'waiting') { timer.cancel(); fail(); }
    });
  });
}

/** An error of the SDK as one of the catalogue, with what to do. */
export function toConfab(error: unknown, url: string): unknown {
  if (!(error instanceof ClientError)) return error;
  if (error.code === 'CONFAB_SERVER_UNREACHABLE') return new ConfabError(error.code, { detail: `${url} cannot be reached.`, cause: error });
  return new ConfabError(Object.hasOwn(catalogue, error.code) ? error.code as ErrorCode : 'CONFAB_INTERNAL', { detail: error.detail, cause: error });
}
