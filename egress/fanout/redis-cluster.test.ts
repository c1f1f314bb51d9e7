/** The fan-out on a cluster of Redis: the contract, and what a socket may rely on while masters die and slots move. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { systemRandom } from '../../platform/random.js';
import { connectRedis, type RedisConnection } from '../../platform/redis/redis.js';
import { eventually, skipWithout } from '../../platform/testing.js';
import { ownRedisCluster, type OwnRedis, type OwnRedisCluster } from '../../scripts/services/redis-own.js';
import { fanoutContract } from './fanout.contract.js';
import { RedisFanout } from './redis.js';

const skip = skipWithout('redis');
const PARTITIONS = 12;
const PATIENCE = 90_000;
let folder = '';
let cluster: OwnRedisCluster;

if (skip === false) {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'confab-test-'));
    cluster = await ownRedisCluster(folder);
  }, { timeout: 120_000 });
  after(async () => {
    await cluster.close();
    rmSync(folder, { recursive: true, force: true });
  });
}

async function connect(t: TestContext): Promise<RedisConnection> {
  const redis = await connectRedis({ urls: cluster.urls, mode: 'cluster' }, { logger: silentLogger, random: systemRandom });
  t.after(() => redis.close());
  return redis;
}

const prefixOf = (): string => `test-${systemRandom.bytes(6).toString('hex')}:`;

fanoutContract('redis cluster', async (t) => {
  const redis = await connect(t);
  const prefix = prefixOf();
  return () => new RedisFanout(redis, { prefix });
}, { skip });

/**
 * A writer that announces numbers in every partition without a pause, and a listener. What was announced is held against what
 * arrived: a number may be missing only when a lapse was told after it.
 */
class Stream {
  private readonly arrived = new Map<number, Set<number>>();
  /** Per partition the numbers whose announcement was acknowledged. */
  private readonly announced = new Map<number, number[]>();
  /** Per partition the first number that is not begun: what is begun is in the outbox. */
  private readonly begun = new Map<number, number>();
  /** The same at the last lapse: sockets looked into the outbox then. */
  private excused = new Map<number, number>();
  lapses = 0;
  private stopped = false;
  private writing: Promise<unknown> = Promise.resolve();

  private constructor(private readonly writer: RedisFanout, listener: RedisFanout) {
    listener.listen({
      announced: (list) => { for (const { key, position } of list) this.arrived.get(Number(key.slice(3)))?.add(Number(position)); },
      lapsed: () => {
        this.lapses += 1;
        this.excused = new Map(this.begun);
      },
    });
  }

  static async start(t: TestContext): Promise<Stream> {
    const prefix = prefixOf();
    const listener = new RedisFanout(await connect(t), { prefix });
    const stream = new Stream(new RedisFanout(await connect(t), { prefix }), listener);
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      stream.arrived.set(partition, new Set());
      stream.announced.set(partition, []);
      await listener.subscribe(partition, `t/c${partition}`);
    }
    stream.writing = Promise.all([...stream.announced.keys()].map((partition) => stream.write(partition)));
    t.after(async () => { await stream.stop(); await listener.close(); });
    return stream;
  }

  private async write(partition: number): Promise<void> {
    for (let number = 0; !this.stopped; number += 1) {
      this.begun.set(partition, number + 1);
      try {
        await this.writer.announce(partition, [{ key: `t/c${partition}`, position: String(number), prev: null, late: false, timestamp: 0, frame: '{}' }]);
        this.announced.get(partition)?.push(number);
      } catch { /* away: what was not acknowledged is announced again by the reader of replies, under another number here */ }
      await systemClock.sleep(5);
    }
  }

  /** Until each partition carries announcements that arrive, with everything before excused by a lapse or there. */
  async flows(): Promise<void> {
    const from = new Map(this.begun);
    await eventually('every partition carries announcements again', () => [...this.announced].every(([partition, numbers]) => {
      const fresh = numbers.filter((number) => number >= Math.max(from.get(partition) ?? 0, this.excused.get(partition) ?? 0)).slice(0, -1);
      return fresh.length >= 20 && fresh.slice(-10).every((number) => this.arrived.get(partition)?.has(number) === true);
    }), PATIENCE);
  }

  /** Numbers, by partition, that were begun after the last lapse and have not arrived. */
  missing(): string[] {
    return [...this.announced].flatMap(([partition, numbers]) => numbers.filter((number) => number >= (this.excused.get(partition) ?? 0) && this.arrived.get(partition)?.has(number) !== true).map((number) => `${partition}:${number}`));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.writing;
  }
}

async function unharmed(stream: Stream): Promise<void> {
  await stream.flows();
  await stream.stop();
  await eventually('nothing is missing without a lapse', () => stream.missing().length === 0, 5_000).catch(() => undefined);
  assert.deepEqual(stream.missing(), []);
}

const role = async (server: OwnRedis): Promise<string> => /role:(\w+)/.exec(await server.ask('INFO replication', 1_000).catch(() => ''))?.[1] ?? '';
const replicasOf = async (): Promise<OwnRedis[]> => {
  const found: OwnRedis[] = [];
  for (const node of cluster.nodes) if (await role(node) === 'slave') found.push(node);
  return found;
};

test('a slot moves in mid-traffic: its channels go with it, and nothing is missing without a lapse', { skip, timeout: 300_000 }, async (t) => {
  const stream = await Stream.start(t);
  await stream.flows();
  for (const partition of [0, 3]) {
    const from = await cluster.homeOf(`{s${partition}}`);
    const to = cluster.masters.find((each) => each !== from) as OwnRedis;
    // A server that is asked for a key which is not there sends it on to the new home while subscribers are still at the old one.
    await cluster.moveSlot(`{s${partition}}`, to, () => stream.flows());
  }
  await unharmed(stream);
  assert.ok(stream.lapses > 0);
});

test('a master hangs until its replica has taken its place: the sockets are told, and hear again', { skip, timeout: 300_000 }, async (t) => {
  const stream = await Stream.start(t);
  await stream.flows();
  const master = await cluster.homeOf('{s1}');
  master.signal('SIGSTOP');
  try {
    await eventually('another one answers for its slots', async () => await cluster.homeOf('{s1}') !== master, PATIENCE);
    await unharmed(stream);
  } finally { master.signal('SIGCONT'); }
  await eventually('it follows', async () => (await replicasOf()).includes(master), PATIENCE);
});

test('a master is killed in mid-traffic: its replica carries on, and nothing is missing without a lapse', { skip, timeout: 300_000 }, async (t) => {
  const stream = await Stream.start(t);
  await stream.flows();
  const master = await cluster.homeOf('{s2}');
  await master.kill();
  await unharmed(stream);
  assert.ok(stream.lapses > 0);
  await master.start();
});
