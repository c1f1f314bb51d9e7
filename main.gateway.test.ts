/** The gateway of docker-compose.yml: nginx with the project's configuration, before stand-ins and before the roles themselves. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type RequestOptions, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import WebSocket from 'ws';
import { follow, freePort, outcomes, post, Program } from './composition/testing.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';
import { TestBrowser } from './scripts/browser/browser.js';
import { ChatPage } from './scripts/browser/chat-page.js';
import { buildWeb } from './scripts/build-web.js';
import { startGateway } from './scripts/services/gateway.js';

const program = serviceAddress('nginx') ?? '';
const MESSAGES = '/v1/conversations/c1/messages';

interface Answer { readonly status: number | undefined; readonly headers: IncomingMessage['headers']; readonly body: { readonly code?: string; readonly type?: string; readonly status?: number; readonly traceId?: string } }

/** A request as it is written, headers that fetch would not send included. */
async function ask(url: string, options: RequestOptions & { readonly body?: string } = {}): Promise<Answer> {
  const asked = request(url, { agent: false, ...options });
  asked.end(options.body);
  const [answer] = await once(asked, 'response') as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += chunk as string;
  return { status: answer.statusCode, headers: answer.headers, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'] };
}

/** A problem with all that every problem has. */
function problem(answer: Answer, status: number, code: string): void {
  assert.deepEqual([answer.status, answer.body.code], [status, code]);
  assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
  assert.deepEqual([answer.body.status, answer.body.type], [status, `/docs/errors#${code}`]);
  assert.match(answer.body.traceId ?? '', /^[0-9a-f]{32}$/);
  if (status === 503) assert.equal(answer.headers['retry-after'], '1');
}

/** What a test sends as bytes, and the answer up to the end of the connection. */
async function bytes(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end(text);
  let got = '';
  for await (const chunk of socket.setEncoding('utf8')) got += chunk as string;
  return got;
}

/** Stands for a role: keeps what it was asked, and answers with its own name or, at /…?die, by closing the connection. */
async function standIn(t: TestContext, name: string): Promise<{ readonly server: Server; readonly asked: IncomingMessage[]; readonly address: string }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((incoming, answer) => {
    asked.push(incoming);
    if (incoming.url?.endsWith('?die') === true) incoming.socket.destroy();
    else answer.setHeader('content-type', 'application/json').end(JSON.stringify({ code: name }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  return { server, asked, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function beforeStandIns(t: TestContext) {
  const [ingress, egress] = [await standIn(t, 'ingress'), await standIn(t, 'egress')];
  return { ingress, egress, url: await startGateway(t, { program, port: await freePort(), ingress: ingress.address, egress: egress.address }) };
}

test('commands go to ingress and all the rest to egress, by the bytes that the client sent', { skip: skipWithout('nginx') }, async (t) => {
  const { url, ingress, egress } = await beforeStandIns(t);
  const to = async (path: string, method = 'GET'): Promise<string | undefined> => (await ask(url + path, { method })).body.code;
  for (const path of [MESSAGES, `${MESSAGES}?x=1`, '/v1/conversations/a%2Fb/messages', '/v1/channels/whatsapp/1/webhook']) assert.equal(await to(path, 'POST'), 'ingress', path);
  assert.equal(await to('/v1/ingest'), 'ingress');
  // Another method than POST too: the role knows which ones it takes, and says so.
  assert.equal(await to(MESSAGES), 'ingress');
  for (const path of ['/', '/v1', '/v1/conversations/c1/events?after=/v1/ingest', '/assets/x.js', '/v1/admin/dead-letters', '/nowhere']) assert.equal(await to(path), 'egress', path);
  assert.deepEqual([ingress.asked[2]?.url, egress.asked[2]?.url], ['/v1/conversations/a%2Fb/messages', '/v1/conversations/c1/events?after=/v1/ingest']);
});

test('a role learns host and address of the client from the gateway, not from what the client says', { skip: skipWithout('nginx') }, async (t) => {
  const { url, egress } = await beforeStandIns(t);
  const said = { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https', forwarded: 'for=1.2.3.4', authorization: 'Bearer x', traceparent: '00-1-2-01' };
  await ask(`${url}/v1`, { headers: said });
  const { headers } = egress.asked[0] ?? assert.fail('nothing came');
  const { host } = new URL(url);
  assert.deepEqual(
    [headers.host, headers['x-forwarded-for'], headers['x-forwarded-host'], headers['x-forwarded-proto'], headers.forwarded, headers.authorization, headers.traceparent],
    [host, '127.0.0.1', host, 'http', undefined, said.authorization, said.traceparent],
  );
});

test('a role that is away is a problem that says whether a command was sent; nothing is sent twice', { skip: skipWithout('nginx') }, async (t) => {
  const { url, ingress, egress } = await beforeStandIns(t);
  const command = { method: 'POST', body: '{"text":"hello"}', headers: { 'content-type': 'application/json' } };
  problem(await ask(`${url}${MESSAGES}?die`, command), 503, 'CONFAB_OUTCOME_UNKNOWN');
  assert.equal(ingress.asked.length, 1);
  problem(await ask(`${url}/v1/conversations/c1/events?die`), 503, 'CONFAB_SERVER_UNREACHABLE');
  assert.equal(egress.asked.length, 1);
  ingress.server.close();
  ingress.server.closeAllConnections();
  problem(await ask(`${url}${MESSAGES}`, command), 503, 'CONFAB_SERVER_UNREACHABLE');
});

test('what the gateway refuses itself is a coded problem', { skip: skipWithout('nginx') }, async (t) => {
  const { url, ingress, egress } = await beforeStandIns(t);
  const body = (size: number): RequestOptions & { body: string } => ({ method: 'POST', body: 'x'.repeat(size), headers: { 'content-length': size } });
  assert.equal((await ask(url + MESSAGES, body(64 * 1024))).body.code, 'ingress');
  problem(await ask(url + MESSAGES, body(64 * 1024 + 1)), 413, 'CONFAB_BODY_TOO_LARGE');
  assert.equal((await ask(`${url}/v1/admin/topics/x/records`, body(4 * 1024 * 1024))).body.code, 'egress');
  problem(await ask(`${url}/${'x'.repeat(30_000)}`), 414, 'CONFAB_URI_TOO_LONG');
  problem(await ask(url, { headers: { 'x-long': 'x'.repeat(30_000) } }), 431, 'CONFAB_HEADERS_TOO_LARGE');
  problem(await ask(`${url}/-/problem`), 404, 'CONFAB_ROUTE_UNKNOWN');
  const traced = await ask(url, { method: 'TRACE' });
  problem(traced, 405, 'CONFAB_METHOD_NOT_ALLOWED');
  assert.equal(traced.headers.allow, 'GET, HEAD, POST');
  for (const text of ['GET\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', 'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: strange\r\n\r\n']) assert.match(await bytes(url, text), /"code":"CONFAB_REQUEST_MALFORMED".*"status":400/s, text);
  assert.deepEqual([ingress.asked.length, egress.asked.length], [1, 1]);
});

test('the roles behind it, with a browser before it: a conversation, egress killed and back, refusals', { skip: skipWithout('nginx', 'kafka', 'redis', 'chromium'), timeout: 240_000 }, async (t) => {
  await buildWeb();
  const [ingressPort, egressPort, port] = [await freePort(), await freePort(), await freePort()];
  const env = {
    CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_REDIS_URL: serviceAddress('redis') ?? '', CONFAB_PREFIX: `t${randomBytes(4).toString('hex')}.`, CONFAB_PARTITIONS: '3',
    CONFAB_DATA_DIR: scratchFolder(t), CONFAB_TRUST_PROXY: 'loopback',
  };
  const start = async (at: number, ...roles: string[]): Promise<Program> => Program.start(t, { env: { ...env, CONFAB_HTTP_PORT: String(at) }, args: ['start', ...roles.flatMap((role) => ['--role', role])] });
  const ingress = await (await start(ingressPort, 'ingress')).ready(60_000);
  let egress = await start(egressPort, 'egress');
  const stages = await start(await freePort(), 'intent', 'dialogue');
  const url = await startGateway(t, { program, port, ingress: `127.0.0.1:${ingressPort}`, egress: `127.0.0.1:${egressPort}` });
  const browser = await TestBrowser.launch(serviceAddress('chromium') ?? '');
  t.after(() => browser.close());
  await Promise.all([egress.ready(60_000), stages.ready(60_000)]);

  await t.test('the page talks through it', async () => {
    const chat = await ChatPage.open(await browser.context(), url);
    await chat.ask('Hello!');
    await chat.ask('Where is my parcel?');
    await chat.assertTurns('Hello!', 'Where is my parcel?');
    browser.check();
  });

  await t.test('egress is killed: what is said meanwhile is accepted, and the page resumes when it is back', async () => {
    const context = await browser.context();
    const chat = await ChatPage.open(context, url);
    await chat.ask('Hello!');
    const conversation = await chat.page.evaluate<string>("localStorage.getItem('confab.conversation')");
    browser.expect(/status of 503/, /WebSocket connection to/);
    await egress.kill('SIGKILL');
    await chat.banner.waitFor();
    await chat.say('Where is my parcel?');
    assert.equal((await post(url, conversation, 'never mind')).status, 202);
    problem(await ask(`${url}/v1/conversations/${conversation}/events`), 503, 'CONFAB_SERVER_UNREACHABLE');
    egress = await (await start(egressPort, 'egress')).ready(60_000);
    await chat.answered('Where is my parcel?');
    await chat.banner.waitFor({ state: 'detached' });
    await eventually('each message has its one outcome', async () => (await outcomes(url, conversation)).length === 3, 30_000);
    await eventually('the page shows all of them', async () => (await chat.script()).filter((line) => !line.startsWith('> ')).length === 3, 30_000);
    browser.check();
  });

  await t.test('sockets of both roles, and a stream that is resumed', async () => {
    const { host } = new URL(url);
    const socket = new WebSocket(`ws://${host}/v1/ingest`, ['confab.ingest.v1']);
    await once(socket, 'open');
    socket.send(JSON.stringify({ type: 'message', ref: '1', conversationId: 'c1', text: 'Hello!' }));
    const [frame] = await once(socket, 'message') as [Buffer];
    const { type, position } = JSON.parse(frame.toString()) as { type: string; position: string };
    assert.equal(type, 'accepted');
    socket.terminate();
    const stream = await follow(url, 'c1', position);
    await eventually('the reply', () => stream.frames.some((one) => one.type === 'reply'), 30_000);
    stream.close();
  });

  await t.test('refusals of the roles come through as they are', async () => {
    problem(await ask(`${url}/v1/nowhere`), 404, 'CONFAB_ROUTE_UNKNOWN');
    problem(await ask(url + MESSAGES), 405, 'CONFAB_METHOD_NOT_ALLOWED');
    problem(await ask(url + MESSAGES, { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }), 400, 'CONFAB_JSON_INVALID');
    problem(await ask(`${url}/v1/conversations/a%2Fb/messages`, { method: 'POST', body: '{"text":"x"}', headers: { 'content-type': 'application/json' } }), 400, 'CONFAB_CONVERSATION_ID_INVALID');
    problem(await ask(url + MESSAGES, { method: 'POST', body: 'x'.repeat(64 * 1024 + 1) }), 413, 'CONFAB_BODY_TOO_LARGE');
    problem(await ask(`${url}/v1?${'x'.repeat(9_000)}`), 414, 'CONFAB_URI_TOO_LONG');
    problem(await ask(url, { headers: { 'x-long': 'x'.repeat(18_000) } }), 431, 'CONFAB_HEADERS_TOO_LARGE');
  });

  await t.test('foreign hosts and origins are refused through it too, and what is for the machine of the roles stays there', async () => {
    problem(await ask(`${url}/v1`, { headers: { host: 'evil.example' } }), 403, 'CONFAB_HOST_FORBIDDEN');
    problem(await ask(`${url}/v1`, { headers: { origin: 'http://evil.example', 'x-forwarded-host': 'evil.example' } }), 403, 'CONFAB_ORIGIN_FORBIDDEN');
    assert.equal((await ask(`${url}/v1`, { headers: { origin: url } })).status, 200);
    problem(await ask(`${url}/v1/admin/dead-letters`), 403, 'CONFAB_SCOPE_MISSING');
    assert.deepEqual((await (await fetch(`${url}/v1`)).json() as { features: string[] }).features.filter((name) => name === 'xray'), []);
  });

  for (const one of [ingress, egress, stages]) assert.equal((await one.kill('SIGTERM')).code, 0, one.output);
});
