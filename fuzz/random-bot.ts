/**
 * Random valid bots: every one of them compiles without a fault. Names and the types of slots are fixed, so that any step and
 * any condition may refer to them; what they are, which steps there are and how they nest is left to chance.
 */
import fc from 'fast-check';
import type { BotFile } from '../processors/bot/loader.js';

export const INTENTS = ['order', 'track', 'hours', 'yes', 'no', 'stop', 'fix'] as const;
export const ENTITIES = ['city', 'size_word', 'amount', 'code', 'yes_no'] as const;
export const LANGUAGES = ['en', 'de', 'pt-BR'] as const;
const RESPONSES = Array.from({ length: 9 }, (_, n) => `r${n}`);
const FLOWS = Array.from({ length: 7 }, (_, n) => `f${n}`);
const REMINDERS = ['soon', 'later'];

/** Fixed for each slot: what it is, and texts that it takes. */
const SLOTS = {
  note: { declared: {}, values: ['a', 'hello {name|you}', '{entities.city|nowhere}', '{attributes.plan|}'] },
  size: { declared: { oneOf: ['small', 'large'] }, values: ['small', 'LARGE'] },
  count: { declared: { type: 'integer', min: 0, max: 99 }, values: ['3', '12'] },
  price: { declared: { type: 'number' }, values: ['2.5', '-1'] },
  sure: { declared: { type: 'boolean' }, values: ['true', 'false'] },
  day: { declared: { type: 'date' }, values: ['2026-11-23', '2027-01-01'] },
  name: { declared: { memory: 'user' }, values: ['Ada', '{note}'] },
  place: { declared: { entity: 'city' }, values: ['Rome', '{entities.city}'] },
} as const;
const SLOT_NAMES = Object.keys(SLOTS) as (keyof typeof SLOTS)[];

const response = fc.constantFrom(...RESPONSES);
const flow = fc.constantFrom(...FLOWS);
const slot = fc.constantFrom(...SLOT_NAMES);
const words = fc.constantFrom('Yes.', 'Which, {name|friend}?', 'Your {size} parcel for {price|?}.', '{{braces}}', 'Über {place|dort} \u{1f44d}', '{entities.city|x} {intent.x|}'.replace(' {intent.x|}', ''), '{attributes.plan|none}', 'x'.repeat(200));
const bubbles = fc.oneof(words, fc.array(words, { minLength: 1, maxLength: 4 }));
const quickReply = fc.oneof(fc.constantFrom('Small', 'Large', 'yes'), fc.record({ title: fc.constantFrom('Order', '{size|Any}'), intent: fc.constantFrom(...INTENTS) }), fc.record({ title: fc.constant('Blue'), payload: fc.constantFrom('blue', 'large') }));
const button = fc.oneof(
  fc.record({ title: fc.constant('See'), url: fc.constantFrom('https://example.com', 'https://example.com/{place}?n={count|0}') }),
  fc.record({ title: fc.constant('Do'), payload: fc.constant('large') }), fc.record({ title: fc.constant('Track'), intent: fc.constantFrom(...INTENTS) }),
);
const content = fc.record({
  text: bubbles, quickReplies: fc.array(quickReply, { maxLength: 3 }), buttons: fc.array(button, { maxLength: 2 }),
  image: fc.constant({ url: 'https://example.com/{place|x}.png', alt: 'A picture' }),
}, { requiredKeys: ['text'] });
const localForm = fc.oneof(bubbles, fc.record({ text: bubbles, channels: fc.record({ sms: content }) }));
const anyResponse = fc.oneof(words, fc.array(words, { minLength: 1, maxLength: 3 }), fc.record({ variants: fc.array(bubbles, { minLength: 1, maxLength: 3 }) }), content,
  fc.record({ text: bubbles, locales: fc.record({ de: localForm, 'pt-BR': localForm }, { requiredKeys: [] }), channels: fc.record({ sms: content, whatsapp: bubbles }, { requiredKeys: [] }), rephrase: fc.boolean() }, { requiredKeys: ['text'] }));

