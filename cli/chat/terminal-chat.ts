/** With a terminal: a prompt, and above it what happens, as it happens. */
import { createInterface, type Interface } from 'node:readline';
import type { ClientError, QuickReply } from '../../client/src/index.js';
import { harmlessLine, type Paint } from '../terminal.js';
import { contentOf, outcomeLine, pastLines, replyLines } from './lines.js';
import type { Chat } from './piped-chat.js';

export interface TerminalChat extends Chat {
  readonly url: string;
  /** The conversation was named: what was said is shown first. */
  readonly goesOn: boolean;
}

const PROMPT = '> ';
const HINT = 'The bot is writing…';
const HISTORY = 20;

/** Resolves when the user leaves. @throws ClientError when the server will not be asked any more */
export async function converse(chat: TerminalChat): Promise<void> {
  const { context: { stdin, stdout }, conversation, paint, url, goesOn } = chat;
  stdout.write(paint('dim', `Conversation ${conversation.id} at ${url}. /quit leaves; go on later with --conversation ${conversation.id}\n`));
  if (goesOn) {
    const { events, next } = await conversation.history({ limit: HISTORY });
    if (next !== null) stdout.write(paint('dim', '… there is more above\n'));
    for (const event of [...events].reverse()) stdout.write(pastLines(event, paint));
  }
  const input = createInterface({ input: stdin, output: process.stdout, prompt: PROMPT });
  const left = new Promise<void>((resolve) => { input.on('close', resolve).on('SIGINT', () => { input.close(); }); });
  try {
    await Promise.race([left, new Session(chat, new Screen(input, stdout, paint)).run(input)]);
  } finally {
    input.close();
    stdout.write('\n');
  }
}

/** The prompt stays the last line, with what has been typed of it. */
class Screen {
  private hinted = false;

  constructor(private readonly input: Interface, private readonly stdout: { write(text: string): unknown }, private readonly paint: Paint) {}

  /** Shows text above the prompt. */
  show(text: string): void {
    this.clear();
    this.stdout.write(text);
    this.input.prompt(true);
  }

  hint(): void {
    if (this.hinted) return;
    this.show(`${this.paint('dim', HINT)}\n`);
    this.hinted = true;
  }

  private clear(): void {
    this.stdout.write('\r\u001b[K');
    // The hint is the line above: it has served.
    if (this.hinted) this.stdout.write('\u001b[1A\u001b[K');
    this.hinted = false;
  }

  /** The user pressed Enter: the line above is no hint any more. */
  entered(): void { this.hinted = false; }
}

class Session {
  private choices: readonly QuickReply[] = [];
  private replyId: string | undefined;
  private away = false;

  constructor(private readonly chat: TerminalChat, private readonly screen: Screen) {}

  /** Never resolves. @throws ClientError */
  run(input: Interface): Promise<never> {
    const { client, conversation, paint } = this.chat;
    conversation.on('reply', (reply) => {
      this.choices = reply.quickReplies ?? [];
      this.replyId = reply.replyId;
      this.screen.show(replyLines(reply, paint));
      conversation.read(reply.position);
    });
    conversation.on('outcome', ({ outcome }) => { const line = outcomeLine(outcome, paint); if (line !== '') this.screen.show(line); });
    conversation.on('handoff', (event) => { this.screen.show(pastLines(event, paint)); });
    conversation.on('typing', () => { this.screen.hint(); });
    // What another device wrote; what was typed here stands on the screen already.
    conversation.on('message', (message) => { if (message.idempotencyKey === undefined) this.screen.show(pastLines(message, paint)); });
    input.on('line', (line) => { this.entered(line.trim(), input); });
    input.prompt();
    return new Promise((_resolve, reject) => {
      client.on('connection', ({ state, reason }) => {
        if (state === 'waiting' && !this.away) { this.away = true; this.screen.show(paint('yellow', 'The connection is lost; trying again. What you type is sent when it is back.\n')); }
        if (state === 'open' && this.away) { this.away = false; this.screen.show(paint('green', 'Connected again.\n')); }
        if (state === 'closed' && reason) reject(reason);
      });
    });
  }

  private entered(line: string, input: Interface): void {
    this.screen.entered();
    if (line === '/quit') { input.close(); return; }
    if (line !== '') {
      this.chat.conversation.send(contentOf(line, this.choices, this.replyId)).catch((error: unknown) => {
        const { code, detail } = error as ClientError;
        if (code !== 'CONFAB_CLOSED') this.screen.show(this.chat.paint('red', `${code}: ${harmlessLine(detail)}\n`));
      });
      this.choices = [];
    }
    input.prompt();
  }
}
