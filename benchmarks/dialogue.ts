/**
 * `dialogue`: the interpreter alone, on one core, with the example bot. The turns are those of the bot's own tests: each
 * text is classified beforehand, then the conversations are played through `interpret` again and again, each turn from the
 * state that the turn before has written, its JSON read and written as in the pipeline. No log, no codec, no stage.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse } from 'yaml';
import { packageRoot } from '../platform/package-root.js';
import type * as BotModel from '../processors/bot/index.js';
import type * as Interpreter from '../processors/dialogue/interpreter.js';
import type * as Programs from '../processors/dialogue/program.js';
import type * as Intent from '../processors/intent/index.js';
import type * as Effects from '../processors/runner/effects.js';
import type * as Positions from '../platform/position.js';
import type { Bot } from '../processors/bot/index.js';
import type { Program } from '../processors/dialogue/program.js';
import type { DialogueState, IntentResult, Message } from '../schemas/types.js';
import { BenchmarkError, median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';

/** What is measured is what is shipped: the loader that runs benchmarks from their sources slows closures down. */
const built = async <T>(path: string): Promise<T> => await import(pathToFileURL(join(packageRoot(), 'dist', path)).href) as T;

async function parts() {
  const [bots, { interpret }, { createProgram }, { createIntentStage }, { noEffects }, { formatPosition }] = await Promise.all([
    built<typeof BotModel>('processors/bot/index.js'),
    built<typeof Interpreter>('processors/dialogue/interpreter.js'),
    built<typeof Programs>('processors/dialogue/program.js'),
    built<typeof Intent>('processors/intent/index.js'),
    built<typeof Effects>('processors/runner/effects.js'),
    built<typeof Positions>('platform/position.js'),
  ]);
  return { ...bots, interpret, createProgram, createIntentStage, noEffects, formatPosition };
}
type Parts = Awaited<ReturnType<typeof parts>>;

const START = Date.UTC(2026, 10, 23, 9);
/** Between two turns of a conversation. */
const PAUSE = 20_000;
const EPOCH = '00000001';

interface Prepared { readonly message: Message; readonly results: readonly IntentResult[] }
type Dialogue = readonly Prepared[];
interface Step { readonly user?: unknown; readonly tap?: unknown }

function messageOf(step: Step, bot: Bot, id: string): Message | undefined {
  const text = typeof step.user === 'string' ? step.user : null;
  const payload = typeof step.tap === 'string' ? step.tap : null;
  if (text === null && payload === null) return undefined;
  return {
    kind: text === null ? 'postback' : 'text', messageId: id, botId: bot.id, channel: 'web', accountId: null, userId: 'u1', author: { type: 'person', name: null },
    text, payload, replyId: null, locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
  };
}

/** What people say in the bot's tests, with the intents and entities that the bot's model finds. */
async function dialoguesOf(folder: string, bot: Bot, { createIntentStage, fixedBots, noEffects }: Parts): Promise<Dialogue[]> {
  const stage = createIntentStage({ bots: fixedBots([bot]) });
  const context = { now: () => START, epoch: EPOCH, signal: new AbortController().signal, effects: noEffects };
  const found: Dialogue[] = [];
  for (const file of readdirSync(join(folder, 'tests')).filter((name) => name.endsWith('.yml')).sort()) {
    const { tests = [] } = (parse(readFileSync(join(folder, 'tests', file), 'utf8')) ?? {}) as { tests?: readonly { dialogue?: readonly Step[] }[] };
    for (const test of tests) {
      const turns: Prepared[] = [];
      for (const step of test.dialogue ?? []) {
        const message = messageOf(step, bot, `m${found.length}-${turns.length}`);
        if (!message) continue;
        const result = await stage.process({ topic: 'messages.v1', partition: 0, offset: turns.length, key: 'default/c', value: message, timestamp: START }, undefined, context);
        const [output] = result.outputs;
        turns.push({ message, results: output?.value?.results ?? [] });
      }
      if (turns.length > 0) found.push(turns);
    }
  }
  if (found.length === 0) throw new BenchmarkError('the bot has no tests with messages');
  return found;
}

const lengthOf = (value: unknown): number => (typeof value === 'string' ? value.length : 0);

/** Plays every dialogue as `copies` conversations, turn by turn in turn; returns how many turns it was. */
function play(program: Program, dialogues: readonly Dialogue[], copies: number, { interpret, formatPosition }: Parts): { turns: number; outcomes: Map<string, number>; bytes: number } {
  const outcomes = new Map<string, number>();
  let turns = 0;
  let bytes = 0;
  for (let copy = 0; copy < copies; copy++) {
    for (const dialogue of dialogues) {
      const key = `default/c${copy}`;
      let state: DialogueState | undefined;
      for (let at = 0; at < dialogue.length; at++) {
        const { message, results } = dialogue[at] as Prepared;
        const { state: next, reply } = interpret(program, state, { message, results, key, position: formatPosition(EPOCH, turns, 0), at: START + at * PAUSE });
        state = next;
        turns += 1;
        bytes += lengthOf(next.data) + lengthOf(next.history);
        outcomes.set(reply.outcome, (outcomes.get(reply.outcome) ?? 0) + 1);
      }
    }
  }
  return { turns, outcomes, bytes };
}

async function run(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const folder = join(packageRoot(), 'bots', options.text('bot'));
  const code = await parts();
  const bot = await code.loadBot(folder);
  const program = code.createProgram(bot);
  const dialogues = await dialoguesOf(folder, bot, code);
  const each = dialogues.reduce((sum, one) => sum + one.length, 0);
  const copies = Math.max(1, Math.round(options.number('turns') / each));
  progress(`${dialogues.length} dialogues with ${each} turns, ${copies} times a round`);
  play(program, dialogues, Math.max(1, Math.round(copies / 4)), code);
  const rates: number[] = [];
  let last = play(program, dialogues, 1, code);
  for (let round = 0; round < options.number('rounds'); round++) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    last = play(program, dialogues, copies, code);
    const wall = performance.now() - start;
    const used = process.cpuUsage(cpu);
    rates.push(last.turns / wall * 1000);
    progress(`round ${round + 1}: ${Math.round(rates.at(-1) ?? 0)} turns/s, ${((used.user + used.system) / last.turns).toFixed(2)} µs CPU a turn`);
  }
  const turnsPerSecond = Math.round(median(rates));
  return {
    turnsPerSecond, microsPerTurn: rounded(1e6 / turnsPerSecond), target: 100_000, reached: turnsPerSecond >= 100_000,
    dialogues: dialogues.length, turnsEach: rounded(each / dialogues.length), stateBytes: rounded(last.bytes / last.turns, 0),
    outcomes: Object.fromEntries([...last.outcomes].sort().map(([outcome, count]) => [outcome, rounded(count / last.turns, 3)])), rounds: rates.map(Math.round),
  };
}

export const dialogue: Benchmark = {
  purpose: 'the interpreter alone on one core, with the conversations of the example bot\'s tests',
  options: {
    bot: { default: 'parcel', about: 'folder below bots/' },
    turns: { default: '200000', about: 'turns of a round' },
    rounds: { default: '5', about: 'measured rounds; the median counts' },
  },
  run,
};