const test = fc.oneof(
  fc.constantFrom("slots.size == 'large'", "slots.size in ['small', 'large']", 'slots.note', "slots.note != 'a'", 'slots.sure', 'slots.sure == false', 'slots.count > 3', 'slots.count <= slots.price',
    "slots.day < '2027-01-01'", "user.name == 'Ada'", "entities.city == 'Rome'", "entities.city not in ['Leeds']", 'entities.amount >= 10', 'intent in [\'order\', \'track\']', "channel == 'sms'",
    "locale == 'de'", 'confidence > 0.5', "attributes.plan == 'gold'", "error == 'CONFAB_EFFECT_TIMEOUT'", "text == 'x'", 'slots.place == null'));
const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof({ maxDepth: 3 }, test, tie('condition').map((one) => `not (${one})`), fc.tuple(tie('condition'), fc.constantFrom('and', 'or'), tie('condition')).map(([a, by, b]) => `(${a}) ${by} (${b})`)),
}));
const mapCondition = fc.oneof(
  fc.record({ slot, known: fc.boolean() }), fc.constant({ slot: 'size', is: ['small', 'large'] }), fc.constant({ slot: 'count', above: 1, below: 50 }), fc.record({ intent: fc.constantFrom(...INTENTS) }),
  fc.constant({ any: [{ channel: 'sms' }, { not: { slot: 'note', known: true } }] }),
);

const simple = fc.oneof(
  { weight: 4, arbitrary: fc.record({ say: response }) },
  { weight: 4, arbitrary: fc.record({ ask: slot }) },
  { weight: 3, arbitrary: slot.chain((name) => fc.constantFrom(...SLOTS[name].values).map((value) => ({ set: { [name]: value } }))) },
  { weight: 2, arbitrary: fc.record({ clear: fc.oneof(slot, fc.uniqueArray(slot, { minLength: 1, maxLength: 3 })) }) },
  { weight: 2, arbitrary: fc.record({ call: flow }) }, { weight: 1, arbitrary: fc.record({ go: flow }) },
  { weight: 1, arbitrary: fc.constantFrom('cancel', 'end') }, { weight: 1, arbitrary: fc.record({ handoff: fc.constant('tired') }) },
  { weight: 1, arbitrary: fc.record({ remind: fc.oneof(fc.record({ id: fc.constantFrom(...REMINDERS), in: fc.constantFrom('10m', '1h30m', '2d'), flow }), fc.record({ id: fc.constantFrom(...REMINDERS), at: fc.constantFrom('{day}', '{day|2026-12-01}T09:00', '{note}'), flow })) }) },
  { weight: 1, arbitrary: fc.record({ forget_reminder: fc.constantFrom(...REMINDERS) }) },
  { weight: 1, arbitrary: fc.record({ answer: fc.record({ fallback: response, knowledge: fc.boolean() }) }) },
);
const { steps } = fc.letrec<{ step: unknown; steps: unknown[] }>((tie) => ({
  steps: fc.array(tie('step'), { minLength: 1, maxLength: 5 }),
  step: fc.oneof({ maxDepth: 2, depthSize: 'small', withCrossShrink: true }, { weight: 8, arbitrary: simple },
    { weight: 2, arbitrary: fc.record({ if: fc.oneof(condition, mapCondition), then: tie('steps'), else: tie('steps') }, { requiredKeys: ['if', 'then'] }) },
    { weight: 1, arbitrary: fc.record({ confirm: fc.record({ say: response, yes: tie('steps'), no: tie('steps') }, { requiredKeys: ['say', 'yes'] }) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant('look_up'), with: fc.record({ number: fc.constantFrom('{note}', '{entities.code|1}') }), into: fc.constant({ note: 'status' }), onError: tie('steps') }, { requiredKeys: ['act', 'with'] }) }),
}));

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const slotOptions = fc.record({
  invalid: maybe(response), retries: maybe(fc.integer({ min: 0, max: 3 })), fail: maybe(flow), minLength: maybe(fc.integer({ min: 1, max: 3 })), fill: maybe(fc.constant('model')),
  map: maybe(fc.array(fc.oneof(fc.record({ entity: fc.constantFrom('city', 'size_word', 'code', 'yes_no') }), fc.record({ intent: fc.constantFrom(...INTENTS), value: fc.constantFrom('small', 'true', '3') }), fc.constant({ text: true })), { minLength: 1, maxLength: 3 })),
});
const flowOptions = fc.record({ do: steps, carry: maybe(fc.uniqueArray(slot, { minLength: 1, maxLength: 3 })) });
const rung = fc.oneof(fc.constantFrom('say', 'again', 'offer', 'handoff'), fc.record({ say: response }), fc.record({ offer: response, most: fc.integer({ min: 1, max: 4 }) }), fc.record({ flow }), fc.record({ handoff: fc.constant('lost') }));
const policies = fc.record({
  ladder: maybe(fc.array(rung, { minLength: 1, maxLength: 5 })), disambiguate: maybe(fc.record({ say: response, margin: fc.constantFrom(0.05, 0.3), most: fc.integer({ min: 2, max: 4 }) })),
  session: maybe(fc.oneof(fc.record({ timeout: fc.constantFrom('30m', '1d'), resume: fc.constant('ask'), ask: response }), fc.record({ timeout: fc.constant('10m'), resume: fc.constantFrom('continue', 'fresh') }))),
  onChange: fc.constantFrom('migrate', 'finish'), renamed: fc.dictionary(flow, fc.oneof(flow, fc.constant(null)), { maxKeys: 2 }),
  texts: fc.record({ resume: response, restarted: response, cancelled: response, corrected: response, failed: response, attachment: response }, { requiredKeys: [] }),
  model: maybe(fc.record({ tasks: fc.uniqueArray(fc.constantFrom('answer', 'rephrase', 'fill'), { minLength: 1 }), fallback: response })),
});

