/** What a bot declares and never uses: warnings, because it runs all the same. */
import type { Context } from './context.js';
import type { Sections } from './sections.js';
import type { Bot, Instruction } from './types.js';

export function warnUnused(bot: Bot, sections: Sections, context: Context): void {
  const { faults } = context;
  const reached = reachedFlows(bot);
  bot.flows.forEach((flow, index) => {
    const entry = sections.flows.get(flow.name);
    if (entry && !reached.has(index)) faults.warn(entry.place, `nothing leads to the flow "${flow.name}"`);
    else if (entry && circles(bot, index)) faults.warn(entry.place, `the flow "${flow.name}" goes in a circle without asking anything`);
  });
  for (const intent of bot.intents) {
    const entry = sections.intents.get(intent.name);
    if (entry && !bot.flowOfIntent.has(intent.name) && intent.role === null && !context.intents.used.has(context.intents.indexOf(intent.name))) faults.warn(entry.place, `no flow or reply answers the intent "${intent.name}"`);
  }
  for (const [kind, names, entries] of [['response', context.responses, sections.responses], ['action', context.actions, sections.actions]] as const) {
    for (const entry of entries.values()) if (!names.used.has(names.indexOf(entry.name))) faults.warn(entry.place, `the ${kind} "${entry.name}" is not used`);
  }
}

/** Flows that an intent, the fallback, or another reached flow leads to. */
function reachedFlows(bot: Bot): ReadonlySet<number> {
  const reached = new Set<number>();
  const open = [...bot.flowOfIntent.values(), ...bot.fallback.ladder.flatMap((rung) => rung.do === 'flow' ? [rung.flow] : [])];
  for (let flow = open.pop(); flow !== undefined; flow = open.pop()) {
    if (flow < 0 || reached.has(flow)) continue;
    reached.add(flow);
    for (const instruction of bot.flows[flow]?.code ?? []) open.push(...leadsTo(bot, instruction));
  }
  return reached;
}

function leadsTo(bot: Bot, instruction: Instruction): number[] {
  switch (instruction.op) {
    case 'go': case 'call': case 'remind': return [instruction.flow];
    case 'ask': return [bot.slots[instruction.slot]?.fail ?? -1];
    default: return [];
  }
}

/** Whether the flow can come back to its beginning without a question in between: such a turn is broken off. */
function circles(bot: Bot, start: number): boolean {
  const seen = new Set<string>();
  const open: [number, number][] = [[start, 0]];
  for (let at = open.pop(); at; at = open.pop()) {
    const [flow, pc] = at;
    const key = `${flow}.${pc}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const instruction = bot.flows[flow]?.code[pc];
    if (!instruction) continue;
    if ((instruction.op === 'go' || instruction.op === 'call') && instruction.flow === start) return true;
    for (const next of follow(instruction, flow, pc)) open.push(next);
  }
  return false;
}

function follow(instruction: Instruction, flow: number, pc: number): [number, number][] {
  switch (instruction.op) {
    case 'ask': case 'confirm': case 'end': case 'cancel': case 'handoff': return [];
    case 'jump': return [[flow, instruction.to]];
    case 'unless': return [[flow, pc + 1], [flow, instruction.to]];
    case 'act': return [[flow, pc + 1], ...instruction.error >= 0 ? [[flow, instruction.error] as [number, number]] : []];
    case 'go': return [[instruction.flow, 0]];
    case 'call': return [[instruction.flow, 0], [flow, pc + 1]];
    default: return [[flow, pc + 1]];
  }
}
