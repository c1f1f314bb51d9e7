/** The widget on a site of another origin, and the page of a server that wants tokens, in a real Chromium. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Frame, Page } from 'playwright-core';
import { SECRET, serve, token } from './composition/protocol/testing.js';
import type { Program } from './composition/testing.js';
import { packageRoot } from './platform/package-root.js';
import { eventually, serviceAddress, skipWithout } from './platform/testing.js';
import { picture, seriousFindings, TestBrowser } from './scripts/browser/browser.js';
import { ChatPage } from './scripts/browser/chat-page.js';
import { buildWeb } from './scripts/build-web.js';

const skip = skipWithout('chromium');
const endings: (() => Promise<void> | void)[] = [];
const cleaning = { after: (run: () => Promise<void> | void): void => { endings.unshift(run); } };
after(async () => { for (const end of endings) await end(); });

let browser: TestBrowser;
let site: string;
/** What the site's server answers to `/page`. */
let sitePage = '';
let open: Program;
let guarded: Program;

before(async () => {
  if (skip !== false) return;
  await buildWeb();
  site = await startSite();
  open = await serve(cleaning, { CONFAB_ALLOWED_ORIGINS: site });
  guarded = await serve(cleaning, { CONFAB_AUTH_SECRET: SECRET, CONFAB_ALLOWED_ORIGINS: site });
  browser = await TestBrowser.launch(serviceAddress('chromium') ?? '');
  cleaning.after(() => browser.close());
});

/** The demo's folder on an origin of its own, with the script tag of the server under test. */
async function startSite(): Promise<string> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const file = (name: string): string => readFileSync(join(packageRoot(), 'web/widget', name), 'utf8');
    const [type, text] = path === '/demo.css' ? ['text/css', file('demo.css')] : path === '/demo.js' ? ['text/javascript', file('demo.js')]
      : path === '/page' ? ['text/html', sitePage] : ['text/html', file('demo.html').replaceAll('http://127.0.0.1:8080', open.url)];
    response.setHeader('content-type', `${type}; charset=utf-8`);
    response.end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleaning.after(() => { server.close(); server.closeAllConnections(); });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

async function visit(t: { after(run: () => Promise<void>): void }, url: string): Promise<Page> {
  const context = await browser.context();
  t.after(async () => { await context.close(); browser.check(); });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** The chat inside the widget's frame. */
async function chatIn(page: Page, server: Program): Promise<ChatPage> {
  const frame = (): Frame | undefined => page.frames().find((one) => one.url().startsWith(`${server.url}/`));
  await eventually('the frame is there', () => frame() !== undefined);
  return new ChatPage(page, frame());
}

test('one script tag puts a chat on a site of another origin', { skip }, async (t) => {
  const page = await visit(t, `${site}/demo.html`);
  const button = page.getByRole('button', { name: 'Ask Parcels & Sons', exact: true });
  await button.click();
  const chat = await chatIn(page, open);
  await chat.connected();
  await chat.ask('Hello!');
  await picture(page, 'widget-open');
  assert.deepEqual(await seriousFindings(page), []);
  await page.setViewportSize({ width: 390, height: 844 });
  assert.deepEqual(await page.locator('iframe').boundingBox(), { x: 0, y: 0, width: 390, height: 844 }, 'on a phone it has all the room');
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.deepEqual(await seriousFindings(page), []);
  const inside = page.frames().find((one) => one.url().startsWith(open.url));
  assert.equal(await inside?.evaluate<string>("getComputedStyle(document.querySelector('.bar')).backgroundColor"), 'rgb(122, 46, 77)', 'the colour of the site, by night too');
  await picture(page, 'widget-phone-dark');
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: null });
  await chat.field.press('Escape');
  await page.locator('iframe').waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate<string>("document.activeElement.shadowRoot.activeElement.className"), 'button', 'the focus goes back to the button');
  await picture(page, 'widget-closed');
  await page.getByRole('button', { name: 'Ask about a parcel' }).click();
  await page.locator('iframe').waitFor({ state: 'visible' });
  await chat.assertTurns('Hello!');
});

