/** Without a terminal: each line is a message, its outcome is printed before the next line is sent. */
import { createInterface } from 'node:readline';
import type { Client, Conversation, Outcome, Reply } from '../../client/src/index.js';
import { ConfabError } from '../../platform/errors.js';
import { EXIT, type CliContext } from '../context.js';
import { harmless, type Paint } from '../terminal.js';
import { contentOf } from './lines.js';

export interface Chat {
  readonly context: CliContext;
  readonly client: Client;
  readonly conversation: Conversation;
  readonly paint: Paint;
}

/** As long as a server may take to start again. */
const PATIENCE = 60_000;

/** @throws CONFAB_OUTCOME_UNKNOWN when a message has no outcome in time */
export async function pipe({ context, client, conversation }: Chat): Promise<void> {
  const signal = context.interrupted();
  const outcomes = new Outcomes(conversation, context);
  let last: Reply | undefined;
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (signal.aborted) { context.exitCode(EXIT.interrupted); return; }
    if (line.trim() === '') continue;
    if (line.trim() === '/quit') return;
    const outcome = await Promise.race([
      conversation.send(contentOf(line, last?.quickReplies ?? [], last?.replyId)).then(({ messageId }) => outcomes.of(messageId)),
      refused(client, signal),
    ]);
    if (outcome === undefined) { context.exitCode(EXIT.interrupted); return; }
    if (outcome.type === 'reply') { last = outcome; context.stdout.write(`${harmless(outcome.text)}\n`); }
    else if (outcome.outcome === 'dead_lettered') { context.stderr.write(`The message could not be processed: ${harmless(line)}\n`); context.exitCode(EXIT.failed); }
  }
}

/** Rejects when the server will not be asked any more, resolves when the user interrupts. */
function refused(client: Client, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => { resolve(undefined); }, { once: true });
    client.on('connection', ({ state, reason }) => { if (state === 'closed' && reason) reject(reason); });
  });
}

/** Outcomes by the message that they belong to, whichever comes first. */
class Outcomes {
  private readonly found = new Map<string, Reply | Outcome>();
  private readonly waiting = new Map<string, (outcome: Reply | Outcome) => void>();

  constructor(conversation: Conversation, private readonly context: CliContext) {
    const take = (outcome: Reply | Outcome): void => {
      const id = outcome.inReplyTo ?? '';
      const waiter = this.waiting.get(id);
      if (waiter) waiter(outcome); else this.found.set(id, outcome);
    };
    conversation.on('reply', take);
    conversation.on('outcome', take);
  }

  of(messageId: string): Promise<Reply | Outcome> {
    const found = this.found.get(messageId);
    if (found) { this.found.delete(messageId); return Promise.resolve(found); }
    return new Promise((resolve, reject) => {
      const timer = this.context.clock.after(PATIENCE, () => { reject(new ConfabError('CONFAB_OUTCOME_UNKNOWN', { detail: `A message was accepted but not answered within ${PATIENCE / 1_000} s.` })); });
      this.waiting.set(messageId, (outcome) => { timer.cancel(); this.waiting.delete(messageId); resolve(outcome); });
    });
  }
}
