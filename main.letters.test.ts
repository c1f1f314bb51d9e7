/** Dead letters through whole processes: a poisonous message, its cause mended, and the answer, once, whatever dies in between. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Program, freePort, follow } from './composition/testing.js';
import { LetterDesk } from './operate/letters/letter-desk.js';
import { letterId, statusOf } from './operate/letters/letter.js';
import { systemClock } from './platform/clock.js';
import { openKafkaLog } from './platform/event-log/kafkajs.js';
import { silentLogger } from './platform/observability/logger.js';
import { packageRoot } from './platform/package-root.js';
import { systemRandom } from './platform/random.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';
import { loadBots, type Bots } from './processors/bot/index.js';
import { TopologyDriver } from './processors/topology-driver.js';
import { clean } from './topology/testing.js';

interface Event { readonly type: string; readonly position: string; readonly messageId?: string; readonly inReplyTo?: string | null; readonly outcome?: string; readonly text?: string }
interface LetterLine { readonly id: string; readonly status: string; readonly messageId: string; readonly conversation: string }
interface Result { readonly id: string; readonly status?: string; readonly already?: boolean; readonly position?: string | null; readonly code?: string }

/** An installation whose bot `late` is missing until it is mended. */
class Installation {
  readonly bots: string;
  private input = 0;

  constructor(private readonly t: TestContext, readonly env: Record<string, string>) {
    this.bots = join(scratchFolder(t), 'bots');
    cpSync(join(packageRoot(), 'bots'), this.bots, { recursive: true });
    this.env = { CONFAB_BOTS_DIR: this.bots, CONFAB_BOTS_RELOAD: 'false', CONFAB_PARTITIONS: '4', ...env };
  }

  mend(): void {
    cpSync(join(this.bots, 'parcel'), join(this.bots, 'late'), { recursive: true });
    const file = join(this.bots, 'late', 'bot.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('id: parcel', 'id: late'));
  }

  async start(): Promise<Program> {
    return (await Program.start(this.t, { env: this.env })).ready(60_000);
  }

  /** A command that runs; its output grows. */
  command(...args: string[]): Promise<Program> {
    return Program.start(this.t, { args, env: this.env });
  }

  async run<T>(...args: string[]): Promise<{ code: number | null; lines: T[]; output: string }> {
    const command = await this.command(...args);
    const { code } = await command.exited;
    return { code, output: command.output, lines: command.output.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as T) };
  }

  /** Writes messages that no bot answers yet, and waits until they are dead letters. */
  async poison(url: string, conversations: readonly string[]): Promise<void> {
    this.input += 1;
    const file = join(this.bots, '..', `input-${this.input}.jsonl`);
    writeFileSync(file, conversations.map((id) => `${JSON.stringify({ key: `default/${id}`, value: { text: `lost in ${id}`, botId: 'late' } })}\n`).join(''));
    const { code, output } = await this.run('produce', 'messages.v1', '--file', file, '--json');
    assert.equal(code, 0, output);
    for (const id of conversations) await eventually(`${id} has its outcome`, async () => (await events(url, id)).some(({ outcome }) => outcome === 'dead_lettered'), 60_000);
  }

  async letters(status = 'open'): Promise<LetterLine[]> {
    const { code, lines, output } = await this.run<LetterLine>('dead-letters', 'list', '--status', status, '--limit', '1000', '--json');
    assert.equal(code, 0, output);
    return lines;
  }
}

async function events(url: string, conversation: string): Promise<Event[]> {
  return (await (await fetch(`${url}/v1/conversations/${conversation}/events?limit=500`)).json() as { events: Event[] }).events;
}

/** Each message once where it failed and once where it was answered, in this order, and nothing else. */
async function judge(url: string, conversations: readonly string[]): Promise<void> {
  for (const id of conversations) {
    await eventually(`${id} is answered`, async () => (await events(url, id)).some(({ type }) => type === 'reply'), 60_000);
    const found = await events(url, id);
    assert.deepEqual(found.map(({ type, outcome }) => outcome ?? type), ['message', 'dead_lettered', 'message', 'reply'], id);
    assert.equal(new Set(found.map(({ messageId, inReplyTo }) => messageId ?? inReplyTo)).size, 1, `${id}: one message`);
    assert.deepEqual(found.map(({ position }) => position), found.map(({ position }) => position).sort(), id);
  }
}

