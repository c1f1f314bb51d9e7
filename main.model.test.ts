/** A chat with a language model behind it, over real sockets: one process on the embedded log, and roles on Kafka, Redis and Elasticsearch. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { follow, post, Program, type Frame } from './composition/testing.js';
import { ModelServer } from './platform/language-model/testing.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';

const BOT = `format: 1
id: parcel
name: Parcel Pal
fallback: {say: lost}
model: {tasks: [answer], instructions: Be friendly., latency: 20s}
responses: {lost: What?, sorry: I cannot answer that just now., hello: Hello!}
intents:
  greet: {reply: hello, examples: [hello, hi, hey there, good day, good morning]}
  question: {examples: [how long does a parcel take, what does a parcel cost, when does my parcel arrive, what are the prices, how long is delivery]}
flows:
  help: {on: question, do: [{answer: {fallback: sorry, knowledge: true}}]}
`;
const PIECES = ['It takes two working days [1]. Abr', 'oad it takes five [1].'];
const WHOLE = 'It takes two working days [1]. Abroad it takes five [1].';
const KEY = 'key-that-must-not-be-seen';

function botsFolder(t: TestContext): string {
  const root = scratchFolder(t);
  mkdirSync(join(root, 'parcel', 'knowledge'), { recursive: true });
  writeFileSync(join(root, 'parcel', 'bot.yaml'), BOT);
  writeFileSync(join(root, 'parcel', 'knowledge', 'delivery.md'), '---\nurl: https://help.example.com/delivery\n---\n# Delivery\n\nA parcel takes two working days, abroad five.\n');
  return root;
}

type LiveFrame = Frame & { readonly replyId?: string; readonly index?: number; readonly author?: object; readonly parts?: readonly { readonly citations?: readonly object[] }[] };

interface Served { readonly ingress: () => string; readonly egress: () => string; readonly programs: () => readonly Program[]; readonly restart: () => Promise<void> }

async function chat(t: TestContext, serve: (env: Readonly<Record<string, string>>) => Promise<Served>): Promise<void> {
  let goOn = (): void => { /* set below */ };
  const pause = new Promise<void>((resolve) => { goOn = resolve; });
  const server = await ModelServer.start(t, (_request, count) => (count === 1 ? { say: PIECES, pause, tokens: 99 } : count === 2 ? { say: PIECES.slice(0, 1), end: 'tear' } : { say: ['It takes two days [1].'] }));
  const served = await serve({ CONFAB_BOTS_DIR: botsFolder(t), CONFAB_MODEL_URL: server.url, CONFAB_MODEL_NAME: 'tiny', CONFAB_MODEL_KEY: KEY });
  const socket = await follow(served.egress(), 'c1');
  const frames = socket.frames as readonly LiveFrame[];
  const of = (type: string): readonly LiveFrame[] => frames.filter((frame) => frame.type === type);
  await eventually('ready', () => of('ready').length === 1);

  const sent = await post(served.ingress(), 'c1', 'how long does a parcel take');
  const after = await post(served.ingress(), 'c1', 'hello');
  await eventually('a piece of the reply, while the model still writes', () => of('delta').length === 1);
  assert.deepEqual(of('delta')[0], { type: 'delta', conversationId: 'c1', replyId: `${sent.body.messageId}-01`, index: 0, text: 'It takes two working days [1].' });
  assert.deepEqual(of('typing')[0], { type: 'typing', conversationId: 'c1', author: { type: 'bot', name: 'Parcel Pal' } });
  assert.equal(of('reply').length, 0, 'the next message waits for its turn');
  goOn();
  await eventually('both replies', () => of('reply').length === 2);
  assert.deepEqual(of('reply').map(({ inReplyTo, text }) => [inReplyTo, text]), [[sent.body.messageId, WHOLE], [after.body.messageId, 'Hello!']]);
  assert.deepEqual(of('reply')[0]?.parts?.[0]?.citations, [{ title: 'Delivery', source: 'delivery.md', url: 'https://help.example.com/delivery' }]);
  assert.equal(of('reply')[0]?.replyId, of('delta')[0]?.replyId);
  const lastDelta = frames.findLastIndex(({ type }) => type === 'delta');
  assert.ok(lastDelta < frames.findIndex(({ type }) => type === 'reply'), 'no piece after the reply');

  await post(served.ingress(), 'c1', 'how long is delivery');
  await eventually('the fallback', () => of('reply').length === 3);
  assert.equal(of('reply')[2]?.text, 'I cannot answer that just now.');
  socket.close();

  assert.deepEqual(server.requests.map(({ headers, body }) => [headers.authorization, body.model]), Array.from({ length: 2 }, () => [`Bearer ${KEY}`, 'tiny']));
  const dialogue = await Promise.all(served.programs().map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
  assert.match(dialogue.join('\n'), /confab_model_failures_total\{task="answer",code="CONFAB_MODEL_CUT"\} 1/);
  await served.restart();
  const again = await follow(served.egress(), 'c1', sent.body.position);
  await eventually('the same replies as before', () => again.frames.filter(({ type }) => type === 'reply').length === 3);
  assert.deepEqual(again.frames.filter(({ type }) => type === 'reply'), of('reply'));
  again.close();
  assert.equal(server.requests.length, 2, 'the model is not asked again');
  for (const program of served.programs()) assert.ok(!program.output.includes(KEY));
}

