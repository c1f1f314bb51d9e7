/** The frames of the subprotocol confab.xray.v1 as data: `GET /v1/admin/conversations/{conversationId}/xray`. */
import { CONVERSATION_ID_FORM } from '../platform/conversation-key.js';
import { faultFields, frame, sessionFrames, type FrameDefinition } from '../platform/http/frame.js';
import { STORY_TOPICS, type RecordView } from './record-view.js';

/** Comes after the records that the conversation already had: from here on they are live. */
export interface XrayReady {
  readonly type: 'ready';
  readonly conversationId: string;
  readonly partition: number;
  /** Older messages exist that were not sent. */
  readonly earlier: boolean;
  /** Topics of the conversation that this server may not read. */
  readonly unreadable: readonly string[];
}

export interface XrayRecord extends RecordView { readonly type: 'record' }

export interface XrayError { readonly type: 'error'; readonly code: string; readonly detail: string; readonly retryAfterMs?: number }

export type XrayFrame = XrayReady | XrayRecord | XrayError;

const id = { type: 'string', pattern: CONVERSATION_ID_FORM.source } as const;
const text = { type: 'string' } as const;
const time = { type: 'string', format: 'date-time' } as const;
const millis = { type: ['integer', 'null'] } as const;
const whole = { type: 'integer' } as const;

/** Fields of a record as HTTP and frames show it. */
export const recordFields = {
  required: {
    topic: { enum: STORY_TOPICS, description: 'Without prefix.' },
    partition: whole,
    offset: whole,
    position: { type: ['string', 'null'], format: 'position', description: 'Of the message that the record belongs to; null when it does not say.' },
    messageId: { type: ['string', 'null'] },
    stage: { ...text, description: 'Who wrote it: `ingress`, `intent`, `dialogue`, `egress`; of a dead letter the stage that gave up.' },
    acceptedAt: { ...time, description: 'Acceptance of the message.' },
    at: { type: ['string', 'null'], format: 'date-time', description: 'When the record was made; null where it does not say.' },
    sinceAcceptedMs: { ...millis, description: 'From acceptance to `at`, milliseconds.' },
    sincePreviousMs: { ...millis, description: 'From the hop before, milliseconds.' },
    summary: { ...text, description: 'What it says, on one line.' },
    value: { description: 'The record as JSON, bytes in base64; null: a tombstone; `{"undecodable","reason"}`: bytes that are no record.' },
  },
  optional: {
    intent: { type: ['string', 'null'], description: 'Of intents.v1 and replies.v1.' },
    confidence: { type: 'number', description: '0 to 1.' },
    stateChange: {
      type: ['array', 'null'], description: 'Of dialogue-states.v1: what is different from the state before; null when that one is not known.',
      items: { type: 'object', required: ['path', 'from', 'to'], properties: { path: text, from: {}, to: {} } },
    },
    clipped: { type: 'boolean', description: 'Long texts of `value` were cut.' },
  },
} as const;

export const xrayFrames = {
  record: frame('server', 'record', 'A record of the conversation: first those of its last messages, after `ready` each as it is committed.', recordFields.required, recordFields.optional),
  ready: frame('server', 'ready', 'What the conversation had already has been sent; from now on records are live.', {
    conversationId: id, partition: whole,
    earlier: { type: 'boolean', description: 'There are older messages, which were not sent.' },
    unreadable: { type: 'array', items: text, description: 'Topics that this server may not read.' },
  }),
  error: frame('server', 'error', 'The log could not be read; the socket stays and goes on by itself when it can.', faultFields.required, faultFields.optional),
  ...sessionFrames,
} as const satisfies Record<string, FrameDefinition>;
