/**
 * Several devices in one conversation, on two nodes over real Kafka and Redis, and over the embedded log: the same order on
 * each, each resumes by itself, receipts and typing reach the others, and what is revoked is closed everywhere.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { runCli } from './cli/program.js';
import { openCodec, openLog, type Base } from './composition/infrastructure.js';
import { call, Client, SECRET, token, type Frame } from './composition/protocol/testing.js';
import { Program } from './composition/testing.js';
import { systemClock } from './platform/clock.js';
import type { Config } from './platform/config.js';
import { silentLogger } from './platform/observability/logger.js';
import { systemRandom } from './platform/random.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';

const PATIENCE = 60_000;
const now = (): number => Math.floor(systemClock.now() / 1_000);
const stream = (id: string, after?: string): string => `/v1/conversations/${id}/stream${after === undefined ? '' : `?after=${after}`}`;
const outcomesOf = ({ frames }: Client): Frame[] => frames.filter((frame) => 'inReplyTo' in frame);

/** Two nodes that take clients, one of which does all the rest; or one process that does everything, twice. */
interface Nodes { readonly urls: readonly [string, string]; readonly env: Readonly<Record<string, string>> }

async function start(t: TestContext, kind: 'embedded' | 'kafka'): Promise<Nodes> {
  const common = { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_AUTH_SECRET: SECRET };
  if (kind === 'embedded') {
    const { url } = await (await Program.start(t, { env: common })).ready(PATIENCE);
    return { urls: [url, url], env: common };
  }
  const env = { ...common, CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_REDIS_URL: serviceAddress('redis') ?? '', CONFAB_PREFIX: `t${randomBytes(4).toString('hex')}.`, CONFAB_PARTITIONS: '4' };
  const first = await (await Program.start(t, { env })).ready(PATIENCE);
  const second = await (await Program.start(t, { env, args: ['start', '--role', 'ingress', '--role', 'egress'] })).ready(PATIENCE);
  return { urls: [first.url, second.url], env };
}

async function cli(nodes: Nodes, ...argv: string[]): Promise<{ code: number; out: string }> {
  let out = '';
  const admin = await token({ sub: 'op', scope: 'admin' });
  const base = (config: Config): Base => ({ config, clock: systemClock, random: systemRandom, logger: silentLogger });
  const code = await runCli(argv, {
    env: { ...nodes.env, CONFAB_URL: nodes.urls[0], CONFAB_TOKEN: admin }, clock: systemClock, random: systemRandom, interrupted: () => new AbortController().signal,
    stdout: { write: (text) => { out += text; } }, stderr: { write: (text) => { out += text; } },
    openLog: (config, mode) => openLog(base(config), { readOnly: mode === 'read' }), openCodec: (config) => openCodec(base(config)),
  });
  return { code, out };
}

/** Somebody's device: a socket on one of the nodes. */
async function device(t: TestContext, url: string, after?: string, bearer?: string): Promise<Client> {
  const client = await Client.open(t, url, stream('c1', after), { token: bearer ?? await token({ sub: 'ann', confab: { conversations: ['c1'] }, issuedAt: now() - 5 }) });
  await client.wait('ready', PATIENCE);
  return client;
}

async function say(url: string, text: string, bearer: string): Promise<string> {
  const { status, body, text: said } = await call(url, '/v1/conversations/c1/messages', { body: { text }, token: bearer });
  assert.equal(status, 202, said);
  return String(body.messageId);
}

