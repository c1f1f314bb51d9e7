/** The program with what a flow waits for: an action against a real server, and timers, through kill -9. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { auditSound } from './composition/installation/testing.js';
import { Program, post } from './composition/testing.js';
import { partitionOf } from './platform/partitioner.js';
import { json, testServer, type TestServer } from './platform/outbound/testing.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';

const PARTITIONS = 4;
/** One in each partition: whichever process is killed has some of them in hand. */
const WAITING = Array.from({ length: PARTITIONS }, (_, partition) => Array.from({ length: 100 }, (_one, i) => `w${i}`).find((name) => partitionOf(`default/${name}`, PARTITIONS) === partition) ?? '');
const CONVERSATIONS = Array.from({ length: 8 }, (_, i) => `r${i}`);

const bot = (origin: string): string => `
format: 1
id: shop
name: Shop
language: en
fallback: {say: sorry}
intents:
  order_status: {examples: [where is my order, order status please, what about my order, has my order been sent, when will my order come]}
  remind: {examples: [remind me later, please remind me, set a reminder, can you remind me about it, do not let me forget it]}
  greet: {examples: [hello, hi there, good morning, hey you, good evening]}
slots: {state: {}}
responses:
  sorry: [Sorry?]
  told: ['It is {state}.']
  failed: [I cannot look it up now.]
  will: [I will.]
  reminded: [You wanted to be reminded.]
  hello: [Hello.]
actions:
  order:
    input: {id: text}
    request: {method: POST, url: '${origin}/orders/{id}', headers: {authorization: 'Bearer {secret.SHOP_TOKEN}'}, body: {id: '{id}'}}
    output: {state: state}
    keyed: true
    timeout: 20s
flows:
  order: {on: order_status, do: [{act: order, with: {id: '42'}, into: {state: state}, onError: [{say: failed}, end]}, {say: told}]}
  remind: {on: remind, do: [{remind: {id: later, in: 3s, flow: reminded}}, {say: will}]}
  reminded: {do: [{say: reminded}]}
  greet: {on: greet, do: [{say: hello}]}
`;

function settings(t: TestContext, server: TestServer): Record<string, string> {
  const bots = scratchFolder(t);
  mkdirSync(join(bots, 'shop'));
  writeFileSync(join(bots, 'shop', 'bot.yaml'), bot(server.origin));
  const host = server.origin.slice('http://'.length);
  return {
    CONFAB_DATA_DIR: scratchFolder(t), CONFAB_BOTS_DIR: bots, CONFAB_DEFAULT_BOT: 'shop', CONFAB_PARTITIONS: String(PARTITIONS),
    CONFAB_ACTION_HOSTS: server.origin, CONFAB_ACTION_PRIVATE_ADDRESSES: '127.0.0.1', CONFAB_ACTION_SECRETS: JSON.stringify({ SHOP_TOKEN: { host, value: 'tok3n' } }),
  };
}

interface Event { readonly type: string; readonly inReplyTo?: string | null; readonly text?: string; readonly parts?: readonly { readonly text?: string }[] }

/** Texts of the replies; those that nobody asked for begin with `!`. */
async function replies(url: string, conversation: string): Promise<string[]> {
  const answer = await fetch(`${url}/v1/conversations/${conversation}/events?limit=500`).catch(() => undefined);
  if (answer?.status !== 200) return [];
  const { events } = await answer.json() as { events: Event[] };
  return events.filter(({ type }) => type === 'reply').map(({ inReplyTo, text, parts }) => `${inReplyTo === null ? '!' : ''}${parts?.map((part) => part.text ?? '').join(' ') ?? text ?? ''}`);
}

