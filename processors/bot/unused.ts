/** What a bot declares and never uses: warnings, because it runs all the same. */
import type { Context } from './context.js';
import type { Sections } from './sections.js';
import type { Bot, Instruction } from './types.js';

export function warnUnused(bot: Bot, sections: Sections, context: Context): void {
  const { faults } = context;
  const reached = reachedFlows(bot);
  const circles = circling(bot);
  bot.flows.forEach((flow, index) => {
    const entry = sections.flows.get(flow.name);
    if (entry && !reached.has(index)) faults.warn(entry.place, `nothing leads to the flow "${flow.name}"`);
    else if (entry && circles.has(index)) faults.warn(entry.place, `the flow "${flow.name}" goes in a circle without asking anything`);
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

/** Flows that can come back to their own beginning without a question in between: such a turn is broken off. */
function circling(bot: Bot): ReadonlySet<number> {
  const passing = passingFlows(bot);
  const leads = bot.flows.map((_, flow) => walk(bot, flow, passing).into);
  const found = new Set<number>();
  // Each flow is left in one pass: what it cannot come back from, nobody who comes later needs to try.
  const state = new Uint8Array(bot.flows.length);
  for (let start = 0; start < bot.flows.length; start++) if (state[start] === 0) findCircles(start, leads, state, found);
  return found;
}

/** Depth first, without recursion: a flow that is met again while it is still open closes a circle. */
function findCircles(start: number, leads: readonly (readonly number[])[], state: Uint8Array, found: Set<number>): void {
  const open: { flow: number; next: number }[] = [{ flow: start, next: 0 }];
  state[start] = 1;
  for (let top = open.at(-1); top; top = open.at(-1)) {
    const to = leads[top.flow]?.[top.next];
    top.next += 1;
    if (to === undefined) { state[top.flow] = 2; open.pop(); continue; }
    if (state[to] === 1) found.add(to);
    if (state[to] === 0) { state[to] = 1; open.push({ flow: to, next: 0 }); }
  }
}

/** Flows that can be run to their end without a question. Found in rounds; of very long chains of calls some are missed, and no circle is told of. */
function passingFlows(bot: Bot): ReadonlySet<number> {
  const passing = new Set<number>();
  for (let round = 0, before = -1; round < 20 && passing.size > before; round++) {
    before = passing.size;
    bot.flows.forEach((_, flow) => { if (!passing.has(flow) && walk(bot, flow, passing).ends) passing.add(flow); });
  }
  return passing;
}

/** What one flow leads into, and whether it can end, before it asks anything. */
function walk(bot: Bot, flow: number, passing: ReadonlySet<number>): { into: number[]; ends: boolean } {
  const code = bot.flows[flow]?.code ?? [];
  const seen = new Uint8Array(code.length + 1);
  const into: number[] = [];
  const open = [0];
  let ends = false;
  for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
    const instruction = code[pc];
    if (!instruction) { ends = true; continue; }
    if (seen[pc] === 1) continue;
    seen[pc] = 1;
    if (instruction.op === 'go' || instruction.op === 'call') into.push(instruction.flow);
    open.push(...follow(instruction, pc, passing));
  }
  return { into: into.filter((one) => one >= 0), ends };
}

function follow(instruction: Instruction, pc: number, passing: ReadonlySet<number>): number[] {
  switch (instruction.op) {
    case 'ask': case 'confirm': case 'end': case 'cancel': case 'handoff': case 'go': return [];
    case 'jump': return [instruction.to];
    case 'unless': return [pc + 1, instruction.to];
    case 'act': return instruction.error >= 0 ? [pc + 1, instruction.error] : [pc + 1];
    case 'call': return passing.has(instruction.flow) ? [pc + 1] : [];
    default: return [pc + 1];
  }
}
