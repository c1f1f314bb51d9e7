/** For tests only: a bot that may ask a language model, and a responder with everything that it stands on in sight. */
import { ManualClock } from '../../../platform/clock-manual.js';
import type { Clock } from '../../../platform/clock.js';
import { MiniSearchStore } from '../../../platform/knowledge-index/minisearch.js';
import { ScriptedModel, type Script } from '../../../platform/language-model/scripted.js';
import type { LiveFrame } from '../../../platform/live-bus/live-bus.js';
import { MemoryLiveBus } from '../../../platform/live-bus/memory.js';
import { silentLogger } from '../../../platform/observability/logger.js';
import { createMetrics, type Metrics } from '../../../platform/observability/metrics.js';
import { seededRandom } from '../../../platform/random.js';
import { MemoryTokenBudget } from '../../../platform/token-budget/memory.js';
import type { Bot } from '../../bot/index.js';
import { botOf, head } from '../../bot/testing.js';
import type { EffectCall } from '../../runner/effects.js';
import type { EffectResult, ModelEffect } from '../../stage.js';
import { ModelResponder, type ResponderOptions } from './responder.js';

export const POSITION = '0a1b2c3d-000000000042-00';

export const KNOWLEDGE: Readonly<Record<string, string>> = {
  'knowledge/delivery.md': '---\nurl: https://help.example.com/delivery\n---\n# Delivery\n\nWithin the country a parcel takes two working days.\n\n## Abroad\n\nParcels to Norway take five working days and need a customs form.\n',
  'knowledge/prices.txt': 'A small parcel costs four pounds, a large one nine pounds.',
};

/** `more` lies over the lines of the section `model`. */
export function modelBot(more: Readonly<Record<string, string>> = {}, files: Readonly<Record<string, string>> = KNOWLEDGE): Bot {
  const policy: Record<string, string> = {
    tasks: '[answer, rephrase, fill]', instructions: 'You work for a parcel service called Parcel Pal. Be friendly.', latency: '4s', links: '[help.example.com, "*.parcels.example.com"]', ...more,
  };
  return botOf({
    'bot.yaml': `${head()}name: Parcel Pal\nmodel:\n${Object.entries(policy).map(([key, value]) => `  ${key}: ${value}\n`).join('')}`,
    'i.yaml': 'intents: {hi: {reply: lost, examples: [hi, hello, hey, good day, howdy]}}\nslots:\n  city: {fill: model}\n  size: {fill: model, oneOf: [small, large]}\n  weight: {fill: model, type: number}\n',
    ...files,
  });
}

export interface Scene {
  readonly clock: ManualClock;
  readonly responder: ModelResponder;
  readonly live: MemoryLiveBus;
  readonly frames: LiveFrame[];
  readonly metrics: Metrics;
  /** What sockets were shown, put together as a client does. */
  readonly shown: () => string;
  readonly ask: (change?: Partial<ModelEffect>, call?: Partial<EffectCall>) => Promise<EffectResult>;
  /** Failures by code. */
  readonly failures: () => Promise<Readonly<Record<string, number>>>;
}

export function scene(options: Partial<ResponderOptions> & { readonly clock?: Clock; readonly bot?: Bot } = {}): Scene {
  const clock = (options.clock ?? new ManualClock()) as ManualClock;
  const live = new MemoryLiveBus();
  const frames: LiveFrame[] = [];
  live.listen((frame) => { frames.push(frame); });
  const metrics = createMetrics();
  const knowledge = new MiniSearchStore();
  const responder = new ModelResponder({
    model: undefined, knowledge, knowledgeFallback: knowledge, budget: new MemoryTokenBudget(clock), tenantTokens: undefined, live, clock, random: seededRandom(5),
    logger: silentLogger, metrics, concurrency: 8, ...options,
  });
  const bot = options.bot ?? modelBot();
  let count = 0;
  return {
    clock, responder, live, frames, metrics,
    shown: () => frames.map(({ frame }) => JSON.parse(frame) as { type: string; index: number; text: string }).filter(({ type }) => type === 'delta').reduce((text, delta) => (delta.index === 0 ? delta.text : text + delta.text), ''),
    ask: (change = {}, call = {}) => responder.run({
      kind: 'model', key: `${POSITION}#help.answer.${count++}`, tenant: 'default', conversation: 'c1', replyId: 'M1-01', bot, task: 'answer', text: 'How long does a parcel to Norway take?',
      locale: null, history: [], knowledge: true, slot: null, ...change,
    }, { signal: new AbortController().signal, deadline: clock.monotonic() + 29_000, span: undefined, ...call }),
    failures: async () => {
      const found = (await metrics.getMetricsAsJSON()).find(({ name }) => name === 'confab_model_failures_total');
      const counts: Record<string, number> = {};
      for (const { labels, value } of found?.values ?? []) counts[String(labels.code)] = (counts[String(labels.code)] ?? 0) + value;
      return counts;
    },
  };
}

/** A scene whose model says what the script tells. */
export function scripted(script: Script, options: Partial<ResponderOptions> & { readonly bot?: Bot } = {}): Scene & { readonly model: ScriptedModel } {
  const clock = new ManualClock();
  const model = new ScriptedModel(clock, script);
  return { ...scene({ ...options, clock, model }), model };
}

/** A bot whose flows say what may be asked and what may be done: an action that only its own, confirmed flow calls. */
export const shop = (): Bot => botOf({
  'bot.yaml': `format: 1
id: test
name: Parcel Pal
fallback: {say: lost, ladder: [{flow: help}]}
model: {tasks: [answer, fill], instructions: "You work for a parcel service called Parcel Pal. Be friendly.", latency: 4s, links: [help.example.com], fallback: sorry}
responses:
  lost: What?
  sorry: I cannot answer that just now.
  hello: Hello!
  sure: Shall I pay back {amount}?
  paid: Paid back.
  ask_amount: How much was it?
  ask_city: Where do you live?
  moved: Noted, {city}.
`,
  'parts.yaml': `intents:
  greet: {reply: hello, examples: [hello, hi, hey there, good day, good morning]}
  question: {examples: [how long does a parcel take, what does a parcel cost, when does my parcel arrive, what are the prices, how long is delivery]}
  pay_back: {examples: [wuxmop, wuxmop tikka, zu wuxmop, wuxmop wex, ki wuxmop]}
  move: {examples: [yivzek, yivzek tup, zo yivzek, yivzek kaj, bex yivzek]}
entities:
  amount: {patterns: ['[0-9]+ pounds']}
slots:
  amount: {entity: amount, ask: ask_amount}
  city: {ask: ask_city, fill: model, oneOf: [Leeds, York]}
actions:
  refund:
    request: {method: POST, url: "https://pay.example.com/refunds", body: {amount: "{amount}"}}
    input: {amount: {type: text, required: true}}
flows:
  help: {on: question, do: [{answer: {fallback: sorry, knowledge: true}}]}
  pay: {on: pay_back, do: [{ask: amount}, {confirm: {say: sure, yes: [{act: refund, with: {amount: "{amount}"}}, {say: paid}], no: [{say: sorry}]}}]}
  move: {on: move, do: [{ask: city}, {say: moved}]}
`,
  ...KNOWLEDGE,
});
