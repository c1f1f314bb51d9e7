/** `confab bot versions`: what is live, what a canary gets, and what each node runs or why it does not. */
import { Command } from 'commander';
import type { BotView } from '../../operate/rollout/overview.js';
import type { CliContext } from '../context.js';
import { openDesk, type Node } from '../rollout/desk.js';
import { harmless } from '../terminal.js';
import { urlOption } from './deploy.js';

const ABOUT = `
"current" is what new conversations get, less the share of a "canary"; "earlier" versions go on for conversations that began
with them; "kept" ones can be gone back to. What the nodes run comes from a running server (egress).

Examples:
  confab bot versions
  confab bot versions --json | jq '.nodes[].status.bots'

Exit codes: 0 done, 1 the log or the server did not answer, 64 wrong command line.`;

export function versionsCommand(context: CliContext): Command {
  return new Command('versions').description('which versions of bots are live, and what each node runs').option('--json', 'print one JSON object').addOption(urlOption())
    .addHelpText('after', ABOUT)
    .action(({ json, url }: { json?: boolean; url?: string }) => versions(context, json === true, url));
}

async function versions(context: CliContext, json: boolean, url: string | undefined): Promise<void> {
  const desk = await openDesk(context, url);
  try {
    const [bots, nodes] = await Promise.all([desk.bots(), desk.nodes()]);
    context.stdout.write(json ? `${JSON.stringify({ bots, nodes: nodes ?? null })}\n` : `${botsText(bots)}${nodesText(nodes)}`);
  } finally {
    await desk.close();
  }
}

function botsText(bots: readonly BotView[]): string {
  if (bots.length === 0) return 'no bot is deployed: each node runs its files\n';
  return bots.map(({ id, versions: all }) => harmless(id) + '\n' + all.filter(({ state }) => state !== 'retired').map(({ version, state, share, bytes, deployedAt, deployedBy }) => harmless(
    `  ${version}  ${state.padEnd(8)} ${share > 0 ? `${Number((share * 100).toFixed(2))} %`.padEnd(7) : '       '} ${deployedAt ?? ''}  ${deployedBy ?? ''}  ${bytes} bytes`,
  ) + '\n').join('')).join('');
}

function nodesText(nodes: readonly Node[] | undefined): string {
  if (nodes === undefined) return 'nodes: no server could be asked (--url)\n';
  const lines = nodes.filter(({ status }) => status.bots.length > 0).flatMap(({ status: { roles, host, pid, bots } }) => [
    `node ${roles.join(',')} on ${host}:${pid}`,
    ...bots.map(({ id, versions: all }) => `  ${id}: ${all.map(({ version, state, share, reason }) => `${version} ${state}${share === undefined ? '' : ` ${Number((share * 100).toFixed(2))} %`}${reason === undefined ? '' : ` (${reason})`}`).join(', ')}`),
  ]);
  return lines.length === 0 ? 'nodes: none says that it runs bots\n' : lines.map((line) => `${harmless(line)}\n`).join('');
}
