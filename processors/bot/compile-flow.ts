/** Second pass: the steps of a flow as a flat list of instructions with jump targets. */
import { asBoolean, asList, asMap, asNumber, asText, asTexts, Fields } from './fields.js';
import { compileTemplate, type Context } from './compile-parts.js';
import type { Place } from './faults.js';
import type { Entry } from './sections.js';
import type { Expression, FlowDefinition, Instruction, Template } from './types.js';
import type { MapNode, Tree } from './yaml-tree.js';

const STEPS = ['say', 'ask', 'set', 'clear', 'if', 'go', 'call', 'handoff', 'cancel', 'end'];
const MOST_INSTRUCTIONS = 1000;

export interface CompiledFlow { readonly flow: FlowDefinition; readonly on: readonly { readonly intent: string; readonly place: Place }[] }

export function compileFlow(entry: Entry, context: Context): CompiledFlow {
  const { faults } = context;
  const map = asMap(entry.tree, `flow "${entry.name}"`, faults);
  if (!map) return { flow: { name: entry.name, code: [], labels: [], asks: [], carries: [] }, on: [] };
  const fields = new Fields(map, `flow "${entry.name}"`, faults);
  const onTree = fields.take('on');
  const on = onTree ? asTexts(onTree, 'on', faults).map((one) => ({ intent: one.text, place: one.place })) : [];
  for (const one of on) context.intents.find(one.intent, one.place);
  const code: Instruction[] = [];
  const steps = fields.need('do');
  if (steps) compileSteps(steps, code, { ...context, flow: entry.name });
  if (code.length > MOST_INSTRUCTIONS) faults.error(entry.place, `flow "${entry.name}" has more than ${MOST_INSTRUCTIONS} steps`);
  fields.close();
  const asks = [...new Set(code.flatMap((instruction) => instruction.op === 'ask' ? [instruction.slot] : []))];
  return { flow: { name: entry.name, code, labels: code.map((one, at) => `${one.op}~${at}`), asks, carries: [] }, on };
}

function compileSteps(tree: Tree, code: Instruction[], context: Context): void {
  const list = asList(tree, 'the steps', context.faults);
  if (!list) return;
  if (list.items.length === 0) context.faults.error(list.place, 'there are no steps');
  for (const item of list.items) {
    const from = code.length;
    compileStep(item, code, context);
    context.sources?.step(context.flow ?? '', from, code.length, item.place);
  }
}

function compileStep(tree: Tree, code: Instruction[], context: Context): void {
  const { faults } = context;
  if (tree.kind === 'scalar') {
    if (tree.value === 'cancel' || tree.value === 'end') code.push({ op: tree.value });
    else faults.unknown(tree.place, 'step', String(tree.value), STEPS);
    return;
  }
  const map = asMap(tree, 'a step', faults);
  if (!map) return;
  const names = STEPS.filter((name) => map.entries.has(name));
  const name = names[0];
  if (name === undefined || names.length > 1) {
    const first = [...map.entries.values()][0];
    if (name === undefined && first) faults.unknown(first.place, 'step', first.key, STEPS);
    else faults.error(map.place, names.length > 1 ? `one step is one of ${names.join(', ')}: begin each with "-"` : 'an empty step');
    return;
  }
  const fields = new Fields(map, `step "${name}"`, faults);
  const value = fields.take(name);
  if (value) compileNamed(name, value, fields, { map, code, context });
  fields.close();
}

interface Target { readonly map: MapNode; readonly code: Instruction[]; readonly context: Context }

function compileNamed(name: string, value: Tree, fields: Fields, target: Target): void {
  const { code, context } = target;
  switch (name) {
    case 'say': code.push({ op: 'say', response: context.responses.reference(value) }); return;
    case 'ask': code.push({ op: 'ask', slot: context.slots.reference(value) }); return;
    case 'go': case 'call': code.push({ op: name, flow: context.flows.reference(value) }); return;
    case 'handoff': code.push({ op: 'handoff', reason: asText(value, 'the reason of a handoff', context.faults, 200) ?? '' }); return;
    case 'clear': code.push({ op: 'clear', slots: asTexts(value, 'a slot', context.faults).map((one) => context.slots.find(one.text, one.place)) }); return;
    case 'set': compileSet(value, target); return;
    case 'if': compileIf(value, fields, target); return;
    default: context.faults.error(value.place, `write "- ${name}" without a value`);
  }
}

