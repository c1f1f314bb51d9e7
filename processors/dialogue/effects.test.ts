import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DialogueState, EffectResult, IntentDetected, Message } from '../../schemas/types.js';
import { fixedBots } from '../bot/index.js';
import { botOf, head } from '../bot/testing.js';
import type { EffectRequest, StageContext } from '../stage.js';
import { createDialogueStage } from './index.js';
import { interpret, MOST_EFFECTS, type InterpreterInput, type Interpretation } from './interpreter.js';
import { createProgram } from './program.js';

const ACTIONS = `
actions:
  weigh:
    input: {id: text, count: {type: integer, required: false}}
    request: {url: 'https://scales.example/{id}'}
    output: {grams: {path: grams, type: number}}
`;
const FLOWS = `
intents:
  weigh: {examples: [weigh it, how heavy is it, what does it weigh, put it on the scales, weight please]}
  round: {examples: [round and round, carousel, once more, again and again, for ever]}
  plain: {reply: hello, examples: [hello, hi, hey, good day, good morning]}
slots:
  grams: {}
flows:
  weigh:
    on: weigh
    do:
      - act: weigh
        with: {id: p1, count: '2'}
        into: {grams: grams}
        onError:
          - if: error == 'CONFAB_EFFECT_UNAVAILABLE'
            then: [{say: cannot}]
            else: [{say: broken}]
          - end
      - say: weighs
  round:
    on: round
    do:
      - act: weigh
        with: {id: p1}
        into: {grams: grams}
      - go: round
`;
const bot = botOf({ 'bot.yaml': `${head('  hello: Hello!\n  weighs: "{grams} grams"\n  cannot: Not now.\n  broken: Broken.\n')}failed: broken\n`, 'a.yaml': ACTIONS, 'f.yaml': FLOWS });
const program = createProgram(bot);

function heard(intent: string): InterpreterInput {
  const message: Message = {
    kind: 'text', messageId: 'M1', botId: 'test', channel: 'web', accountId: null, userId: 'u', author: { type: 'person', name: null }, text: intent, payload: null, replyId: null, locale: null,
    attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
  };
  return { message, position: '00000001-000000000007-00', key: 'default/c', at: 1000, results: [{ bot: 'test', version: bot.version, model: 'm', intent, confidence: 1, ranking: [], entities: [] }] };
}

/** Runs the turn with what `answer` says to each effect. */
function settle(intent: string, answer: (request: EffectRequest) => Omit<EffectResult, 'key' | 'kind'>): { readonly turn: Interpretation; readonly asked: EffectRequest[] } {
  const results = new Map<string, EffectResult>();
  const asked: EffectRequest[] = [];
  let turn = interpret(program, undefined, heard(intent));
  while (turn.wants.length > 0) {
    for (const request of turn.wants) { asked.push(request); results.set(request.key, { key: request.key, kind: request.kind, ...answer(request) }); }
    turn = interpret(program, undefined, heard(intent), results);
  }
  return { turn, asked };
}

const texts = ({ reply }: Interpretation): unknown[] => reply.parts.map(({ text }) => text);

test('an action is asked for under a key of position, flow and step, with inputs of the types that it declares', () => {
  const { turn, asked } = settle('weigh', () => ({ status: 'ok', result: '{"grams":250}' }));
  assert.deepEqual(asked.map((one) => [one.key, one.kind, one.tenant, one.conversation, one.kind === 'http' ? one.arguments : null]), [['00000001-000000000007-00#weigh.act:weigh.0', 'http', 'default', 'c', { id: 'p1', count: 2 }]]);
  assert.deepEqual([texts(turn), turn.reply.outcome], [['250 grams'], 'answered']);
  assert.deepEqual(turn.reply.effects, [{ key: asked[0]?.key, kind: 'http', status: 'ok', result: '{"grams":250}' }]);
});

test('the same results give the same turn, and no other effect is wanted', () => {
  const results = new Map<string, EffectResult>([['00000001-000000000007-00#weigh.act:weigh.0', { key: '00000001-000000000007-00#weigh.act:weigh.0', kind: 'http', status: 'ok', result: '{"grams":1}' }]]);
  assert.deepEqual(interpret(program, undefined, heard('weigh'), results), interpret(program, undefined, heard('weigh'), results));
  assert.deepEqual(interpret(program, undefined, heard('weigh'), results).wants, []);
});

test('a failed action is a branch that can read why', () => {
  const { turn } = settle('weigh', () => ({ status: 'CONFAB_EFFECT_UNAVAILABLE', result: null }));
  assert.deepEqual([texts(turn), turn.reply.outcome], [['Not now.'], 'ended']);
});

test('a flow that never stops asking is given so many effects a turn, then it fails', () => {
  const { turn, asked } = settle('round', () => ({ status: 'ok', result: '{"grams":1}' }));
  assert.equal(asked.length, MOST_EFFECTS);
  assert.equal(new Set(asked.map(({ key }) => key)).size, MOST_EFFECTS);
  assert.deepEqual([texts(turn), turn.reply.outcome, turn.state.data], [['Broken.'], 'fallback', '{"v":2,"s":{"grams":"1"},"r":["grams"]}']);
});

test('whatever an action answers is text in a slot or nothing', () => {
  for (const result of ['', '[]', 'null', '{"grams":{"a":1}}', '{"grams":null}', '{"other":1}', '7', '{']) {
    assert.deepEqual(texts(settle('weigh', () => ({ status: 'ok', result })).turn), [' grams'], result);
  }
});

test('the stage waits only for who wants an effect', async () => {
  const stage = createDialogueStage({ bots: fixedBots([bot]) });
  assert.ok(stage.scope === 'conversation');
  const context: StageContext = {
    now: () => 5000, epoch: '00000001', signal: new AbortController().signal,
    effects: { run: ({ key, kind }) => Promise.resolve({ key, kind, status: 'ok', result: '{"grams":3}' }) },
  };
  const input = (intent: string): { topic: 'intents.v1'; partition: number; offset: number; key: string; value: IntentDetected; timestamp: number } => {
    const { message, position, results } = heard(intent);
    return { topic: 'intents.v1', partition: 0, offset: 7, key: 'default/c', value: { position, message, results, detectedAt: null }, timestamp: 1000 };
  };
  const none: DialogueState | undefined = undefined;
  assert.equal(stage.process(input('plain'), none, context) instanceof Promise, false);
  const waiting = stage.process(input('weigh'), none, context);
  assert.ok(waiting instanceof Promise);
  const reply = (await waiting).outputs[0];
  assert.deepEqual(reply?.topic === 'replies.v1' ? [reply.value?.parts[0]?.text, reply.value?.createdAt] : [], ['3 grams', 5000]);
});
