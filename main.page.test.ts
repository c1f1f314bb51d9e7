/** The chat page in a real Chromium, on a real server. Every test fails on a violation of the policy or an error on the console. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { BrowserContext, BrowserContextOptions } from 'playwright-core';
import { freePort, outcomes, post, Program } from './composition/testing.js';
import { eventually, serviceAddress, skipWithout } from './platform/testing.js';
import { picture, seriousFindings, TestBrowser } from './scripts/browser/browser.js';
import { ChatPage } from './scripts/browser/chat-page.js';
import { buildWeb } from './scripts/build-web.js';

const skip = skipWithout('chromium');
const endings: (() => Promise<void> | void)[] = [];
const cleaning = { after: (run: () => Promise<void> | void): void => { endings.unshift(run); } };
after(async () => { for (const end of endings) await end(); });
let browser: TestBrowser;
let server: Program;
let env: Record<string, string>;

before(async () => {
  if (skip !== false) return;
  await buildWeb();
  const folder = mkdtempSync(join(tmpdir(), 'confab-page-'));
  cleaning.after(() => { rmSync(folder, { recursive: true, force: true }); });
  env = { CONFAB_DATA_DIR: folder, CONFAB_HTTP_PORT: String(await freePort()) };
  server = await (await Program.start(cleaning, { env })).ready(60_000);
  browser = await TestBrowser.launch(serviceAddress('chromium') ?? '');
  cleaning.after(() => browser.close());
});

/** A person with a browser profile of their own, for one test. */
async function person(t: { after(run: () => Promise<void>): void }, options?: BrowserContextOptions): Promise<BrowserContext> {
  const context = await browser.context(options);
  t.after(async () => { await context.close(); browser.check(); });
  return context;
}

const conversationOf = (chat: ChatPage): Promise<string> => chat.page.evaluate<string>("localStorage.getItem('confab.conversation')");

test('a conversation: words, their marks, an answer, a choice, and the history after a reload', { skip }, async (t) => {
  const chat = await ChatPage.open(await person(t), server.url);
  await chat.page.getByRole('heading', { name: 'What can we do for you?' }).waitFor();
  await picture(chat.page, 'welcome-light');
  await chat.ask('Hello!');
  await chat.choices.first().waitFor();
  assert.deepEqual(await chat.choices.allTextContents(), ['Track a parcel', 'Change a delivery', 'Prices']);
  await chat.choices.first().click();
  await chat.answered('Track a parcel');
  await chat.assertTurns('Hello!', 'Track a parcel');
  const { events } = await (await fetch(`${server.url}/v1/conversations/${await conversationOf(chat)}/events?before=latest`)).json() as { events: { type: string; postback?: { payload: string; replyId?: string } }[] };
  const chosen = events.find(({ postback }) => postback !== undefined);
  assert.match(chosen?.postback?.payload ?? '', /track_parcel/);
  assert.match(chosen?.postback?.replyId ?? '', /-\d+$/);
  await picture(chat.page, 'conversation-light');
  const before = await chat.script();
  await chat.page.reload();
  await chat.answered('Track a parcel');
  assert.deepEqual(await chat.script(), before, 'the choice is known by its title again');
});

test('Enter sends, Shift+Enter begins a line, Escape empties, and nothing empty is sent', { skip }, async (t) => {
  const chat = await ChatPage.open(await person(t), server.url);
  await chat.field.fill('one');
  await chat.field.press('Shift+Enter');
  await chat.field.pressSequentially('two');
  assert.equal(await chat.field.inputValue(), 'one\ntwo');
  await chat.field.press('Escape');
  assert.equal(await chat.field.inputValue(), '');
  await chat.field.press('Enter');
  assert.ok(await chat.page.getByRole('button', { name: 'Send' }).isDisabled());
  await chat.field.fill(`${'x'.repeat(4095)}😀x`);
  await chat.page.getByText('1 too many').waitFor();
  assert.ok(await chat.page.getByRole('button', { name: 'Send' }).isDisabled());
  assert.deepEqual(await chat.script(), []);
});

test('the page can be walked with the keyboard alone', { skip }, async (t) => {
  const chat = await ChatPage.open(await person(t), server.url);
  await chat.page.getByRole('button', { name: 'X-ray' }).waitFor();
  const walked: string[] = [];
  for (let step = 0; step < 8; step += 1) {
    await chat.page.keyboard.press('Tab');
    walked.push(await chat.page.evaluate<string>("document.activeElement.getAttribute('aria-label') || document.activeElement.labels?.[0]?.textContent || document.activeElement.textContent"));
  }
  assert.deepEqual(walked.slice(0, 7), ['X-ray', 'Use the dark theme', 'New conversation', 'Hello!', 'What can you do?', 'I would like to talk to a person', 'Your message']);
});

