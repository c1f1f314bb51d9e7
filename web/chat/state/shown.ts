/** Questions that the view asks of a conversation. */
import type { Conversation, Answer, Said } from './conversation.js';
import type { Author, QuickReply } from '../../../client/src/index.js';

/** How far a message of one's own has come. */
export type Mark = 'sending' | 'accepted' | 'answered' | 'silent' | 'handed_off' | 'dead_lettered' | 'failed';

export function markOf({ outcomes }: Conversation, said: Said): Mark {
  if (said.fault !== undefined) return 'failed';
  if (said.messageId === undefined) return 'sending';
  const outcome = outcomes.get(said.messageId);
  if (outcome === undefined) return 'accepted';
  return outcome === 'reply' ? 'answered' : outcome;
}

/** Who is about to say something: a frame said so, or an accepted message has no outcome yet. */
export function whoIsWriting(state: Conversation): Author | undefined {
  if (state.drafts.length > 0) return undefined;
  if (state.typing !== undefined) return state.typing.author;
  return state.entries.some((entry) => entry.kind === 'said' && entry.author.type === 'person' && markOf(state, entry) === 'accepted') ? { type: 'bot' } : undefined;
}

/** The choices of the last thing that was said; nobody can choose any more once somebody went on. */
export function openChoices({ entries }: Conversation): { readonly replyId: string; readonly choices: readonly QuickReply[] } | undefined {
  const last = entries.at(-1);
  return last?.kind === 'answer' && last.quickReplies.length > 0 ? { replyId: last.key, choices: last.quickReplies } : undefined;
}

/** What a message says to people: its text, or the title of the choice that it was. */
export function wordsOf({ entries }: Conversation, said: Said): string {
  if (said.text !== '' || said.postback === undefined) return said.text;
  const { payload, replyId } = said.postback;
  const answer = entries.find((entry): entry is Answer => entry.kind === 'answer' && entry.key === replyId);
  return answer?.quickReplies.find((choice) => choice.payload === payload)?.title ?? payload;
}
