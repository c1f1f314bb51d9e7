import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { silentLogger } from '../observability/logger.js';
import { seededRandom } from '../random.js';
import { connectRedis, type RedisOptions } from './redis.js';
import { eventually, serviceAddress, skipWithout } from '../testing.js';

const dependencies = { logger: silentLogger, random: seededRandom(1) };
const skip = skipWithout('redis');

interface TestContext { after(run: () => void | Promise<void>): void }

/** A server that answers each command by a rule; undefined: it never answers. */
async function fakeRedis(t: TestContext, answer: (command: string) => string | undefined): Promise<{ url: (user?: string) => string; server: Server; cut: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => { /* cut by the test */ });
    socket.on('data', (data) => {
      // Commands come as arrays of bulk strings; the second line of each array's first element is its name.
      for (const part of data.toString().split(/^\*\d+\r\n/m).slice(1)) {
        const reply = answer(part.split('\r\n').filter((_, i) => i % 2 === 1).join(' '));
        if (reply !== undefined) socket.write(reply);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => { for (const socket of sockets) socket.destroy(); };
  t.after(() => { cut(); server.close(); });
  const { port } = server.address() as { port: number };
  return { url: (user = '') => `redis://${user}127.0.0.1:${port}`, server, cut };
}

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;
const healthy = (policy: string) => (command: string): string => {
  if (command.startsWith('info')) return bulk(`loading:0\r\nmaxmemory_policy:${policy}\r\n`);
  return command.startsWith('ping') ? '+PONG\r\n' : '+OK\r\n';
};

async function within(millis: number, work: Promise<unknown>): Promise<Error & { code?: string }> {
  const start = performance.now();
  const error = await work.then(() => { throw new Error('it succeeded'); }, (thrown: unknown) => thrown as Error & { code?: string });
  assert.ok(performance.now() - start < millis, `took ${performance.now() - start} ms`);
  return error;
}

test('a URL that is wrong is refused without being shown', async () => {
  for (const url of ['localhost:6379', 'http://user:geheim@host', 'redis://user:geheim@host/db', 'redis://user:geheim@ho st']) {
    const error = await within(500, connectRedis({ urls: [url] }, dependencies));
    assert.equal(error.code, 'CONFAB_CONFIG_INVALID', url);
    assert.doesNotMatch(String(error), /geheim/);
  }
  assert.equal((await within(500, connectRedis({ urls: [] }, dependencies))).code, 'CONFAB_CONFIG_INVALID');
});

test('a Redis that is not there, or does not answer, is a coded error within two seconds', async (t) => {
  const mute = await fakeRedis(t, () => undefined);
  const closed = await fakeRedis(t, () => undefined);
  closed.server.close();
  for (const url of [mute.url(), closed.url()]) {
    for (const mode of ['server', 'cluster', 'sentinel'] as const) {
      const options: RedisOptions = { urls: [url], mode, ...(mode === 'sentinel' ? { sentinelName: 'main' } : {}) };
      assert.equal((await within(2_500, connectRedis(options, dependencies))).code, 'CONFAB_STATE_UNAVAILABLE', mode);
    }
  }
});

test('a Redis that dies is a coded error at once, one that hangs within two seconds, and both heal', async (t) => {
  let mute = false;
  const fake = await fakeRedis(t, (command) => (mute ? undefined : healthy('noeviction')(command)));
  const redis = await connectRedis({ urls: [fake.url()] }, dependencies);
  t.after(() => redis.close());
  await redis.check();
  mute = true;
  const hung = redis.call('CONFAB_INDEX_REBUILDING', (client) => client.ping());
  assert.equal((await within(2_000, hung)).code, 'CONFAB_INDEX_REBUILDING', 'the caller chooses the code');
  const lost = redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.get('x'));
  fake.cut();
  assert.equal((await within(1_000, lost)).code, 'CONFAB_STATE_UNAVAILABLE');
  assert.equal((await within(100, redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.get('x')))).code, 'CONFAB_STATE_UNAVAILABLE');
  mute = false;
  fake.cut();
  await eventually('it is back', () => redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.ping()).then(() => true, () => false), 6_000);
});

