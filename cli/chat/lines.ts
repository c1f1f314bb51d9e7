/** What happens in a conversation as lines for a terminal. Foreign text is made harmless here. */
import type { HistoryEvent, Outgoing, QuickReply, Reply } from '../../client/src/index.js';
import { harmless, harmlessLine, type Paint } from '../terminal.js';

/** A reply: who says it, its text, and what may be chosen by number. */
export function replyLines(reply: Reply, paint: Paint): string {
  const name = harmlessLine(reply.author.name ?? (reply.author.type === 'bot' ? 'Bot' : reply.author.type));
  const indent = ' '.repeat(2);
  const said = harmless(reply.text).split('\n').join(`\n${indent}`);
  const choices = (reply.quickReplies ?? []).map(({ title }, i) => `\n${indent}${paint('cyan', `${i + 1}`)} ${harmlessLine(title)}`).join('');
  return `${paint('bold', `${name}:`)} ${said}${choices}\n`;
}

/** How a message ended that has no reply; '' where there is nothing to say. */
export function outcomeLine(outcome: 'silent' | 'handed_off' | 'dead_lettered', paint: Paint): string {
  if (outcome === 'handed_off') return `${paint('dim', 'A person goes on from here.')}\n`;
  if (outcome === 'dead_lettered') return `${paint('yellow', 'This message could not be processed; it is kept for the operators (confab dead-letters list).')}\n`;
  return '';
}

/** One event of the history. */
export function pastLines(event: HistoryEvent, paint: Paint): string {
  switch (event.type) {
    case 'message': return `${paint('dim', 'You:')} ${harmless(event.text ?? event.postback?.payload ?? '')}\n`;
    case 'reply': return replyLines(event, paint);
    case 'outcome': return outcomeLine(event.outcome, paint);
    case 'handoff': return `${paint('dim', event.to === 'person' ? 'A person takes over.' : 'The bot is back.')}\n`;
  }
}

/** What a line stands for: the number of a quick reply chooses it, else it is text. */
export function contentOf(line: string, choices: readonly QuickReply[], replyId: string | undefined): Outgoing {
  const chosen = /^[1-9]\d?$/.test(line) ? choices[Number(line) - 1] : undefined;
  return chosen === undefined ? { text: line } : { postback: { payload: chosen.payload, ...(replyId === undefined ? {} : { replyId }) } };
}