test('a closed widget counts what was answered meanwhile', { skip }, async (t) => {
  const page = await visit(t, `${site}/demo.html`);
  await page.evaluate('Confab.open()');
  const chat = await chatIn(page, open);
  await chat.connected();
  await chat.ask('Hello!');
  await page.evaluate('Confab.close()');
  const conversation = await page.evaluate<string>("localStorage.getItem('confab.conversation')");
  await fetch(`${open.url}/v1/conversations/${conversation}/messages`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":"thanks"}' });
  await page.getByRole('button', { name: 'Ask Parcels & Sons, 1 new' }).waitFor();
});

test('the conversation is there again after a reload, also where a frame may not store anything', { skip }, async (t) => {
  const page = await visit(t, `${site}/demo.html`);
  await page.evaluate('Confab.open()');
  const chat = await chatIn(page, open);
  await chat.connected();
  await chat.ask('Hello!');
  await page.reload();
  await page.evaluate('Confab.open()');
  const again = await chatIn(page, open);
  await again.answered('Hello!');
  await again.assertTurns('Hello!');
});

test('a site that is not in the allow-list may not frame the page', { skip }, async (t) => {
  sitePage = `<!doctype html><html lang="en"><title>Other</title><iframe title="chat" src="${open.url}/"></iframe></html>`;
  const page = await visit(t, `${site.replace('localhost', '127.0.0.1')}/page`);
  browser.expect(/frame-ancestors/);
  await eventually('it is refused', () => page.frames().some((one) => one.url().startsWith('chrome-error://')));
});

test('the page of a server that wants tokens says so, and how a site gives one', { skip }, async (t) => {
  const page = await visit(t, guarded.url);
  browser.expect(/status of 401/);
  await page.getByRole('heading', { name: 'This chat needs a sign-in' }).waitFor();
  await page.getByText(`<script src="${guarded.url}/widget.js" async></script>`).waitFor();
  assert.deepEqual(await seriousFindings(page), []);
  await picture(page, 'token-needed');
});

test('a token that comes later, after a login, is taken at once; one that is wrong is told', { skip }, async (t) => {
  sitePage = `<!doctype html><html lang="en"><title>Site</title><script>window.Confab = { token: () => window.giveToken(), conversation: 'order-8', open: true };</script>
    <script src="${guarded.url}/widget.js"></script></html>`;
  const context = await browser.context();
  browser.expect(/status of 401/);
  t.after(async () => { await context.close(); browser.check(); });
  let secret = 'another secret that the server does not know';
  const make = (): Promise<string> => token({ secret, confab: { conversations: ['order-8'] } });
  await context.exposeFunction('giveToken', make);
  const page = await context.newPage();
  await page.goto(`${site}/page`);
  const chat = await chatIn(page, guarded);
  const frame = page.frames().find((one) => one.url().startsWith(guarded.url));
  await frame?.getByRole('heading', { name: 'You could not be signed in' }).waitFor();
  await picture(page, 'widget-refused');
  secret = SECRET;
  await page.evaluate(`Confab.setToken(${JSON.stringify(await make())})`);
  await chat.connected();
  await chat.ask('Hello!');
});

test('a frame of the site\'s own: options and tokens by postMessage, and the X-ray for who may see it', { skip }, async (t) => {
  sitePage = `<!doctype html><html lang="en"><title>Console</title><body><iframe title="Chat" width="1100" height="700"></iframe><script>
    const frame = document.querySelector('iframe');
    const tell = (message) => { frame.contentWindow.postMessage(message, '${guarded.url}'); };
    window.said = [];
    window.addEventListener('message', async ({ data, origin, source }) => {
      if (origin !== '${guarded.url}' || source !== frame.contentWindow) return;
      said.push(data.confab);
      if (data.confab === 'ready') tell({ confab: 'options', token: true, conversation: 'order-9', title: 'Console', theme: 'dark', xray: true });
      if (data.confab === 'token-wanted') tell({ confab: 'token', token: await giveToken() });
    });
    frame.src = '${guarded.url}/';
  </script></body></html>`;
  let scope = 'messages:write conversations:read';
  const context = await browser.context();
  t.after(async () => { await context.close(); browser.check(); });
  await context.exposeFunction('giveToken', () => token({ scope, confab: { conversations: ['order-9'] } }));
  const page = await context.newPage();
  await page.goto(`${site}/page`);
  const frame = (): Frame => page.frames().find((one) => one.url().startsWith(guarded.url)) ?? page.mainFrame();
  const plain = await chatIn(page, guarded);
  await plain.connected();
  await plain.ask('Hello!');
  assert.equal(await frame().getByRole('button', { name: 'X-ray' }).count(), 0, 'not without the scope');
  scope += ' admin';
  await page.reload();
  const chat = await chatIn(page, guarded);
  await chat.connected();
  await frame().getByRole('button', { name: 'X-ray' }).click();
  await chat.ask('Where is my parcel?');
  await frame().locator('.hop.dialogue').first().waitFor();
  await picture(page, 'frame-of-its-own');
  assert.deepEqual(await page.evaluate("[...new Set(said)].sort()"), ['ready', 'replied', 'token-wanted']);
});

test('a site hands over tokens by a callback, asked for again when one ends', { skip }, async (t) => {
  const given: string[] = [];
  sitePage = `<!doctype html><html lang="en"><title>Site</title><script>window.Confab = { token: () => window.giveToken(), conversation: 'order-7', open: true, title: 'Order 7' };</script>
    <script src="${guarded.url}/widget.js"></script></html>`;
  const context = await browser.context();
  t.after(async () => { await context.close(); browser.check(); });
  await context.exposeFunction('giveToken', async () => {
    given.push(await token({ sub: 'ann', seconds: given.length === 0 ? 62 : 600, confab: { conversations: ['order-7'] } }));
    return given.at(-1);
  });
  const page = await context.newPage();
  const urls: string[] = [];
  page.on('request', (request) => { urls.push(request.url()); });
  page.on('websocket', (socket) => { urls.push(socket.url()); });
  await page.goto(`${site}/page`);
  const chat = await chatIn(page, guarded);
  await chat.connected();
  await chat.ask('Hello!');
  await eventually('it is asked for again before the first one ends', () => given.length > 1);
  await chat.ask('Where is my parcel?');
  await chat.assertTurns('Hello!', 'Where is my parcel?');
  assert.ok(urls.every((url) => given.every((one) => !url.includes(one))), 'no token in any URL');
});