test('in memory: the chain of replies stays whole around a message that was retried, state and counts have it once', async (t) => {
  const [parcel] = await loadBots(join(packageRoot(), 'bots'));
  assert.ok(parcel);
  const late = { ...parcel, id: 'late' };
  let mended = false;
  const bots: Bots = { all: () => [parcel, late], versions: (id: string) => (id === 'parcel' ? [parcel] : id === 'late' && mended ? [late] : []), choose: (id: string) => bots.versions(id)[0] };
  const driver = await TopologyDriver.create({ bots, models: new Map() });
  t.after(() => driver.close());
  const desk = new LetterDesk({ log: driver.log, codec: driver.codec, clock: { ...systemClock, now: () => driver.clock.now() }, random: systemRandom, prefix: '' });
  const send = async (text: string, botId = 'parcel'): Promise<string> => { const id = await driver.send('c1', { text, botId }); await driver.run(); return id; };
  const sent = [await send('hello'), await send('where is my parcel', 'late'), await send('thanks')];
  const [letter] = (await desk.reader.list({})).letters;
  assert.ok(letter !== undefined && letter.record.messageId === sent[1]);
  // Before the cause is mended a retry fails again, as a letter of its own.
  const [first] = await desk.settle([letterId(letter.place)], 'retry');
  await driver.run();
  const [again] = (await desk.reader.list({})).letters;
  assert.ok(first !== undefined && first.error === undefined && again !== undefined);
  assert.equal(again.record.position, first.position);
  mended = true;
  const [second] = await desk.settle([letterId(again.place)], 'retry');
  await driver.run();
  assert.ok(second !== undefined && second.error === undefined);
  const replies = (await driver.all('replies.v1')).map(({ value }) => value);
  assert.deepEqual(replies.map(({ inReplyTo }) => inReplyTo), [sent[0], sent[2], sent[1]], 'in order from now, and once');
  assert.deepEqual(replies.map(({ prev }) => prev), [null, replies[0]?.position, replies[1]?.position]);
  assert.equal(replies[2]?.position, second.position);
  const state = (await driver.all('dialogue-states.v1')).at(-1)?.value;
  assert.deepEqual([state?.turns, state?.reflects, state?.prev], [3, second.position, second.position]);
  const counts = new Map((await driver.all('analytics.v1')).map(({ record, value }) => [record.key, value.replies]));
  assert.equal([...counts.values()].reduce((sum, count) => sum + count, 0), 3);
  assert.deepEqual((await desk.reader.list({ status: 'all' })).letters.map(statusOf), ['retried', 'retried']);
});

const names = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `c${from + i}`);

test('embedded: a poisonous message, the cause mended, a retry: the reply comes once, at the new position, in the chain', { timeout: 180_000 }, async (t) => {
  const home = new Installation(t, { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_HTTP_PORT: String(await freePort()) });
  let program = await home.start();
  const stream = await follow(program.url, 'c0');
  await eventually('ready', () => stream.frames.some(({ type }) => type === 'ready'));
  await home.poison(program.url, ['c0']);
  await eventually('the outcome on the stream', () => stream.frames.some(({ type }) => type === 'outcome'));
  const dead = stream.frames.find(({ type }) => type === 'outcome');
  const [letter] = await home.letters();
  assert.ok(letter !== undefined && dead?.inReplyTo === letter.messageId);
  await program.kill('SIGTERM');
  home.mend();
  program = await home.start();
  const resumed = await follow(program.url, 'c0', dead.position);
  await eventually('ready', () => resumed.frames.some(({ type }) => type === 'ready'));
  const both = await Promise.all([home.run<Result>('dead-letters', 'retry', letter.id, '--json'), home.run<Result>('dead-letters', 'retry', letter.id, '--json')]);
  assert.deepEqual(both.map(({ code }) => code), [0, 0]);
  assert.deepEqual(both.map(({ lines }) => lines[0]?.already).sort(), [false, true], 'one of two at the same moment');
  assert.equal(both[0].lines[0]?.position, both[1].lines[0]?.position);
  await judge(program.url, ['c0']);
  await eventually('the reply reaches who resumed', () => resumed.frames.some(({ type }) => type === 'reply'));
  const reply = resumed.frames.filter(({ type }) => type === 'reply');
  assert.deepEqual(reply.map(({ inReplyTo, position }) => [inReplyTo, position]), [[letter.messageId, both[0].lines[0]?.position?.replace(/0$/, '1')]]);
  assert.deepEqual((await home.letters('all')).map(({ id, status }) => [id, status]), [[letter.id, 'retried']]);
  const again = await home.run<Result>('dead-letters', 'discard', letter.id, '--json');
  assert.deepEqual([again.code, again.lines[0]?.code], [1, 'CONFAB_LETTER_CLOSED']);
});

