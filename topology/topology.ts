/** The declaration of Confab: every topic and every stage. Types, topics, rights, manifests and docs come from it. */
import type { RecordTypes } from '../schemas/types.js';
import { defineTopology } from './define.js';

const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

export const topology = defineTopology({
  topics: {
    'messages.v1': {
      record: 'Message', key: 'conversation', partitions: 'conversation', cleanup: 'delete', retention: 14 * DAY, maxAppendAge: 10 * SECOND,
      purpose: 'Every input of a conversation: the one door.',
    },
    'intents.v1': {
      record: 'IntentDetected', key: 'conversation', partitions: 'conversation', cleanup: 'delete', retention: 14 * DAY,
      purpose: 'What was understood of each message; carries the message on.',
    },
    'replies.v1': {
      record: 'BotReply', key: 'conversation', partitions: 'conversation', cleanup: 'delete', retention: 14 * DAY,
      purpose: 'The outcome of each message, exactly one.',
    },
    'dialogue-states.v1': {
      record: 'DialogueState', key: 'conversation', partitions: 'conversation', cleanup: 'compact,delete', retention: 90 * DAY,
      purpose: 'Where each conversation stands; Redis is a view of it.',
    },
    'timers.v1': {
      record: 'Timer', key: 'conversation+timer', partitions: 'conversation', cleanup: 'compact',
      purpose: 'Timers that are set.',
    },
    'analytics.v1': {
      record: 'AnalyticsCount', key: 'count', partitions: 'conversation', cleanup: 'compact,delete', retention: 90 * DAY,
      purpose: 'Counts and latencies by minute, bot, channel, intent and input partition.',
    },
    'deliveries.v1': {
      record: 'DeliveryUpdate', key: 'conversation', partitions: 'conversation', cleanup: 'delete', retention: 30 * DAY,
      purpose: 'What became of replies on their way to the person.',
    },
    'presence.v1': {
      record: 'Presence', key: 'conversation+node', partitions: 'conversation', cleanup: 'compact,delete', retention: DAY,
      purpose: 'Who is connected: one record for each conversation and node that has sockets of it.',
    },
    'dead-letters.v1': {
      record: 'DeadLetter', key: 'conversation', partitions: 'conversation', cleanup: 'delete', retention: 30 * DAY,
      purpose: 'Records that a stage could not process, whole, with the reason.',
    },
    'bots.v1': { record: 'BotVersion', key: 'name', partitions: 1, cleanup: 'compact', purpose: 'Versions of bots.' },
    'settings.v1': { record: 'Setting', key: 'name', partitions: 1, cleanup: 'compact', purpose: 'Flags and settings changed at run time.' },
    'revocations.v1': { record: 'Revocation', key: 'revocation', partitions: 1, cleanup: 'compact', purpose: 'Tokens that are refused before they end.' },
    'user-keys.v1': { record: 'UserKey', key: 'subject', partitions: 1, cleanup: 'compact', purpose: 'Sealing keys of data subjects.' },
  },
  stages: {
    intent: {
      reads: ['messages.v1'], writes: ['intents.v1'], follows: ['bots.v1', 'revocations.v1'], scope: 'conversation', budget: 30 * SECOND,
      purpose: 'Finds the intent and the entities of each message.',
    },
    dialogue: {
      reads: ['intents.v1'], writes: ['replies.v1', 'timers.v1'], state: 'dialogue-states.v1', follows: ['bots.v1', 'settings.v1', 'revocations.v1'], scope: 'conversation', budget: 30 * SECOND,
      purpose: 'Holds the conversation: one reply for each message.',
    },
    timers: {
      reads: ['timers.v1'], writes: ['messages.v1'], state: 'timers.v1', follows: ['revocations.v1'], scope: 'partition', reenters: true, budget: 30 * SECOND,
      purpose: 'Keeps the timers of conversations and puts them in at the one door when they are due.',
    },
    analytics: {
      reads: ['replies.v1'], writes: ['analytics.v1'], state: 'analytics.v1', follows: ['revocations.v1'], scope: 'partition', commitEvery: SECOND, budget: 30 * SECOND,
      purpose: 'Counts replies and their latency by minute.',
    },
  },
  edges: {
    ingress: { writes: ['messages.v1'], reads: ['messages.v1'], follows: ['bots.v1', 'revocations.v1'], purpose: 'Accepts messages over HTTP and WebSocket.' },
    egress: {
      reads: ['replies.v1', 'dead-letters.v1', 'messages.v1'], writes: ['deliveries.v1', 'presence.v1', 'revocations.v1'], follows: ['bots.v1', 'settings.v1', 'revocations.v1'], inspects: ['intents.v1', 'dialogue-states.v1', 'timers.v1', 'deliveries.v1', 'presence.v1'],
      purpose: 'Pushes outcomes over WebSockets and serves history; X-ray shows operators the rest of a conversation, who also revoke tokens here.',
    },
    'dead-letters': {
      reads: ['dead-letters.v1', 'messages.v1', 'intents.v1'], writes: ['messages.v1', 'dead-letters.v1'], command: true,
      purpose: 'Operators retry and discard dead letters.',
    },
    deployer: {
      follows: ['bots.v1', 'settings.v1'], writes: ['bots.v1', 'settings.v1'], command: 'writes',
      purpose: 'Operators deploy, promote and roll back bots, and change settings.',
    },
    inspect: {
      inspects: [
        'messages.v1', 'intents.v1', 'replies.v1', 'dialogue-states.v1', 'timers.v1', 'analytics.v1', 'deliveries.v1', 'presence.v1', 'dead-letters.v1', 'bots.v1', 'settings.v1', 'revocations.v1',
      ],
      command: 'reads', purpose: 'Operators look: audit, tail, conversation, lag; rebuild reads the states.',
    },
  },
  deadLetters: 'dead-letters.v1',
});

export type TopicName = keyof typeof topology.topics;
export type StageName = keyof typeof topology.stages;
export type EdgeName = keyof typeof topology.edges;

/** The record type of a topic. */
export type RecordOf<T extends TopicName> = RecordTypes[(typeof topology.topics)[T]['record']];
/** The value of a record of it: null is a tombstone, where the topic is compacted. */
export type ValueOf<T extends TopicName> = RecordOf<T> | ((typeof topology.topics)[T]['cleanup'] extends 'delete' ? never : null);
export type ReadsOf<S extends StageName> = (typeof topology.stages)[S]['reads'][number];
export type WritesOf<S extends StageName> = (typeof topology.stages)[S]['writes'][number];
export type StateTopicOf<S extends StageName> = (typeof topology.stages)[S] extends { readonly state: infer T extends TopicName } ? T : never;
export type StateOf<S extends StageName> = (typeof topology.stages)[S] extends { readonly state: infer T extends TopicName } ? RecordOf<T> : never;

/** Full names on the log. */
export const topicName = (prefix: string, topic: TopicName): string => `${prefix}${topic}`;
export const groupName = (prefix: string, reader: StageName | EdgeName): string => `${prefix}confab.${reader}`;
