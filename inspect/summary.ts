/** A record of a conversation in a few words, on one line. Foreign text comes through: who prints it makes it harmless. */
import type { BotReply, DeadLetter, DeliveryUpdate, DialogueState, IntentDetected, Message, Timer } from '../schemas/types.js';
import type { LogRecord } from '../platform/event-log/event-log.js';
import type { TopicName } from '../topology/topology.js';
import { toJson, type Decoded } from './decode.js';
import { STORY_TOPICS, type RecordView, type StateChange, type StoryTopic } from './record-view.js';
import { stateChanges } from './state-diff.js';

const LONGEST = 300;

/** What stands in a view beside the record. */
export type Said = Pick<RecordView, 'summary' | 'intent' | 'confidence'>;

/** @param bot version that answers, where it is known: its result is the one that counts */
export function sayRecord(topic: StoryTopic, value: unknown, changes: readonly StateChange[] | null, bot?: string): Said {
  switch (topic) {
    case 'messages.v1': return { summary: oneLine(sayMessage(value as Message)) };
    case 'intents.v1': return sayIntent(value as IntentDetected, bot);
    case 'replies.v1': return sayReply(value as BotReply);
    case 'dead-letters.v1': return { summary: oneLine(sayLetter(value as DeadLetter)) };
    case 'dialogue-states.v1': return { summary: oneLine(sayState(value as DialogueState, changes)) };
    case 'timers.v1': return { summary: oneLine(`${(value as Timer).timerId} is due at ${new Date((value as Timer).dueAt).toISOString()}`) };
    case 'deliveries.v1': return { summary: oneLine(sayDelivery(value as DeliveryUpdate)) };
  }
}

/** A record of any topic on one line, without what came before it. */
export function describeRecord(topic: TopicName, record: LogRecord, decoded: Decoded): string {
  if ('undecodable' in decoded) return `${decoded.undecodable.length} bytes that are no record of the topic (${decoded.reason})`;
  if ('tombstone' in decoded) return topic === 'timers.v1' ? `${oneLine(record.key?.split('\0')[1] ?? 'timer')} has fired or was cancelled` : 'removed';
  if (topic === 'dialogue-states.v1') return oneLine(`turn ${(decoded.value as unknown as DialogueState).turns}: ${stateChanges(null, { ...decoded.value as unknown as DialogueState, turns: 1 }).map(changeText).join(', ')}`);
  const story = STORY_TOPICS.find((name) => name === topic);
  return story === undefined ? oneLine(JSON.stringify(toJson(decoded, { maxText: LONGEST }))) : sayRecord(story, decoded.value, null).summary;
}

function sayMessage({ kind, text, payload, retryOf }: Message): string {
  const said = kind === 'text' ? textOf(text) : kind === 'attachment' || payload === null ? kind : `${kind} ${textOf(payload)}`;
  return retryOf === null ? said : `${said} (retry of dead letter ${retryOf})`;
}

function sayIntent({ results, message }: IntentDetected, bot: string | undefined): Said {
  const result = results.find(({ version }) => version === bot) ?? results[0];
  if (result === undefined) return { summary: message.kind === 'text' ? 'no result' : `${message.kind} passes through`, intent: null };
  const entities = result.entities.map(({ name, value }) => `${name}=${textOf(value)}`);
  const others = result.intent === null ? result.ranking.slice(0, 1).map(({ intent, confidence }) => `nearest ${intent} ${confidence.toFixed(2)}`) : [];
  return {
    summary: oneLine([result.intent === null ? 'no intent' : `${result.intent} ${result.confidence.toFixed(2)}`, ...others, ...entities].join(', ')),
    intent: result.intent, confidence: result.confidence,
  };
}

function sayReply({ parts, outcome, intent, confidence, handoff }: BotReply): Said {
  const texts = parts.map(({ text }) => textOf(text)).filter((text) => text !== '');
  const choices = parts.flatMap(({ quickReplies }) => quickReplies.map(({ title }) => `[${title}]`));
  const over = handoff === null ? [] : [`(handed to the ${handoff.to}${handoff.reason === null ? '' : `: ${handoff.reason}`})`];
  return { summary: oneLine([...(texts.length === 0 ? [`(${outcome})`] : texts), ...choices, ...over].join(' ')), intent, confidence };
}

function sayLetter({ status, stage, phase, errorCode, errorMessage, attempts, closes }: DeadLetter): string {
  if (closes !== null) return `${status}: closes ${closes}`;
  return `${stage} gave up (${phase}, ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}): ${errorCode}: ${errorMessage}`;
}

function sayState({ turns }: DialogueState, changes: readonly StateChange[] | null): string {
  if (changes === null) return `turn ${turns}; the state before it is not kept`;
  return changes.length === 0 ? `turn ${turns}; nothing else changed` : changes.map(changeText).join(', ');
}

/** One change on one line: `slots.day = friday`, `waitingFor: day → gone`. */
export function changeText({ path, from, to }: StateChange): string {
  const shown = (value: unknown): string => {
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(' > ');
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
  if (from === null) return `${path} = ${shown(to)}`;
  return `${path}: ${shown(from)} → ${to === null ? 'gone' : shown(to)}`;
}

function sayDelivery({ state, errorCode, channel }: DeliveryUpdate): string {
  return `${state} (${channel})${errorCode === null ? '' : `: ${errorCode}`}`;
}

function textOf(text: unknown): string {
  return typeof text === 'string' ? text : text === null ? '' : '(sealed)';
}

/** Long texts are cut: this is a line of a list. */
export function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const characters = Array.from(line.slice(0, LONGEST * 2));
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join('')}…` : line.slice(0, LONGEST * 2);
}
