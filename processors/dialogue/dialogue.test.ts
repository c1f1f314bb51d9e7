import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isCode } from '../../platform/errors.js';
import { seededRandom } from '../../platform/random.js';
import type { BotReply, DialogueState, Message } from '../../schemas/types.js';
import { fixedBots, loadBot, type Bot } from '../bot/index.js';
import { botOf, head } from '../bot/testing.js';
import { createIntentStage, type ModelCache } from '../intent/index.js';
import { noEffects } from '../runner/effects.js';
import type { StageContext } from '../stage.js';
import { createDialogueStage } from './index.js';

const parcel = await loadBot(join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bots', 'parcel'));
const cache: ModelCache = new Map();
const context: StageContext = { now: () => 5000, epoch: '00000001', signal: new AbortController().signal, effects: noEffects };

/** Stages by the versions that they were made for: to prepare them is what costs. */
const prepared = new Map<string, { readonly intent: ReturnType<typeof createIntentStage>; readonly dialogue: ReturnType<typeof createDialogueStage> }>();

/** One conversation through both stages. */
class Conversation {
  state: DialogueState | undefined;
  private offset = 0;
  private bots = fixedBots([]);
  private intent = createIntentStage({ bots: this.bots });
  private dialogue = createDialogueStage({ bots: this.bots });

  constructor(...versions: Bot[]) { this.deploy(...versions); }

  deploy(...versions: Bot[]): void {
    this.bots = fixedBots(versions);
    const name = versions.map(({ id, version }) => `${id}@${version}`).join();
    const stages = prepared.get(name) ?? { intent: createIntentStage({ bots: this.bots, cache }), dialogue: createDialogueStage({ bots: this.bots }) };
    prepared.set(name, stages);
    this.intent = stages.intent;
    this.dialogue = stages.dialogue;
  }

  send(change: Partial<Message>): BotReply {
    assert.ok(this.intent.scope === 'conversation' && this.dialogue.scope === 'conversation');
    const offset = this.offset++;
    const value: Message = {
      kind: 'text', messageId: `M${offset}`, botId: this.bots.all()[0]?.id ?? 'parcel', channel: 'web', accountId: null, userId: 'u', author: { type: 'person', name: null }, text: null, payload: null,
      replyId: null, locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null, ...change,
    };
    const detected = this.intent.process({ topic: 'messages.v1', partition: 0, offset, key: 'default/c', value, timestamp: 1000 }, undefined, context);
    assert.ok(!(detected instanceof Promise));
    const middle = detected.outputs[0];
    assert.ok(middle?.topic === 'intents.v1' && middle.value);
    const before = JSON.stringify(this.state);
    const result = this.dialogue.process({ topic: 'intents.v1', partition: 0, offset, key: 'default/c', value: middle.value, timestamp: 1000 }, this.state, context);
    assert.ok(!(result instanceof Promise), `${JSON.stringify(change.text)} waits for an effect`);
    assert.ok(result.outputs.some(({ topic }) => topic === 'replies.v1') && result.state);
    assert.equal(JSON.stringify(this.state), before, 'the state that was given has changed');
    this.state = result.state;
    const output = result.outputs[0];
    assert.ok(output?.topic === 'replies.v1' && output.value);
    return output.value;
  }

  /** Bubbles as lines; `tap:` sends a postback. */
  say(text: string): string[] {
    const reply = text.startsWith('tap:') ? this.send({ kind: 'postback', payload: text.slice(4) }) : this.send({ text });
    return reply.parts.map((part) => part.text as string);
  }
}

const script = (bot: Bot, turns: readonly (readonly [string, ...(string | RegExp)[]])[]) => (): void => {
  const conversation = new Conversation(bot);
  for (const [text, ...expected] of turns) {
    const heard = conversation.say(text);
    assert.equal(heard.length, expected.length, `${text} → ${JSON.stringify(heard)}`);
    expected.forEach((one, index) => { if (typeof one === 'string') assert.equal(heard[index], one); else assert.match(heard[index] ?? '', one); });
  }
};

test('the example bot changes a delivery by a form of three slots', script(parcel, [
  ['hello', /./],
  ['I want to change my delivery', /tracking number/],
  ['PP123456789', /Which day/],
  ['on friday', /where should we bring it/],
  ['to my neighbor please', 'So: PP123456789 on Friday, to your neighbour. Shall I change it?'],
  ['yes', /^Done\. PP123456789 comes on Friday to your neighbour/],
  ['thanks', /./],
]));

test('a form takes what one message holds, and asks for the rest', script(parcel, [
  ['deliver PP123456789 to a locker instead', /Which day/],
  ['tomorrow', /^So: PP123456789 on tomorrow, to a parcel locker/],
  ['no', /stays as it was/],
]));

test('another intent comes between, and the question comes back', script(parcel, [
  ['change the delivery of PP123456789', /Which day/],
  ['what are your opening hours', /Monday to Friday/, /Lockers/, 'Now, back to where we were.', /Which day/],
  ['where is the nearest parcel shop', 'In which city?'],
  ['tell me a joke', /./, 'Now, back to where we were.', 'In which city?'],
  ['in Leeds', /main shop in Leeds/, 'Now, back to where we were.', /Which day/],
  ['Saturday', /where should we bring it/],
]));

test('a form can be left', script(parcel, [
  ['change the delivery of PP123456789', /Which day/],
  ['never mind', /dropped that/],
  ['qwertz', /not sure I got that/],
]));

test('a question for free text takes what another flow would like to have, but can be left', script(parcel, [
  ['I want to complain', /./, /what went wrong/],
  ['my parcel was damaged', /passed that on/, /talk to a person/],
  ['no', /anything else/],
  ['I want to complain', /./, /what went wrong/],
  ['forget it', /dropped that/],
]));

test('answers that do not fit are asked for again, then the slot gives up', script(parcel, [
  ['where is my parcel', /tracking number/],
  ['it is blue', /doesn't look like a tracking number/],
  ['blue and small', /doesn't look like a tracking number/],
  ['I told you it is blue', /No problem/, /sender can tell/],
]));

test('what is not understood gets the fallback, at the third time the offer of a person', script(parcel, [
  ['book a table at an Italian restaurant', /not sure I got that/],
  ['a flight to New York', /still don't follow/],
  ['qwertz', /talk to a person/],
  ['no thanks', /I can track a parcel/],
  ['book a table at an Italian restaurant', /not sure I got that/],
]));

test('quick replies are postbacks: an intent, or the answer to the open question', script(parcel, [
  ['tap:intent:prices', /How big/],
  ['tap:Large', /11\.99/],
  ['tap:intent:no_such', /not sure/],
  ['tap:', /still/],
]));

test('a conversation that was handed over is silent until it is handed back', () => {
  const conversation = new Conversation(parcel);
  const reply = conversation.send({ text: 'I want to talk to a person' });
  assert.deepEqual([reply.outcome, reply.handoff, reply.parts.length], ['handed_off', { to: 'person', reason: 'asked for a person', transcript: [{ by: 'person', text: 'I want to talk to a person' }, { by: 'bot', text: "I'll get a colleague for you. One moment, please." }] }, 1]);
  const quiet = conversation.send({ text: 'hello?' });
  assert.deepEqual([quiet.outcome, quiet.parts, quiet.inReplyTo, quiet.handoff], ['handed_off', [], 'M1', null]);
  const agent = conversation.send({ kind: 'agent', text: 'Ann here', author: { type: 'agent', name: 'Ann' } });
  assert.deepEqual([agent.outcome, agent.inReplyTo, agent.author.name, agent.parts[0]?.text], ['answered', null, 'Ann', 'Ann here']);
  const back = conversation.send({ kind: 'handoff', payload: '{"to":"bot","reason":"done"}', author: { type: 'agent', name: 'Ann' } });
  assert.deepEqual([back.outcome, back.inReplyTo, back.handoff], ['silent', null, { to: 'bot', reason: 'done', transcript: [] }]);
  assert.equal(conversation.send({ text: 'hello' }).outcome, 'answered');
  assert.equal(conversation.send({ kind: 'handoff', payload: '{"to":"person"}' }).outcome, 'handed_off');
  assert.equal(conversation.send({ kind: 'system', payload: '{"event":"end"}' }).outcome, 'ended');
  assert.equal(conversation.state?.handedOff, false);
});

test('inputs of every kind have exactly one outcome', () => {
  const conversation = new Conversation(parcel);
  const outcome = (kind: string, payload: string | null = null): string => conversation.send({ kind, payload }).outcome;
  assert.deepEqual(['edit', 'reaction', 'system', 'handoff', 'no_such_kind'].map((kind) => outcome(kind)), new Array<string>(5).fill('silent'));
  assert.deepEqual([outcome('timer'), outcome('attachment'), outcome('handoff', '{"to":'), outcome('system', '[]')], ['timer', 'answered', 'silent', 'silent']);
});

test('replies are chained and carry what they answer', () => {
  const conversation = new Conversation(parcel);
  const first = conversation.send({ text: 'hi', channel: 'telegram', accountId: 'acc' });
  const second = conversation.send({ kind: 'reaction' });
  assert.deepEqual([first.position, first.prev, first.inReplyTo, first.replyId], ['00000001-000000000000-00', null, 'M0', 'M0-01']);
  assert.deepEqual([second.position, second.prev, second.outcome], ['00000001-000000000001-00', first.position, 'silent']);
  assert.deepEqual([first.channel, first.accountId, first.botVersion, first.createdAt, first.intent, first.author.name], ['telegram', 'acc', parcel.version, 5000, 'greet', 'Parcel Pal']);
  assert.deepEqual([conversation.state?.reflects, conversation.state?.prev, conversation.state?.turns], [second.position, second.position, 2]);
});

test('the same input and state give the same result', () => {
  const [one, two] = [new Conversation(parcel), new Conversation(parcel)];
  for (const text of ['hello', 'change my delivery', 'PP123456789', 'friday']) assert.deepEqual(one.send({ text }), two.send({ text }));
  assert.deepEqual(one.state, two.state);
});

test('an unknown bot is a coded error', () => {
  assert.throws(() => new Conversation(parcel).send({ botId: 'other', text: 'hi' }), (error) => isCode(error, 'CONFAB_BOT_UNKNOWN'));
});

const INTENTS = `
intents:
  order: {examples: [order a pizza, I want a pizza, pizza please, one pizza, I am hungry]}
  greet: {reply: hello, examples: [hello, hi, hey, good day, good morning]}
  go: {examples: [round and round, circle, loop, endless, carousel]}
`;
const FLOW = `
slots:
  size: {entity: size, ask: ask_size, retries: 0}
  name: {ask: ask_name, minLength: 2, maxLength: 20, matches: '[a-z ]+'}
  total: {}
entities:
  size: {values: {small: [tiny], large: [big]}}
flows:
  order:
    on: order
    do:
      - ask: size
      - if: {all: [{slot: size, is: large}, {not: {channel: sms}}, {intent: [order, greet]}]}
        then: [{set: {total: 20}}]
        else: [{set: {total: '{size|?} 10'}}]
      - ask: name
      - if: {any: [{slot: total, above: 15}, {slot: total, known: false}]}
        then: [{say: pricey}]
        else: [{say: cheap}]
      - clear: total
      - end
`;
const TEXTS = '  hello: Hello!\n  ask_size: Which size?\n  ask_name: Your name?\n  pricey: "{name}: {total} euro, {{really}}"\n  cheap: "{name}: {total}"\n';
const LOOP = '  a: {on: go, do: [{go: b}]}\n  b: {do: [{call: a}]}\n';
const pizza = botOf({ 'bot.yaml': `${head(TEXTS)}restarted: lost\n`, 'i.yaml': INTENTS, 'f.yaml': FLOW + LOOP });

test('conditions, set, clear, templates and end', () => {
  const conversation = new Conversation(pizza);
  assert.deepEqual(conversation.say('I want a big pizza'), ['Your name?']);
  assert.match(conversation.state?.data as string, /"total":"20"/);
  assert.deepEqual(conversation.say('Ann'), ['Ann: 20 euro, {really}']);
  assert.deepEqual([conversation.state?.data, conversation.send({ text: 'hello' }).outcome], [null, 'answered']);
  assert.deepEqual(conversation.say('order a pizza'), ['Which size?']);
  assert.deepEqual(conversation.say('tiny'), ['Your name?']);
  const last = conversation.send({ text: 'Bob' });
  assert.deepEqual([last.parts[0]?.text, last.outcome], ['Bob: small 10', 'ended']);
});

test('a slot of free text checks length and form, and is left for a sure intent only', () => {
  const conversation = new Conversation(pizza);
  conversation.say('I want a big pizza');
  for (const text of ['x', 'R2D2!', 'a'.repeat(21)].slice(0, 2)) assert.deepEqual(conversation.say(text), ['Your name?'], text);
  assert.deepEqual(conversation.say('hello'), ['Hello!', 'Your name?']);
  assert.deepEqual(conversation.say('alexander'), ['alexander: 20 euro, {really}']);
});

test('flows that call each other for ever end in the fallback', () => {
  const reply = new Conversation(pizza).send({ text: 'round and round' });
  assert.deepEqual([reply.outcome, reply.parts.map((part) => part.text)], ['fallback', ['What?']]);
});

test('a conversation keeps its version while it is live, and moves with its slots after', () => {
  const newer = botOf({ 'bot.yaml': `${head(TEXTS.replace('Your name?', 'And your name?'))}restarted: lost\n`, 'i.yaml': INTENTS, 'f.yaml': FLOW.replace('      - ask: size\n', '      - ask: size\n      - say: hello\n') + LOOP });
  const conversation = new Conversation(pizza);
  conversation.say('I want a big pizza');
  conversation.deploy(newer, pizza);
  assert.deepEqual(conversation.say('x'), ['Your name?']);
  assert.equal(conversation.state?.botVersion, pizza.version);
  conversation.deploy(newer);
  assert.deepEqual(conversation.say('x'), ['And your name?']);
  assert.equal(conversation.state.botVersion, newer.version);
  assert.deepEqual(conversation.say('Ann'), ['Ann: 20 euro, {really}']);
});

test('when the new version lacks the question or the flow, the person is told', () => {
  const gone = botOf({ 'bot.yaml': `${head('  hello: Hello!\n')}restarted: lost\n`, 'i.yaml': INTENTS });
  const conversation = new Conversation(pizza);
  conversation.say('order a pizza');
  conversation.deploy(gone);
  assert.deepEqual(conversation.say('large'), ['What?']);
  const other = botOf({ 'bot.yaml': `${head(TEXTS)}restarted: lost\n`, 'i.yaml': INTENTS, 'f.yaml': FLOW.replace('      - ask: size\n', '') + LOOP });
  const second = new Conversation(pizza);
  second.say('order a pizza');
  second.deploy(other);
  assert.deepEqual(second.say('large'), ['What?', 'Your name?']);
});

test('state that is not ours begins anew instead of failing for ever', () => {
  for (const data of ['{', '[]', '7', '{"f":[["order",99,0]],"w":"size"}', '{"f":[["nope",0,0]],"s":{"constructor":"x"}}']) {
    const conversation = new Conversation(pizza);
    conversation.say('hello');
    assert.ok(conversation.state);
    conversation.state = { ...conversation.state, data };
    assert.ok(conversation.say('hello').length > 0, data);
  }
});

test('a state beyond 64 KiB is a coded error', () => {
  const slots = Array.from({ length: 150 }, (_, index) => `s${index}`);
  const bot = botOf({ 'bot.yaml': head(), 'i.yaml': 'intents:\n  greet: {examples: [hello, hi, hey, good day, good morning]}\n', 'f.yaml': `slots:\n${slots.map((name) => `  ${name}: {}\n`).join('')}flows:\n  main:\n    on: greet\n    do:\n${slots.map((name) => `      - set: {${name}: "${'\u00e4'.repeat(400)}"}\n`).join('')}` });
  assert.throws(() => new Conversation(bot).send({ text: 'hello' }), (error) => isCode(error, 'CONFAB_STATE_TOO_LARGE'));
});

test('a person\'s words never become instructions', () => {
  const conversation = new Conversation(pizza);
  conversation.say('I want a big pizza');
  const second = botOf({ 'bot.yaml': head('  ask: Name?\n  echo: "{name} {name|x}"\n'), 'i.yaml': 'intents:\n  greet: {examples: [hello, hi, hey, good day, good morning]}\n', 'f.yaml': 'slots: {name: {ask: ask}}\nflows: {main: {on: greet, do: [{ask: name}, {say: echo}]}}\n' });
  const echo = new Conversation(second);
  echo.say('hello');
  assert.deepEqual(echo.say('{name} __proto__ ${1}'), ['{name} __proto__ ${1} {name} __proto__ ${1}']);
});

test('whatever people say and tap, there is one outcome, and the state stays small and can be read again', () => {
  const random = seededRandom(11);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random.float() * items.length)] as T;
  // Without what waits for an effect: that is tried in effects.test.ts.
  const plain: Bot = { ...parcel, version: `${parcel.version}-plain`, model: null };
  const intents = plain.intents.filter(({ name }) => !['claim_status'].includes(name));
  const texts = [...intents.flatMap((intent) => intent.examples), ...parcel.outOfScope, 'PP123456789', 'friday', 'home', 'yes', 'no', 'big', 'Leeds', 'lost', '', '\0', '{city}', 'x'.repeat(4096)];
  const payloads = [...intents.map((intent) => `intent:${intent.name}`), 'Yes', 'Large', '{"to":"person"}', '{"to":"bot"}', '{"event":"end"}', 'null', ''];
  const outcomes = new Set<string>();
  for (let round = 0; round < 40; round++) {
    const conversation = new Conversation(plain);
    for (let turn = 0; turn < 40; turn++) {
      const kind = pick(['text', 'text', 'text', 'text', 'postback', 'postback', 'handoff', 'system', 'attachment', 'agent']);
      const reply = conversation.send({ kind, text: kind === 'text' || kind === 'agent' ? pick(texts) : null, payload: kind === 'text' ? null : pick(payloads) });
      outcomes.add(reply.outcome);
      assert.ok(reply.parts.length <= 20);
      assert.equal(['answered', 'fallback'].includes(reply.outcome) && reply.parts.length === 0, false);
      assert.ok(reply.parts.every((part) => kind === 'agent' || (typeof part.text === 'string' && part.text !== '' && !part.text.includes('undefined'))));
      assert.ok(((conversation.state?.data as string | null) ?? '').length < 6000);
    }
  }
  assert.deepEqual([...outcomes].sort(), ['answered', 'ended', 'fallback', 'handed_off', 'silent']);
});
