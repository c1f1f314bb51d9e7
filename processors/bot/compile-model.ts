/** Section `model`: what a language model may do for the bot. What it costs and where it is are the operator's to say. */
import type { Context } from './context.js';
import { asMap } from './fields.js';
import { duration, integer, list, may, made, need, oneOf, record, reference, text, type Shape } from './shapes.js';
import type { ModelPolicy, ModelTask } from './types-model.js';
import type { Tree } from './yaml-tree.js';

const TASKS: readonly ModelTask[] = ['answer', 'rephrase', 'fill'];
const HOST = /^(\*\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
const MINUTE = 60_000;
const MONTH = 31 * 24 * 60 * MINUTE;

const tasks: Shape<ModelTask[]> = made(list(oneOf(TASKS), 'a task', { least: 1 }), (found) => [...new Set(found.map(({ value }) => value))]);
const hosts: Shape<string[]> = made(list(text(253, HOST, 'the name of a host such as help.example.com, or *.example.com for all below it'), 'a host', { most: 50 }), (found) => found.map(({ value }) => value.toLowerCase()));
const budget: Shape<{ tokens: number; perMillis: number }> = made(record({
  tokens: need(integer(1, 1_000_000_000), 'Tokens, prompts and answers together'),
  per: need(duration(MINUTE, MONTH), 'The window that they are for'),
}), ({ tokens, per }) => (tokens === undefined || per === undefined ? undefined : { tokens, perMillis: per }));

export const modelForm = record({
  tasks: need(tasks, 'What it may be asked for: to answer questions, to say responses in other words, to find the value of a slot'),
  instructions: may(text(4000), 'How it should sound and what it should know about itself; no secrets: people can make models tell', ''),
  latency: may(duration(100, 25_000), 'From the question to the last word of the answer; past it the fallback is said', 5000),
  tokens: may(integer(200, 200_000), 'Tokens of one question and its answer together', 4000),
  answerTokens: may(integer(10, 4000), 'Tokens of one answer', 500),
  budget: may(budget, 'What one tenant may use of this bot; without it only the limit of the operator', null),
  links: may(hosts, 'Hosts that links in an answer may lead to; an answer with another link is not shown', []),
  passages: may(integer(1, 10), 'Passages of the knowledge that it is given', 4),
  citations: may(oneOf(['required', 'optional']), 'Whether an answer from the knowledge must name its passages to be shown', 'required' as const),
  history: may(integer(0, 20), 'Lines of the conversation that it is given', 6),
  fallback: may(reference('responses'), "What is said when there is no answer; without it the bot's fallback", -1),
});

/** Undefined after a fault that leaves nothing to go on with. */
export function compileModel(tree: Tree, context: Context): ModelPolicy | undefined {
  const map = asMap(tree, 'model', context.faults);
  if (!map) return undefined;
  const { tasks: allowed = [], latency, links, ...rest } = modelForm.readMap(map, 'model', context);
  if (rest.answerTokens >= rest.tokens) context.faults.error(map.entries.get('answerTokens')?.place ?? map.place, '"answerTokens" leaves no tokens of "tokens" for the question');
  return { ...rest, tasks: allowed, latencyMillis: latency, links };
}
