/**
 * What goes out to sockets for the records of replies.v1 and dead-letters.v1: each outcome is encoded once, here.
 * A BotReply gives its reply or outcome frame (index 01) and, where it hands over, a handoff frame (index 02).
 */
import { formatPosition } from '../../platform/position.js';
import type { BotReply, DeadLetter, QuickReply, ReplyPart } from '../../schemas/types.js';
import { stagesTowards } from '../../topology/outcome-path.js';
import { topology } from '../../topology/topology.js';

/** One frame of a conversation, in its place. */
export interface Outcome {
  /** `<tenant>/<conversationId>`. */
  readonly key: string;
  readonly position: string;
  /** Position of what came before it in the conversation; null: nothing did; undefined: the record does not say (dead letters). */
  readonly prev: string | null | undefined;
  /** The frame as it goes over the wire. */
  readonly frame: string;
  /** Acceptance time of the message that caused it, milliseconds. */
  readonly timestamp: number;
}

/** Position of the `index`-th thing that the message at `position` caused. */
export function positionAt(position: string, index: number): string {
  return `${position.slice(0, -2)}0${index}`;
}

/** Appends the outcomes of a BotReply to `into`. */
export function replyOutcomes(key: string, reply: BotReply, timestamp: number, into: Outcome[]): void {
  const position = positionAt(reply.position, 1);
  const conversationId = key.slice(key.indexOf('/') + 1);
  const frame = reply.parts.length > 0 ? replyFrame(conversationId, position, reply) : {
    type: 'outcome', conversationId, position, inReplyTo: reply.inReplyTo, outcome: reply.outcome === 'handed_off' ? 'handed_off' : 'silent',
  };
  into.push({ key, position, prev: reply.prev, frame: JSON.stringify(frame), timestamp });
  if (reply.handoff !== null) {
    const { to, reason } = reply.handoff;
    const handoff = { type: 'handoff', conversationId, position: positionAt(reply.position, 2), to, ...(reason === null ? {} : { reason }) };
    into.push({ key, position: handoff.position, prev: position, frame: JSON.stringify(handoff), timestamp });
  }
}

/** Personal text that is not sealed; sealed text cannot be shown here. */
export function plain(text: unknown): string {
  return typeof text === 'string' ? text : '';
}

function replyFrame(conversationId: string, position: string, reply: BotReply): object {
  const { parts, author } = reply;
  const quickReplies: QuickReply[] = [];
  for (const part of parts) if (part.quickReplies.length > 0) quickReplies.push(...part.quickReplies);
  return {
    type: 'reply', conversationId, position, replyId: reply.replyId, inReplyTo: reply.inReplyTo,
    author: typeof author.name === 'string' ? { type: author.type, name: author.name } : { type: author.type },
    text: parts.length === 1 ? plain(parts[0]?.text) : parts.map((part) => plain(part.text)).filter((text) => text !== '').join('\n'),
    ...(parts.length > 1 || parts.some(hasMore) ? { parts: parts.map(partFrame) } : {}),
    ...(quickReplies.length > 0 ? { quickReplies } : {}),
    createdAt: new Date(reply.createdAt).toISOString(),
  };
}

/** A bubble that is more than its text. */
function hasMore({ buttons, image, citations }: ReplyPart): boolean {
  return image !== null || buttons.length > 0 || citations.length > 0;
}

function partFrame(part: ReplyPart): object {
  if (!hasMore(part)) return { text: plain(part.text) };
  const { buttons, image, citations } = part;
  return {
    text: plain(part.text),
    ...(buttons.length > 0 ? { buttons: buttons.map(({ title, url, payload }) => ({ title, ...(url === null ? {} : { url }), ...(payload === null ? {} : { payload }) })) } : {}),
    ...(image === null ? {} : { image }),
    ...(citations.length > 0 ? { citations: citations.map(({ title, source, url }) => ({ title, source, ...(url === null ? {} : { url }) })) } : {}),
  };
}

/** Topics whose dead letters are the outcome of a message: what comes later in the topology happens after its BotReply. */
export interface DeadLetterSources {
  readonly messages: string;
  readonly intents: string;
}

const ANSWERING = stagesTowards(topology, 'replies.v1');

/** No reply hangs on this stage: what it gives up is answered all the same. One that is not declared may have been of an older program. */
const isAside = (stage: string): boolean => Object.hasOwn(topology.stages, stage) && !ANSWERING.has(stage);

/** The outcome of a dead-lettered message; undefined for letters that are none (closed ones, of later stages, unreadable). */
export function deadLetterOutcome(key: string, letter: DeadLetter, timestamp: number, sources: DeadLetterSources, epoch: string): Outcome | undefined {
  if (letter.status !== 'open' || letter.closes !== null || isAside(letter.stage)) return undefined;
  // The runner writes the name as it is declared; the full name means the same.
  const accepted = letter.topic === 'messages.v1' || letter.topic === sources.messages;
  if (!accepted && letter.topic !== 'intents.v1' && letter.topic !== sources.intents) return undefined;
  const message = letter.position ?? (accepted ? formatPosition(epoch, letter.offset, 0) : undefined);
  if (message === undefined) return undefined;
  const position = positionAt(message, 1);
  const conversationId = key.slice(key.indexOf('/') + 1);
  return { key, position, prev: undefined, frame: JSON.stringify({ type: 'outcome', conversationId, position, inReplyTo: letter.messageId, outcome: 'dead_lettered' }), timestamp };
}