function compileSet(value: Tree, { code, context }: Target): void {
  const map = asMap(value, 'set', context.faults);
  for (const entry of map?.entries.values() ?? []) {
    const text = entry.value.kind === 'scalar' && typeof entry.value.value === 'boolean' ? String(entry.value.value) : asText(entry.value, 'the value of a slot', context.faults, 500);
    const compiled: Template = text === undefined ? [] : compileTemplate(text, entry.value.place, context);
    code.push({ op: 'set', slot: context.slots.find(entry.key, entry.place), value: compiled });
  }
}

function compileIf(value: Tree, fields: Fields, { map, code, context }: Target): void {
  const condition = compileCondition(value, context);
  const at = code.length;
  code.push({ op: 'jump', to: 0 });
  const then = fields.take('then');
  const otherwise = fields.take('else');
  if (!then && !otherwise) context.faults.error(map.place, 'an "if" needs "then" or "else"');
  if (then) compileSteps(then, code, context);
  if (otherwise) {
    const over = code.length;
    code.push({ op: 'jump', to: 0 });
    code[at] = { op: 'unless', condition, to: code.length };
    compileSteps(otherwise, code, context);
    code[over] = { op: 'jump', to: code.length };
  } else {
    code[at] = { op: 'unless', condition, to: code.length };
  }
}

const NEVER: Expression = { op: 'or', of: [] };

function compileCondition(tree: Tree, context: Context): Expression {
  const { faults } = context;
  const map = asMap(tree, 'a condition', faults);
  if (!map) return NEVER;
  const fields = new Fields(map, 'a condition', faults);
  const condition = readCondition(fields, map, context);
  fields.close();
  return condition;
}

function readCondition(fields: Fields, map: MapNode, context: Context): Expression {
  const { faults } = context;
  const all = fields.take('all');
  const any = fields.take('any');
  const not = fields.take('not');
  const intent = fields.take('intent');
  const channel = fields.take('channel');
  const slot = fields.take('slot');
  const kinds = [all, any, not, intent, channel, slot].filter((part) => part !== undefined).length;
  if (kinds !== 1) { faults.error(map.place, 'a condition has exactly one of slot, intent, channel, all, any and not'); return NEVER; }
  if (not) return { op: 'not', of: compileCondition(not, context) };
  const several = all ?? any;
  if (several) {
    const list = asList(several, all ? 'all' : 'any', faults);
    return { op: all ? 'and' : 'or', of: (list?.items ?? []).map((item) => compileCondition(item, context)) };
  }
  if (intent) {
    const named = asTexts(intent, 'intent', faults);
    for (const one of named) context.intents.find(one.text, one.place);
    return { op: 'in', left: { op: 'input', field: 'intent' }, values: named.map((one) => one.text) };
  }
  if (channel) return { op: 'in', left: { op: 'input', field: 'channel' }, values: asTexts(channel, 'channel', faults).map((one) => one.text) };
  return slot ? readSlotCondition(fields, map, slot, context) : NEVER;
}

function readSlotCondition(fields: Fields, map: MapNode, slotTree: Tree, context: Context): Expression {
  const { faults } = context;
  const slot = context.slots.reference(slotTree);
  const left: Expression = { op: 'slot', slot, type: 'text' };
  const is = fields.take('is');
  const known = fields.take('known');
  const above = fields.take('above');
  const below = fields.take('below');
  if ([is, known, above ?? below].filter((part) => part !== undefined).length !== 1) {
    faults.error(map.place, 'a condition on a slot has one of "is", "known" and "above"/"below"');
    return NEVER;
  }
  if (is) {
    const values = is.kind === 'scalar' && typeof is.value === 'boolean' ? [String(is.value)] : asTexts(is, 'is', faults).map((one) => one.text);
    return { op: 'in', left, values: values.map((value) => value.toLowerCase()) };
  }
  if (known) {
    const wanted = asBoolean(known, 'known', faults) ?? true;
    return wanted ? { op: 'known', of: left } : { op: 'not', of: { op: 'known', of: left } };
  }
  const bounds = ([['>', above], ['<', below]] as const).flatMap(([by, tree]): Expression[] => {
    const value = tree && asNumber(tree, 'a bound', [-1e15, 1e15], faults);
    return value === undefined ? [] : [{ op: 'compare', by, as: 'number', left, right: { op: 'literal', value } }];
  });
  return { op: 'and', of: bounds };
}
