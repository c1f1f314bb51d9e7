import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bot } from '../bot/index.js';
import { botOf, head } from '../bot/testing.js';
import { Talk } from './testing.js';

function withSession(session: string): Bot {
  return botOf({ 'bot.yaml': `${head(`  go_on: Shall we go on?
  ask_size: Size?
  ask_day: Day?
  done: '{size} on {day}.'
  hours: Nine to five.
  hours_on: 'On {day}: nine to five.'
  back: Back to it.
`)}session: ${session}\nresume: back\n`, 'f.yaml': `
intents:
  order: {examples: [order it, I order, one please, get me one, buy]}
  hours: {reply: hours, examples: [hours, when open, open when, times, opening]}
  on: {examples: [open on, hours on, day hours, which hours, what hours]}
  yes: {role: affirm, examples: [yes indeed, indeed, aye, right so, that is it]}
  stop: {role: cancel, examples: [halt it, end it, leave that, drop that, no more]}
entities:
  size: {values: [small, large]}
  day: {values: [Monday, Friday]}
slots:
  size: {entity: size, ask: ask_size}
  day: {entity: day, ask: ask_day}
flows:
  order: {on: order, do: [{ask: size}, {ask: day}, {say: done}]}
  on: {on: 'on', carry: day, do: [{ask: day}, {say: hours_on}]}
` });
}
const asking = withSession('{timeout: 30m, resume: ask, ask: go_on}');
const MINUTE = 60_000;

/** A conversation that was left at the question for the size. */
function left(bot: Bot, minutes = 31): Talk {
  const talk = new Talk(bot);
  assert.deepEqual(talk.say('order it', { intent: 'order' }), ['Size?']);
  talk.at += minutes * MINUTE;
  return talk;
}

test('within the time-out a question stays open', () => {
  assert.deepEqual(left(asking, 30).say('small'), ['Day?']);
});

test('past it, whether to go on is asked first, and what was said then counts', () => {
  const talk = left(asking);
  assert.deepEqual([talk.say('small'), talk.stored.q], [['Shall we go on?'], 'resume']);
  assert.deepEqual([talk.say('yes'), talk.slot('size')], [['Day?'], 'small']);
  assert.deepEqual(talk.say('Friday'), ['small on Friday.']);
  const other = left(asking);
  other.say('hm');
  assert.deepEqual(other.say('indeed', { intent: 'yes' }), ['Size?'], 'what was no answer is asked for');
});

test('whoever simply answers wants to go on', () => {
  const talk = left(asking);
  talk.say('hello?');
  assert.deepEqual(talk.say('large'), ['Day?']);
});

test('a no drops what was open', () => {
  for (const [said, intent] of [['no', null], ['halt it', 'stop']] as const) {
    const talk = left(asking);
    talk.say('hm');
    talk.say(said, { intent });
    assert.deepEqual([talk.stored.f, talk.stored.w], [undefined, undefined], said);
  }
  const talk = left(asking);
  talk.say('order it', { intent: 'order' });
  assert.deepEqual(talk.say('no'), ['Size?'], 'what was asked for before the no begins');
});

test('something else is done first, and then whether to go on is asked', () => {
  const talk = left(asking);
  assert.deepEqual(talk.say('when open', { intent: 'hours' }), ['Nine to five.', 'Shall we go on?']);
  assert.deepEqual(talk.say('yes'), ['Size?']);
  const later = left(asking);
  later.say('hm');
  assert.deepEqual(later.say('when open', { intent: 'hours' }), ['Nine to five.', 'Shall we go on?'], 'instead of an answer to it too');
});

test('"continue" goes on as if nothing were, and "fresh" begins anew', () => {
  assert.deepEqual(left(withSession('{timeout: 30m, resume: continue}'), 60 * 24).say('small'), ['Day?']);
  const fresh = left(withSession('{timeout: 30m, resume: fresh}'));
  assert.deepEqual([fresh.say('small'), fresh.stored.f, fresh.outcome], [['What?'], undefined, 'fallback']);
});

test('what was answered before the pause is not carried over it', () => {
  const talk = new Talk(asking);
  assert.deepEqual(talk.say('open on Monday', { intent: 'on' }), ['On Monday: nine to five.']);
  assert.deepEqual(talk.say('and Friday?'), ['On Friday: nine to five.']);
  talk.at += 31 * MINUTE;
  assert.deepEqual(talk.say('and Monday?'), ['What?']);
});

test('a reminder that fires or a reaction is no sign of the person', () => {
  const talk = left(asking, 20);
  talk.say('', { kind: 'reaction', payload: '+1' });
  talk.at += 15 * MINUTE;
  assert.deepEqual(talk.say('small'), ['Shall we go on?']);
});
