/** For tests: records that cannot be read or stand in the wrong place, broken chains and states, counts and timers. */
import type { AnalyticsCount, BotReply, DialogueState, IntentDetected } from '../../../schemas/types.js';
import { copy, keyOf, offsetOf, replied, type Defect } from './defect.js';
import type { Planned } from './history.js';

export const CHAIN_DEFECTS: Readonly<Record<string, Defect>> = {
  'bytes that are no message': (h) => {
    const message = h.accept(keyOf(h));
    message.value = Buffer.from([0, 0, 0, 0, 99, 1]);
    return { kind: 'unreadable', topic: 'messages.v1', message: message.offset, also: ['lost'] };
  },
  'bytes that are no answer': (h) => {
    const record: Planned = { key: keyOf(h), value: Buffer.from('junk'), timestamp: h.now, offset: -1 };
    h.replies.push(record as never);
    return { kind: 'unreadable', topic: 'replies.v1', record };
  },
  'a position that is none': (h) => {
    const record: Planned = { key: keyOf(h), value: { ...h.states[0]?.value as DialogueState, reflects: 'nowhere' }, timestamp: h.now, offset: -1 };
    h.states.push(record as never);
    return { kind: 'unreadable', topic: 'dialogue-states.v1', record };
  },
  'an answer in another conversation': (h) => {
    const message = h.turn(h.keys(1)[0] ?? '');
    const record = h.replies.at(-1) as Planned<BotReply>;
    record.key = h.keys(1)[0] ?? '';
    return { kind: 'misplaced', topic: 'replies.v1', message: message.offset, record };
  },
  'an answer that names another message': (h) => {
    const reply = replied(h);
    if (reply === undefined) return undefined;
    reply.value = { ...reply.value as BotReply, replyId: 'another-01' };
    return { kind: 'misplaced', topic: 'replies.v1', message: offsetOf(reply.value.position), record: reply };
  },
  'a conversation in the wrong partition': (h) => {
    if (h.partitions < 2) return undefined;
    return { kind: 'misplaced', topic: 'messages.v1', message: h.turn(h.keys(1, (h.partition + 1) % h.partitions)[0] ?? '').offset };
  },
  'an answer with a time of its own': (h) => {
    const reply = replied(h);
    if (reply === undefined) return undefined;
    reply.timestamp += 1;
    return { kind: 'mistimed', topic: 'replies.v1', message: offsetOf((reply.value as BotReply).position), record: reply };
  },
  'understood at a time of its own': (h) => {
    const intent = h.pick(h.intents);
    intent.timestamp -= 7;
    return { kind: 'mistimed', topic: 'intents.v1', message: offsetOf((intent.value as IntentDetected).position), record: intent };
  },
  'a chain that skips an answer': (h) => {
    const key = keyOf(h);
    h.turn(key);
    const skipped = (h.replies.at(-1)?.value as BotReply).prev;
    const message = h.turn(key);
    const record = h.replies.at(-1) as Planned<BotReply>;
    record.value = { ...record.value as BotReply, prev: skipped };
    return { kind: 'unchained', topic: 'replies.v1', message: message.offset, record };
  },
  'a chain that begins anew': (h) => {
    const key = keyOf(h);
    h.turn(key);
    const message = h.turn(key);
    const record = h.replies.at(-1) as Planned<BotReply>;
    record.value = { ...record.value as BotReply, prev: null };
    return { kind: 'unchained', topic: 'replies.v1', message: message.offset, record };
  },
  'a chain through a dead letter': (h) => {
    const key = keyOf(h);
    const dead = h.accept(key);
    h.letter(dead);
    const message = h.turn(key);
    const record = h.replies.at(-1) as Planned<BotReply>;
    record.value = { ...record.value as BotReply, prev: h.position(dead.offset) };
    return { kind: 'unchained', topic: 'replies.v1', message: message.offset, record };
  },
  'an answer without its state': (h) => {
    const message = h.turn(keyOf(h));
    h.states.pop();
    return { kind: 'diverged', topic: 'messages.v1', message: message.offset };
  },
  'a state that skips an input': (h) => {
    const key = keyOf(h);
    h.turn(key);
    h.turn(key);
    h.states.pop();
    const message = h.turn(key);
    // A commit writes one state for several inputs, so what is wrong is not the distance but the count.
    const record = h.states.at(-1) as Planned<DialogueState>;
    const { value } = record;
    record.value = { ...value as DialogueState, turns: (value as DialogueState).turns - 1 };
    h.changeStates = (states) => states.filter((one) => one.key !== key).concat(h.states.filter((one) => one.key === key).slice(-2));
    return { kind: 'diverged', topic: 'messages.v1', message: message.offset };
  },
  'a state made from an older one': (h) => {
    const key = keyOf(h);
    h.turn(key);
    const message = h.turn(key);
    const record = h.states.at(-1) as Planned<DialogueState>;
    const { value } = record;
    record.value = { ...value as DialogueState, turns: (value as DialogueState).turns - 1 };
    h.changeStates = (states) => states.filter((one) => one.key !== key).concat(h.states.filter((one) => one.key === key).slice(-2));
    return { kind: 'diverged', topic: 'dialogue-states.v1', message: message.offset, record };
  },
  'an input reflected twice': (h) => {
    const message = h.turn(keyOf(h));
    const first = h.states.at(-1) as Planned<DialogueState>;
    const record = copy(first);
    h.changeStates = (states) => [...states.filter((one) => one !== first && one !== record), first, record];
    return { kind: 'diverged', topic: 'dialogue-states.v1', message: message.offset, record };
  },
  'a state of what went to the dead letters': (h) => {
    const message = h.turn(keyOf(h));
    h.replies.pop();
    h.letter(message, { stage: 'dialogue', topic: 'intents.v1' });
    return { kind: 'diverged', topic: 'messages.v1', message: message.offset };
  },
  'a count that is too high': (h) => {
    h.turn(keyOf(h));
    let record: Planned | undefined;
    h.changeCounts = (counts) => { record = counts.at(-1); if (record) record.value = { ...record.value as AnalyticsCount, replies: (record.value as AnalyticsCount).replies + 1 }; };
    return { kind: 'miscounted', topic: 'analytics.v1' };
  },
  'a count that lacks a reply': (h) => {
    h.turn(keyOf(h));
    h.changeCounts = (counts) => { const last = counts.at(-1); if (last) last.value = { ...last.value as AnalyticsCount, replies: (last.value as AnalyticsCount).replies - 1 }; };
    return { kind: 'miscounted', topic: 'analytics.v1' };
  },
  'a timer that never fired': (h) => {
    const message = h.turn(keyOf(h));
    const record: Planned = { key: `${message.key}\0remind`, value: { timerId: 'remind', botId: 'b', dueAt: h.now, setBy: h.position(message.offset), payload: null }, timestamp: message.timestamp, offset: -1 };
    h.timers.push(record as never);
    return { kind: 'stuck', topic: 'timers.v1', record };
  },
  'a timer set by nothing': (h) => {
    const record: Planned = { key: `${keyOf(h)}\0ghost`, value: { timerId: 'ghost', botId: 'b', dueAt: h.now + 86_400_000, setBy: h.position(8_888_888), payload: null }, timestamp: h.now, offset: -1 };
    h.timers.push(record as never);
    return { kind: 'unasked', topic: 'timers.v1', message: 8_888_888, record };
  },
};
