/** A timer that has come, as the Message that the dialogue gets: the same one however often it is made. */
import { createHash } from 'node:crypto';
import type { Message, Timer } from '../../schemas/types.js';

/**
 * Its `payload` is what the dialogue left with the timer; its attributes say which timer (`timerId`), when it was due and
 * which input had set it: a dialogue that has cancelled it meanwhile can tell.
 */
export function timerMessage(key: string, timer: Timer): Message {
  return {
    kind: 'timer', messageId: messageIdOf(key, timer.dueAt), botId: timer.botId, channel: timer.channel, accountId: timer.accountId, userId: timer.userId,
    author: { type: 'system', name: null }, text: null, payload: timer.payload, replyId: null, locale: timer.locale,
    attributes: { timerId: timer.timerId, dueAt: new Date(timer.dueAt).toISOString(), setBy: timer.setBy },
    sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
  };
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID: 48 bits of time, 80 bits that follow from the timer's key. */
function messageIdOf(key: string, dueAt: number): string {
  const hash = createHash('sha256').update(key).digest();
  let bits = (BigInt(Math.max(0, Math.min(dueAt, 2 ** 48 - 1))) << 80n) | BigInt(`0x${hash.subarray(0, 10).toString('hex')}`);
  let id = '';
  for (let i = 0; i < 26; i += 1) {
    id = `${ALPHABET[Number(bits & 31n)] as string}${id}`;
    bits >>= 5n;
  }
  return id;
}
