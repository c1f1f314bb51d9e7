import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IntentResult, Message } from '../../schemas/types.js';
import { fixedBots } from '../bot/index.js';
import { botOf, head } from '../bot/testing.js';
import type { StageContext, StageInput } from '../stage.js';
import { createIntentStage } from './index.js';

const AT = Date.parse('2026-11-25T10:00:00Z');
const BOT = botOf({ 'bot.yaml': `languages: [en, de]\n${head(`
intents:
  book:
    reply: lost
    examples:
      en: ['book a table in [Rome](city)', 'a table in [Leeds](city) please', 'I need a table in [Oslo](city)', 'could you book a table in [Paris](city) for us', 'a table for tomorrow', 'we want to eat this evening']
      de: ['einen Tisch in [Rom](city) bitte', 'ich brauche einen Tisch in [Leeds](city)', 'bitte einen Tisch in [Oslo](city) buchen', 'wir möchten heute Abend essen', 'einen Tisch für morgen', 'können wir einen Tisch haben']
  hi:
    reply: lost
    examples: {en: [hello there, good morning to you, hi, hey you, good evening], de: [hallo zusammen, guten Morgen, moin, servus, guten Abend]}
entities:
  city: {learned: true}
  day: {system: date}
  people: {system: number}
`)}` });
const stage = createIntentStage({ bots: fixedBots([BOT]) });

function detect(text: string, more: Partial<Message> = {}): IntentResult | undefined {
  const value = { kind: 'text', text, botId: BOT.id, locale: null, attributes: {}, ...more } as Message;
  const input = { topic: 'messages.v1', partition: 0, offset: 1, key: 'default/a', timestamp: AT, value } as StageInput<'messages.v1'>;
  const made = stage.process(input, undefined, { epoch: '00000000', now: () => 0 } as StageContext);
  assert.ok('outputs' in made);
  const [output] = made.outputs;
  assert.ok(output?.topic === 'intents.v1' && output.value);
  return output.value.results[0];
}
const found = (text: string, more: Partial<Message> = {}): string[] => (detect(text, more)?.entities ?? []).map((one) => `${one.name}=${typeof one.value === 'string' ? one.value : ''}:${one.source}`);

test('days are counted from the acceptance of the message, in the time zone that it names', () => {
  assert.deepEqual(found('a table in Rome tomorrow'), ['city=Rome:learned', 'day=2026-11-26:system']);
  assert.ok(found('a table for tomorrow', { attributes: { timeZone: 'Pacific/Kiritimati' } }).includes('day=2026-11-27:system'));
});

test('words of time and number are read in the language of the text, whatever the locale of its sender', () => {
  assert.deepEqual(found('bitte einen Tisch für fünf übermorgen'), ['people=5:system', 'day=2026-11-27:system']);
  assert.deepEqual(found('einen Tisch für fünf übermorgen', { locale: 'en-GB' }), ['people=5:system', 'day=2026-11-27:system']);
});

test('the version of the model names that of the slots too', () => {
  assert.match(detect('hello there')?.model ?? '', /^[0-9a-f]+-[0-9a-f]{16}$/);
});
