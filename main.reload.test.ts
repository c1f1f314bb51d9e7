import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { packageRoot } from './platform/package-root.js';
import { eventually, scratchFolder } from './platform/testing.js';
import { follow, outcomes, post, Program, type Frame } from './composition/testing.js';

/** A running process with bots of its own, to be edited. */
async function scene(t: TestContext, env: Record<string, string> = {}) {
  const bots = join(scratchFolder(t), 'bots');
  cpSync(join(packageRoot(), 'bots'), bots, { recursive: true });
  const program = await (await Program.start(t, { env: { CONFAB_DATA_DIR: scratchFolder(t), CONFAB_BOTS_DIR: bots, CONFAB_LOG_LEVEL: 'info', ...env } })).ready();
  const lines = (message: RegExp): string[] => program.output.split('\n').filter((line) => message.test(line));
  return { bots, program, lines, edit: editor(bots) };
}

/** Saves as editors do that write beside the file and rename. */
const editor = (bots: string) => (file: string, change: (text: string) => string): void => {
  const path = join(bots, 'parcel', file);
  const before = readFileSync(path, 'utf8');
  const after = change(before);
  assert.notEqual(after, before, `${file} has not changed`);
  writeFileSync(`${path}~`, after);
  renameSync(`${path}~`, path);
};

let conversations = 0;

/** Asks in a new conversation and gives the text of the answer. */
async function ask(url: string, text: string): Promise<string> {
  conversations += 1;
  const conversation = `ask-${conversations}`;
  const stream = await follow(url, conversation);
  await eventually('the stream is ready', () => stream.frames.some(({ type }) => type === 'ready'));
  const { body } = await post(url, conversation, text);
  const reply = (): Frame | undefined => stream.frames.find((frame) => frame.inReplyTo === body.messageId);
  await eventually(`an answer to ${text}`, () => reply() !== undefined);
  stream.close();
  return reply()?.text ?? '';
}

test('edit a text, save, ask again: the new answer; then an intent, a fault that is refused, and its repair', async (t) => {
  const { program, edit, lines, bots } = await scene(t);
  const first = await ask(program.url, 'hello');
  edit('responses/small-talk.yaml', (text) => text.replace(/^responses:\n/m, 'responses:\n  howdy: A brand new answer!\n'));
  edit('intents/small-talk.yaml', (text) => text.replace(/^intents:\n/m, 'intents:\n  howdy: {reply: howdy, examples: [shiver me timbers, ahoy captain, ahoy there matey, yo ho ho, avast ye landlubber, blow me down]}\n'));
  await eventually('the new intent answers', async () => await ask(program.url, 'ahoy captain, shiver me timbers') === 'A brand new answer!', 30_000);

  edit('responses/small-talk.yaml', (text) => text.replace('A brand new answer!', 'Another answer.'));
  await eventually('the new text', async () => await ask(program.url, 'ahoy captain, shiver me timbers') === 'Another answer.', 30_000);

  edit('responses/small-talk.yaml', (text) => text.replace('howdy: Another answer.', 'howdy: [oops'));
  await eventually('the fault is told with file and line', () => lines(/parcel\/responses\/small-talk\.yaml:\d+:\d+: /).length > 0, 30_000);
  await eventually('and what follows from it', () => lines(/the folder \\"parcel\\" is not used as it is now; what was used before goes on/).length > 0);
  assert.equal(await ask(program.url, 'ahoy captain, shiver me timbers'), 'Another answer.');
  assert.notEqual(first, '');

  edit('responses/small-talk.yaml', (text) => text.replace('howdy: [oops', 'howdy: Repaired.'));
  await eventually('the repaired text', async () => await ask(program.url, 'ahoy captain, shiver me timbers') === 'Repaired.', 30_000);

  mkdirSync(join(bots, 'second'));
  writeFileSync(join(bots, 'second', 'bot.yaml'), 'format: 1\nid: second\nresponses: {lost: I am the second bot.}\nfallback: {say: lost}\nintents:\n  hi: {reply: lost, examples: [hi, hello, hey, good day, howdy]}\n');
  const toSecond = async (): Promise<number> => (await fetch(`${program.url}/v1/conversations/second/messages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":"hi","botId":"second"}' })).status;
  await eventually('a new folder is a bot that may be named', async () => await toSecond() === 202, 30_000);
  const answered = async (): Promise<{ type: string; text?: string }[]> => (await (await fetch(`${program.url}/v1/conversations/second/events`)).json() as { events: { type: string; text?: string }[] }).events.filter(({ type }) => type === 'reply');
  await eventually('and it answers', async () => (await answered()).some(({ text }) => text === 'I am the second bot.'));

  rmSync(join(bots, 'second'), { recursive: true });
  edit('responses/small-talk.yaml', (text) => text.replace('Repaired.', 'Last one.'));
  await eventually('the last text', async () => await ask(program.url, 'ahoy captain, shiver me timbers') === 'Last one.', 30_000);
  assert.equal(await toSecond(), 202, 'a bot whose folder is gone goes on');
  assert.deepEqual(await program.kill('SIGTERM'), { code: 0, signal: null });
});

test('what is in flight while bots are exchanged is answered exactly once and in order', async (t) => {
  const { program, edit, lines } = await scene(t);
  let stop = false;
  const sent = new Map<string, string[]>();
  const writers = Array.from({ length: 6 }, async (_, i) => {
    const mine: string[] = [];
    sent.set(`flight-${i}`, mine);
    while (!stop) {
      const { status, body } = await post(program.url, `flight-${i}`, mine.length % 2 === 0 ? 'where is my parcel?' : 'AB123456789DE');
      assert.equal(status, 202);
      mine.push(body.messageId);
    }
  });
  for (let round = 1; round <= 3; round += 1) {
    edit('responses/small-talk.yaml', (text) => `${text}# round ${round}\n`);
    await eventually(`exchange ${round}`, () => lines(/has changed and is used from now on/).length >= round, 30_000);
  }
  stop = true;
  await Promise.all(writers);
  for (const [conversation, messages] of sent) {
    await eventually(`${conversation} is answered`, async () => (await outcomes(program.url, conversation)).length >= messages.length);
    assert.deepEqual(await outcomes(program.url, conversation), messages);
  }
});

test('a conversation in the middle of a question goes on under the new version', async (t) => {
  const { program, edit, lines } = await scene(t);
  const stream = await follow(program.url, 'mid');
  await eventually('ready', () => stream.frames.some(({ type }) => type === 'ready'));
  const said = async (text: string): Promise<string> => {
    const { body } = await post(program.url, 'mid', text);
    await eventually(`an answer to ${text}`, () => stream.frames.some(({ inReplyTo }) => inReplyTo === body.messageId));
    return stream.frames.find(({ inReplyTo }) => inReplyTo === body.messageId)?.text ?? '';
  };
  const question = await said('where is my parcel?');
  edit('responses/small-talk.yaml', (text) => `${text}# another version\n`);
  await eventually('the exchange', () => lines(/has changed and is used from now on/).length === 1, 30_000);
  const answer = await said('AB123456789DE');
  assert.notEqual(answer, question);
});

test('switched off, files may change and nothing happens', async (t) => {
  const { program, edit, lines } = await scene(t, { CONFAB_BOTS_RELOAD: 'false' });
  edit('responses/small-talk.yaml', () => 'nonsense: [');
  assert.ok(await ask(program.url, 'hello') !== '');
  await program.kill('SIGTERM');
  assert.deepEqual(lines(/small-talk|from now on/), []);
});
