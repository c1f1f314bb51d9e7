/**
 * A conversation as the page shows it: a pure function from what happened to what is seen. Whatever the order in which the
 * answer to a POST, a frame of the socket, another tab and a page of history arrive, the same things stand in the same order.
 */
import type { Author, Delta, HistoryEvent, Message, Outcome, Postback, QuickReply, Reply, Typing } from '../../../client/src/index.js';

/** How a message ended. */
export type Ending = Outcome['outcome'] | 'reply';

/** Something a person said. Without `messageId` it is on its way, or failed. */
export interface Said {
  readonly kind: 'said';
  /** Made by the page for its own messages; the message id for those of others. */
  readonly key: string;
  readonly messageId?: string | undefined;
  readonly position?: string | undefined;
  /** Where it stands until it has a position: behind everything that was there when it was said. */
  readonly behind: string;
  readonly author: Author;
  readonly text: string;
  readonly postback?: Postback | undefined;
  readonly at: string;
  /** Why it could not be sent, in words. */
  readonly fault?: string | undefined;
}

export interface Answer {
  readonly kind: 'answer';
  readonly key: string;
  readonly position: string;
  readonly inReplyTo: string | null;
  readonly author: Author;
  readonly parts: readonly string[];
  readonly quickReplies: readonly QuickReply[];
  readonly at: string;
}

export interface Handover {
  readonly kind: 'handover';
  readonly key: string;
  readonly position: string;
  readonly to: 'person' | 'bot';
  readonly reason?: string | undefined;
}

export type Entry = Said | Answer | Handover;

/** A reply that is being made. */
export interface Draft {
  readonly replyId: string;
  readonly pieces: number;
  readonly text: string;
}

export interface Conversation {
  /** In the order of the conversation; no two have one key. */
  readonly entries: readonly Entry[];
  readonly drafts: readonly Draft[];
  /** How each message ended, by message id. */
  readonly outcomes: ReadonlyMap<string, Ending>;
  /** Who is writing, from a frame; falls with the next reply, or by the clock. */
  readonly typing?: { readonly author: Author; readonly at: number } | undefined;
  /** Goes on to older events; null: there are none; undefined: not read yet. */
  readonly older?: string | null | undefined;
  /** Older ones are no longer kept. */
  readonly truncated: boolean;
}

export type Action =
  | { readonly type: 'page'; readonly events: readonly HistoryEvent[]; readonly next: string | null; readonly truncated: boolean }
  | { readonly type: 'events'; readonly events: readonly HistoryEvent[] }
  | { readonly type: 'said'; readonly key: string; readonly text: string; readonly postback?: Postback | undefined; readonly at: string }
  | { readonly type: 'accepted'; readonly key: string; readonly messageId: string; readonly position: string }
  | { readonly type: 'failed'; readonly key: string; readonly fault: string }
  | { readonly type: 'retried'; readonly key: string }
  | { readonly type: 'delta'; readonly delta: Delta }
  | { readonly type: 'typing'; readonly typing: Typing; readonly at: number }
  | { readonly type: 'quiet' };

export const EMPTY: Conversation = { entries: [], drafts: [], outcomes: new Map(), truncated: false };

export function reduce(state: Conversation, action: Action): Conversation {
  switch (action.type) {
    case 'page': return { ...action.events.reduce(take, state), older: action.next, truncated: action.truncated };
    case 'events': return action.events.reduce(take, state);
    case 'said': return put(state, {
      kind: 'said', key: action.key, behind: lastPosition(state), author: { type: 'person' }, text: action.text, at: action.at,
      ...(action.postback === undefined ? {} : { postback: action.postback }),
    });
    case 'accepted': return accepted(state, action);
    case 'failed': return change(state, action.key, (said) => ({ ...said, fault: action.fault }));
    case 'retried': return change(state, action.key, (said) => ({ ...said, fault: undefined }));
    case 'delta': return stream(state, action.delta);
    case 'typing': return { ...state, typing: { author: action.typing.author, at: action.at } };
    case 'quiet': return state.typing === undefined ? state : { ...state, typing: undefined };
  }
}

/** The newest position that is known, '' without any: where a socket goes on from. */
export function lastPosition({ entries }: Conversation): string {
  return entries.reduce((last, { position }) => (position !== undefined && position > last ? position : last), '');
}

