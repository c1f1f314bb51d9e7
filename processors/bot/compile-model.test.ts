import assert from 'node:assert/strict';
import { test } from 'node:test';
import { botOf, check, head } from './testing.js';

const INTENTS = { 'i.yaml': 'intents: {hi: {reply: lost, examples: [hi, hello, hey, good day, howdy]}}\n' };
const faults = (model: string): string[] => check({ 'bot.yaml': `${head()}model: ${model}\n`, ...INTENTS }).faults.map(({ line, reason }) => `${line}: ${reason}`);

test('a bot without the section asks no model; with it, what is not said has a default', () => {
  assert.equal(botOf({ 'bot.yaml': head(), ...INTENTS }).model, null);
  assert.deepEqual(botOf({ 'bot.yaml': `${head()}model: {tasks: [answer, answer]}\n`, ...INTENTS }).model, {
    tasks: ['answer'], instructions: '', latencyMillis: 5000, tokens: 4000, answerTokens: 500, budget: null, links: [], passages: 4, citations: 'required', history: 6, fallback: -1,
  });
});

test('what a bot allows is read as it is written', () => {
  const model = '{tasks: [answer, fill], instructions: Be brief., latency: 2500ms, tokens: 3000, answerTokens: 200, budget: {tokens: 10000, per: 1h}, links: [Help.Example.com, "*.docs.example.com"], passages: 2, citations: optional, history: 0, fallback: lost}';
  assert.deepEqual(botOf({ 'bot.yaml': `${head()}model: ${model}\n`, ...INTENTS }).model, {
    tasks: ['answer', 'fill'], instructions: 'Be brief.', latencyMillis: 2500, tokens: 3000, answerTokens: 200, budget: { tokens: 10_000, perMillis: 3_600_000 },
    links: ['help.example.com', '*.docs.example.com'], passages: 2, citations: 'optional', history: 0, fallback: 0,
  });
});

test('what does not fit is told with its line and reason', () => {
  for (const [model, reason] of [
    ['{}', /lacks "tasks"/], ['{tasks: []}', /tasks is empty/], ['{tasks: [answr]}', /unknown a task "answr"; did you mean "answer"\?/], ['{tasks: [answer], latency: 1h}', /latency must be from 100ms to 25s/],
    ['{tasks: [answer], links: [https://a.example]}', /name of a host/], ['{tasks: [answer], links: ["*"]}', /name of a host/], ['{tasks: [answer], links: [localhost]}', /name of a host/],
    ['{tasks: [answer], budget: {tokens: 5}}', /lacks "per"/], ['{tasks: [answer], tokens: 300, answerTokens: 300}', /leaves no tokens/], ['{tasks: [answer], fallback: no_such}', /unknown response "no_such"/],
    ['{tasks: [answer], key: secret}', /unknown key of model "key"/], ['[answer]', /must be a map/], ['{tasks: [answer], passages: 0}', /1 to 10/],
  ] as const) assert.match(faults(model).join('\n'), reason, model);
});
