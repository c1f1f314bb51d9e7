import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test, type TestContext } from 'node:test';
import { openKafkaLog } from '../platform/event-log/kafkajs.js';
import { openEmbeddedLog } from '../platform/event-log/embedded.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { ManualClock, settle } from '../platform/clock-manual.js';
import { systemClock } from '../platform/clock.js';
import { packageRoot } from '../platform/package-root.js';
import { silentLogger } from '../platform/observability/logger.js';
import { seededRandom, systemRandom } from '../platform/random.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from '../platform/testing.js';
import { Chronicle, tellAll } from '../inspect/testing.js';
import type { CliDependencies } from './context.js';
import { runCli } from './program.js';
import { clean } from '../topology/testing.js';

interface Ran { code: number; out: string; err: string }

async function run(chronicle: Pick<Chronicle, 'log' | 'clock'>, argv: string[], more: Partial<CliDependencies> & { terminal?: boolean } = {}): Promise<Ran> {
  const texts = { out: '', err: '' };
  const code = await runCli(argv, {
    env: {}, clock: chronicle.clock, random: seededRandom(1), openLog: () => Promise.resolve(unclosed(chronicle.log)), interrupted: () => new AbortController().signal,
    stdout: { write: (text) => { texts.out += text; }, ...(more.terminal === true ? { isTTY: true, columns: 80 } : {}) }, stderr: { write: (text) => { texts.err += text; } }, ...more,
  });
  return { code, ...texts };
}

/** The command closes the log that it opened; the test goes on with it. */
const unclosed = (log: EventLog): EventLog => new Proxy(log, {
  get: (target, name): unknown => {
    const value: unknown = Reflect.get(target, name);
    return name === 'close' ? () => Promise.resolve() : typeof value === 'function' ? (value as () => unknown).bind(target) : value;
  },
});

const GOLDEN = (partition: number, [a = 0, b = 0, c = 0, d = 0, e = 0]: number[]): string => `conversation c1  tenant default, partition ${partition}, 5 messages

2026-01-01T00:00:00.000Z  01MESSAGE1  answered in 19 ms
  messages.v1         @${a}                 hello
  intents.v1          @0          +7 ms  greet 0.93
  replies.v1          @0         +12 ms  Hi there!
  dialogue-states.v1  @0                 bot = parcel, botVersion = v1
  deliveries.v1       @0        +1.50 s  delivered (web)

2026-01-01T00:01:01.519Z  01MESSAGE2  answered in 255 ms
  messages.v1         @${b}                 change my delivery please
  intents.v1          @1          +5 ms  change_delivery 1.00
  replies.v1          @${c}        +250 ms  Which parcel?
  dialogue-states.v1  @${c}                 flows = change@1, waitingFor = number
  timers.v1           @0                 remind is due at 2026-01-01T01:01:01.519Z

2026-01-01T00:01:11.774Z  01MESSAGE3  dead_lettered in 1.20 s
  messages.v1         @${d}                 postback intent:boom
  intents.v1          @2          +3 ms  no intent, nearest greet 0.20
  dead-letters.v1     @0        +1.20 s  dialogue gave up (process, 1 attempt): CONFAB_STAGE_FAILED: A stage failed on a record (TypeError)

2026-01-01T00:01:12.977Z  01MESSAGE4  handed_off in 2 ms
  messages.v1         @${d + 1}                 PP1
  intents.v1          @3          +1 ms  no intent, nearest greet 0.13
  replies.v1          @${e}          +1 ms  (handed_off) (handed to the person: asked)
  dialogue-states.v1  @${e}                 flows: change@1 → gone, waitingFor: number → gone, handedOff = true, slots.number = PP1, notUnderstood = 1
  timers.v1           @1                 remind has fired or was cancelled

2026-01-01T00:01:13.379Z  01MESSAGE5  no outcome yet
  messages.v1         @${d + 2}                 still there?
`;

