/** A bot made ready to run: name tables and compiled checks, once for each bot. */
import { RE2JS } from 're2js';
import { createExtractor, type Bot, type Extractor, type SlotDefinition } from '../bot/index.js';

export interface Program {
  readonly bot: Bot;
  readonly slotIndex: ReadonlyMap<string, number>;
  readonly flowIndex: ReadonlyMap<string, number>;
  readonly extractor: Extractor;
  /** True when the value may stand in the slot. */
  fits(slot: SlotDefinition, value: string): boolean;
}

export function createProgram(bot: Bot): Program {
  const patterns = new Map(bot.slots.flatMap((slot) => slot.matches === null ? [] : [[slot, RE2JS.compile(slot.matches, RE2JS.CASE_INSENSITIVE)] as const]));
  return {
    bot,
    slotIndex: new Map(bot.slots.map((slot, index) => [slot.name, index])),
    flowIndex: new Map(bot.flows.map((flow, index) => [flow.name, index])),
    extractor: createExtractor(bot),
    fits: (slot, value) => value.length >= slot.minLength && value.length <= slot.maxLength && (patterns.get(slot)?.matches(value) ?? true),
  };
}
