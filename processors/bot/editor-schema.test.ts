import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { headSchema, partSchema, schemaText } from './editor-schema.js';
import { check, head } from './testing.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
const isHead = ajv.compile(headSchema());
const isPart = ajv.compile(partSchema());

/** Paths of what the schema does not take. */
function complaints(file: string, text: string): string[] {
  const validate = file === 'bot.yaml' ? isHead : isPart;
  return validate(parse(text, { version: '1.2', schema: 'core' })) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
}

test('every file of the example bots fits the schemas that editors get', () => {
  for (const bot of readdirSync(join(root, 'bots'), { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const folder = join(root, 'bots', bot.name);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.ya?ml$/.test(file) && !file.startsWith('tests'));
    assert.ok(files.length > 1);
    for (const file of files) assert.deepEqual(complaints(file, readFileSync(join(folder, file), 'utf8')), [], file);
  }
});

const INTENT = 'intents:\n  hi: {reply: lost, examples: [hi, hello, hey, good day, howdy]}\n';
const flow = (steps: string): string => head(`${INTENT}slots:\n  name: {ask: lost}\nflows:\n  main:\n    on: hi\n    do: [${steps}]\n`).replace('reply: lost, ', '');
const FULL = `${head(`  ask: {text: 'Which, {name|you}?', quickReplies: [A, {title: B, intent: hi}], buttons: [{title: See, url: 'https://example.com/{name}'}], image: {url: https://example.com/a.png, alt: a}, channels: {sms: {text: short}}, locales: {de: [Welche?], fr: {variants: [a, [b, c]]}}, rephrase: true}`)}
languages: [en, de, fr]
session: {timeout: 30m, resume: ask, ask: lost}
versions: {onChange: migrate, migrations: [{flows: {old: main, older: ~}, slots: {a: name}, steps: {old.ask:a: main.ask:name}, set: {name: x}}]}
disambiguate: {say: lost, margin: 0.2}
words: {cancel: [halt]}
${INTENT.replace('examples: [', 'role: affirm, title: {en: Greeting}, examples: {en: [').replace(']}', '], de: [a, b, c, d, "[Rom](city)"], fr: [e, f, g, h, i]}}')}
entities: {city: {values: {Rome: [Roma], Leeds: }, fuzzy: false}, n: {system: number}}
slots:
  name: {ask: ask, map: [{intent: hi, value: x}, {entity: city}, {text: true}], type: text, oneOf: [x, y], memory: user}
  many: {entity: n, type: integer, min: 1, max: 9, ask: ask}
  free:
flows:
  main:
    carry: [name]
    do:
      - {ask: name, id: first}
      - if: slots.name == 'x' and slots.many > 2
        then: [{set: {free: '{entities.city|here}'}}, {remind: {id: later, in: 10m, flow: other}}]
        else: [cancel]
      - confirm: {say: ask, yes: [{answer: {fallback: lost}}], no: [{forget_reminder: later}]}
      - if: {any: [{slot: name, is: x}, {not: {channel: web}}]}
        then: [{handoff: tired}]
      - end
  other: {do: [{call: main}]}
`;

test('a file that uses everything fits, and the bot has no fault', () => {
  assert.deepEqual(complaints('bot.yaml', FULL), []);
  assert.deepEqual(check({ 'bot.yaml': FULL }).faults, []);
});

/** Wrong in its form: the editor and the compiler both say so. */
const wrong: readonly [string, string, string][] = [
  ['an unknown key', 'bot.yaml', head(`${INTENT}falback: {say: lost}\n`)],
  ['no id', 'bot.yaml', head(INTENT).replace('id: test\n', '')],
  ['no fallback', 'bot.yaml', head(INTENT).replace('fallback: {say: lost}\n', '')],
  ['another format', 'bot.yaml', head(INTENT).replace('format: 1', 'format: 2')],
  ['an unknown section', 'x.yaml', 'intent: {}\n'],
  ['a head in a part', 'x.yaml', 'format: 1\n'],
  ['an intent without examples', 'bot.yaml', head('intents: {hi: {reply: lost}}\n')],
  ['a name with capitals', 'bot.yaml', head(`${INTENT}slots: {MySlot: {}}\n`)],
  ['a share above one', 'bot.yaml', head(`${INTENT}accept: 2\n`)],
  ['a text for a number', 'bot.yaml', head(`${INTENT}slots: {a: {retries: many}}\n`)],
  ['an unknown type of slot', 'bot.yaml', head(`${INTENT}slots: {a: {type: colour}}\n`)],
  ['an unknown step', 'bot.yaml', flow('{sya: lost}')],
  ['two steps in one', 'bot.yaml', flow('{say: lost, ask: name}')],
  ['a step without its value', 'bot.yaml', flow('{remind: {id: a}}')],
  ['no steps', 'bot.yaml', flow('')],
  ['a duration without a unit', 'bot.yaml', flow('{remind: {id: a, in: 10, flow: main}}')],
  ['an empty variant list', 'bot.yaml', head(`  x: {variants: []}\n${INTENT}`)],
  ['a role that is none', 'bot.yaml', head(INTENT.replace('reply: lost', 'role: king'))],
  ['an unknown key of a reply', 'bot.yaml', head(`  x: {text: a, quickReplies: [{titel: B}]}\n${INTENT}`)],
  ['an unknown policy', 'bot.yaml', head(`${INTENT}versions: {onChange: explode}\n`)],
];

for (const [what, file, text] of wrong) {
  test(`${what} is refused by the schema as by the compiler`, () => {
    assert.notDeepEqual(complaints(file, text), []);
    assert.ok(check(file === 'bot.yaml' ? { [file]: text } : { 'bot.yaml': head(INTENT), [file]: text }).faults.length > 0);
  });
}

test('the generated files are those of the shapes, and say what each key is for', () => {
  assert.equal(readFileSync(join(root, 'schemas', 'bot.schema.json'), 'utf8'), schemaText(headSchema()));
  assert.equal(readFileSync(join(root, 'schemas', 'bot-part.schema.json'), 'utf8'), schemaText(partSchema()));
  const { properties } = headSchema() as { properties: Record<string, { description?: string }> };
  assert.deepEqual(Object.entries(properties).filter(([, one]) => !one.description).map(([key]) => key), []);
});
