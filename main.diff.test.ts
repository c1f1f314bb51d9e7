/** What was done for a conversation is never done again: not by `bot diff`, not by `rebuild`, not by a restart. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { outcomes, post, Program } from './composition/testing.js';
import { ModelServer } from './platform/language-model/testing.js';
import { json, testServer } from './platform/outbound/testing.js';
import { eventually, scratchFolder } from './platform/testing.js';

const LIMIT = 90_000;
const bot = (origin: string, more = ''): string => `
format: 1
id: shop
fallback: {say: sorry}
model: {tasks: [answer], instructions: Be friendly., latency: 20s}
intents:
  order_status: {examples: [where is my order, order status please, what about my order, has my order been sent, when will my order come]}
  question: {examples: [how long does a parcel take, what does a parcel cost, when does my parcel arrive, what are the prices, how long is delivery]}
  greet: {examples: [hello, hi there, good morning, hey you, good evening]}
slots: {state: {}}
responses:
  sorry: [Sorry?]
  told: ['It is {state}.']
  failed: [I cannot look it up now.]
  unsure: [I do not know.]
  hello: [Hello.]
actions:
  order:
    input: {id: text}
    request: {method: POST, url: '${origin}/orders/{id}', body: {id: '{id}'}}
    output: {state: state}
    keyed: true
    timeout: 20s
flows:
  order: {on: order_status, do: [{act: order, with: {id: '42'}, into: {state: state}, onError: [{say: failed}, end]}, {say: told}]}
  ask: {on: question, do: [{answer: {fallback: unsure, knowledge: true}}]}
  greet: {on: greet, do: [${more}{say: hello}]}
`;
const CALLS = "{act: order, with: {id: '43'}, into: {state: state}, onError: [{say: failed}, end]}, ";

interface Report { readonly totals: { readonly turns: number; readonly same: number; readonly changed: number }; readonly withMissingEffects: number; readonly differences: readonly { readonly said: string; readonly missing: readonly string[]; readonly after: { readonly texts: readonly string[] } }[] }

test('comparing, rebuilding and starting again call no action and ask no model; what was recorded is what is said, and what was not is named', { timeout: 400_000 }, async (t) => {
  const actions = await testServer(t, (response) => { json(response, { state: 'sent' }); });
  const model = await ModelServer.start(t, () => ({ say: ['It takes two working days [1].'] }));
  const folder = scratchFolder(t);
  const write = (path: string, text: string): string => {
    mkdirSync(join(folder, path, 'knowledge'), { recursive: true });
    writeFileSync(join(folder, path, 'bot.yaml'), text);
    writeFileSync(join(folder, path, 'knowledge', 'delivery.md'), '# Delivery\n\nA parcel takes two working days, abroad five.\n');
    return join(folder, path);
  };
  const running = write('bots/shop', bot(actions.origin));
  const env = {
    CONFAB_DATA_DIR: join(folder, 'data'), CONFAB_BOTS_DIR: join(folder, 'bots'), CONFAB_DEFAULT_BOT: 'shop', CONFAB_PARTITIONS: '2', CONFAB_MODEL_URL: model.url, CONFAB_MODEL_NAME: 'tiny',
    CONFAB_ACTION_HOSTS: actions.origin, CONFAB_ACTION_PRIVATE_ADDRESSES: '127.0.0.1',
  };
  const start = async (): Promise<Program> => (await Program.start(t, { env })).ready(LIMIT);
  const confab = async (...args: string[]): Promise<{ code: number | null; out: string }> => {
    const command = await Program.start(t, { args, env: { ...env, CONFAB_URL: program.url } });
    const { code } = await command.exited;
    return { code, out: command.output };
  };
  let program = await start();
  for (const text of ['where is my order', 'how long does a parcel take', 'hello']) {
    const { body } = await post(program.url, 'c', text);
    await eventually(`"${text}" is answered`, async () => (await outcomes(program.url, 'c')).includes(body.messageId), LIMIT);
  }
  const calls = (): number[] => [actions.asked.length, model.requests.length];
  assert.deepEqual(calls(), [1, 1], 'each was done once');
  // From here on whoever calls is seen.
  actions.connections = 0;

  const diff = async (path: string, ...more: string[]): Promise<Report> => {
    const { code, out } = await confab('bot', 'diff', '--from', 'start', '--bot', path, '--json', ...more);
    assert.equal(code, 0, out);
    return JSON.parse(out.split('\n').find((line) => line.startsWith('{"passed"')) ?? '{}') as Report;
  };
  const same = await diff(running);
  assert.deepEqual([same.totals.turns, same.totals.same, same.withMissingEffects], [3, 3, 0], 'the same version says again what was recorded');
  const wants = write('wants', bot(actions.origin, CALLS));
  for (const against of [[], ['--against', running]]) {
    const changed = await diff(wants, ...against);
    assert.deepEqual([changed.totals.changed, changed.withMissingEffects], [1, 1]);
    const [turn] = changed.differences;
    assert.deepEqual([turn?.said, turn?.after.texts, turn?.missing.length], ['hello', ['I cannot look it up now.'], 1], 'what the recording has no answer of fails, and is named');
  }
  const rebuilt = await confab('rebuild', 'state', '--json');
  assert.equal(rebuilt.code, 0, rebuilt.out);
  assert.equal((await confab('rebuild', 'state', '--check', '--json')).code, 0);
  await program.kill('SIGKILL');
  program = await start();
  const { body } = await post(program.url, 'c', 'hello');
  await eventually('it goes on', async () => (await outcomes(program.url, 'c')).includes(body.messageId), LIMIT);
  assert.deepEqual([calls(), actions.connections], [[1, 1], 0], 'nothing was called again');
});
