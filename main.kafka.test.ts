/** The program on Kafka and Redis, a process for each role. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { freePort, outcomes, Program, post } from './composition/testing.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';
import { ownKafka } from './scripts/services/kafka-own.js';

const ROLES = ['ingress', 'intent', 'dialogue', 'analytics', 'egress'] as const;
type Role = (typeof ROLES)[number];

test('kill -9 of each role in turn under traffic: every accepted message has one outcome, in order', { skip: skipWithout('kafka', 'redis'), timeout: 240_000 }, async (t) => {
  const prefix = `t${randomBytes(4).toString('hex')}.`;
  const env = {
    CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_REDIS_URL: serviceAddress('redis') ?? '', CONFAB_PREFIX: prefix, CONFAB_PARTITIONS: '6', CONFAB_DATA_DIR: scratchFolder(t),
  };
  const running = new Map<Role, Program>();
  const start = async (role: Role): Promise<void> => { running.set(role, await Program.start(t, { env, args: ['start', '--role', role] })); };
  const url = (role: Role): string => running.get(role)?.url ?? '';
  await start('ingress');
  await running.get('ingress')?.ready(60_000);
  for (const role of ROLES.slice(1)) await start(role);
  for (const role of ROLES) await running.get(role)?.ready(60_000);

  const accepted = new Map<string, string[]>();
  let stop = false;
  const writers = Array.from({ length: 6 }, async (_, i) => {
    const conversation = `c${i}`;
    const mine: string[] = [];
    accepted.set(conversation, mine);
    for (let turn = 0; !stop; turn += 1) {
      // A key makes it safe to repeat until there is an answer: once in the log, whatever was killed.
      for (let answer; answer?.status !== 202;) {
        answer = await post(url('ingress'), conversation, `message ${turn}`, `${conversation}-${turn}`).catch(() => undefined);
        if (answer?.status === 202) mine.push(answer.body.messageId);
        else { assert.ok(answer === undefined || answer.status === 503, `status ${answer?.status} ${answer?.body.code}`); await new Promise((resolve) => { setTimeout(resolve, 100); }); }
      }
    }
  });
  const count = (): number => [...accepted.values()].flat().length;
  for (const role of ROLES) {
    const before = count();
    await eventually('traffic', () => count() > before + 100, 60_000);
    await running.get(role)?.kill('SIGKILL');
    await start(role);
    await running.get(role)?.ready(60_000);
  }
  stop = true;
  await Promise.all(writers);
  for (const [conversation, messages] of accepted) {
    let found: string[] = [];
    await eventually(`all of ${conversation} is answered`, async () => {
      found = await outcomes(url('egress'), conversation);
      return found.length >= messages.length;
    }, 60_000);
    assert.deepEqual(found, messages, conversation);
  }
  for (const role of ROLES) assert.equal((await running.get(role)?.kill('SIGTERM'))?.code, 0, `${role}: ${running.get(role)?.output}`);
});

test('Kafka is stopped while clients write: 503 within 2 s, recovery within 10 s of its return, nothing acknowledged is lost', { skip: skipWithout('kafka', 'redis'), timeout: 240_000 }, async (t) => {
  const folder = scratchFolder(t);
  const kafka = await ownKafka(`${folder}/kafka`);
  t.after(() => kafka.close());
  const program = await (await Program.start(t, { env: {
    CONFAB_KAFKA_BROKERS: kafka.brokers.join(','), CONFAB_REDIS_URL: serviceAddress('redis') ?? '', CONFAB_PREFIX: `t${randomBytes(4).toString('hex')}.`, CONFAB_PARTITIONS: '6',
    CONFAB_DATA_DIR: `${folder}/data`,
  } })).ready(60_000);
  const accepted: string[] = [];
  let slowest = 0;
  let refused = 0;
  let stop = false;
  const writer = (async () => {
    for (let turn = 0; !stop; turn += 1) {
      const begun = performance.now();
      const answer = await post(program.url, 'c1', `message ${turn}`);
      slowest = Math.max(slowest, performance.now() - begun);
      if (answer.status === 202) accepted.push(answer.body.messageId);
      else { assert.equal(answer.status, 503, answer.body.code); refused += 1; await new Promise((resolve) => { setTimeout(resolve, 50); }); }
    }
  })();
  await eventually('traffic', () => accepted.length > 50);
  await kafka.stop(1);
  await eventually('refusals', () => refused > 2, 30_000);
  const before = accepted.length;
  await kafka.start(1);
  const back = performance.now();
  await eventually('accepted again', () => accepted.length > before, 30_000);
  assert.ok(performance.now() - back < 10_000, `accepted again after ${Math.round(performance.now() - back)} ms`);
  stop = true;
  await writer;
  assert.ok(slowest < 2_500, `the slowest answer took ${Math.round(slowest)} ms`);
  let found: string[] = [];
  await eventually('all is answered', async () => {
    found = await outcomes(program.url, 'c1');
    return accepted.every((id) => found.includes(id));
  }, 60_000);
  assert.deepEqual(found.filter((id) => accepted.includes(id)), accepted);
  assert.equal(new Set(found).size, found.length, 'nothing twice, not even what had no answer');
});

test('Redis loses everything twice under traffic: each conversation goes on, each message has one outcome, each key counts once', { skip: skipWithout('kafka', 'redis'), timeout: 240_000 }, async (t) => {
  const prefix = `t${randomBytes(4).toString('hex')}.`;
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' });
  t.after(() => server.kill('SIGKILL'));
  const redis = new Redis({ port, retryStrategy: () => 50, maxRetriesPerRequest: null });
  t.after(() => { redis.disconnect(); });
  await redis.ping();
  const program = await (await Program.start(t, { env: {
    CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_REDIS_URL: `redis://127.0.0.1:${port}`, CONFAB_PREFIX: prefix, CONFAB_PARTITIONS: '6', CONFAB_DATA_DIR: scratchFolder(t),
  } })).ready(60_000);
  const accepted = new Map<string, string[]>();
  let stop = false;
  const writers = Array.from({ length: 6 }, async (_, i) => {
    const conversation = `c${i}`;
    const mine: string[] = [];
    accepted.set(conversation, mine);
    for (let turn = 0; !stop; turn += 1) {
      for (let answered = 0; answered < 2;) {
        // Every message is sent twice with its key: the second answer must be the first result.
        const answer = await post(program.url, conversation, `message ${turn}`, `${conversation}-${turn}`);
        if (answer.status === 202) {
          if (answered === 1) assert.equal(answer.body.messageId, mine.at(-1)); else mine.push(answer.body.messageId);
          answered += 1;
        } else { assert.equal(answer.status, 503, answer.body.code); await new Promise((resolve) => { setTimeout(resolve, 50); }); }
      }
    }
  });
  const count = (): number => [...accepted.values()].flat().length;
  for (let round = 0; round < 2; round += 1) {
    const before = count();
    await eventually('traffic', () => count() > before + 60, 60_000);
    await redis.flushall();
  }
  stop = true;
  await Promise.all(writers);
  for (const [conversation, messages] of accepted) {
    let found: string[] = [];
    await eventually(`all of ${conversation} is answered`, async () => {
      found = await outcomes(program.url, conversation);
      return found.length >= messages.length;
    }, 60_000);
    assert.deepEqual(found, messages, conversation);
  }
});
