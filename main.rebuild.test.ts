/** Views that are lost, through whole processes: they come back by themselves and by `confab rebuild`, and no key counts twice. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort, outcomes, post, Program } from './composition/testing.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';
import { OwnRedis } from './scripts/services/redis-own.js';

type Env = Readonly<Record<string, string>>;
type Line = Readonly<Record<string, unknown>>;

async function rebuild(t: TestContext, env: Env, ...args: string[]): Promise<{ code: number | null; sums: Line; output: string }> {
  const command = await Program.start(t, { args: ['rebuild', 'state', '--json', ...args], env });
  const { code } = await command.exited;
  const sums = command.output.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line).at(-1) ?? {};
  return { code, sums, output: command.output };
}

/** People who repeat each message under its key until it is accepted, at one process or the other. */
class Writers {
  readonly accepted = new Map<string, string[]>();
  private stopped = false;
  private readonly running: Promise<void>[];

  constructor(urls: readonly string[], people: number) {
    this.running = Array.from({ length: people }, (_, n) => this.write(urls, `c${n}`, n));
  }

  get count(): number { return [...this.accepted.values()].flat().length; }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.running);
  }

  private async write(urls: readonly string[], conversation: string, first: number): Promise<void> {
    const mine: string[] = [];
    this.accepted.set(conversation, mine);
    for (let turn = 0, at = first; !this.stopped; turn += 1) {
      for (let answer; answer?.status !== 202 && !this.stopped; at += 1) {
        answer = await post(urls[at % urls.length] ?? '', conversation, `message ${turn}`, `${conversation}-${turn}`).catch(() => undefined);
        if (answer?.status === 202) mine.push(answer.body.messageId);
        else {
          assert.ok(answer === undefined || answer.status === 503, `status ${answer?.status} ${answer?.body.code}`);
          await new Promise((resolve) => { setTimeout(resolve, 100); });
        }
      }
    }
  }
}

test('on Kafka: Redis is set back to an older copy in mid-traffic, and rebuilt by hand: each key counts once, in order, and the view is as the log', { skip: skipWithout('kafka', 'redis'), timeout: 300_000 }, async (t) => {
  const redis = await OwnRedis.start(join(scratchFolder(t), 'redis'));
  t.after(() => redis.close());
  const env = { CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_REDIS_URL: redis.url, CONFAB_PREFIX: `t${randomBytes(4).toString('hex')}.`, CONFAB_PARTITIONS: '4', CONFAB_DATA_DIR: scratchFolder(t) };
  const programs = [await (await Program.start(t, { env })).ready(90_000), await (await Program.start(t, { env })).ready(90_000)];
  const urls = programs.map(({ url }) => url);
  const writers = new Writers(urls, 6);
  t.after(() => writers.stop());
  const traffic = (messages: number): Promise<void> => { const before = writers.count; return eventually('traffic', () => writers.count >= before + messages, 120_000); };
  await traffic(60);
  await redis.save();
  await traffic(60);
  await redis.setBack();
  await traffic(30);
  const made = await rebuild(t, env);
  assert.equal(made.code, 0, made.output);
  assert.ok(Number(made.sums.records) > 0 && made.sums.failed === 0, made.output);
  await traffic(30);
  await writers.stop();
  for (const [conversation, messages] of writers.accepted) {
    let found: string[] = [];
    await eventually(`all of ${conversation} is answered`, async () => { found = await outcomes(urls[0] ?? '', conversation); return found.length >= messages.length; }, 120_000);
    assert.deepEqual(found, messages, conversation);
  }
  const checked = await rebuild(t, env, '--check');
  assert.equal(checked.code, 0, checked.output);
  assert.deepEqual([checked.sums.conversations, checked.sums.whole], [6, true]);
  for (const program of programs) assert.equal((await program.kill('SIGTERM')).code, 0, program.output);
});

test('on the embedded log: the running process rebuilds its states; without one the command does it itself', { timeout: 180_000 }, async (t) => {
  const env = { CONFAB_DATA_DIR: join(scratchFolder(t), 'data'), CONFAB_PARTITIONS: '4', CONFAB_HTTP_PORT: String(await freePort()) };
  const command: Env = { CONFAB_DATA_DIR: env.CONFAB_DATA_DIR, CONFAB_PARTITIONS: '4', CONFAB_URL: `http://127.0.0.1:${env.CONFAB_HTTP_PORT}` };
  const program = await (await Program.start(t, { env })).ready(90_000);
  for (let n = 0; n < 8; n += 1) assert.equal((await post(program.url, `c${n}`, 'where is my parcel')).status, 202);
  await eventually('all are answered', async () => (await Promise.all(Array.from({ length: 8 }, (_, n) => outcomes(program.url, `c${n}`)))).every((found) => found.length === 1));
  const beside = await rebuild(t, command);
  assert.deepEqual([beside.code, beside.sums.partitions, beside.sums.states], [0, 4, 8], beside.output);
  assert.equal((await rebuild(t, command, '--check', '--partitions', '0-1')).code, 0);
  assert.equal((await program.kill('SIGTERM')).code, 0);
  rmSync(join(env.CONFAB_DATA_DIR, 'state'), { recursive: true });
  const missing = await rebuild(t, command, '--check');
  assert.deepEqual([missing.code, missing.sums.missing, missing.sums.whole], [1, 8, false], missing.output);
  assert.deepEqual((await rebuild(t, command)).sums.states, 8);
  assert.equal((await rebuild(t, command, '--check')).code, 0);
  const again = await (await Program.start(t, { env })).ready(90_000);
  assert.equal((await post(again.url, 'c0', 'PX123456789DE')).status, 202);
  await eventually('the conversation goes on', async () => (await outcomes(again.url, 'c0')).length === 2);
});