function take(state: Conversation, event: HistoryEvent): Conversation {
  switch (event.type) {
    case 'message': return takeMessage(state, event);
    case 'reply': return takeReply(state, event);
    case 'outcome': return settled(state, event.inReplyTo, event.outcome);
    case 'handoff': return put(state, { kind: 'handover', key: `handover ${event.position}`, position: event.position, to: event.to, ...(event.reason === undefined ? {} : { reason: event.reason }) });
  }
}

function takeMessage(state: Conversation, event: Message): Conversation {
  // First by its key: a page of history, which has no keys, may have put the same message beside what was said here.
  const own = event.idempotencyKey === undefined ? undefined : state.entries.find(({ key }) => key === event.idempotencyKey);
  if (own !== undefined) return accepted(state, { key: own.key, messageId: event.messageId, position: event.position });
  const known = state.entries.find((entry): entry is Said => entry.kind === 'said' && entry.messageId === event.messageId);
  // A message that was tried again stands in the log twice: it was said where it stood first.
  if (known !== undefined) return known.position !== undefined && known.position <= event.position ? state : change(state, known.key, (said) => ({ ...said, position: event.position }));
  return put(state, {
    kind: 'said', key: event.messageId, messageId: event.messageId, position: event.position, behind: event.position, author: event.author, at: event.createdAt,
    text: event.text ?? '', ...(event.postback === undefined ? {} : { postback: event.postback }),
  });
}

function takeReply(state: Conversation, event: Reply): Conversation {
  const parts = (event.parts ?? []).flatMap(({ text }) => (text === undefined || text === '' ? [] : [text]));
  return put({ ...settled(state, event.inReplyTo, 'reply'), typing: undefined }, {
    kind: 'answer', key: event.replyId, position: event.position, inReplyTo: event.inReplyTo, author: event.author, at: event.createdAt,
    parts: parts.length > 0 ? parts : [event.text], quickReplies: event.quickReplies ?? [],
  });
}

/** The message has its outcome: what was streamed of its reply has served. One that was tried again has two, and the letter was the first. */
function settled(state: Conversation, messageId: string | null, outcome: Ending): Conversation {
  if (messageId === null) return state;
  const known = state.outcomes.get(messageId);
  return {
    ...state,
    outcomes: known !== undefined && outcome === 'dead_lettered' ? state.outcomes : new Map(state.outcomes).set(messageId, outcome),
    drafts: state.drafts.filter(({ replyId }) => !replyId.startsWith(`${messageId}-`)),
  };
}

function accepted(state: Conversation, { key, messageId, position }: { readonly key: string; readonly messageId: string; readonly position: string }): Conversation {
  // Another tab, or the history, may have told of it before the answer to the POST came.
  const entries = state.entries.filter((entry) => entry.kind !== 'said' || entry.messageId !== messageId || entry.key === key);
  const places = state.entries.flatMap((entry) => (entry.kind === 'said' && entry.messageId === messageId && entry.position !== undefined ? [entry.position] : []));
  const first = [...places, position].reduce((one, other) => (one < other ? one : other));
  return change({ ...state, entries }, key, (said) => ({ ...said, messageId, position: first, fault: undefined }));
}

function stream(state: Conversation, { replyId, index, text }: Delta): Conversation {
  // One that is late: the whole reply is there already.
  if ([...state.outcomes.keys()].some((messageId) => replyId.startsWith(`${messageId}-`))) return state;
  const found = state.drafts.find((draft) => draft.replyId === replyId);
  if (index !== 0 && found?.pieces !== index) return state;
  const draft: Draft = { replyId, pieces: index + 1, text: index === 0 ? text : `${found?.text ?? ''}${text}` };
  return { ...state, drafts: [...state.drafts.filter((one) => one !== found), draft] };
}

function change(state: Conversation, key: string, how: (said: Said) => Said): Conversation {
  return { ...state, entries: state.entries.map((entry) => (entry.kind === 'said' && entry.key === key ? how(entry) : entry)).sort(inOrder) };
}

function put(state: Conversation, entry: Entry): Conversation {
  if (state.entries.some(({ key }) => key === entry.key)) return state;
  return { ...state, entries: [...state.entries, entry].sort(inOrder) };
}

/** By position; what has none yet stands behind the position that was the last when it was said. */
function inOrder(one: Entry, other: Entry): number {
  const [first, second] = [placeOf(one), placeOf(other)];
  if (first !== second) return first < second ? -1 : 1;
  return Number(one.position === undefined) - Number(other.position === undefined);
}

const placeOf = (entry: Entry): string => entry.position ?? (entry.kind === 'said' ? entry.behind : '');
