import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import { Secret } from '../platform/config.js';
import { ConfabError } from '../platform/errors.js';
import { ulidMaker } from '../platform/random.js';
import { EXIT, type CliContext } from './context.js';
import { readDialogues, type Dialogues } from './replay/dialogues.js';
import { isClean, resultJson, resultText } from './replay/report.js';
import { Replay } from './replay/run.js';
import { baseUrl, serverUrl } from './server-url.js';
import { wholeNumber } from './options.js';

interface ReplayFlags {
  rate?: number;
  concurrency: number;
  conversations?: number;
  url?: string;
  egressUrl?: string;
  token?: string;
  pipeline?: boolean;
  json?: boolean;
}

const HELP = `
Each conversation gets an id of its own run, its user turns are sent in order, each with an idempotency key, and outcomes are
followed on /v1/stream. Requests and streams that are cut are tried again, so a server may be killed and started meanwhile.
Exits with 1 when a message was lost, answered twice, out of order or refused. With authentication on, the token needs
messages:write, conversations:read and conversations:all; give it as CONFAB_TOKEN, so that it stands in no process list.

Examples:
  confab replay dialogues.jsonl
  confab replay dialogues.jsonl --concurrency 200 --conversations 1000 --json
  zcat dialogues.jsonl.gz | confab replay - --url https://chat.example.com --rate 50

Exit codes: 0 clean, 1 something was wrong, 64 wrong command line, 130 interrupted.`;

/** `confab replay FILE.jsonl` */
export function replayCommand(context: CliContext): Command {
  return new Command('replay').argument('<file>', 'JSON lines with conversation, turn, speaker and text')
    .description('send recorded dialogues through a running pipeline and judge the outcomes')
    .option('--rate <n>', 'messages a second at most', positive)
    .option('--concurrency <n>', 'conversations at the same time', wholeNumber, 64)
    .option('--conversations <n>', 'only the first so many conversations', wholeNumber)
    .option('--url <url>', 'the server; default: CONFAB_URL, else the local one', baseUrl)
    .option('--egress-url <url>', 'the server of streams and events, when it has another address', baseUrl)
    .option('--token <jwt>', 'token to send; default: CONFAB_TOKEN')
    .option('--pipeline', 'send the next turn when the last was accepted, not when it was answered')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((file: string, flags: ReplayFlags) => replay(context, file, flags));
}

function positive(value: string): number {
  const number = Number(value);
  if (!/^\d*\.?\d+$/.test(value) || number <= 0) throw new InvalidArgumentError('Use a number above 0.');
  return number;
}

async function replay(context: CliContext, file: string, flags: ReplayFlags): Promise<void> {
  const config = context.config();
  const { dialogues, messages, blank } = await read(context, file, flags.conversations);
  const { clock, random, stdout, stderr } = context;
  const bar = stderr.isTTY === true && !flags.json ? new SingleBar({
    format: '{bar} {percentage}% | {answered} of {total} answered, {accepted} accepted | {duration_formatted}', stream: process.stderr, clearOnComplete: true, hideCursor: true,
  }) : undefined;
  bar?.start(messages, 0, { accepted: 0, answered: 0 });
  let result;
  try {
    result = await new Replay({
      dialogues, clock, random,
      url: serverUrl(config, flags.url),
      ...(flags.egressUrl === undefined ? {} : { egressUrl: flags.egressUrl.replace(/\/+$/, '') }),
      token: flags.token === undefined ? config.client.token : new Secret(flags.token),
      runId: ulidMaker(clock, random)().toLowerCase(),
      concurrency: flags.concurrency, rate: flags.rate, pipeline: flags.pipeline === true,
      signal: context.interrupted(),
      ...(bar ? { onProgress: ({ accepted, answered }) => { bar.update(answered, { accepted, answered }); } } : {}),
    }).run();
  } finally {
    bar?.stop();
  }
  if (flags.json) stdout.write(`${resultJson(result)}\n`);
  else stdout.write(`${resultText(result)}${blank > 0 ? `${blank === 1 ? '1 turn without text was' : `${blank} turns without text were`} left out\n` : ''}`);
  if (!isClean(result)) context.exitCode(result.interrupted ? EXIT.interrupted : EXIT.failed);
}

async function read({ stdin }: CliContext, file: string, limit: number | undefined): Promise<Dialogues> {
  if (file !== '-') {
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) throw new ConfabError('CONFAB_INPUT_INVALID', { detail: `There is no file "${file}".` });
  }
  const input = file === '-' ? stdin : createReadStream(file);
  return readDialogues(createInterface({ input, crlfDelay: Infinity }), limit);
}
