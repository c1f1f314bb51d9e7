/** Real processes killed by SIGKILL in the middle of traffic: every key stands in the log once, with one messageId. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { openEmbeddedLog } from '../../platform/event-log/embedded.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { systemRandom, ulidMaker } from '../../platform/random.js';
import { connectRedis } from '../../platform/redis/redis.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from '../../platform/testing.js';
import { createMessages, readMessages } from '../testing.js';
import type { CrashNodeOptions } from './crash-node.contract.js';

const PATIENCE = 60_000;
const KEYS = 400;
interface Answer { readonly messageId?: string; readonly position?: string; readonly duplicate?: boolean; readonly code?: string }

class Process {
  private constructor(private readonly child: ChildProcess, private readonly port: number) {}

  static async start(t: { after(run: () => void): void }, options: CrashNodeOptions): Promise<Process> {
    const script = fileURLToPath(new URL('./crash-node.contract.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => { child.kill('SIGKILL'); });
    const [line] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => { throw new Error('the process ended'); })]) as [Buffer];
    return new Process(child, Number(/port (\d+)/.exec(line.toString())?.[1]));
  }

  /** undefined: the process is gone, nobody knows. */
  async post(key: string): Promise<Answer | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}/v1/conversations/c-${Number(key.slice(1)) % 9}/messages`, {
        method: 'POST', headers: { 'content-type': 'application/json', 'idempotency-key': key }, body: JSON.stringify({ text: key }), signal: AbortSignal.timeout(10_000),
      });
      return await response.json() as Answer;
    } catch {
      return undefined;
    }
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
  }
}

/** Sends every key, 32 at a time, and kills the process once a quarter is accepted. Returns what was acknowledged. */
async function killedUnderTraffic(node: Process): Promise<Map<string, Answer>> {
  const acknowledged = new Map<string, Answer>();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < KEYS) {
      const key = `k${next++}`;
      const answer = await node.post(key);
      if (answer?.messageId === undefined) continue;
      acknowledged.set(key, answer);
      if (acknowledged.size === KEYS / 4) await node.kill();
    }
  };
  await Promise.all(Array.from({ length: 32 }, lane));
  return acknowledged;
}

/** Repeats every key until it is accepted, as a client does. */
async function repeatAll(node: Process): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  await Promise.all(Array.from({ length: KEYS }, async (_, n) => {
    const key = `k${n}`;
    await eventually(`${key} is accepted`, async () => {
      const answer = await node.post(key);
      if (answer?.messageId !== undefined) answers.set(key, answer);
      return answer?.messageId !== undefined;
    }, PATIENCE);
  }));
  return answers;
}

async function checkLog(log: EventLog, topic: string, first: Map<string, Answer>, all: Map<string, Answer>): Promise<void> {
  assert.ok(first.size >= KEYS / 4 && first.size < KEYS, `${first.size} were acknowledged before the kill`);
  for (const [key, answer] of first) assert.deepEqual(all.get(key), { ...answer, duplicate: true }, key);
  const written = await readMessages(log, topic);
  const byText = new Map(written.map((message) => [message.text as string, message]));
  assert.equal(written.length, KEYS, 'every key once');
  for (const [key, answer] of all) assert.equal(byText.get(key)?.messageId, answer.messageId, key);
}

describe('kill -9', { concurrency: true }, () => {
  test('embedded log: the process is started again on the same directory', async (t) => {
    const folder = scratchFolder(t);
    const options = { kind: 'embedded', folder, prefix: '' } as const;
    const first = await killedUnderTraffic(await Process.start(t, options));
    const second = await Process.start(t, options);
    const all = await repeatAll(second);
    await second.kill();
    const log = await openEmbeddedLog({ folder, clock: systemClock, random: systemRandom, logger: silentLogger });
    t.after(() => log.close());
    await checkLog(log, 'messages.v1', first, all);
  });

  test('Kafka and Redis: clients repeat at another node', { skip: skipWithout('kafka', 'redis') }, async (t) => {
    const prefix = `t-${ulidMaker(systemClock, systemRandom)().toLowerCase()}.`;
    const options = { kind: 'kafka', brokers: serviceAddress('kafka') ?? '', redis: serviceAddress('redis') ?? '', prefix } as const;
    const log = await openKafkaLog({ brokers: options.brokers.split(','), clientId: 'kill-nine', clock: systemClock, logger: silentLogger });
    await createMessages(log, `${prefix}messages.v1`);
    t.after(async () => {
      await log.admin.deleteTopic(`${prefix}messages.v1`);
      await log.close();
      const redis = await connectRedis({ urls: [options.redis] }, { logger: silentLogger, random: systemRandom });
      const keys = await redis.client.keys(`${prefix}*`);
      if (keys.length > 0) await redis.client.del(...keys);
      await redis.close();
    });
    const [dying, living] = await Promise.all([Process.start(t, options), Process.start(t, options)]);
    await eventually('the index is whole', async () => (await living.post('k0'))?.messageId !== undefined);
    const first = await killedUnderTraffic(dying);
    const all = await repeatAll(living);
    // k0 was sent to the living node before: what the dying one said of it was a repeat already.
    const k0 = first.get('k0');
    if (k0) first.set('k0', { ...k0, duplicate: false });
    await checkLog(log, `${prefix}messages.v1`, first, all);
  });
});
