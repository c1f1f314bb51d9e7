import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bot } from '../bot/index.js';
import { botOf, head } from '../bot/testing.js';
import { freshMemory } from './memory.js';
import { parseStored, readMemory, writeHistory, writeMemory } from './memory-form.js';
import { moveMemory } from './migrate.js';
import { createProgram } from './program.js';
import { Talk } from './testing.js';

const [V1, V9] = ['11aa11aa11aa11aa', '99bb99bb99bb99bb'];
const RESPONSES = '  ask_town: Town?\n  ask_day: Day?\n  sure: "{town} {day}?"\n  done: Done.\n  updated: I am new.\n  helping: How?\n';
const INTENTS = 'intents:\n  order: {examples: [order it, I order, one please, get me one, buy]}\n  help: {examples: [help, help me, what now, how so, aid]}\nentities:\n  day: {values: [Monday, Friday]}\n';
const SLOTS = 'slots:\n  town: {ask: ask_town, minLength: 2}\n  day: {entity: day, ask: ask_day}\n  tip: {ask: ask_town}\n';
const FLOWS = 'flows:\n  order: {on: order, do: [{ask: town}, {ask: day}, {confirm: {say: sure, yes: [{say: done}]}}]}\n  help: {on: help, do: [{say: helping}, {ask: tip}]}\n';
const older = botOf({ 'bot.yaml': `${head(RESPONSES)}restarted: updated\n`, 'f.yaml': INTENTS + SLOTS + FLOWS });

const newer = (migrations: string, change: (text: string) => string): Bot => botOf({ 'bot.yaml': `${head(RESPONSES)}restarted: updated\nversions: {onChange: migrate, migrations: ${migrations}}\n`, 'f.yaml': change(INTENTS + SLOTS + FLOWS) });
const renamed = (text: string): string => text.replaceAll('town', 'city').replaceAll('ask_city', 'ask_town').replace('  order: {on: order', '  buy: {on: order');

function at(question: 'town' | 'day' | 'confirm'): Talk {
  const talk = new Talk(older);
  talk.say('order it', { intent: 'order' });
  if (question !== 'town') talk.say('Rome');
  if (question === 'confirm') talk.say('Monday');
  return talk;
}

test('renamed flows and slots: each question is found again with what was told', () => {
  const texts = (text: string): string => renamed(text).replace('"{town} {day}?"', '"{city} {day}?"');
  const bot = botOf({ 'bot.yaml': `${head(RESPONSES.replace('{town}', '{city}'))}restarted: updated\nversions: {onChange: migrate, migrations: [{flows: {order: buy}, slots: {town: city}}]}\n`, 'f.yaml': texts(INTENTS + SLOTS + FLOWS) });
  const town = at('town');
  town.deploy(bot);
  assert.deepEqual([town.say('Rome'), town.slot('city')], [['Day?'], 'Rome']);
  const day = at('day');
  day.deploy(bot);
  assert.deepEqual([day.say('Friday'), day.stored.f?.[0]?.[0]], [['Rome Friday?'], 'buy']);
  const confirm = at('confirm');
  confirm.deploy(bot);
  assert.deepEqual(confirm.say('yes'), ['Done.']);
});

test('a step may move to another place; one that is gone begins its flow anew and says so', () => {
  const moved = newer('[{steps: {order.ask:day: order.ask:tip}}]', (text) => text.replace('{ask: day}, {confirm', '{ask: tip}, {confirm'));
  const talk = at('day');
  talk.deploy(moved);
  talk.say('Monday');
  assert.ok(talk.stored.s?.town === 'Rome');
  const gone = newer('[]', (text) => text.replace('{ask: day}, ', ''));
  const other = at('day');
  other.deploy(gone);
  assert.deepEqual(other.say('Friday'), ['I am new.', 'Rome ?']);
});

test('what was dropped is dropped: flows, slots, and values that do not fit any more', () => {
  const talk = at('day');
  talk.deploy(newer('[{flows: {order: ~}, slots: {town: ~}}]', (text) => text));
  assert.deepEqual(talk.say('Friday'), ['I am new.']);
  assert.deepEqual([talk.stored.f, talk.slot('town')], [undefined, undefined]);
  const strict = at('day');
  strict.deploy(newer('[]', (text) => text.replace('minLength: 2', 'minLength: 6')));
  strict.say('Friday');
  assert.deepEqual([strict.slot('town'), strict.slot('day')], [undefined, 'Friday']);
});

test('new slots get their values, and only migrations from the version of before count', () => {
  const program = (rules: string): ReturnType<typeof createProgram> => createProgram(newer(rules, (text) => text));
  const set = moveMemory({ v: 2, s: { town: 'Rome' } }, program('[{set: {tip: five, town: Oslo}}]'), 'v1');
  assert.deepEqual([...set.slots], ['Rome', '', 'five']);
  const from = program(`[{from: ['${V1}'], set: {tip: one}}, {from: ['${V9}'], set: {day: Monday}}]`);
  assert.deepEqual([...moveMemory({ v: 2 }, from, V1).slots], ['', '', 'one']);
  assert.deepEqual([...moveMemory({ v: 2 }, from, V9).slots], ['', 'Monday', '']);
});

test('a flow that was interrupted goes on behind its question in the new version', () => {
  const talk = at('day');
  talk.say('help', { intent: 'help' });
  talk.deploy(newer('[]', (text) => text.replace('{ask: town}, {ask: day}', '{say: helping}, {ask: town}, {ask: day}')));
  assert.deepEqual(talk.say('a lot'), ['Day?']);
});

test('the form of states: what is written is read again, and what is not ours is left out', () => {
  const program = createProgram(older);
  const memory = freshMemory(program);
  memory.slots[0] = 'Rome';
  memory.frames.push({ flow: 0, pc: 1, interrupted: true, saved: new Map([[1, 'Friday']]) }, { flow: 1, pc: 1, interrupted: false, saved: null });
  memory.waiting = 2;
  memory.attempts.set(2, 1).set(-2, 2);
  memory.missed = 1;
  memory.recent = [0];
  memory.answered = { flow: 0, slots: new Map([[0, 'Oslo']]) };
  memory.kept = { text: 'hm', intent: 'order', confidence: 0.4, entities: [['day', 'Monday']], offered: ['order', 'help'] };
  memory.reminders.set('soon', { due: 5, setBy: 'p' });
  memory.deferred = [1];
  const data = writeMemory(memory, program) ?? '';
  assert.deepEqual(readMemory(parseStored(data), program), memory);
  assert.equal(writeMemory(readMemory(parseStored(data), program), program), data);
  assert.equal(writeMemory(freshMemory(program), program), null);
  for (const strange of ['', '{', '7', '[]', 'null', '{"f":7,"s":{"x":"y"},"w":"none","q":"?","a":{"z":1},"l":["none",{}],"d":["none"],"r":["none"]}']) assert.equal(writeMemory(readMemory(parseStored(strange), program), program), null, strange);
});

test('the last lines stand beside the data, and go first where there is no room for both', () => {
  const program = createProgram(older);
  const memory = freshMemory(program);
  assert.equal(writeHistory(memory, null), null);
  memory.history = 'p hi';
  assert.equal(writeMemory(memory, program), null);
  assert.equal(writeHistory(memory, null), 'p hi');
  assert.equal(writeHistory(memory, 'x'.repeat(64_508)), 'p hi');
  assert.equal(writeHistory(memory, 'x'.repeat(64_509)), null);
  assert.equal(readMemory(parseStored('{"v":2,"h":"p before"}'), program).history, 'p before', 'as it was written before');
});