test('a server that is killed in the middle: a banner, and what was written meanwhile is answered once, in order', { skip }, async (t) => {
  const chat = await ChatPage.open(await person(t), server.url);
  await chat.page.getByRole('button', { name: 'X-ray' }).click();
  await chat.ask('Hello!');
  await chat.page.locator('.journey').waitFor();
  browser.expect(/ERR_CONNECTION_REFUSED|WebSocket connection to|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/);
  await server.kill('SIGKILL');
  await chat.banner.waitFor();
  await chat.say('Where is my parcel?');
  await chat.say('never mind');
  await chat.page.locator('.entry.mine.sending').nth(1).waitFor();
  await chat.page.locator('.live.not').waitFor();
  await picture(chat.page, 'server-away');
  server = await (await Program.start(cleaning, { env })).ready(60_000);
  await chat.answered('never mind');
  await chat.banner.waitFor({ state: 'detached' });
  await chat.page.locator('.journey', { hasText: 'never mind' }).locator('.hop', { hasText: 'replies.v1' }).waitFor();
  const script = await chat.script();
  assert.deepEqual(script.filter((line) => line.startsWith('> ')), ['> Hello!', '> Where is my parcel?', '> never mind']);
  assert.equal(script.length, 6, script.join('\n'));
  const settled = await outcomes(server.url, await conversationOf(chat));
  assert.equal(new Set(settled).size, 3);
  assert.equal(settled.length, 3);
});

test('offline and back: what was written waits, and goes out once', { skip }, async (t) => {
  const context = await person(t);
  const chat = await ChatPage.open(context, server.url);
  await chat.ask('Hello!');
  browser.expect(/ERR_INTERNET_DISCONNECTED|WebSocket connection to/);
  await context.setOffline(true);
  await chat.page.getByText('You are offline.').waitFor();
  await chat.say('Where is my parcel?');
  await chat.page.locator('.entry.mine.sending').waitFor();
  await context.setOffline(false);
  await chat.answered('Where is my parcel?');
  await chat.banner.waitFor({ state: 'detached' });
  await chat.assertTurns('Hello!', 'Where is my parcel?');
});

test('an X-ray that cannot be loaded leaves the chat alone', { skip }, async (t) => {
  const context = await person(t);
  const chat = await ChatPage.open(context, server.url);
  browser.expect(/ERR_FAILED/);
  await context.route('**/xray-panel-*', (route) => route.abort());
  await chat.page.getByRole('button', { name: 'X-ray' }).click();
  await chat.page.getByText('The X-ray could not be loaded.').waitFor();
  await chat.ask('Hello!');
  await context.unroute('**/xray-panel-*');
});

test('what was not sent yet survives a reload of the tab', { skip }, async (t) => {
  const context = await person(t);
  const chat = await ChatPage.open(context, server.url);
  await chat.ask('Hello!');
  browser.expect(/ERR_FAILED/);
  await context.route('**/messages', (route) => route.abort());
  await chat.say('Where is my parcel?');
  await chat.page.locator('.entry.mine.sending').waitFor();
  await context.unroute('**/messages');
  await chat.page.reload();
  await chat.answered('Where is my parcel?');
  await chat.assertTurns('Hello!', 'Where is my parcel?');
});

test('two tabs of one conversation stay in step, and go on together to a new one', { skip }, async (t) => {
  const context = await person(t);
  const one = await ChatPage.open(context, server.url);
  await one.ask('Hello!');
  const two = await ChatPage.open(context, server.url);
  await two.answered('Hello!');
  await two.ask('Where is my parcel?');
  await one.answered('Where is my parcel?');
  await one.ask('never mind');
  await two.answered('never mind');
  assert.deepEqual(await one.script(), await two.script());
  await one.assertTurns('Hello!', 'Where is my parcel?', 'never mind');
  await one.page.getByRole('button', { name: 'New conversation' }).click();
  for (const tab of [one, two]) await tab.page.getByRole('heading', { name: 'What can we do for you?' }).waitFor();
});

test('a long history comes page by page, and one stays where one reads', { skip }, async (t) => {
  const chat = await ChatPage.open(await person(t), server.url);
  const conversation = await conversationOf(chat);
  for (let number = 1; number <= 60; number += 1) assert.equal((await post(server.url, conversation, `thanks ${number}`)).status, 202);
  await eventually('all are answered', async () => (await outcomes(server.url, conversation)).length === 60);
  await chat.page.reload();
  await chat.answered('thanks 60');
  assert.ok((await chat.script()).length < 60);
  const count = (): Promise<number> => chat.page.locator('.entry').count();
  const loaded = await count();
  await chat.log.press('Home');
  await eventually('older ones come by scrolling', async () => await count() > loaded);
  assert.ok(await chat.page.evaluate<number>("document.querySelector('.log').scrollTop") > 100, 'what one read is still there');
  while (await chat.page.getByRole('button', { name: 'Earlier messages' }).count() > 0) await chat.page.getByRole('button', { name: 'Earlier messages' }).click().catch(() => { /* it loads already */ });
  await chat.page.locator('.mine .bubble', { hasText: /^thanks 1$/ }).waitFor();
  await chat.assertTurns(...Array.from({ length: 60 }, (_none, index) => `thanks ${index + 1}`));
  await chat.page.getByRole('button', { name: 'Go to the newest message' }).click();
  await chat.page.getByRole('button', { name: 'Go to the newest message' }).waitFor({ state: 'detached' });
});

