/**
 * A real Chromium for tests and benchmarks of the pages. It watches each page that it opens: a violation of the content security
 * policy, an error on the console or an exception in a script is kept, and `check()` fails with them.
 */
import axe from 'axe-core';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core';

/** Screenshots of tests; not part of the project. */
export const ARTEFACTS = join(dirname(fileURLToPath(import.meta.url)), '../../artefacts');

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  readonly nodes: readonly string[];
}

export class TestBrowser {
  private readonly faults: string[] = [];
  private expected: RegExp[] = [];

  private constructor(private readonly browser: Browser) {}

  static async launch(executablePath: string): Promise<TestBrowser> {
    return new TestBrowser(await chromium.launch({ executablePath, args: FLAGS }));
  }

  /** A browser profile of its own; pages of one context share storage, as tabs do. */
  async context(options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options });
    context.setDefaultTimeout(20_000);
    context.on('page', (page) => { this.watch(page); });
    return context;
  }

  /** While servers are stopped on purpose, the browser says so on its console. */
  expect(...faults: RegExp[]): void { this.expected.push(...faults); }

  /** @throws with everything that a page complained about since the last call */
  check(): void {
    const found = this.faults.filter((fault) => !this.expected.some((form) => form.test(fault)));
    this.faults.length = 0;
    this.expected = [];
    if (found.length > 0) throw new Error(`the page complained:\n${found.join('\n')}`);
  }

  close(): Promise<void> { return this.browser.close(); }

  private watch(page: Page): void {
    page.on('console', (message) => { if (message.type() === 'error' || message.type() === 'warning') this.faults.push(`console: ${message.text()}`); });
    page.on('pageerror', (error) => { this.faults.push(`exception: ${error.stack ?? error.message}`); });
  }
}

/** Keeps a picture under artefacts/. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(ARTEFACTS, { recursive: true });
  await page.screenshot({ path: join(ARTEFACTS, `${name}.png`), animations: 'disabled' });
}

/** What axe finds serious or critical on the page. Evaluated by the debugger, which the policy of the page does not concern. */
export async function seriousFindings(page: Page): Promise<Finding[]> {
  // What still fades in has another contrast.
  await page.evaluate('Promise.allSettled(document.getAnimations().filter((one) => one.effect.getComputedTiming().iterations !== Infinity).map((one) => one.finished))');
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run(document)');
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, impact, help, nodes }) => ({ id, impact: String(impact), help, nodes: nodes.map(({ html }) => html.slice(0, 160)) }));
}
