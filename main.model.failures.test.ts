/** A language model that fails in every way there is, behind a whole process: the fallback in time, one count by its code, and the conversation goes on in order. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { follow, post, Program, type Frame } from './composition/testing.js';
import { ModelServer, type Behaviour } from './platform/language-model/testing.js';
import { eventually, scratchFolder } from './platform/testing.js';

const BOT = `format: 1
id: parcel
fallback: {say: lost}
model: {tasks: [answer], latency: 8s}
responses: {lost: What?, sorry: I cannot answer that just now., hello: Hello!}
intents:
  greet: {reply: hello, examples: [hello, hi, hey there, good day, good morning]}
  question: {examples: [how long does a parcel take, what does a parcel cost, when does my parcel arrive, what are the prices, how long is delivery]}
flows:
  help: {on: question, do: [{answer: {fallback: sorry, knowledge: true}}]}
`;
const SORRY = 'I cannot answer that just now.';
const ANSWER = 'It takes two working days [1].';
const KINDS: readonly (readonly [kind: string, code: string, behaviour: Behaviour])[] = [
  ['slow', 'CONFAB_MODEL_TIMEOUT', { silent: true }],
  ['cut', 'CONFAB_MODEL_CUT', { say: [`${ANSWER} And then `], end: 'tear' }],
  ['500', 'CONFAB_MODEL_UNAVAILABLE', { status: 500, raw: 'Internal' }],
  ['429', 'CONFAB_MODEL_BUSY', { status: 429, headers: { 'retry-after': '30' } }],
  ['nonsense', 'CONFAB_MODEL_NONSENSE', { say: Array.from({ length: 60 }, () => 'the parcel is the parcel [1]. ') }],
  ['hostile', 'CONFAB_MODEL_UNSAFE', { say: ['Of course! See https://evil.example/win?you=1 [1]. ', '<script>alert(1)</script>'] }],
];

test('slow, cut, 500, 429, nonsense and hostile: the fallback, one count each, and what was said next is answered next', { timeout: 240_000 }, async (t) => {
  const server = await ModelServer.start(t, (_request, count) => (count % 2 === 0 ? { say: [ANSWER] } : KINDS[(count - 1) / 2]?.[2] ?? { say: [ANSWER] }));
  const bots = scratchFolder(t);
  mkdirSync(join(bots, 'parcel', 'knowledge'), { recursive: true });
  writeFileSync(join(bots, 'parcel', 'bot.yaml'), BOT);
  writeFileSync(join(bots, 'parcel', 'knowledge', 'delivery.md'), '# Delivery\n\nA parcel takes two working days, abroad five.\n');
  const program = await (await Program.start(t, { env: { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_BOTS_DIR: bots, CONFAB_MODEL_URL: server.url, CONFAB_MODEL_NAME: 'tiny' } })).ready(90_000);
  for (const [kind] of KINDS) {
    const socket = await follow(program.url, `c-${kind}`);
    const of = (type: string): readonly Frame[] => socket.frames.filter((frame) => frame.type === type);
    await eventually(`${kind}: ready`, () => of('ready').length === 1);
    // All three are there before the first has failed: the later ones wait for their turn.
    const sent = [await post(program.url, `c-${kind}`, 'how long does a parcel take'), await post(program.url, `c-${kind}`, 'hello'), await post(program.url, `c-${kind}`, 'how long is delivery')];
    await eventually(`${kind}: three replies`, () => of('reply').length === 3, 60_000);
    assert.deepEqual(of('reply').map(({ inReplyTo, text }) => [inReplyTo, text]), [[sent[0]?.body.messageId, SORRY], [sent[1]?.body.messageId, 'Hello!'], [sent[2]?.body.messageId, ANSWER]], kind);
    assert.doesNotMatch(JSON.stringify(socket.frames), /evil|script/, kind);
    socket.close();
  }
  assert.equal(server.requests.length, KINDS.length * 2);
  const metrics = await (await fetch(`${program.url}/metrics`)).text();
  const counted = [...metrics.matchAll(/^confab_model_failures_total\{task="answer",code="([A-Z_]+)"\} ([1-9]\d*)$/gm)].map(([, code, count]) => [code, Number(count)]);
  assert.deepEqual(Object.fromEntries(counted), Object.fromEntries(KINDS.map(([, code]) => [code, 1])));
});
