/** Answers by which Redis says that it cannot now: each is a coded error that may be tried again, and tells no secrets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { ConfabError } from '../errors.js';
import { silentLogger } from '../observability/logger.js';
import { seededRandom } from '../random.js';
import { connectRedis } from '../redis/redis.js';
import { eventually } from '../testing.js';
import { RedisStateStore } from './redis.js';

/** A server that answers every command of the store by the same words; what a connection asks at its start it answers well. */
async function storeAnsweredBy(t: TestContext, answer: () => string): Promise<RedisStateStore> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => { /* closed by the client */ });
    socket.on('data', (data) => {
      for (const part of data.toString('latin1').split(/^\*\d+\r\n/m).slice(1)) {
        const command = (part.split('\r\n')[1] ?? '').toLowerCase();
        socket.write(command === 'mget' || command.startsWith('eval') ? answer() : command === 'info' ? '$0\r\n\r\n' : '+OK\r\n');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const redis = await connectRedis({ urls: [`redis://:hidden@127.0.0.1:${(server.address() as AddressInfo).port}`] }, { logger: silentLogger, random: seededRandom(1) });
  t.after(async () => { await redis.close(); for (const socket of sockets) socket.destroy(); server.close(); });
  return new RedisStateStore(redis, { prefix: 'secret-prefix' });
}

const WORDS = [
  "OOM command not allowed when used memory > 'maxmemory'.", "READONLY You can't write against a read only replica.", 'LOADING Redis is loading the dataset in memory',
  'MOVED 3999 127.0.0.1:6381', 'ASK 3999 127.0.0.1:6381', 'CLUSTERDOWN Hash slot not served', 'TRYAGAIN Multiple keys request during rehashing of slot',
  'MASTERDOWN Link with MASTER is down', 'MISCONF Redis is configured to save RDB snapshots', 'BUSY Redis is busy running a script', 'NOREPLICAS Not enough good replicas to write.',
];

for (const words of WORDS) {
  test(`redis state store: ${words.split(' ', 1)[0] ?? ''} is an error that may be tried again`, async (t) => {
    let answer = `-${words}\r\n`;
    const store = await storeAnsweredBy(t, () => answer);
    for (const call of [() => store.read('view', 0, ['secret-key']), () => store.write('view', 0, [{ key: 'secret-key', reflects: 'p', value: Buffer.from('secret-value') }], { epoch: 'e', offset: 1 }, 0), () => store.reset('view', 0, 'e')]) {
      await assert.rejects(call(), (error) => {
        assert.ok(error instanceof ConfabError);
        assert.deepEqual([error.code, error.retryable], ['CONFAB_STATE_UNAVAILABLE', true]);
        assert.doesNotMatch(JSON.stringify({ ...error, message: error.message, detail: error.detail, cause: String(error.cause) }), /secret|hidden/);
        return true;
      });
    }
    // It has recovered; after READONLY the client has come back by a new connection.
    answer = ':1\r\n';
    await eventually('a write is taken', () => store.write('view', 0, [], { epoch: 'e', offset: 1 }, 0).catch(() => false));
  });
}
