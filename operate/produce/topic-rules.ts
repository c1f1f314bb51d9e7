/** What a writer beside the pipeline may put into a topic, and what it may break where it is forced. */
import { CONVERSATION_ID_FORM, splitConversationKey, TENANT_FORM } from '../../platform/conversation-key.js';
import type { TopicDefinition } from '../../topology/define.js';
import { topology, type TopicName } from '../../topology/topology.js';

/** The stages that are the only writers of a topic; none: anybody may write to it. What re-enters shares its topic with people. */
export function ownersOf(topic: TopicName): string[] {
  if (topic === topology.deadLetters) return Object.keys(topology.stages);
  return Object.entries(topology.stages).filter(([, stage]) => (!('reenters' in stage) && (stage.writes as readonly string[]).includes(topic)) || ('state' in stage && stage.state === topic)).map(([name]) => name);
}

const DANGERS: Partial<Record<TopicName, string>> = {
  'intents.v1': 'a message may be answered twice, or its answer be dropped as late',
  'replies.v1': 'a message may have two outcomes, and a client that resumes may miss what `prev` does not link to',
  'dialogue-states.v1': 'a conversation may forget where it was, or say things again',
  'timers.v1': 'a timer comes of which the dialogue knows nothing, or one that it waits for does not',
  'analytics.v1': 'counts are replaced, not added to',
  'dead-letters.v1': 'an open letter is the outcome of its message, and a closing one closes a letter without doing what it says',
  'messages.v1': 'two messages may have the same id, or an idempotency key mean another message',
};

/** What a record that was forced may break, in a few words. */
export function dangerOf(topic: TopicName): string {
  return DANGERS[topic] ?? 'the stage that owns the topic does not know of it';
}

/** Fields of a Message that are settled where messages are accepted, and not by who sends them. */
export const SETTLED_FIELDS = ['messageId', 'idempotencyKeyHash', 'bodyHash', 'retryOf'] as const;

/** Why a key does not fit the topic; undefined: it does. */
export function keyFault({ key: form }: TopicDefinition, key: string): string | undefined {
  if (form === 'conversation') return isConversation(key) ? undefined : 'must be `<tenant>/<conversationId>`';
  if (form !== 'conversation+timer' && form !== 'conversation+node') return key === '' ? 'must not be empty' : undefined;
  const cut = key.indexOf('\0');
  return cut > 0 && isConversation(key.slice(0, cut)) && cut + 1 < key.length ? undefined : `must be \`<tenant>/<conversationId>\`, NUL and ${form === 'conversation+timer' ? 'the id of a timer' : 'a node'}`;
}

function isConversation(key: string): boolean {
  if (!key.includes('/')) return false;
  const { tenant, conversationId } = splitConversationKey(key);
  return TENANT_FORM.test(tenant) && CONVERSATION_ID_FORM.test(conversationId);
}
