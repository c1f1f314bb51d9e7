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
const INTERRUPTED = Symbol('interrupted');

/** @throws CONFAB_OUTCOME_UNKNOWN when a message has no outcome in time */
export async function pipe({ context, client, conversation }: Chat): Promise<void> {
  const outcomes = new Outcomes(conversation, context);
  const over = ending(client, context.interrupted());
  const lines = createInterface({ input: context.stdin, crlfDelay: Infinity });
  // Also while nothing is typed: whoever waits for the next line waits no longer.
  over.catch(() => undefined).finally(() => { lines.close(); });
  let last: Reply | undefined;
  for await (const line of lines) {
    if (await isOver(over)) break;
    if (line.trim() === '') continue;
    if (line.trim() === '/quit') return;
    const outcome = await Promise.race([
      conversation.send(contentOf(line, last?.quickReplies ?? [], last?.replyId)).then(({ messageId }) => outcomes.of(messageId)),
      over,
    ]);
    if (outcome === INTERRUPTED) break;
    if (outcome.type === 'reply') { last = outcome; context.stdout.write(`${harmless(outcome.text)}\n`); }
    else if (outcome.outcome === 'dead_lettered') { context.stderr.write(`The message could not be processed: ${harmless(line)}\n`); context.exitCode(EXIT.failed); }
  }
  if (await isOver(over)) context.exitCode(EXIT.interrupted);
}

/** Rejects when the server will not be asked any more, resolves when the user interrupts. */
function ending(client: Client, signal: AbortSignal): Promise<typeof INTERRUPTED> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) resolve(INTERRUPTED);
    signal.addEventListener('abort', () => { resolve(INTERRUPTED); }, { once: true });
    client.on('connection', ({ state, reason }) => { if (state === 'closed' && reason) reject(reason); });
  });
}

/** Whether it has resolved by now. @throws what it was rejected with */
async function isOver(over: Promise<unknown>): Promise<boolean> {
  return await Promise.race([over, Promise.resolve()]) === INTERRUPTED;
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