const ACTIONS = { look_up: { input: { number: 'text' }, request: { url: 'https://api.example.com/parcels/{number}' }, output: { status: 'status' } } };
const ENTITY_FORMS = {
  city: { values: { Rome: ['roma', 'the eternal city'], Leeds: null } }, size_word: { values: { small: ['tiny'], large: ['big', 'huge'] } },
  amount: { system: 'number' }, code: { patterns: ['\\b[A-Z]{2}[0-9]{4}\\b'], normalise: 'upper' }, yes_no: { values: { true: ['yes', 'yep'], false: ['no', 'nope'] } },
};
const ROLES: Readonly<Record<string, string>> = { yes: 'affirm', no: 'deny', stop: 'cancel', fix: 'correct' };

export const randomBot: fc.Arbitrary<readonly BotFile[]> = fc.record({
  responses: fc.tuple(...RESPONSES.map(() => anyResponse)), flows: fc.tuple(...FLOWS.map(() => flowOptions)), slots: fc.tuple(...SLOT_NAMES.map(() => slotOptions)),
  policies, roles: fc.boolean(), replies: fc.subarray([...INTENTS]),
}).map(({ responses, flows, slots, policies: chosen, roles, replies }) => {
  const free = INTENTS.filter((name) => !replies.includes(name));
  const { ladder, disambiguate, session, onChange, renamed, texts, model } = chosen;
  const parts = {
    intents: Object.fromEntries(INTENTS.map((name, n) => [name, {
      examples: { en: Array.from({ length: 5 }, (_, k) => `${name} example ${k} [Rome](city)`), de: [`${name} auf deutsch`], 'pt-BR': [`${name} ${n}`] },
      ...replies.includes(name) ? { reply: RESPONSES[n] } : {}, ...roles && ROLES[name] ? { role: ROLES[name] } : {}, title: { en: `To ${name}`, de: `Zu ${name}` },
    }])),
    entities: ENTITY_FORMS, actions: ACTIONS,
    slots: Object.fromEntries(SLOT_NAMES.map((name, n) => {
      const { map, ...options } = slots[n] as (typeof slots)[number];
      return [name, { ...SLOTS[name].declared, ask: RESPONSES[n], ...options, ...map && name !== 'place' ? { map } : {} }];
    })),
    responses: Object.fromEntries(RESPONSES.map((name, n) => [name, responses[n]])),
    flows: Object.fromEntries(FLOWS.map((name, n) => [name, { ...flows[n], ...free[n] === undefined ? {} : { on: free[n] } }])),
  };
  const head = {
    format: 1, id: 'random', languages: LANGUAGES, fallback: { say: 'r0', again: 'r1', offer: 'r2', ...ladder ? { ladder } : { after: 3, then: 'f6' } },
    disambiguate, session, model, ...texts, versions: { onChange, migrations: [{ flows: renamed }] },
  };
  return [{ file: 'bot.yaml', bytes: Buffer.from(JSON.stringify(head)) }, { file: 'parts.yaml', bytes: Buffer.from(JSON.stringify(parts)) }];
});
