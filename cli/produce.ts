/** `confab produce TOPIC`: writes records from JSON lines. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Command, InvalidArgumentError, Option } from 'commander';
import { CONVERSATION_ID_FORM, conversationKey, DEFAULT_TENANT, TENANT_FORM } from '../platform/conversation-key.js';
import { ConfabError, toConfabError } from '../platform/errors.js';
import { Producer, type Produced } from '../operate/produce/producer.js';
import { RecordChecker, type Checked, type ProduceEntry } from '../operate/produce/record-checker.js';
import { topology, type TopicName } from '../topology/topology.js';
import { AdminClient } from './admin-client.js';
import type { CliContext } from './context.js';
import { codecOf, logOf } from './log.js';
import { asLines, readLines, type Lines } from './produce/lines.js';
import { baseUrl } from './server-url.js';
import { harmless, suggestion } from './terminal.js';

interface ProduceFlags { file?: string; key?: string; conversation?: string; tenant: string; force?: boolean; json?: boolean; url?: string }

const ABOUT = `
With --key or --conversation each line is a record; without, it is an object with key and value, and timestamp or headers if
wanted, as \`confab tail\` prints it. Records are JSON by the topic's schema (docs/topics.md): unions without wrappers, fields
with a default may be left out, bytes in base64, times as numbers or as in RFC 3339. A message needs no more than its text.
All lines are checked before the first is written. On the embedded log this goes through the running process.

Examples:
  echo '{"text":"where is my parcel?"}' | confab produce messages.v1 --conversation me
  confab tail settings.v1 --from start | confab produce settings.v1
  confab produce bots.v1 --key parcel --file versions.jsonl --json

Exit codes: 0 all written, 1 a line was refused (then none was written) or the log did not answer, 64 wrong command line.`;

export function produceCommand(context: CliContext): Command {
  return new Command('produce').argument('<topic>', 'a topic of the topology, such as messages.v1')
    .description('write records from JSON lines on stdin; prints where each stands')
    .option('--file <path>', 'read the lines from a file')
    .addOption(new Option('--key <key>', 'key of every record').conflicts('conversation'))
    .option('--conversation <id>', 'conversation of every record', fits(CONVERSATION_ID_FORM, 'Use 1 to 128 characters of A-Z a-z 0-9 . _ : -'))
    .option('--tenant <tenant>', 'with --conversation: its tenant', fits(TENANT_FORM, 'Use lower-case letters, digits and "-", at most 40.'), DEFAULT_TENANT)
    .option('--force', 'also into topics that a stage owns, and fields that acceptance settles')
    .option('--json', 'print one JSON object a record')
    .addOption(new Option('--url <url>', 'the server to write through; default: Kafka itself, else CONFAB_URL or the local server').argParser(baseUrl))
    .addHelpText('after', ABOUT)
    .action((topic: string, flags: ProduceFlags) => produce(context, topic, flags));
}

const fits = (form: RegExp, rule: string) => (value: string): string => {
  if (!form.test(value)) throw new InvalidArgumentError(rule);
  return value;
};

/** How records are written: to the log itself, or through a process. */
interface Writer {
  check(topic: TopicName, entries: readonly ProduceEntry[], force: boolean): Checked;
  write(topic: TopicName, entries: readonly ProduceEntry[], checked: Checked, onWritten: (produced: Produced) => void): Promise<void>;
  close(): Promise<void>;
}

async function produce(context: CliContext, topic: string, flags: ProduceFlags): Promise<void> {
  if (!Object.hasOwn(topology.topics, topic)) throw new ConfabError('CONFAB_USAGE', { detail: `There is no topic "${topic}".${suggestion(topic, Object.keys(topology.topics))}` });
  const name = topic as TopicName;
  const lines = await linesOf(context, flags);
  if (lines.entries.length === 0) { if (context.stderr.isTTY) context.stderr.write('no lines: nothing was written\n'); return; }
  const writer = await openWriter(context, flags);
  let written = 0;
  try {
    const checked = checkedLines(() => writer.check(name, lines.entries, flags.force === true), lines);
    for (const warning of checked.warnings) context.stderr.write(`warning: ${warning}\n`);
    await writer.write(name, lines.entries, checked, (produced) => {
      written += 1;
      context.stdout.write(flags.json ? `${JSON.stringify(produced)}\n` : `${harmless(produced.topic)} ${produced.partition}-${produced.offset}${produced.position === undefined ? '' : ` ${produced.position}`}\n`);
    });
  } catch (error) {
    if (written > 0) context.stderr.write(`the lines up to ${lines.numbers[written - 1] ?? 0} were written\n`);
    throw error;
  } finally {
    await writer.close();
  }
}

function checkedLines(run: () => Checked, { numbers }: Lines): Checked {
  try { return run(); } catch (error) { throw asLines(toConfabError(error), numbers); }
}

async function linesOf({ stdin }: CliContext, { file, key, conversation, tenant }: ProduceFlags): Promise<Lines> {
  if (file !== undefined && (await stat(file).catch(() => undefined))?.isDirectory() !== false) throw new ConfabError('CONFAB_INPUT_INVALID', { detail: `There is no file "${file}".` });
  const input = file === undefined ? stdin : createReadStream(file);
  return readLines(createInterface({ input, crlfDelay: Infinity }), conversation === undefined ? key : conversationKey(tenant, conversation));
}

async function openWriter(context: CliContext, { url, force }: ProduceFlags): Promise<Writer> {
  const config = context.config();
  const { clock, random } = context;
  const codec = await codecOf(context);
  const { prefix, defaultBot } = config.pipeline;
  if (url !== undefined || config.kafka.brokers === undefined) {
    const checker = new RecordChecker({ codec, clock, random, defaultBot });
    return remoteWriter(checker, new AdminClient({ config, url, clock }), force === true);
  }
  const log = await logOf(context, 'write');
  const producer = new Producer({ log, codec, clock, random, prefix, defaultBot });
  return { check: (...all) => producer.check(...all), write: (topic, _entries, checked, onWritten) => producer.write(topic, checked, onWritten), close: () => log.close() };
}

/** Records of one request at most. */
const CHUNK = 500;
const CHUNK_BYTES = 1024 * 1024;

function remoteWriter(checker: RecordChecker, client: AdminClient, force: boolean): Writer {
  return {
    check: (...all) => checker.check(...all),
    async write(topic, entries, _checked, onWritten) {
      for (const records of chunks(entries)) {
        const answer = await client.post(`/v1/admin/topics/${encodeURIComponent(topic)}/records`, { records, ...(force ? { force } : {}) }) as { records: Produced[] };
        answer.records.forEach(onWritten);
      }
    },
    close: () => Promise.resolve(),
  };
}

function* chunks(entries: readonly ProduceEntry[]): Generator<ProduceEntry[]> {
  let chunk: ProduceEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(JSON.stringify(entry));
    if (chunk.length > 0 && (chunk.length >= CHUNK || bytes + size > CHUNK_BYTES)) { yield chunk; chunk = []; bytes = 0; }
    chunk.push(entry);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}
