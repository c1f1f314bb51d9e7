/** A bot made ready to run: name tables and compiled checks, once for each bot. */
import { createExtractor, type Bot, type Cues, type Extractor, type IntentRole, type LocalText } from '../bot/index.js';
import { createSlotCheck, type SlotCheck } from '../bot/slot-values.js';
import { phrases, type Phrases } from './phrases.js';

/** `name`: the slot's own name as a phrase; `contracted`: with an "is" in it. */
export interface Introduction { readonly phrases: Phrases; readonly name: Phrases; readonly contracted: Phrases }

export interface Program {
  readonly bot: Bot;
  readonly slotIndex: ReadonlyMap<string, number>;
  readonly flowIndex: ReadonlyMap<string, number>;
  /** Of each flow: label → place in its code. */
  readonly places: readonly ReadonlyMap<string, number>[];
  readonly roles: ReadonlyMap<string, IntentRole>;
  /** Intent → how it is offered. */
  readonly titles: ReadonlyMap<string, readonly LocalText[]>;
  readonly cues: { readonly [K in keyof Cues]: Phrases };
  /** Of each slot of free text: the phrases that may introduce its value, and the words of its own name. */
  readonly introductions: readonly Introduction[];
  /** Of each flow: the slots that an answer of it depends on. */
  readonly slotsOf: readonly (readonly number[])[];
  /** Of each flow: an answer of it depends on a slot of free text. */
  readonly hasText: readonly boolean[];
  /** Of each flow: every slot that it reads, in what it says too. */
  readonly readsOf: readonly (readonly number[])[];
  /** The last lines are kept: somebody may want to read them. */
  readonly keepsHistory: boolean;
  readonly extractor: Extractor;
  /** Of each slot: a value as the slot stores it, or null where it does not fit. */
  readonly checks: readonly SlotCheck[];
  /** What a flow of an older version is called now. */
  renamedFlow(name: string): string;
}

export function createProgram(bot: Bot): Program {
  const renames = new Map(bot.versions.migrations.flatMap((one) => [...one.flows]));
  return {
    bot,
    slotIndex: new Map(bot.slots.map((slot, index) => [slot.name, index])),
    flowIndex: new Map(bot.flows.map((flow, index) => [flow.name, index])),
    places: bot.flows.map((flow) => new Map(flow.labels.map((label, at) => [label, at]))),
    roles: new Map(bot.intents.flatMap((intent) => intent.role === null ? [] : [[intent.name, intent.role] as const])),
    titles: new Map(bot.intents.map((intent) => [intent.name, intent.titles])),
    cues: Object.fromEntries(Object.entries(bot.cues).map(([kind, words]) => [kind, phrases(words)])) as { readonly [K in keyof Cues]: Phrases },
    introductions: bot.slots.map((slot) => ({ phrases: phrases(slot.introducedBy), name: phrases([slot.name.replaceAll('_', ' ')]), contracted: phrases([`${slot.name.replaceAll('_', ' ')}'s`]) })),
    slotsOf: bot.flows.map((flow) => [...new Set([...flow.asks, ...flow.carries])]),
    hasText: bot.flows.map((flow) => flow.asks.some((slot) => bot.slots[slot]?.sources.some((source) => source.from === 'text'))),
    readsOf: bot.flows.map((flow) => {
      const found = new Set<number>();
      for (const instruction of flow.code) {
        collectSlots(instruction, found);
        if (instruction.op === 'say' || instruction.op === 'confirm') collectSlots(bot.responses[instruction.response], found);
      }
      return [...found];
    }),
    keepsHistory: bot.model !== null || bot.fallback.ladder.some((rung) => rung.do === 'handoff') || bot.flows.some((flow) => flow.code.some((one) => one.op === 'handoff')),
    extractor: createExtractor(bot),
    checks: bot.slots.map(createSlotCheck),
    renamedFlow: (name) => renames.get(name) ?? name,
  };
}

/** Slots that plain data of the bot names, however deep. */
function collectSlots(value: unknown, into: Set<number>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'slot' && typeof inner === 'number') into.add(inner);
    else collectSlots(inner, into);
  }
}