test('a message that is refused says why and can be sent again', { skip }, async (t) => {
  const context = await person(t);
  const chat = await ChatPage.open(context, server.url);
  browser.expect(/status of 400/);
  await context.route('**/messages', (route) => route.fulfill({ status: 400, contentType: 'application/problem+json', body: JSON.stringify({ code: 'CONFAB_BODY_INVALID', status: 400, detail: 'It holds a forbidden word.', retryable: false }) }));
  await chat.say('Hello!');
  await chat.page.getByText('Not sent: It holds a forbidden word.').waitFor();
  await picture(chat.page, 'refused');
  await context.unroute('**/messages');
  await chat.page.getByRole('button', { name: 'Try again' }).click();
  await chat.answered('Hello!');
  await chat.assertTurns('Hello!');
});

test('text is text: markup is shown, not taken; addresses can be followed and tell nothing about where one came from', { skip }, async (t) => {
  const chat = await ChatPage.open(await person(t), server.url);
  const hostile = '<img src=x onerror="document.title=1"> <script>1</script> javascript:alert(1) see https://example.com/a?b=c.';
  await chat.ask(hostile);
  assert.equal((await chat.script())[0], `> ${hostile}`);
  assert.equal(await chat.page.locator('.log img, .log script').count(), 0);
  const links = await chat.page.evaluate<string[]>("[...document.querySelectorAll('.mine a')].map(({ href, rel, target }) => `${href} ${rel} ${target}`)");
  assert.deepEqual(links, ['https://example.com/a?b=c noopener noreferrer nofollow _blank']);
});

test('a history that cannot be read is said and can be asked for again', { skip }, async (t) => {
  const context = await person(t);
  const chat = await ChatPage.open(context, server.url);
  await chat.ask('Hello!');
  browser.expect(/status of 403/);
  await context.route('**/events?*', (route) => route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ code: 'CONFAB_CONVERSATION_FORBIDDEN', status: 403, detail: 'no', retryable: false }) }));
  await chat.page.reload();
  await chat.page.getByRole('alert').getByText('this conversation belongs to somebody else').waitFor();
  await context.unroute('**/events?*');
  await chat.page.getByRole('button', { name: 'Try again' }).click();
  await chat.answered('Hello!');
  await chat.assertTurns('Hello!');
});