/** Answers subscriptions, unless `mute`; keeps what each connection subscribed. */
function subscriptions(state: { mute: boolean; asked: string[] }) {
  let count = 0;
  return (command: string): string | undefined => {
    const [name, ...channels] = command.split(' ');
    if (name !== 'ssubscribe') return healthy('noeviction')(command);
    state.asked.push(...channels);
    return state.mute ? undefined : channels.map((channel) => `*3\r\n${bulk('ssubscribe')}${bulk(channel)}:${count += 1}\r\n`).join('');
  };
}

// The client subscribed again by itself and let go of its promises: one that was not answered in time ended the process.
test('subscriptions that fail after a reconnect are tried on another connection, and only then the lapse is told', async (t) => {
  const state = { mute: false, asked: [] as string[] };
  const fake = await fakeRedis(t, subscriptions(state));
  const redis = await connectRedis({ urls: [fake.url()], commandTimeoutMillis: 300 }, dependencies);
  t.after(() => redis.close());
  let lapses = 0;
  const subscriber = redis.subscriber({ wanted: () => [['a', 'b'], ['c']], lapsed: () => { lapses += 1; } });
  await subscriber.ssubscribe('a', 'b', 'c');
  state.mute = true;
  state.asked = [];
  fake.cut();
  await eventually('it was asked for them on two connections', () => state.asked.filter((channel) => channel === 'c').length >= 2);
  assert.equal(lapses, 0);
  state.mute = false;
  await eventually('the lapse is told', () => lapses === 1);
  assert.deepEqual(state.asked.slice(-3).sort(), ['a', 'b', 'c'], 'all of them, though the lost connection had confirmed none');
});

test('a policy that evicts is refused', async (t) => {
  const fake = await fakeRedis(t, healthy('allkeys-lru'));
  const redis = await connectRedis({ urls: [fake.url()] }, dependencies);
  t.after(() => redis.close());
  await assert.rejects(redis.check(), { code: 'CONFAB_REDIS_EVICTS' });
});

test('neither passwords nor arguments appear in errors', async (t) => {
  const fake = await fakeRedis(t, (command) => (command.startsWith('auth') ? '-WRONGPASS invalid pair user:geheim\r\n' : '-ERR no: geheim\r\n'));
  for (const options of [{ urls: [fake.url('user:geheim@')] }, { urls: [fake.url()], username: 'user', password: 'geheim' }]) {
    const error = await within(2_500, connectRedis(options, dependencies));
    assert.equal(error.code, 'CONFAB_STATE_UNAVAILABLE');
    const inspected = `${String(error)} ${JSON.stringify(error)} ${String(error.cause)} ${JSON.stringify(error.cause)} ${error.stack ?? ''}`;
    assert.doesNotMatch(inspected, /geheim/);
  }
});

test('a real server answers, tells its time, and errors carry no arguments', { skip }, async (t) => {
  const redis = await connectRedis({ urls: [serviceAddress('redis') ?? ''] }, dependencies);
  t.after(() => redis.close());
  await redis.check();
  assert.ok(await redis.time() > Date.UTC(2024, 0, 1));
  const error = await within(1_000, redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.call('LPUSH', 'geheim')));
  assert.doesNotMatch(`${String(error)} ${JSON.stringify(error.cause)}`, /geheim/);
  await redis.close();
  assert.equal((await within(500, redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.ping()))).code, 'CONFAB_STATE_UNAVAILABLE');
});

test('commands of one turn of the event loop leave together, and are answered each by itself', async (t) => {
  const seen: string[] = [];
  const reads: number[] = [];
  const redis = await fakeRedis(t, (command) => { seen.push(command); return healthy('noeviction')(command); });
  redis.server.on('connection', (socket: Socket) => { socket.on('data', () => { reads.push(seen.length); }); });
  const connection = await connectRedis({ urls: [redis.url()] }, dependencies);
  t.after(() => connection.close());
  const before = reads.length;
  const answers = await Promise.all(Array.from({ length: 50 }, async (_, i) => { await Promise.resolve(); return connection.client.set(`k${i}`, 'v'); }));
  assert.deepEqual(new Set(answers), new Set(['OK']));
  assert.equal(reads.length - before, 1);
  assert.deepEqual(seen.slice(-50), Array.from({ length: 50 }, (_, i) => `set k${i} v`));
});