/** @param restart kills the process that serves and gives one that goes on in its place */
async function proved(server: TestServer, release: () => void, { first, restart }: { first: Program; restart: () => Promise<Program> }): Promise<void> {
  let running = first;
  const said = async (conversation: string, text: string, answer: string): Promise<void> => {
    assert.equal((await post(running.url, conversation, text)).status, 202);
    await eventually(`${conversation}: ${answer}`, async () => (await replies(running.url, conversation)).at(-1) === answer, 60_000);
  };
  for (const conversation of CONVERSATIONS) await said(conversation, 'remind me later', 'I will.');
  for (const waiting of WAITING) assert.equal((await post(running.url, waiting, 'where is my order')).status, 202);
  await eventually('the actions are under way', () => server.asked.length >= PARTITIONS, 60_000);
  for (const waiting of WAITING) assert.equal((await post(running.url, waiting, 'hello')).status, 202);
  for (let i = 0; i < PARTITIONS; i += 1) await said(`other${i}`, 'hello', 'Hello.');
  for (const waiting of WAITING) assert.deepEqual(await replies(running.url, waiting), [], 'only that conversation waits, with all that it says');

  running = await restart();
  release();
  for (const waiting of WAITING) {
    await eventually('the action is done, and what came after it', async () => (await replies(running.url, waiting)).length >= 2, 90_000);
    assert.deepEqual(await replies(running.url, waiting), ['It is sent.', 'Hello.']);
  }
  assert.ok(server.asked.length > PARTITIONS, 'what was killed is asked again');
  assert.equal(server.keys.size, PARTITIONS, 'it is one call for the other side');
  assert.ok(server.asked.every(({ headers, body }) => headers.authorization === 'Bearer tok3n' && body === '{"id":"42"}'));
  assert.ok(!running.output.includes('tok3n'));

  for (const conversation of CONVERSATIONS) await eventually(`${conversation} is reminded`, async () => (await replies(running.url, conversation)).length >= 2, 90_000);
  running = await restart();
  for (const conversation of CONVERSATIONS) {
    await said(conversation, 'hello', 'Hello.');
    assert.deepEqual(await replies(running.url, conversation), ['I will.', '!You wanted to be reminded.', 'Hello.'], conversation);
  }
}

/** A server that holds its answers back until it is told. */
async function holdingServer(t: TestContext): Promise<{ server: TestServer; release: () => void }> {
  const held: (() => void)[] = [];
  let open = false;
  const server = await testServer(t, (response) => { const answer = (): void => { json(response, { state: 'sent' }); }; if (open) answer(); else held.push(answer); });
  return { server, release: () => { open = true; for (const answer of held) answer(); } };
}

test('embedded: an action and timers, through kill -9: asked with one key, answered once, reminded once, in order', { timeout: 300_000 }, async (t) => {
  const { server, release } = await holdingServer(t);
  const env = settings(t, server);
  const start = async (): Promise<Program> => (await Program.start(t, { env })).ready(60_000);
  const first = await start();
  let running = first;
  await proved(server, release, { first, restart: async () => { await running.kill('SIGKILL'); running = await start(); return running; } });
  assert.equal((await running.kill('SIGTERM')).code, 0, running.output);
  await auditSound(env, '30s');
});

test('Kafka: the same with two processes, one of which is killed while the other takes over', { skip: skipWithout('kafka', 'redis'), timeout: 400_000 }, async (t) => {
  const { server, release } = await holdingServer(t);
  const env = {
    ...settings(t, server), CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_REDIS_URL: serviceAddress('redis') ?? '', CONFAB_PREFIX: `t${randomBytes(4).toString('hex')}.`,
  };
  const start = async (): Promise<Program> => (await Program.start(t, { env })).ready(90_000);
  let [serving, beside] = [await start(), await start()];
  await proved(server, release, { first: serving, restart: async () => {
    await serving.kill('SIGKILL');
    serving = beside;
    beside = await start();
    await serving.ready(90_000);
    return serving;
  } });
  assert.equal((await serving.kill('SIGTERM')).code, 0, serving.output);
  assert.equal((await beside.kill('SIGTERM')).code, 0, beside.output);
  await auditSound(env, '30s');
});
