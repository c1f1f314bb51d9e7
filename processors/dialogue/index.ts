/**
 * Stage "dialogue": holds the conversation. A pure interpreter of the bot's flows (interpreter.ts): (what was understood,
 * state) → exactly one BotReply and the new state. A conversation under way ends under its own version of the bot
 * or moves to the current one, as that declares (choose-version.ts, migrate.ts). While a person has taken over, inputs of the user have the outcome `handed_off`.
 *
 * Inputs of other kinds: `agent` is passed on as a reply of the agent; `handoff` has the payload
 * `{"to":"person"|"bot","reason"?}`; `timer` begins the flow of a reminder; `system` with the payload `{"event":"end"}` ends the conversation and hands it back;
 * `attachment` gets the bot's response to attachments; the rest is silent.
 */
import type { EffectResult } from '../../schemas/types.js';
import type { Bot, Bots, Literal } from '../bot/index.js';
import type { Stage, StageInput, StageContext, StageOutput, StageResult } from '../stage.js';
import { chooseBot } from './choose.js';
import { interpret, type Interpretation, type InterpreterInput, type TimerChange } from './interpreter.js';
import { createProgram, type Program } from './program.js';

export interface DialogueStageOptions {
  readonly bots: Bots;
  /** Flags that are set, by name; the same map until one changes. */
  readonly flags?: () => ReadonlyMap<string, Literal>;
  /** Told of each step that is run, by its bot, flow and place: for coverage. */
  readonly trace?: (bot: Bot, flow: number, pc: number) => void;
}

type Input = StageInput<'intents.v1'>;

export function createDialogueStage(options: DialogueStageOptions): Stage<'dialogue'> {
  const programs = new WeakMap<Bot, Program>();
  const programOf = (bot: Bot): Program => {
    const found = programs.get(bot) ?? createProgram(bot);
    programs.set(bot, found);
    return found;
  };
  for (const bot of options.bots.all()) programOf(bot);
  options.bots.beforeUse?.(programOf);
  return {
    scope: 'conversation',
    position: (input) => input.value.position,
    process: (input, state, context) => {
      const bot = chooseBot(options.bots, { key: input.key, message: input.value.message, results: input.value.results }, state);
      const program = programOf(bot);
      const heard = inputOf(input, bot, options);
      const first = interpret(program, state, heard);
      // A promise costs: only who waits for an effect returns one.
      return first.wants.length === 0 ? toResult(first, input, context) : settled(first, context, (results) => interpret(program, state, heard, results)).then((last) => toResult(last, input, context));
    },
  };
}

function inputOf(input: Input, bot: Bot, { trace, flags }: DialogueStageOptions): InterpreterInput {
  const { message, position, results } = input.value;
  const heard = { message, position, results, key: input.key, at: input.timestamp, ...(flags === undefined ? {} : { flags: flags() }) };
  return trace === undefined ? heard : { ...heard, trace: (flow, pc) => { trace(bot, flow, pc); } };
}

/** Does what the turn waits for and runs it again, until it waits for nothing. */
async function settled(first: Interpretation, context: StageContext, again: (results: ReadonlyMap<string, EffectResult>) => Interpretation): Promise<Interpretation> {
  const results = new Map<string, EffectResult>();
  let turn = first;
  while (turn.wants.length > 0) {
    const done = await Promise.all(turn.wants.map((request) => context.effects.run(request)));
    for (const result of done) results.set(result.key, result);
    turn = again(results);
  }
  return turn;
}

function toResult({ reply, state, timers }: Interpretation, input: Input, context: StageContext): StageResult<'dialogue'> {
  const answer = { topic: 'replies.v1' as const, value: { ...reply, createdAt: context.now() } };
  return { outputs: timers.length === 0 ? [answer] : [answer, ...timers.map((change) => timerOutput(change, input))], state };
}

function timerOutput(change: TimerChange, { key, value: { message, position } }: Input): StageOutput<'timers.v1'> {
  const { botId, channel, accountId, userId, locale } = message;
  return {
    topic: 'timers.v1', key: `${key}\0${change.id}`,
    value: change.op === 'cancel' ? null : { timerId: change.id, botId, channel, accountId, userId, locale, dueAt: change.dueAt, setBy: position, payload: change.payload },
  };
}