async function sameOrder(t: TestContext, { urls }: Nodes): Promise<readonly [Client, Client, Client]> {
  const bearer = await token({ sub: 'ann', confab: { conversations: ['c1'] }, issuedAt: now() - 5 });
  const [phone, tablet] = [await device(t, urls[0]), await device(t, urls[1])];
  let laptop = await device(t, urls[0]);
  const sent: string[] = [];
  const seen: Frame[] = [];
  for (let round = 0; round < 4; round += 1) {
    sent.push(...await Promise.all([0, 1, 2, 3].map((i) => say(urls[i % 2] ?? '', `message ${round} ${i}`, bearer))));
    if (round === 3) break;
    await eventually('something arrived', () => seen.length + outcomesOf(laptop).length >= 4 * round + 1, PATIENCE);
    // Cut without a word, at no particular place, and back on the other node.
    laptop.socket.terminate();
    seen.push(...outcomesOf(laptop));
    laptop = await device(t, urls[(round + 1) % 2] ?? '', seen.length === 0 ? undefined : String(seen.at(-1)?.position));
  }
  await eventually('all arrived everywhere', () => [phone, tablet].every((one) => outcomesOf(one).length >= sent.length) && seen.length + outcomesOf(laptop).length >= sent.length, PATIENCE);
  const order = outcomesOf(phone);
  assert.deepEqual(order.map(({ inReplyTo }) => inReplyTo).sort(), [...sent].sort(), 'each once');
  assert.deepEqual(order.map(({ position }) => position), order.map(({ position }) => position).sort(), 'in order');
  assert.deepEqual(outcomesOf(tablet), order, 'the other node shows the same');
  assert.deepEqual([...seen, ...outcomesOf(laptop)], order, 'and so does who went away');
  return [phone, tablet, laptop];
}

async function receipts(nodes: Nodes, [phone, tablet, laptop]: readonly [Client, Client, Client]): Promise<void> {
  const positions = outcomesOf(phone).map(({ position }) => String(position));
  const [early = '', last = ''] = [positions[3], positions.at(-1)];
  const receiptsOf = ({ frames }: Client): unknown[] => frames.filter(({ type }) => type === 'receipt').map(({ position, state }) => `${String(state)} ${String(position)}`);
  phone.send({ type: 'received', conversationId: 'c1', position: last }).send({ type: 'read', conversationId: 'c1', position: last });
  await eventually('the others are told', () => [tablet, laptop].every((one) => receiptsOf(one).length === 2), PATIENCE);
  tablet.send({ type: 'read', conversationId: 'c1', position: early }).send({ type: 'typing', conversationId: 'c1' });
  for (const one of [phone, laptop]) assert.deepEqual((await one.wait('typing', PATIENCE)).author, { type: 'person' });
  for (const bad of [last.replace(/01$/, '02'), last.replace(/-.*/, '-999999999999-00'), last.replace(/^./, (digit) => (digit === 'f' ? '0' : 'f'))]) phone.send({ type: 'read', conversationId: 'c1', position: bad });
  await eventually('what cannot be is refused', () => phone.frames.filter(({ code }) => code === 'CONFAB_RECEIPT_INVALID').length === 3, PATIENCE);
  for (const one of [tablet, laptop]) assert.deepEqual(receiptsOf(one), [`delivered ${last}`, `read ${last}`], 'nothing older after something newer');
  assert.deepEqual(receiptsOf(phone), [], 'no echo');
  const written = async (): Promise<string> => (await cli(nodes, 'tail', 'deliveries.v1', '--from', 'start', '--json')).out;
  await eventually('they are written', async () => (await written()).includes('"read"'), PATIENCE);
  assert.ok(!(await written()).includes('999999999999'));
}

/** The audit as operators run it. It told of deliveries without a message when clients made positions up. */
async function audited(nodes: Nodes): Promise<void> {
  const { code, out } = await cli(nodes, 'audit', '--json');
  assert.equal(code, 0, out);
}

