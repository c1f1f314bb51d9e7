/** For tests: messages without an outcome or with too many, in the wrong order, or never asked for. */
import type { BotReply, DeadLetter, IntentDetected, Message } from '../../../schemas/types.js';
import { copy, insertLater, keyOf, messageOf, neighbours, offsetOf, openLetter, replied, swap, type Defect } from './defect.js';
import type { Planned } from './history.js';

export const OUTCOME_DEFECTS: Readonly<Record<string, Defect>> = {
  'stage intent dropped a message': (h) => ({ kind: 'lost', topic: 'messages.v1', message: h.accept(keyOf(h)).offset }),
  'stage dialogue dropped a message': (h) => {
    const message = h.accept(keyOf(h));
    h.toIntent(message);
    return { kind: 'lost', topic: 'messages.v1', message: message.offset };
  },
  'a reply is gone, its state is not': (h) => {
    const reply = replied(h);
    if (reply === undefined) return undefined;
    h.replies.splice(h.replies.indexOf(reply), 1);
    return { kind: 'lost', topic: 'messages.v1', message: offsetOf((reply.value as BotReply).position), also: ['unasked'] };
  },
  'a message that stage intent has not passed': (h) => {
    h.behind.intent += 1;
    return { kind: 'stuck', topic: 'messages.v1', message: h.accept(keyOf(h)).offset };
  },
  'a message that stage dialogue has not passed': (h) => {
    const message = h.accept(keyOf(h));
    h.toIntent(message);
    h.behind.dialogue += 1;
    return { kind: 'stuck', topic: 'messages.v1', message: message.offset };
  },
  'an answer twice': (h) => {
    const reply = replied(h);
    if (reply === undefined) return undefined;
    const record = copy(reply);
    insertLater(h, h.replies, reply, record);
    return { kind: 'doubled', topic: 'replies.v1', message: offsetOf((reply.value as BotReply).position), record };
  },
  'understood twice': (h) => {
    const intent = h.pick(h.intents);
    const record = copy(intent);
    insertLater(h, h.intents, intent, record);
    return { kind: 'doubled', topic: 'intents.v1', message: offsetOf((intent.value as IntentDetected).position), record };
  },
  'an answer and a dead letter': (h) => {
    const reply = replied(h);
    if (reply === undefined) return undefined;
    const message = messageOf(h, offsetOf((reply.value as BotReply).position));
    return { kind: 'doubled', topic: 'dead-letters.v1', message: message.offset, record: h.letter(message, { stage: 'dialogue', topic: 'intents.v1' }), also: ['reordered'] };
  },
  'understood and a dead letter of stage intent': (h) => {
    const message = h.accept(keyOf(h));
    h.toIntent(message);
    return { kind: 'doubled', topic: 'dead-letters.v1', message: message.offset, record: h.letter(message) };
  },
  'a dead letter twice': (h) => {
    const message = h.accept(keyOf(h));
    h.letter(message);
    return { kind: 'doubled', topic: 'dead-letters.v1', message: message.offset, record: h.letter(message) };
  },
  'a message accepted twice under one id': (h) => {
    const first = h.pick(h.messages.filter(({ value }) => (value as Message).retryOf === null));
    const again = h.turn(first.key, { messageId: (first.value as Message).messageId, idempotencyKeyHash: null });
    return { kind: 'doubled', topic: 'messages.v1', message: again.offset };
  },
  'a message accepted twice under one idempotency key': (h) => {
    const key = keyOf(h);
    h.turn(key, { idempotencyKeyHash: 'twice' });
    for (let i = 0; i < 5; i += 1) h.turn(keyOf(h));
    return { kind: 'doubled', topic: 'messages.v1', message: h.turn(key, { idempotencyKeyHash: 'twice' }).offset };
  },
  'a letter retried twice': (h) => {
    const letter = openLetter(h);
    const { messageId } = letter.value as DeadLetter;
    const change = { messageId: messageId ?? '', idempotencyKeyHash: null, retryOf: h.idOf(letter) };
    h.turn(letter.key, change);
    h.close(letter, 'retried');
    return { kind: 'doubled', topic: 'messages.v1', message: h.turn(letter.key, change).offset, also: ['unasked'] };
  },
  'a letter closed twice': (h) => {
    const letter = openLetter(h);
    h.close(letter, 'discarded');
    return { kind: 'doubled', topic: 'dead-letters.v1', record: h.close(letter, 'discarded') };
  },
  'a letter closed as retried without its retry': (h) => {
    const letter = openLetter(h);
    h.pass(60_000);
    return { kind: 'lost', topic: 'dead-letters.v1', record: h.close(letter, 'retried') };
  },
  'a retry of a letter that nobody closed': (h) => {
    const letter = openLetter(h);
    return { kind: 'unasked', topic: 'messages.v1', message: h.turn(letter.key, { messageId: (letter.value as DeadLetter).messageId ?? '', idempotencyKeyHash: null, retryOf: h.idOf(letter) }).offset };
  },
  'a retry of another message': (h) => {
    const letter = openLetter(h);
    const retry = h.turn(letter.key, { idempotencyKeyHash: null, retryOf: h.idOf(letter) });
    h.close(letter, 'retried');
    return { kind: 'misplaced', topic: 'messages.v1', message: retry.offset };
  },
  'a closing of no letter': (h) => {
    const letter = openLetter(h);
    h.letters.pop();
    return { kind: 'unasked', topic: 'dead-letters.v1', record: h.close(letter, 'discarded'), also: ['lost'] };
  },
  'answers in the wrong order': (h) => {
    const pair = neighbours(h, h.replies);
    if (pair === undefined) return undefined;
    swap(h.replies, ...pair);
    return { kind: 'reordered', topic: 'replies.v1', message: offsetOf((pair[0].value as BotReply).position), record: pair[0] };
  },
  'understood in the wrong order': (h) => {
    const pair = neighbours(h, h.intents);
    if (pair === undefined) return undefined;
    swap(h.intents, ...pair);
    return { kind: 'reordered', topic: 'intents.v1', message: offsetOf((pair[0].value as IntentDetected).position), record: pair[0] };
  },
  'dead letters of one stage in the wrong order': (h) => {
    const key = keyOf(h);
    const [first, second] = [h.accept(key), h.accept(key)];
    h.letter(second);
    return { kind: 'reordered', topic: 'dead-letters.v1', message: first.offset, record: h.letter(first) };
  },
  'an answer without a message': (h) => {
    const message = h.accept(keyOf(h));
    h.toReply(h.toIntent(message));
    h.intents.pop();
    h.states.pop();
    h.messages.pop();
    return { kind: 'unasked', topic: 'replies.v1', message: message.offset, record: h.replies.at(-1) as Planned };
  },
  'understood without a message': (h) => {
    const message = h.accept(keyOf(h));
    const record = h.toIntent(message);
    h.messages.pop();
    return { kind: 'unasked', topic: 'intents.v1', message: message.offset, record };
  },
  'an answer to what was never understood': (h) => {
    const intent = h.pick(h.intents.filter(({ value }) => h.replies.some((reply) => (reply.value as BotReply).position === (value as IntentDetected).position)));
    h.intents.splice(h.intents.indexOf(intent), 1);
    return { kind: 'unasked', topic: 'messages.v1', message: offsetOf((intent.value as IntentDetected).position) };
  },
  'a delivery of no answer': (h) => {
    const message = h.accept(keyOf(h));
    h.letter(message);
    h.deliveries.push({ key: message.key, value: { position: h.position(message.offset), state: 'sent', channel: 'sms', providerId: null, errorCode: null, at: h.now }, timestamp: h.now, offset: -1 });
    return { kind: 'unasked', topic: 'messages.v1', message: message.offset };
  },
  'a delivery beyond the end': (h) => {
    const record: Planned = { key: keyOf(h), value: { position: h.position(9_999_999), state: 'read', channel: 'web', providerId: null, errorCode: null, at: h.now }, timestamp: h.now, offset: -1 };
    h.deliveries.push(record as never);
    return { kind: 'unasked', topic: 'deliveries.v1', message: 9_999_999, record };
  },
};