test('the whole story of a conversation, message by message, and nothing of others', async () => {
  const chronicle = await Chronicle.memory(1);
  await tellAll(chronicle);
  const { code, out, err } = await run(chronicle, ['conversation', 'c1']);
  assert.deepEqual([code, err], [0, '']);
  assert.equal(out, GOLDEN(0, [0, 2, 2, 3, 3]));
});

test('on a terminal there are colours, long texts are wrapped under their column, and foreign text stays harmless', async () => {
  const chronicle = await Chronicle.memory(1);
  const nasty = await chronicle.accept('c1', 'M\u001b[2J', { text: '\u001b]0;owned\u0007 \u202egnp.exe \u4f60\u597d\ud83d\ude00 and a long text that goes on and on until it has to be wrapped somewhere' });
  await chronicle.answer(nasty, 'e\u0301'.repeat(60));
  const { out } = await run(chronicle, ['conversation', 'c1'], { terminal: true });
  const bare = out.replace(/\u001b\[\d+m/g, '');
  assert.notEqual(bare, out, 'colours');
  assert.doesNotMatch(bare, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.match(bare, /\\u001b\]0;owned\\u0007 \\u202egnp\.exe\n {41}你好😀 and a long text that goes on and\n {41}on until it has to be wrapped somewhere\n/);
  assert.ok(bare.includes(`  ${'e\u0301'.repeat(39)}\n${' '.repeat(41)}${'e\u0301'.repeat(21)}\n`), 'combining characters take no room');
  assert.equal((await run(chronicle, ['conversation', 'c1'], { terminal: true, env: { NO_COLOR: '1', FORCE_COLOR: '1' } })).out, bare);
  assert.notEqual((await run(chronicle, ['conversation', 'c1'], { env: { FORCE_COLOR: '1' } })).out.match(/\u001b\[\d+m/), null);
});

test('limit and from choose messages; a position, a time and a duration say where', async () => {
  const chronicle = await Chronicle.memory();
  const [, change, broken] = await tellAll(chronicle);
  const ids = async (...flags: string[]) => (JSON.parse((await run(chronicle, ['conversation', 'c1', '--json', ...flags])).out) as { messages: { messageId: string; records: unknown[] }[]; more: boolean; others: unknown[] });
  const shown = async (...flags: string[]) => (await ids(...flags)).messages.map(({ messageId }) => messageId.slice(-1)).join('');
  assert.equal(await shown('--limit', '2'), '45');
  assert.equal(await shown('--from', 'start', '--limit', '2'), '12');
  assert.equal(await shown('--from', change!.position), '2345');
  assert.equal(await shown('--from', new Date(broken!.at).toISOString(), '--limit', '1'), '3');
  assert.equal(await shown('--from', '1s'), '45');
  const two = await ids('--from', change!.position, '--limit', '2');
  assert.deepEqual([two.more, two.others, two.messages.map(({ records }) => records.length)], [true, [], [5, 3]]);
  const foreign = await run(chronicle, ['conversation', 'c1', '--from', 'ffffffff-000000000000-00']);
  assert.equal(foreign.code, 1);
  assert.match(foreign.err, /^CONFAB_POSITION_INVALID: .*of another log/);
});

test('a conversation that is not there is told in one line, with exit code 1', async () => {
  const chronicle = await Chronicle.memory();
  await tellAll(chronicle);
  const { code, out, err } = await run(chronicle, ['conversation', 'c1', '--tenant', 'acme']);
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /^CONFAB_CONVERSATION_UNKNOWN: The log holds no such conversation\. There is no conversation "c1" of the tenant "acme"[^\n]*\n$/);
  for (const argv of [['conversation'], ['conversation', 'a/b'], ['conversation', 'c1', '--limit', '0'], ['conversation', 'c1', '--from', 'soon'], ['conversation', 'c1', '--tenant', 'A']]) {
    assert.equal((await run(chronicle, argv)).code, 64, argv.join(' '));
  }
});

test('what cannot be read, what is huge and what retention has taken does not hide the rest', async () => {
  const chronicle = await Chronicle.memory(1);
  const odd = await chronicle.accept('c1', 'M1');
  await chronicle.bytes('intents.v1', 'c1', Buffer.from('\u0000\u0000\u0000\u0000\u0063garbage'), { timestamp: odd.at });
  await chronicle.bytes('replies.v1', 'c1', chronicle.codec.of('Setting').encode({ value: '1', changedBy: 'x', changedAt: 1 }), { timestamp: odd.at });
  await chronicle.bytes('dialogue-states.v1', 'c1', null, { timestamp: odd.at });
  await chronicle.bytes('messages.v1', 'c1', Buffer.from('junk'));
  const huge = await chronicle.accept('c1', 'M2', { text: 'x'.repeat(200_000) });
  await chronicle.answer(huge, 'fine', { data: '{"s":[1,' });
  const { code, out } = await run(chronicle, ['conversation', 'c1']);
  assert.equal(code, 0);
  assert.match(out, /\n {2}intents\.v1 +@0 +12 bytes that are no record of the topic \(CONFAB_SCHEMA_UNKNOWN\)\n/);
  assert.match(out, /\n {2}replies\.v1 +@0 +\d+ bytes that are no record of the topic \(CONFAB_RECORD_INVALID\)\n/);
  assert.match(out, /\n {2}dialogue-states\.v1 +@0 +removed\n/);
  assert.match(out, /\n {2}messages\.v1 +@1 +4 bytes that are no record/);
  assert.match(out, /x{300}…\n/);
  assert.match(out, /replies\.v1 .* fine\n/);
  assert.ok(out.length < 5_000);
});

/** Follows until `done` holds of what was printed. */
async function follow(chronicle: Pick<Chronicle, 'log' | 'clock'>, argv: string[], act: (said: () => string) => Promise<void>, more: Partial<CliDependencies> = {}): Promise<Ran> {
  const interrupt = new AbortController();
  let out = '';
  const running = run(chronicle, argv, { interrupted: () => interrupt.signal, stdout: { write: (text) => { out += text; } }, ...more });
  await act(() => out);
  interrupt.abort(new Error('interrupted'));
  return { ...await running, out };
}

test('following goes on where the story ends, each record once, and ends with 130', async () => {
  const chronicle = await Chronicle.memory(1);
  const hello = await chronicle.accept('c1', '01MESSAGE1', { text: 'hello' });
  /** The command reads files too, so turns of the event loop cannot be counted: its clock is moved until it has said so. */
  const shows = (said: () => string, text: string): Promise<void> => eventually(`the command shows ${text}`, async () => {
    await chronicle.clock.advance(20);
    await settle();
    return said().includes(text);
  });
  const { code, out } = await follow(chronicle, ['conversation', 'c1', '--follow'], async (said) => {
    await shows(said, 'hello');
    await chronicle.detect(hello, 'greet');
    await chronicle.answer(hello, 'Hi!');
    await shows(said, 'botVersion');
    await chronicle.accept('c1', '01MESSAGE2', { text: 'more' });
    await shows(said, 'more');
  });
  assert.equal(code, 130);
  assert.equal(out.replaceAll(/\+\d+ ms/g, (text) => ' '.repeat(text.length)).replaceAll(/T00:00:00\.\d+Z/g, 'T'), `conversation c1  tenant default, partition 0, 1 message

2026-01-01T  01MESSAGE1  no outcome yet
  messages.v1         @0                 hello
  intents.v1          @0                 greet 0.93
  replies.v1          @0                 Hi!
  dialogue-states.v1  @0                 bot = parcel, botVersion = v1

2026-01-01T  01MESSAGE2
  messages.v1         @1                 more
`);
});

test('it reads the embedded log beside the process that writes it', async (t) => {
  const folder = scratchFolder(t);
  const clock = new ManualClock(systemClock.now());
  const log = await openEmbeddedLog({ folder, clock, random: seededRandom(3), logger: silentLogger });
  t.after(() => log.close());
  const chronicle = await Chronicle.over(log, clock, { partitions: 1 });
  await tellAll(chronicle);
  await beside(t, chronicle, folder);
});

/** Another process's view: lmdb shares the environment of one process, so it has to be one of its own. */
async function beside(t: TestContext, chronicle: Chronicle, folder: string): Promise<void> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', join(packageRoot(), 'main.ts'), 'conversation', 'c1'], { env: { PATH: process.env.PATH, CONFAB_DATA_DIR: folder }, timeout: 60_000 });
  t.diagnostic('read by another process');
  let first = '';
  for await (const { records } of chronicle.log.read('messages.v1', 0, 0, 1)) first = new Date(records[0]?.timestamp ?? 0).toISOString();
  assert.match(stdout, new RegExp(`\n${first}  01MESSAGE1  answered in 19 ms\n`));
  assert.equal(withoutTimes(stdout), withoutTimes(GOLDEN(0, [0, 2, 2, 3, 3])));
}

