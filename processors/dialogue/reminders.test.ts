import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bot } from '../bot/index.js';
import { botOf, head } from '../bot/testing.js';
import { Talk } from './testing.js';

const withZone = (zone: string, remind: string): Bot => botOf({ 'bot.yaml': `${head("  due: 'It is due: {note}.'\n  set: Set.\n  ask_note: Note?\n")}timeZone: ${zone}\n`, 'f.yaml': `
intents:
  remind: {examples: [remind me, remind, a reminder, set one, remind us]}
  forget: {examples: [forget it then, no reminder, drop it, off, none]}
slots: {note: {ask: ask_note}, day: {}}
flows:
  remind: {on: remind, do: [{ask: note}, {set: {day: '2026-12-01'}}, ${remind}, {say: set}]}
  due: {do: [{say: due}]}
  forget: {on: forget, do: [{forget_reminder: one}, {say: set}]}
` });
const due = (talk: Talk): (string | undefined)[] => [...talk.timers.values()].map(({ dueAt }) => new Date(dueAt).toISOString());
function set(bot: Bot, attributes: Record<string, string> = {}): Talk {
  const talk = new Talk(bot);
  talk.say('remind me', { intent: 'remind' });
  talk.say('the cake', { attributes });
  return talk;
}

test('a time on a day is by the clocks of the person, else of the bot; one with an offset stands for itself', () => {
  const at = "{remind: {id: one, at: '{day}T09:00', flow: due}}";
  assert.deepEqual(due(set(withZone('UTC', at))), ['2026-12-01T09:00:00.000Z']);
  assert.deepEqual(due(set(withZone('America/New_York', at))), ['2026-12-01T14:00:00.000Z']);
  assert.deepEqual(due(set(withZone('America/New_York', at), { timeZone: 'Asia/Tokyo' })), ['2026-12-01T00:00:00.000Z']);
  assert.deepEqual(due(set(withZone('Europe/Berlin', at), { timeZone: 'no/where' })), ['2026-12-01T08:00:00.000Z']);
  assert.deepEqual(due(set(withZone('Europe/Berlin', "{remind: {id: one, at: '{day}', flow: due}}"))), ['2026-12-01T08:00:00.000Z'], 'a day alone: in the morning');
  assert.deepEqual(due(set(withZone('Europe/Berlin', "{remind: {id: one, at: '{day}T09:00+05:30', flow: due}}"))), ['2026-12-01T03:30:00.000Z']);
  assert.deepEqual(due(set(withZone('UTC', "{remind: {id: one, at: '{note}', flow: due}}"))), [], 'what is no time sets nothing');
});

test('it fires with the values that it was set for, once, and not after it was set anew or taken back', () => {
  const bot = withZone('UTC', '{remind: {id: one, in: 1h, flow: due}}');
  const talk = set(bot);
  assert.deepEqual(talk.fire('one'), ['It is due: the cake.']);
  assert.deepEqual([talk.outcome, talk.timers.size], ['timer', 0]);
  const again = set(bot);
  const [first] = [...again.timers];
  again.say('remind me', { intent: 'remind' });
  again.say('the pie');
  assert.deepEqual([again.timers.size, again.timers.has(first?.[0] ?? '')], [1, false]);
  assert.deepEqual(again.say('', { kind: 'timer', payload: first?.[1].payload ?? '', attributes: { timerId: first?.[0] ?? '' } }), [], 'the one of before comes too late to be cancelled');
  again.say('no reminder', { intent: 'forget' });
  assert.equal(again.timers.size, 0);
});

test('one that is past is due now, and one that is too far away is not set', () => {
  const past = set(withZone('UTC', "{remind: {id: one, at: '2020-01-01T00:00', flow: due}}"));
  assert.deepEqual(due(past), [new Date(past.at).toISOString()]);
  assert.deepEqual(due(set(withZone('UTC', "{remind: {id: one, at: '2099-01-01T00:00', flow: due}}"))), []);
});

test('while a person has the conversation it waits, and comes when the bot has it again', () => {
  const talk = set(withZone('UTC', '{remind: {id: one, in: 1h, flow: due}}'));
  talk.say('', { kind: 'handoff', payload: '{"to":"person"}' });
  assert.deepEqual([talk.fire('one'), talk.outcome], [[], 'handed_off']);
  assert.deepEqual(talk.say('', { kind: 'handoff', payload: '{"to":"bot"}' }), ['It is due: the cake.']);
});

test('what nobody set, or somebody made up, begins nothing', () => {
  const talk = set(withZone('UTC', '{remind: {id: one, in: 1h, flow: due}}'));
  for (const [payload, timerId] of [['{"timer":"one","flow":"due"}', 'one@made-up'], ['{"timer":"two","flow":"due"}', 'two@x'], ['{', ''], ['[]', ''], ['{"timer":7,"flow":{}}', '']] as const) {
    assert.deepEqual(talk.say('', { kind: 'timer', payload, attributes: { timerId } }), [], payload);
  }
  assert.equal(talk.timers.size, 1);
});
