import assert from 'node:assert/strict';
import { test } from 'node:test';
import { botOf, head } from '../bot/testing.js';
import { Talk, type Said } from './testing.js';

const bot = botOf({ 'bot.yaml': `${head(`  ask_name: Your name?
  ask_day: Which day?
  ask_reason: What is it about?
  sure: '{name} on {day}: {reason}?'
  done: Booked for {name}.
  noted: Noted.
  hours: Nine to five.
  dropped: Dropped.
`)}corrected: noted\ncancelled: dropped\n`, 'f.yaml': `
intents:
  book: {examples: [book a visit, an appointment please, I want to come, make an appointment, see a doctor]}
  hours: {reply: hours, examples: [when are you open, opening hours, what time do you close, hours, are you open]}
  stop: {role: cancel, examples: [stop it, never mind, forget it, cancel that, leave it]}
  again: {role: repeat, examples: [pardon, say that again, what did you say, again please, once more]}
entities:
  day: {values: [Monday, Tuesday, Friday]}
slots:
  name: {ask: ask_name, minLength: 2, maxLength: 30, introducedBy: [call me, I'm, my friends call me]}
  day: {entity: day, ask: ask_day}
  reason: {ask: ask_reason, minLength: 3}
flows:
  book: {on: book, do: [{ask: name}, {ask: day}, {ask: reason}, {confirm: {say: sure, yes: [{say: done}]}}]}
` });

/** A conversation that has come to the question whether all is right. */
function confirmed(name = 'Ann'): Talk {
  const talk = new Talk(bot);
  talk.say('book a visit', { intent: 'book' });
  talk.say(name);
  talk.say('Monday');
  talk.say('my knee hurts');
  return talk;
}

test('what introduces an answer is no part of it', () => {
  for (const [said, name] of [
    ['Ann', 'Ann'], ['My name is Ann Lee.', 'Ann Lee'], ['the name is Ann', 'Ann'], ["my name's Ann", 'Ann'], ['name: Ann', 'name: Ann'], ['Call me Ann!', 'Ann'], ["I'm Ann", 'Ann'], ['my friends call me Ann', 'Ann'], ['I’m Ann', 'Ann'],
    ['Isabella', 'Isabella'], ['Name', 'Name'], ['my name is', 'my name is'], ['my name is X', 'my name is X'],
  ] as const) {
    const talk = new Talk(bot);
    talk.say('book a visit', { intent: 'book' });
    assert.deepEqual(talk.say(said), ['Which day?'], said);
    assert.equal(talk.slot('name'), name, said);
  }
});

test('a free text is put right by its name, by what introduces it, or because it was said just now', () => {
  const cases: readonly (readonly [said: string, name: string, reason: string, Said?])[] = [
    ['no, my name is Anna', 'Anna', 'my knee hurts'], ['My name is Anna.', 'Anna', 'my knee hurts'], ['sorry, the name should be Anna Lee', 'Anna Lee', 'my knee hurts'], ['no, call me Anna', 'Anna', 'my knee hurts'],
    ['change the name to Anna', 'Anna', 'my knee hurts'], ['the reason is my back', 'Ann', 'my back'], ['no, I meant my back', 'Ann', 'my back'], ["sorry, it's my back", 'Ann', 'my back'], ["no, it's my back", 'Ann', 'my back'],
    ['I meant a check-up', 'Ann', 'a check-up', { intent: 'book', confidence: 0.6 }], ['actually fever', 'Ann', 'fever'],
  ];
  for (const [said, name, reason, how] of cases) {
    const talk = confirmed();
    assert.deepEqual(talk.say(said, how), ['Noted.', `${name} on Monday: ${reason}?`], said);
    assert.deepEqual([talk.slot('name'), talk.slot('reason'), talk.outcome], [name, reason, 'answered'], said);
    assert.deepEqual(talk.say('yes'), [`Booked for ${name}.`]);
  }
});

test('what is said while another question is open is put right too, and that question stays', () => {
  const talk = new Talk(bot);
  talk.say('book a visit', { intent: 'book' });
  talk.say('Bob');
  assert.deepEqual(talk.say('no, my name is Rob'), ['Noted.', 'Which day?']);
  assert.deepEqual(talk.say('actually Robert'), ['Noted.', 'Which day?']);
  assert.deepEqual(talk.say('Friday'), ['What is it about?']);
  assert.deepEqual(talk.say('no, my name is Rob Roy'), ['Noted.', 'What is it about?'], 'another free text is asked for');
  assert.deepEqual(talk.say('my name on the door sign'), ['Rob Roy on Friday: my name on the door sign?']);
});

test('after the last answer it is answered again', () => {
  const talk = confirmed();
  talk.say('yes');
  assert.deepEqual(talk.say('no, my name is Anna'), ['Anna on Monday: my knee hurts?']);
  assert.deepEqual(talk.say('yes'), ['Booked for Anna.']);
});

test('what says nothing, is a question, or does not fit, corrects nothing', () => {
  const cases: readonly (readonly [said: string, Said?])[] = [
    ['wait a second'], ['sorry, what was that?', { intent: 'again' }], ['no'], ['no, my name is A'], ['hmm'], ['actually, when are you open', { intent: 'hours' }], ['i meant?'], ['no, it is'], ["that's wrong"],
    ['my name is Ann'], [`my name is ${'x'.repeat(40)}`], [`no, my name is ${'y '.repeat(300)}`],
  ];
  for (const [said, how] of cases) {
    const talk = confirmed();
    talk.say(said, how);
    assert.deepEqual([talk.slot('name'), talk.slot('reason')], ['Ann', 'my knee hurts'], said);
  }
});

test('a wish to leave is no free text, and a free text is no wish to leave', () => {
  const talk = new Talk(bot);
  talk.say('book a visit', { intent: 'book' });
  assert.deepEqual(talk.say("I don't want to book a visit", { intent: 'book' }), ['Dropped.']);
  talk.say('book a visit', { intent: 'book' });
  assert.deepEqual(talk.say("it's Bob", { intent: 'stop', confidence: 0.42 }), ['Which day?'], 'an unsure intent gives up nothing');
  assert.equal(talk.slot('name'), "it's Bob");
  assert.deepEqual(talk.say('never mind', { intent: 'stop' }), ['Dropped.']);
  assert.deepEqual([talk.say('never mind', { intent: 'stop' }), talk.outcome], [['Dropped.'], 'answered'], 'where nothing goes on');
  assert.deepEqual([talk.say('qwop', { intent: 'stop', confidence: 0.5 }), talk.outcome], [['What?'], 'fallback']);
});

test('"introducedBy" is for free text', () => {
  assert.throws(() => botOf({ 'bot.yaml': head('  ask: Which?\n'), 'f.yaml': 'entities: {day: {values: [Monday]}}\nintents: {a: {reply: lost, examples: [a, b, c, d, e]}}\nslots: {day: {entity: day, ask: ask, introducedBy: [on]}}\n' }), /f\.yaml:3:\d+ slot "day": "introducedBy" is for slots without an entity/);
});
