import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HistoryEvent } from '../../../client/src/index.js';
import { EMPTY, reduce, type Action, type Conversation } from './conversation.js';
import { markOf, openChoices, whoIsWriting, wordsOf } from './shown.js';

const conversationId = 'c';
const createdAt = '2026-01-01T12:00:00.000Z';
const position = (message: number, index = 0): string => `0000abcd-${String(message).padStart(12, '0')}-${String(index).padStart(2, '0')}`;
const message = (number: number, text = `message ${number}`): HistoryEvent => ({ type: 'message', conversationId, messageId: `M${number}`, position: position(number), author: { type: 'person' }, text, createdAt });
const reply = (number: number, more: object = {}): HistoryEvent => ({ type: 'reply', conversationId, position: position(number, 1), replyId: `M${number}-1`, inReplyTo: `M${number}`, author: { type: 'bot' }, text: `reply ${number}`, createdAt, ...more });
const outcome = (number: number, how: 'silent' | 'handed_off' | 'dead_lettered'): HistoryEvent => ({ type: 'outcome', conversationId, position: position(number), inReplyTo: `M${number}`, outcome: how });

const after = (...actions: Action[]): Conversation => actions.reduce(reduce, EMPTY);
const events = (...list: HistoryEvent[]): Action => ({ type: 'events', events: list });
const said = (key: string): Action => ({ type: 'said', key, text: `words of ${key}`, at: createdAt });
const accepted = (key: string, number: number): Action => ({ type: 'accepted', key, messageId: `M${number}`, position: position(number) });
const shown = ({ entries }: Conversation): string[] => entries.map((entry) => (entry.kind === 'said' ? entry.text : entry.kind === 'answer' ? entry.parts.join('|') : `to ${entry.to}`));
const marks = (state: Conversation): string[] => state.entries.flatMap((entry) => (entry.kind === 'said' ? [markOf(state, entry)] : []));

test('a page of history, newest first, stands oldest first, and an older one above it', () => {
  const state = after({ type: 'page', events: [reply(3), message(3)], next: position(3), truncated: false }, { type: 'page', events: [reply(1), message(1)], next: null, truncated: true });
  assert.deepEqual(shown(state), ['message 1', 'reply 1', 'message 3', 'reply 3']);
  assert.deepEqual([state.older, state.truncated], [null, true]);
});

test('what comes twice stands once', () => {
  const state = after(events(message(1), reply(1)), { type: 'page', events: [reply(1), message(1)], next: null, truncated: false });
  assert.deepEqual(shown(state), ['message 1', 'reply 1']);
});

test('the marks of a message: sending, accepted, answered', () => {
  const one = after(said('k'));
  const two = reduce(one, accepted('k', 1));
  const three = reduce(two, events(reply(1)));
  assert.deepEqual([marks(one), marks(two), marks(three)].flat(), ['sending', 'accepted', 'answered']);
});

test('a reply that overtakes the answer to its message stands behind it all the same', () => {
  const early = after(events(message(1), reply(1)), said('k'), events(reply(2)));
  assert.deepEqual(shown(early), ['message 1', 'reply 1', 'words of k', 'reply 2']);
  const late = reduce(early, accepted('k', 2));
  assert.deepEqual(shown(late), ['message 1', 'reply 1', 'words of k', 'reply 2']);
  assert.deepEqual(marks(late), ['answered', 'answered']);
});

test('of messages that were sent at once, each takes its own place', () => {
  const state = after(said('a'), said('b'), accepted('b', 2), accepted('a', 1));
  assert.deepEqual(shown(state), ['words of a', 'words of b']);
});

test('one own message that the stream tells of before its acceptance is not doubled', () => {
  assert.deepEqual(shown(after(said('k'), events(message(1)), accepted('k', 1))), ['words of k']);
});

test('a message of before a reload is found by its key', () => {
  const state = after(said('k'), events({ ...message(1), idempotencyKey: 'k' } as HistoryEvent));
  assert.deepEqual([shown(state), marks(state)], [['words of k'], ['accepted']]);
});

test('a message that stands without its key in a page, and with it in the stream, is one', () => {
  const page: Action = { type: 'page', events: [message(1)], next: null, truncated: false };
  const state = after(said('k'), page, events({ ...message(1), idempotencyKey: 'k' } as HistoryEvent));
  assert.deepEqual([shown(state), marks(state)], [['words of k'], ['accepted']]);
  assert.deepEqual(shown(after(said('k'), page, accepted('k', 1))), ['words of k'], 'only the page and the answer to the POST tell of it');
});

