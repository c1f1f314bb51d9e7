import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../platform/clock.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { seededRandom, systemRandom } from '../platform/random.js';
import { scratchFolder } from '../platform/testing.js';
import { LetterScene } from '../operate/letters/testing.js';
import { runCli } from './program.js';

async function setUp(t: TestContext, env: Record<string, string> = { CONFAB_KAFKA_BROKERS: 'kafka:9092' }) {
  const log = new MemoryEventLog({ clock: systemClock, random: systemRandom });
  const scene = await LetterScene.over(log);
  const shared = new Proxy(log, { get: (target, name) => { const value: unknown = name === 'close' ? () => Promise.resolve() : Reflect.get(target, name); return typeof value === 'function' ? value.bind(target) as unknown : value; } });
  const file = join(scratchFolder(t), 'lines.jsonl');
  const produce = async (lines: string, ...argv: string[]): Promise<{ code: number; out: string; err: string }> => {
    writeFileSync(file, lines);
    let out = '';
    let err = '';
    const code = await runCli(['produce', ...argv, '--file', file], {
      env, clock: systemClock, random: seededRandom(1), openLog: () => Promise.resolve(shared as EventLog),
      stdout: { write: (text) => { out += text; } }, stderr: { write: (text) => { err += text; } },
    });
    return { code, out, err };
  };
  return { scene, produce };
}

test('with a conversation each line is a record; it is answered with its place and position', async (t) => {
  const { scene, produce } = await setUp(t);
  const { code, out, err } = await produce('{"text":"one"}\r\n\n{"text":"two"}\n', 'messages.v1', '--conversation', 'c1', '--tenant', 'acme');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^messages\.v1 \d-0 [0-9a-f]{8}-000000000000-00\nmessages\.v1 \d-1 [0-9a-f]{8}-000000000001-00\n$/);
  assert.deepEqual((await scene.all('messages.v1')).map(({ record, value }) => [record.key, value.text]), [['acme/c1', 'one'], ['acme/c1', 'two']]);
});

test('without a key a line is what tail prints', async (t) => {
  const { scene, produce } = await setUp(t);
  const line = { topic: 'settings.v1', partition: 0, offset: 7, timestamp: '2026-01-01T00:00:00.000Z', key: 'k', headers: { a: 'b' }, value: { value: '1', changedBy: 'me', changedAt: 5 } };
  const { code, out } = await produce(JSON.stringify(line), 'settings.v1', '--json');
  assert.deepEqual([code, JSON.parse(out)], [0, { topic: 'settings.v1', partition: 0, offset: 0, key: 'k' }]);
  const [found] = await scene.all('settings.v1');
  assert.deepEqual([found?.record.timestamp, { ...found?.record.headers }, { ...found?.value }], [Date.UTC(2026, 0, 1), { a: 'b' }, line.value]);
});

test('every wrong line is named with field and reason, and none is written', async (t) => {
  const { scene, produce } = await setUp(t);
  const { code, out, err } = await produce('{"text":"fine"}\n{"text":3}\n\n{"txt":"x","locale":7}\n', 'messages.v1', '--conversation', 'c1');
  assert.deepEqual([code, out], [1, '']);
  assert.deepEqual(err.split('\n').slice(1), ['  line 2: /value/text must be a string or a Sealed or null', '  line 4: /value/txt is not a field of Message', '  line 4: /value/locale must be a text', '']);
  const wrong: [string, RegExp][] = [
    ['nope', /line 1: is not JSON/], ['3', /line 1: must be an object with key and value/], ['{"text":"x"}', /"text" is neither/], ['{"key":1,"value":null}', /\/key must be a text/],
    ['{"key":"k","value":null,"headers":{"a":1}}', /\/headers/], ['{"key":"k","value":null,"timestamp":[]}', /\/timestamp/],
  ];
  for (const [line, reason] of wrong) {
    const answer = await produce(line, 'messages.v1');
    assert.equal(answer.code, 1);
    assert.match(answer.err, reason);
  }
  assert.equal((await scene.all('messages.v1')).length, 0);
});

test('topics of stages need --force, which warns; other faults of the command line exit with 64', async (t) => {
  const { produce } = await setUp(t);
  const refused = await produce('{}', 'replies.v1', '--conversation', 'c1');
  assert.equal(refused.code, 1);
  assert.match(refused.err, /^CONFAB_TOPIC_OWNED: [^\n]*dialogue[^\n]*--force[^\n]*\n$/);
  const forced = await produce('null', 'analytics.v1', '--key', 'k', '--force');
  assert.deepEqual([forced.code, forced.err], [0, 'warning: forced into analytics.v1: counts are replaced, not added to\n']);
  for (const argv of [['messages.v2'], ['messages.v1', '--conversation', 'a/b'], ['messages.v1', '--key', 'k', '--conversation', 'c'], ['messages.v1', '--tenant', 'A'], []]) {
    assert.equal((await produce('{}', ...argv)).code, 64, argv.join(' '));
  }
});

test('on the embedded log the lines go through the running process, all checked before', async (t) => {
  const bodies: { url: string; records: unknown[] }[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => { text += chunk.toString(); }).on('end', () => {
      const { records } = JSON.parse(text) as { records: { key: string }[] };
      bodies.push({ url: request.url ?? '', records });
      if (bodies.length === 2) { request.socket.destroy(); return; }
      response.end(JSON.stringify({ warnings: [], records: records.map(({ key }, offset) => ({ topic: 'settings.v1', partition: 0, offset, key })) }));
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  const { produce } = await setUp(t, { CONFAB_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  const line = (value: unknown): string => `${JSON.stringify({ value, changedBy: 'me', changedAt: 5 })}\n`;
  const wrong = await produce(line('1').repeat(3) + line(2), 'settings.v1', '--key', 'k');
  assert.deepEqual([wrong.code, bodies.length], [1, 0]);
  // More than one request holds: the answer to the second is lost.
  const { code, out, err } = await produce(line('1').repeat(700), 'settings.v1', '--key', 'k');
  assert.deepEqual([code, out.split('\n').length - 1, bodies.map(({ url, records }) => `${url} ${records.length}`)], [1, 500, ['/v1/admin/topics/settings.v1/records 500', '/v1/admin/topics/settings.v1/records 200']]);
  assert.match(err, /^the lines up to 500 were written\nCONFAB_OUTCOME_UNKNOWN: /);
});
