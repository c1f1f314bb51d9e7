import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../platform/clock.js';
import { ManualClock } from '../platform/clock-manual.js';
import { isCode } from '../platform/errors.js';
import { silentLogger } from '../platform/observability/logger.js';
import { systemRandom, ulidMaker } from '../platform/random.js';
import { serviceAddress, skipWithout } from '../platform/testing.js';
import { compileSchema, fingerprint } from './avro.js';
import { codecContract, exampleMessage } from './codec.contract.js';
import { createRegistryCodec, type RegistryCodecOptions } from './codec-registry.js';
import { loadSchemas, type SchemaSet } from './schema-set.js';
import type { Codec } from './codec.js';
import type { Message } from './types.js';

const skip = skipWithout('registry');
const url = serviceAddress('registry') ?? '';
const ulid = ulidMaker(systemClock, systemRandom);
const freshPrefix = (): string => `t${ulid().toLowerCase()}.`;

async function prepared(options: Partial<RegistryCodecOptions> = {}): Promise<Codec> {
  const codec = createRegistryCodec({ url, prefix: freshPrefix(), clock: systemClock, logger: silentLogger, ...options });
  await codec.prepare();
  return codec;
}

let shared: Promise<Codec> | undefined;
codecContract({ make: () => (shared ??= prepared()), skip });

/** The schemas of a release in which a Message has a field more. */
function nextRelease(field: unknown): SchemaSet {
  const now = loadSchemas();
  const message = now.newest.get('Message');
  assert.ok(message);
  const schema = JSON.parse(message.text) as { fields: unknown[] };
  const text = JSON.stringify({ ...schema, fields: [...schema.fields, field] });
  return { ...now, newest: new Map([['Message', { ...message, text, fingerprint: fingerprint(text), type: compileSchema(text) }]]) };
}

test('two releases read each other through the registry, each id looked up once', { skip }, async () => {
  const prefix = freshPrefix();
  const now = await prepared({ prefix });
  const next = await prepared({ prefix, schemas: nextRelease({ name: 'mood', type: ['null', 'string'], default: null }) });
  const written = next.of('Message').encode({ ...exampleMessage, mood: 'glad' } as Message);
  assert.throws(() => now.of('Message').decode(written), (error) => isCode(error, 'CONFAB_SCHEMA_UNKNOWN'));
  await now.of('Message').learn(written);
  assert.deepStrictEqual(now.of('Message').decode(written), exampleMessage);
  const old = now.of('Message').encode(exampleMessage);
  await next.of('Message').learn(old);
  assert.deepStrictEqual(next.of('Message').decode(old), { ...exampleMessage, mood: null });
});

test('subjects are the full topic name and -value, FULL_TRANSITIVE; a break is refused by the registry', { skip }, async () => {
  const prefix = freshPrefix();
  await prepared({ prefix });
  const subjects = await (await fetch(`${url}/subjects`)).json() as string[];
  assert.equal(subjects.filter((name) => name.startsWith(prefix)).length, 13);
  const config = await (await fetch(`${url}/config/${prefix}messages.v1-value`)).json() as { compatibilityLevel: string };
  assert.equal(config.compatibilityLevel, 'FULL_TRANSITIVE');
  await assert.rejects(prepared({ prefix, schemas: nextRelease({ name: 'mood', type: 'string' }) }), (error) => isCode(error, 'CONFAB_SCHEMA_INCOMPATIBLE'));
});

test('preparing again gives the same ids and registers nothing', { skip }, async () => {
  const prefix = freshPrefix();
  const [one, two] = [await prepared({ prefix }), await prepared({ prefix })];
  assert.deepEqual(one.of('Message').encode(exampleMessage), two.of('Message').encode(exampleMessage));
  const versions = await (await fetch(`${url}/subjects/${prefix}messages.v1-value/versions`)).json() as number[];
  assert.equal(versions.length, 1);
});

/** A registry made for the test: counts requests, answers what `answer` says. */
async function fakeRegistry(t: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(body));
};

test('a registry that is away is a coded error; ids that are known go on', async (t) => {
  let up = true;
  const host = await fakeRegistry(t, (request, response) => {
    if (!up) { request.socket.destroy(); return; }
    json(response, 200, { id: 7 });
  });
  const codec = await prepared({ url: host });
  up = false;
  assert.deepEqual(codec.of('Message').decode(codec.of('Message').encode(exampleMessage)), exampleMessage);
  const other = Buffer.from(codec.of('Message').encode(exampleMessage));
  other.writeUInt32BE(9, 1);
  await assert.rejects(codec.of('Message').learn(other), (error) => isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE') && error.retryable);
  await assert.rejects(prepared({ url: host }), (error) => isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE'));
  await assert.rejects(prepared({ url: 'http://127.0.0.1:1' }), (error) => isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE'));
});

test('a registry that does not answer in time, or answers nonsense, is a coded error', async (t) => {
  const silent = await fakeRegistry(t, () => undefined);
  await assert.rejects(prepared({ url: silent, timeoutMillis: 50 }), (error) => isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE'));
  const nonsense = await fakeRegistry(t, (_request, response) => { response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'); });
  await assert.rejects(prepared({ url: nonsense }), (error) => isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE'));
  const refusing = await fakeRegistry(t, (_request, response) => { json(response, 401, { error_code: 401, message: 'who are you' }); });
  await assert.rejects(prepared({ url: refusing }), (error) => isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE') && error.detail.includes('401'));
});

test('an unknown id is asked for once a minute, not once a record', async (t) => {
  let asked = 0;
  const host = await fakeRegistry(t, (request, response) => {
    if (!request.url?.startsWith('/schemas/ids/')) { json(response, 200, { id: 7 }); return; }
    asked += 1;
    json(response, 404, { error_code: 40403, message: 'Schema not found' });
  });
  const clock = new ManualClock();
  const message = (await prepared({ url: host, clock })).of('Message');
  const bytes = Buffer.from(message.encode(exampleMessage));
  bytes.writeUInt32BE(9, 1);
  for (let round = 0; round < 3; round += 1) await assert.rejects(message.learn(bytes), (error) => isCode(error, 'CONFAB_SCHEMA_UNKNOWN'));
  assert.equal(asked, 1);
  await clock.advance(61_000);
  await assert.rejects(message.learn(bytes), (error) => isCode(error, 'CONFAB_SCHEMA_UNKNOWN'));
  assert.equal(asked, 2);
});

test('user name and password, or a token, go with every request', async (t) => {
  const seen = new Set<string | undefined>();
  const host = await fakeRegistry(t, (request, response) => { seen.add(request.headers.authorization); json(response, 200, { id: 7 }); });
  await prepared({ url: host, auth: { username: 'ada', password: 'pw' } });
  await prepared({ url: host, auth: { token: 'abc' } });
  assert.deepEqual([...seen], [`Basic ${Buffer.from('ada:pw').toString('base64')}`, 'Bearer abc']);
});
