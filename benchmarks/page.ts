/**
 * `page`: the chat page in Chromium on loopback. Bytes of its scripts, first paint of cold visits (a new browser profile each),
 * the largest paint (the words that one comes for) and what axe finds serious in both themes, with the X-ray open.
 */
import { BenchmarkError, median, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { Processes } from './lib/processes.js';
import { seriousFindings, TestBrowser } from '../scripts/browser/browser.js';
import { ChatPage } from '../scripts/browser/chat-page.js';
import { buildWeb } from '../scripts/build-web.js';
import { TEST_VARIABLES, testServices } from '../scripts/services/addresses.js';

interface Paint { readonly first: number; readonly largest: number }

/** Both paints, from the navigation; the largest one is told only to observers. */
const PAINTS = `new Promise((resolve) => {
  const first = performance.getEntriesByName('first-paint')[0].startTime;
  new PerformanceObserver((list) => { resolve({ first, largest: list.getEntries().at(-1).startTime }); }).observe({ type: 'largest-contentful-paint', buffered: true });
})`;

async function coldVisit(browser: TestBrowser, url: string): Promise<Paint> {
  const context = await browser.context();
  try {
    const chat = await ChatPage.open(context, url);
    await chat.page.locator('.welcome').waitFor();
    return await chat.page.evaluate<Paint>(PAINTS);
  } finally { await context.close(); }
}

async function findings(browser: TestBrowser, url: string, colorScheme: 'light' | 'dark'): Promise<number> {
  const context = await browser.context({ colorScheme });
  try {
    const chat = await ChatPage.open(context, url);
    const welcome = await seriousFindings(chat.page);
    await chat.ask('Hello!');
    await chat.page.getByRole('button', { name: 'X-ray' }).click();
    await chat.page.locator('.hop.dialogue').first().waitFor();
    return welcome.length + (await seriousFindings(chat.page)).length;
  } finally { await context.close(); }
}

async function run(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const executable = process.env[TEST_VARIABLES.chromium] ?? (await testServices())[TEST_VARIABLES.chromium];
  if (executable === undefined) throw new BenchmarkError('this benchmark needs chromium: npm run services -- up chromium');
  const { scriptBytesGzip, widgetBytesGzip } = await buildWeb();
  const processes = new Processes();
  const browser = await TestBrowser.launch(executable);
  try {
    const { url } = await processes.startConfab('server', [], { CONFAB_DATA_DIR: processes.scratchFolder() });
    const paints: Paint[] = [];
    for (let visit = 0; visit < options.number('visits'); visit += 1) paints.push(await coldVisit(browser, url));
    const axeSerious = await findings(browser, url, 'light') + await findings(browser, url, 'dark');
    browser.check();
    return {
      scriptKilobytesGzip: rounded(scriptBytesGzip / 1000, 1), widgetKilobytesGzip: rounded(widgetBytesGzip / 1000, 1),
      firstPaintMillis: Math.round(median(paints.map(({ first }) => first))), slowestFirstPaintMillis: Math.round(Math.max(...paints.map(({ first }) => first))),
      largestPaintMillis: Math.round(median(paints.map(({ largest }) => largest))), axeSerious,
    };
  } finally {
    await browser.close();
    await processes.stopAll();
  }
}

export const page: Benchmark = {
  purpose: 'the chat page in Chromium: bytes of its scripts, first paint on loopback, serious findings of axe',
  options: { visits: { default: '7', about: 'cold visits, of which the median counts' } },
  run,
};