test('embedded: kill -9 of the process among retries, their answers lost: repeated, each message is answered once', { timeout: 240_000 }, async (t) => {
  const home = new Installation(t, { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_HTTP_PORT: String(await freePort()) });
  let program = await home.start();
  const conversations = names(30);
  await home.poison(program.url, conversations);
  const ids = (await home.letters()).map(({ id }) => id);
  assert.equal(ids.length, conversations.length);
  await program.kill('SIGTERM');
  home.mend();
  let lost = 0;
  for (const after of [3, 9]) {
    program = await home.start();
    let answered = 0;
    const calls = ids.map(async (id) => {
      const answer = await fetch(`${program.url}/v1/admin/dead-letters/${id}/retry`, { method: 'POST' }).catch(() => undefined);
      if (answer === undefined) lost += 1; else { assert.equal(answer.status, 200); answered += 1; }
    });
    await eventually('some retries', () => answered >= after);
    await program.kill('SIGKILL');
    await Promise.all(calls);
  }
  assert.ok(lost > 0, 'answers were lost');
  program = await home.start();
  const { code, lines, output } = await home.run<Result>('dead-letters', 'retry', ...ids, '--json');
  assert.equal(code, 0, output);
  assert.equal(lines.length, ids.length);
  await judge(program.url, conversations);
  assert.deepEqual(await home.letters(), []);
});

test('Kafka: kill -9 of the command among retries, and two at the same moment: repeated, each message is answered once', { skip: skipWithout('kafka'), timeout: 300_000 }, async (t) => {
  const prefix = `t${systemRandom.bytes(5).toString('hex')}.`;
  const brokers = serviceAddress('kafka') ?? '';
  const home = new Installation(t, { CONFAB_KAFKA_BROKERS: brokers, CONFAB_PREFIX: prefix, CONFAB_DATA_DIR: scratchFolder(t), CONFAB_HTTP_PORT: String(await freePort()) });
  t.after(async () => {
    const log = await openKafkaLog({ brokers: brokers.split(','), clientId: 'letters-test', clock: systemClock, logger: silentLogger });
    await clean(log, prefix);
    await log.close();
  });
  let program = await home.start();
  const conversations = names(60);
  await home.poison(program.url, conversations);
  await program.kill('SIGTERM');
  home.mend();
  program = await home.start();
  for (const after of [1, 6]) {
    const command = await home.command('dead-letters', 'retry', '--stage', 'dialogue', '--all', '--json');
    await eventually('some retries', () => command.output.split('\n').filter((line) => line.includes('"retried"')).length >= after, 60_000);
    await command.kill('SIGKILL');
  }
  // One that is stopped in the middle, loses its place, and goes on when another has done its work.
  const stopped = await home.command('dead-letters', 'retry', '--stage', 'dialogue', '--all', '--json');
  await eventually('some retries', () => stopped.output.includes('"retried"'), 60_000);
  process.kill(stopped.pid, 'SIGSTOP');
  const both = await Promise.all([home.run<Result>('dead-letters', 'retry', '--stage', 'dialogue', '--all', '--json'), home.run<Result>('dead-letters', 'retry', '--stage', 'dialogue', '--all', '--json')]);
  for (const { code, output } of both) assert.equal(code, 0, output);
  process.kill(stopped.pid, 'SIGCONT');
  await stopped.exited;
  await judge(program.url, conversations);
  assert.deepEqual(await home.letters(), []);
  assert.equal((await home.letters('retried')).length, conversations.length);
});