test('a message that was dead-lettered and tried again stands once, where it was said, and is answered', () => {
  const again: HistoryEvent = { ...message(1), position: position(3) };
  const late = reply(3, { replyId: 'M1-1', inReplyTo: 'M1', text: 'at last' });
  const story = [message(1), outcome(1, 'dead_lettered'), message(2), reply(2), again, late];
  const told = [
    after(events(...story)), after({ type: 'page', events: [...story].reverse(), next: null, truncated: false }),
    after({ type: 'page', events: [late, again, reply(2)], next: position(2), truncated: false }, { type: 'page', events: [message(2), outcome(1, 'dead_lettered'), message(1)], next: null, truncated: false }),
  ];
  for (const state of told) {
    assert.deepEqual(shown(state), ['message 1', 'message 2', 'reply 2', 'at last']);
    assert.deepEqual(marks(state), ['answered', 'answered']);
    assert.equal(state.drafts.length, 0);
  }
  const own = after(said('k'), events(again), accepted('k', 1));
  assert.deepEqual([own.entries.length, own.entries[0]?.position], [1, position(1)]);
});

test('a failed message says so, stays in its place and can be tried again', () => {
  const failed = after(said('k'), { type: 'failed', key: 'k', fault: 'too long' });
  assert.deepEqual(marks(failed), ['failed']);
  assert.deepEqual(marks(reduce(failed, { type: 'retried', key: 'k' })), ['sending']);
});

test('outcomes without a reply are marks of their message, also when they come first', () => {
  for (const how of ['silent', 'handed_off', 'dead_lettered'] as const) {
    assert.deepEqual(marks(after(events(message(1), outcome(1, how)))), [how]);
    assert.deepEqual(marks(after(said('k'), events(outcome(1, how)), accepted('k', 1))), [how]);
  }
});

test('a reply grows by its pieces, index 0 starts it over, a gap waits, and the whole one takes its place', () => {
  const delta = (index: number, text: string): Action => ({ type: 'delta', delta: { type: 'delta', conversationId, replyId: 'M1-1', index, text } });
  const growing = after(events(message(1)), delta(0, 'Your par'), delta(1, 'cel'));
  assert.deepEqual(growing.drafts.map(({ text }) => text), ['Your parcel']);
  assert.deepEqual(reduce(growing, delta(3, 'lost')).drafts.map(({ text }) => text), ['Your parcel']);
  assert.deepEqual(reduce(growing, delta(0, 'Again')).drafts.map(({ text }) => text), ['Again']);
  const whole = reduce(growing, events(reply(1)));
  assert.deepEqual([whole.drafts, shown(whole)], [[], ['message 1', 'reply 1']]);
  assert.deepEqual(reduce(whole, delta(0, 'late')).drafts, []);
});

test('an outcome ends a draft as well', () => {
  const state = after(events(message(1)), { type: 'delta', delta: { type: 'delta', conversationId, replyId: 'M1-1', index: 0, text: 'Y' } }, events(outcome(1, 'dead_lettered')));
  assert.deepEqual(state.drafts, []);
});

test('somebody is writing while an accepted message has no outcome, or a frame says so; a draft speaks for itself', () => {
  const waiting = after(events(message(1)));
  assert.deepEqual(whoIsWriting(waiting), { type: 'bot' });
  assert.equal(whoIsWriting(reduce(waiting, events(reply(1)))), undefined);
  assert.equal(whoIsWriting(after(said('k'))), undefined, 'not before the server has it');
  const agent = after(events(message(1), outcome(1, 'handed_off')), { type: 'typing', typing: { type: 'typing', conversationId, author: { type: 'agent', name: 'Ada' } }, at: 0 });
  assert.deepEqual(whoIsWriting(agent), { type: 'agent', name: 'Ada' });
  assert.equal(whoIsWriting(reduce(agent, { type: 'quiet' })), undefined);
  assert.equal(whoIsWriting(reduce(waiting, { type: 'delta', delta: { type: 'delta', conversationId, replyId: 'M1-1', index: 0, text: 'Y' } })), undefined);
});

test('choices are open while nothing was said after them; a chosen one is shown by its title, also after a reload', () => {
  const quickReplies = [{ title: 'Track a parcel', payload: 'intent:track_parcel' }];
  const asked = after(events(message(1), reply(1, { quickReplies })));
  assert.deepEqual(openChoices(asked), { replyId: 'M1-1', choices: quickReplies });
  const chosen = reduce(asked, events({ type: 'message', conversationId, messageId: 'M2', position: position(2), author: { type: 'person' }, postback: { payload: 'intent:track_parcel', replyId: 'M1-1' }, createdAt }));
  assert.equal(openChoices(chosen), undefined);
  const last = chosen.entries.at(-1);
  assert.equal(last?.kind === 'said' ? wordsOf(chosen, last) : '', 'Track a parcel');
});

test('a handover stands in its place', () => {
  assert.deepEqual(shown(after(events(message(1), { type: 'handoff', conversationId, position: position(1, 2), to: 'person' }, message(2)))), ['message 1', 'to person', 'message 2']);
});