const withoutTimes = (text: string): string => text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');

/** A log on Kafka with topics of its own, which are removed afterwards. */
async function onKafka(t: TestContext): Promise<{ chronicle: Chronicle; read: Pick<Chronicle, 'log' | 'clock'>; env: Record<string, string> }> {
  const prefix = `inspect-${systemRandom.bytes(4).toString('hex')}.`;
  const log = await openKafkaLog({ brokers: (serviceAddress('kafka') ?? '').split(','), clientId: 'inspect', clock: systemClock, logger: silentLogger });
  t.after(async () => {
    await clean(log, prefix);
    await log.close();
  });
  const chronicle = await Chronicle.over(log, new ManualClock(systemClock.now()), { partitions: 1, prefix });
  return { chronicle, read: { log, clock: systemClock as unknown as ManualClock }, env: { CONFAB_PREFIX: prefix } };
}

test('following on Kafka: what is written meanwhile, each record once, and 130 in the end', { skip: skipWithout('kafka'), timeout: 120_000 }, async (t) => {
  const { chronicle, read, env } = await onKafka(t);
  const hello = await chronicle.accept('c1', '01MESSAGE1', { text: 'hello' });
  await eventually('the first message can be read', async () => (await run(read, ['conversation', 'c1'], { env })).code === 0);
  const { code, out } = await follow(read, ['conversation', 'c1', '--follow'], async (said) => {
    await eventually('the story so far', () => said().includes('hello'));
    await chronicle.detect(hello, 'greet');
    await chronicle.answer(hello, 'Hi!');
    await eventually('what came meanwhile', () => ['greet 0.93', 'Hi!', 'bot = parcel'].every((text) => said().includes(text)));
    await chronicle.accept('c1', '01MESSAGE2', { text: 'more' });
    await eventually('the next message', () => said().includes('more'));
  }, { env });
  assert.equal(code, 130);
  const times = (text: string): number => out.split(text).length - 1;
  assert.deepEqual(['01MESSAGE1', ' hello\n', 'greet 0.93', 'Hi!', 'bot = parcel', '01MESSAGE2', ' more\n'].map(times), [1, 1, 1, 1, 1, 1, 1], out);
});

test('the same story on Kafka', { skip: skipWithout('kafka') }, async (t) => {
  const { chronicle, read, env } = await onKafka(t);
  await tellAll(chronicle);
  let out = '';
  await eventually('the story', async () => {
    ({ out } = await run(read, ['conversation', 'c1'], { env }));
    return out.includes('01MESSAGE5');
  });
  assert.equal(withoutTimes(out), withoutTimes(GOLDEN(0, [0, 2, 2, 3, 3])));
});
