/** The chat page as a person uses it: for tests and benchmarks. */
import assert from 'node:assert/strict';
import type { BrowserContext, Frame, Page } from 'playwright-core';

export class ChatPage {
  constructor(
    readonly page: Page,
    /** The page itself, or the frame that it lives in. */
    private readonly root: Page | Frame = page,
  ) {}

  /** Opens it and waits until one can write and it is connected. */
  static async open(context: BrowserContext, url: string): Promise<ChatPage> {
    const page = await context.newPage();
    await page.goto(url);
    const chat = new ChatPage(page);
    await chat.connected();
    return chat;
  }

  connected(): Promise<void> { return this.root.locator('.dot.open').waitFor(); }

  /** Writes and presses Enter. */
  async say(text: string): Promise<void> {
    await this.field.fill(text);
    await this.field.press('Enter');
  }

  /** Says it and waits until it was answered. */
  async ask(text: string): Promise<void> {
    await this.say(text);
    await this.answered(text);
  }

  async answered(text: string): Promise<void> {
    await this.root.locator('.entry.mine.answered', { hasText: text }).first().waitFor();
    await this.root.locator('.writing').waitFor({ state: 'detached' });
  }

  get field() { return this.root.getByLabel('Your message'); }
  get choices() { return this.root.locator('.choices button'); }
  get banner() { return this.root.locator('.banner'); }
  get log() { return this.root.getByRole('log', { name: 'Conversation' }); }

  /** What was said, by both, in order: `> ` before one's own words. */
  async script(): Promise<string[]> {
    const entries = await this.root.locator('.entry:not(.draft)').all();
    const lines: string[] = [];
    for (const entry of entries) {
      const mine = (await entry.getAttribute('class'))?.includes('mine') === true;
      for (const bubble of await entry.locator('.bubble').allTextContents()) lines.push(`${mine ? '> ' : ''}${bubble}`);
    }
    return lines;
  }

  /** Each question was answered once, in order: own words and answers take turns. */
  async assertTurns(...asked: readonly string[]): Promise<void> {
    const script = await this.script();
    assert.deepEqual(script.filter((line) => line.startsWith('> ')), asked.map((text) => `> ${text}`));
    assert.equal(script.length, asked.length * 2, script.join('\n'));
    script.forEach((line, index) => { assert.equal(line.startsWith('> '), index % 2 === 0, script.join('\n')); });
  }
}