test('one process: typing, pieces, the whole reply with its source; a torn answer is the fallback; after a restart all is as it was', { timeout: 180_000 }, async (t) => {
  const data = scratchFolder(t);
  await chat(t, async (env) => {
    const start = async (): Promise<Program> => (await Program.start(t, { env: { CONFAB_DATA_DIR: data, ...env } })).ready(60_000);
    let program = await start();
    const url = (): string => program.url;
    return { ingress: url, egress: url, programs: () => [program], restart: async () => { await program.kill('SIGKILL'); program = await start(); } };
  });
});

test('a process for each role on Kafka and Redis: pieces of a reply come to the process that has the socket, from knowledge in Elasticsearch', { skip: skipWithout('kafka', 'redis', 'elasticsearch'), timeout: 240_000 }, async (t) => {
  const shared = {
    CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_REDIS_URL: serviceAddress('redis') ?? '', CONFAB_PREFIX: `t${randomBytes(4).toString('hex')}.`, CONFAB_PARTITIONS: '3',
    CONFAB_DATA_DIR: scratchFolder(t), CONFAB_MODEL_TENANT_TOKENS: '1000000', CONFAB_ELASTICSEARCH_URL: serviceAddress('elasticsearch') ?? '',
  };
  const indexes = async (): Promise<string[]> => Object.keys(await (await fetch(`${shared.CONFAB_ELASTICSEARCH_URL}/confab-${shared.CONFAB_PREFIX}knowledge-*`)).json() as object);
  t.after(async () => { for (const index of await indexes()) await fetch(`${shared.CONFAB_ELASTICSEARCH_URL}/${index}`, { method: 'DELETE' }); });
  await chat(t, async (env) => {
    const start = async (...roles: string[]): Promise<Program> => (await Program.start(t, { env: { ...shared, ...env }, args: ['start', ...roles.flatMap((role) => ['--role', role])] })).ready(90_000);
    const edges = await start('ingress', 'egress');
    let [intent, dialogue] = await Promise.all([start('intent'), start('dialogue')]);
    return {
      ingress: () => edges.url, egress: () => edges.url, programs: () => [edges, intent, dialogue],
      restart: async () => { await Promise.all([intent.kill('SIGKILL'), dialogue.kill('SIGKILL')]); [intent, dialogue] = await Promise.all([start('intent'), start('dialogue')]); },
    };
  });
  assert.equal((await indexes()).length, 1, 'one version of the bot');
});