test('frames of the server: typing, a reply that grows, a person who takes over, outcomes in words', { skip }, async (t) => {
  const context = await person(t);
  let tell: (frame: object) => void = () => { /* not connected yet */ };
  await context.routeWebSocket(/\/v1\/stream/, (socket) => {
    const upstream = socket.connectToServer();
    upstream.onMessage((message) => {
      // The server's own answers are held back: this test gives others.
      if (!/"type":"(reply|outcome)"/.test(String(message))) socket.send(message);
    });
    tell = (frame) => { socket.send(JSON.stringify(frame)); };
  });
  const chat = await ChatPage.open(context, server.url);
  const conversationId = await conversationOf(chat);
  let accepted = { messageId: '', position: '' };
  chat.page.on('response', (response) => { if (response.url().endsWith('/messages')) void response.json().then((body) => { accepted = body as typeof accepted; }); });
  const say = async (text: string): Promise<typeof accepted> => {
    accepted = { messageId: '', position: '' };
    await chat.say(text);
    await eventually('it is accepted', () => accepted.messageId !== '');
    await chat.page.getByText('is writing').waitFor();
    return accepted;
  };
  const first = await say('tell me a story');
  await picture(chat.page, 'writing');
  const replyId = `${first.messageId}-1`;
  tell({ type: 'delta', conversationId, replyId, index: 0, text: 'Once upon' });
  tell({ type: 'delta', conversationId, replyId, index: 1, text: ' a time' });
  await chat.page.locator('.draft', { hasText: 'Once upon a time' }).waitFor();
  assert.equal(await chat.page.locator('.writing').count(), 0);
  const reply = first.position.replace(/00$/, '01');
  tell({ type: 'reply', conversationId, position: reply, replyId, inReplyTo: first.messageId, author: { type: 'bot' }, text: 'Once upon a time there was a log.', createdAt: new Date().toISOString() });
  await chat.page.locator('.entry:not(.draft)', { hasText: 'there was a log' }).waitFor();
  assert.equal(await chat.page.locator('.draft').count(), 0);
  const words = { silent: 'This one needs no answer', handed_off: 'Passed on to a person', dead_lettered: 'could not be processed' };
  for (const [outcome, shown] of Object.entries(words)) {
    const { messageId, position } = await say(`this ends ${outcome}`);
    tell({ type: 'outcome', conversationId, position: position.replace(/00$/, '01'), inReplyTo: messageId, outcome });
    await chat.page.getByText(shown).waitFor();
  }
  tell({ type: 'handoff', conversationId, position: reply.replace(/\d\d\d-01$/, '999-02'), to: 'person', reason: 'asked for' });
  await chat.page.getByText('A person takes over').waitFor();
  tell({ type: 'typing', conversationId, author: { type: 'agent', name: 'Ada' } });
  await chat.page.getByText('Ada is writing').waitFor();
  tell({ type: 'reply', conversationId, position: reply.replace(/\d\d\d-01$/, '999-03'), replyId: 'from-ada', inReplyTo: null, author: { type: 'agent', name: 'Ada' }, text: 'Hello, this is Ada.', createdAt: new Date().toISOString() });
  await chat.page.locator('.who', { hasText: 'Ada' }).waitFor();
  assert.equal(await chat.page.locator('.writing').count(), 0);
  assert.deepEqual(await seriousFindings(chat.page), []);
  await picture(chat.page, 'outcomes');
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing serious, ${colorScheme}, alone and with the X-ray, wide and on a phone`, { skip }, async (t) => {
    const context = await person(t, { colorScheme });
    const chat = await ChatPage.open(context, server.url);
    assert.deepEqual(await seriousFindings(chat.page), [], 'welcome');
    await chat.ask('Hello!');
    await chat.ask('Where is my parcel?');
    await chat.ask('PP123456789');
    assert.deepEqual(await seriousFindings(chat.page), [], 'conversation');
    await picture(chat.page, `conversation-${colorScheme}`);
    await chat.page.getByRole('button', { name: 'X-ray' }).click();
    const hops = chat.page.locator('.journey').first().locator('.hop');
    await chat.page.locator('.journey').nth(2).locator('.hop.dialogue').first().waitFor();
    await hops.filter({ hasText: 'dialogue-states' }).locator('summary').first().click();
    assert.deepEqual(await seriousFindings(chat.page), [], 'X-ray');
    await picture(chat.page, `xray-${colorScheme}`);
    await chat.page.setViewportSize({ width: 390, height: 844 });
    await picture(chat.page, `phone-xray-${colorScheme}`);
    await chat.page.keyboard.press('Escape');
    await chat.page.locator('.xray').waitFor({ state: 'detached' });
    assert.deepEqual(await seriousFindings(chat.page), [], 'phone');
    await picture(chat.page, `phone-${colorScheme}`);
    // Elements for screen readers once stretched the page below its end.
    assert.deepEqual(await chat.page.evaluate('[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]'), [0, 0], 'the page itself does not scroll');
  });
}

test('the theme can be chosen and is remembered', { skip }, async (t) => {
  const chat = await ChatPage.open(await person(t, { colorScheme: 'light' }), server.url);
  const paper = (): Promise<string> => chat.page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
  const light = await paper();
  await chat.page.getByRole('button', { name: 'Use the dark theme' }).click();
  assert.notEqual(await paper(), light);
  const dark = await paper();
  await chat.page.reload();
  await chat.connected();
  assert.equal(await paper(), dark);
});

test('the X-ray shows a message on its way: place, intent with confidence, change of state, times', { skip }, async (t) => {
  const chat = await ChatPage.open(await person(t), server.url);
  await chat.page.getByRole('button', { name: 'X-ray' }).click();
  await chat.page.locator('.live:not(.not)').waitFor();
  await chat.ask('Where is my parcel?');
  const journey = chat.page.getByRole('region', { name: 'Messages on their way' }).locator('.journey').first();
  for (const topic of ['messages.v1', 'intents.v1', 'dialogue-states.v1', 'replies.v1']) await journey.locator('.hop', { hasText: topic }).waitFor();
  assert.match(await journey.locator('.hop', { hasText: 'intents.v1' }).innerText(), /track_parcel[\s\S]*\d+%/);
  assert.match(await journey.locator('.hop', { hasText: 'replies.v1' }).innerText(), /\+\d+ ms/);
  await journey.locator('.hop', { hasText: 'dialogue-states.v1' }).locator('summary').first().click();
  await journey.getByText('What changed').waitFor();
  assert.match(await journey.locator('details[open] .place').first().innerText(), /dialogue-states\.v1 partition \d+ offset \d+/);
  await journey.locator('.hop', { hasText: 'dialogue-states.v1' }).locator('.leaf').first().waitFor();
});
