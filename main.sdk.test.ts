/**
 * The client SDK as applications use it, in Node and in a real Chromium, against the program: conversations on one socket,
 * receipts both ways, a token renewed in band, and the end of a revoked one.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { build } from 'esbuild';
import WebSocket from 'ws';
import { createClient, type Client, type ClientOptions } from './client/src/index.js';
import { call, SECRET, serve, token } from './composition/protocol/testing.js';
import { systemClock } from './platform/clock.js';
import { packageRoot } from './platform/package-root.js';
import { eventually, serviceAddress, skipWithout } from './platform/testing.js';
import { TestBrowser } from './scripts/browser/browser.js';

const cleaning: (() => Promise<void> | void)[] = [];
const file = { after: (run: () => Promise<void> | void): void => { cleaning.push(run); } };
after(async () => { for (const run of cleaning.reverse()) await run(); });
const server = serve(file, { CONFAB_AUTH_SECRET: SECRET });

/** What an application would write; it runs as it stands in both places. Everything is told to `tell`, in order. */
interface Application {
  readonly client: Client;
  readonly outcomes: Record<string, string[]>;
  readonly receipts: string[];
  readonly sockets: () => number;
}

type Create = (options: ClientOptions) => Client;

function application(create: Create, { url, Socket, getToken, ids }: { url: string; Socket: NonNullable<ClientOptions['WebSocket']>; getToken: () => Promise<string>; ids: readonly string[] }): Application {
  let sockets = 0;
  class Counted extends Socket { constructor(address: string, protocols: string[]) { super(address, protocols); sockets += 1; } }
  const client = create({ url, token: getToken, WebSocket: Counted });
  const outcomes: Record<string, string[]> = {};
  const receipts: string[] = [];
  for (const id of ids) {
    const seen: string[] = [];
    outcomes[id] = seen;
    const conversation = client.conversation(id);
    conversation.on('reply', ({ position }) => { seen.push(position); conversation.received(position); });
    conversation.on('receipt', ({ state, position }) => { receipts.push(`${state} ${position}`); });
  }
  return { client, outcomes, receipts, sockets: () => sockets };
}

/** Tokens of a subject; the first is about to end, so the server asks for another at once. */
function tokens(sub: string, ids: readonly string[]): { readonly made: () => number; readonly next: () => Promise<string> } {
  let made = 0;
  return {
    made: () => made,
    next: () => token({ sub, seconds: (made += 1) === 1 ? 8 : 600, confab: { conversations: ids }, issuedAt: Math.floor(systemClock.now() / 1_000) - 5 }),
  };
}

/** The application under test, wherever it runs. */
interface Remote {
  send(id: string, text: string): Promise<string>;
  read(id: string, position: string): Promise<void>;
  look(): Promise<{ outcomes: Record<string, string[]>; receipts: string[]; sockets: number; state: string; reason: string | undefined }>;
}

interface Scene { readonly ids: readonly [string, string]; readonly sub: string; readonly made: () => number }

async function story(t: TestContext, url: string, { ids: [first, second], sub, made }: Scene, remote: Remote): Promise<void> {
  // Somebody else in the first conversation, always in Node.
  const mate = tokens(`${sub}-mate`, [first]);
  const other = application(createClient, { url, Socket: WebSocket, getToken: mate.next, ids: [first] });
  t.after(() => { other.client.close(); });
  await eventually('both are there', async () => (await remote.look()).state === 'open' && other.client.connection.state === 'open');
  for (const id of [first, second]) await remote.send(id, `hello ${id}`);
  await eventually('each is answered', async () => Object.values((await remote.look()).outcomes).every((seen) => seen.length === 1), 60_000);
  const position = (await remote.look()).outcomes[first]?.[0] ?? '';
  await remote.read(first, position);
  await eventually('the other hears of it', () => other.receipts.includes(`read ${position}`) && other.receipts.includes(`delivered ${position}`));
  await eventually('and is heard of', async () => (await remote.look()).receipts.includes(`delivered ${position}`));
  await eventually('the token was renewed in band', () => made() >= 2);
  await eventually('the first one is over', () => mate.made() >= 2);
  await remote.send(second, 'still there');
  await eventually('it is answered', async () => (await remote.look()).outcomes[second]?.length === 2, 60_000);
  assert.equal((await remote.look()).sockets, 1, 'two conversations, one socket, also after the renewal');
  const { status, text } = await call(url, '/v1/admin/revocations', { body: { subject: sub }, token: await token({ sub: 'op', scope: 'admin' }) });
  assert.equal(status, 200, text);
  await eventually('it is closed, and stays so', async () => (await remote.look()).state === 'closed');
  assert.equal((await remote.look()).reason, 'CONFAB_TOKEN_REVOKED');
  assert.equal(other.client.connection.state, 'open');
}

test(`in Node ${process.versions.node}`, { timeout: 180_000 }, async (t) => {
  const { url } = await server;
  const ids = [randomUUID(), randomUUID()] as const;
  const mine = tokens('node', ids);
  const { client, outcomes, receipts, sockets } = application(createClient, { url, Socket: WebSocket, getToken: mine.next, ids });
  t.after(() => { client.close(); });
  await story(t, url, { ids, sub: 'node', made: mine.made }, {
    send: async (id, text) => (await client.conversation(id).send({ text })).messageId,
    read: async (id, position) => { client.conversation(id).read(position); },
    look: async () => ({ outcomes, receipts, sockets: sockets(), state: client.connection.state, reason: client.connection.reason?.code }),
  });
});

test('in Chromium', { skip: skipWithout('chromium'), timeout: 180_000 }, async (t) => {
  const { url } = await server;
  const ids = [randomUUID(), randomUUID()] as const;
  const mine = tokens('browser', ids);
  const browser = await TestBrowser.launch(serviceAddress('chromium') ?? '');
  t.after(() => browser.close());
  const page = await (await browser.context()).newPage();
  await page.goto(`${url}/v1`);
  await page.exposeFunction('getToken', mine.next);
  const { outputFiles } = await build({ entryPoints: [join(packageRoot(), 'client/src/index.ts')], bundle: true, minify: true, format: 'iife', globalName: 'Confab', target: 'es2022', write: false, logLevel: 'silent' });
  // Evaluated by the debugger: the code of the application above, as it stands.
  await page.evaluate(`${outputFiles[0]?.text}; globalThis.__name = (run) => run; globalThis.app = (${application.toString()})(Confab.createClient, { url: location.origin, Socket: WebSocket, getToken, ids: ${JSON.stringify(ids)} })` + '; undefined');
  const ask = <T>(expression: string): Promise<T> => page.evaluate(expression);
  await story(t, url, { ids, sub: 'browser', made: mine.made }, {
    send: (id, text) => ask(`app.client.conversation(${JSON.stringify(id)}).send({ text: ${JSON.stringify(text)} }).then(({ messageId }) => messageId)`),
    read: (id, position) => ask(`app.client.conversation(${JSON.stringify(id)}).read(${JSON.stringify(position)})`),
    look: () => ask('({ outcomes: app.outcomes, receipts: app.receipts, sockets: app.sockets(), state: app.client.connection.state, reason: app.client.connection.reason?.code })'),
  });
  browser.check();
});