async function revocation(t: TestContext, nodes: Nodes, mine: readonly Client[]): Promise<void> {
  const { urls } = nodes;
  const bob = await device(t, urls[1], undefined, await token({ sub: 'bob', confab: { conversations: ['c1'] }, id: 'bob-1', issuedAt: now() - 5 }));
  const old = await token({ sub: 'ann', confab: { conversations: ['c1'] }, issuedAt: now() - 5 });
  const ingest = await Client.open(t, urls[1], '/v1/ingest', { token: old });
  const revoked = await cli(nodes, 'revoke', '--subject', 'ann', '--reason', 'lost phone', '--json');
  assert.equal(revoked.code, 0, revoked.out);
  for (const client of [...mine, ingest]) {
    const { code, reason } = await client.end(PATIENCE);
    assert.deepEqual([code, reason.code], [4100, 'CONFAB_TOKEN_REVOKED']);
  }
  for (const url of urls) {
    await eventually('requests are refused', async () => (await call(url, '/v1/conversations/c1/events', { token: old })).body.code === 'CONFAB_TOKEN_REVOKED', PATIENCE);
    const { code, reason } = await (await Client.open(t, url, stream('c1'), { token: old })).end(PATIENCE);
    assert.deepEqual([code, reason.code], [4100, 'CONFAB_TOKEN_REVOKED']);
  }
  await device(t, urls[0], undefined, await token({ sub: 'ann', confab: { conversations: ['c1'] }, issuedAt: now() + 2 }));
  assert.equal(bob.closed, undefined);
  assert.equal((await cli(nodes, 'revoke', '--token-id', 'bob-1')).code, 0);
  assert.equal((await bob.end(PATIENCE)).code, 4100);
  const { revocations } = JSON.parse((await cli(nodes, 'revoke', 'list', '--json')).out) as { revocations: Record<string, unknown>[] };
  assert.deepEqual(revocations.map(({ kind, subject, tokenId, reason, revokedBy }) => [kind, subject ?? tokenId, reason, revokedBy]), [['token', 'bob-1', null, 'op'], ['subject', 'ann', 'lost phone', 'op']]);
  assert.match((await cli(nodes, 'revoke', 'list')).out, /subject ann of tenant default, issued before [^\n]* by op: lost phone\n/);
  assert.equal((await cli(nodes, 'revoke', '--subject', 'ann', '--withdraw')).out, 'taken back: tokens that have not ended hold again\n');
  for (const url of urls) await eventually('they hold again', async () => (await call(url, '/v1/conversations/c1/events', { token: old })).status === 200, PATIENCE);
  assert.equal((await cli(nodes, 'revoke', '--subject', 'a', '--token-id', 'b')).code, 64);
}

/** How long from the request until the last socket, on either node, is closed. A figure for people: a busy machine may take longer. */
async function measured(t: TestContext, { urls }: Nodes): Promise<void> {
  const admin = await token({ sub: 'op', scope: 'admin' });
  const millis: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const id = `round-${round}`;
    const bearer = await token({ sub: 'carol', confab: { conversations: ['c1'] }, id, issuedAt: now() });
    const sockets = await Promise.all(urls.map((url) => device(t, url, undefined, bearer)));
    let last = 0;
    for (const { socket } of sockets) socket.once('close', () => { last = performance.now(); });
    const begun = performance.now();
    assert.equal((await call(urls[0], '/v1/admin/revocations', { body: { tokenId: id }, token: admin })).status, 200);
    for (const socket of sockets) assert.equal((await socket.end(PATIENCE)).code, 4100);
    millis.push(last - begun);
  }
  millis.sort((a, b) => a - b);
  t.diagnostic(`revoke → closed on both nodes, ten times: median ${Math.round(millis[5] ?? NaN)} ms, longest ${Math.round(millis.at(-1) ?? NaN)} ms`);
}

for (const kind of ['embedded', 'kafka'] as const) {
  test(`devices of one conversation over ${kind}: one order, resumes, receipts, revocation`, { skip: kind === 'kafka' ? skipWithout('kafka', 'redis') : false, timeout: 240_000 }, async (t) => {
    const nodes = await start(t, kind);
    const devices = await sameOrder(t, nodes);
    await receipts(nodes, devices);
    await audited(nodes);
    await revocation(t, nodes, devices);
    await measured(t, nodes);
  });
}
