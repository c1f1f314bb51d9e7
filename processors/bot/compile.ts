/** Trees of all files to a Bot; every fault of every file is found in one go. */
import { compileAction } from './compile-action.js';
import type { Context } from './context.js';
import { compileFlow } from './emit-flow.js';
import type { Faults } from './faults.js';
import { asMap, Names } from './fields.js';
import { compileEntity } from './form-entity.js';
import { headForm, headOf, languagesOf } from './form-head.js';
import { compileIntents } from './form-intent.js';
import { compileResponse } from './form-response.js';
import { compileSlot } from './form-slot.js';
import { emptySections, readSections, SECTION_KEYS, takeSections, type Sections } from './sections.js';
import type { Sources } from './sources.js';
import type { Bot, FlowDefinition, SlotDefinition } from './types.js';
import { warnUnused } from './unused.js';
import type { Tree } from './yaml-tree.js';

/** Of all flows. */
const MOST_INSTRUCTIONS = 50_000;

export interface ParsedFile { readonly file: string; readonly tree: Tree }

/**
 * A bot that is right only when `faults.errors` is empty afterwards. Faults that are there already tell of files that could
 * not be read: what those would have declared is missed then without a word, as it would only hide the fault to mend.
 */
export function compileBot(head: ParsedFile, others: readonly ParsedFile[], version: string, faults: Faults, sources?: Sources): Bot | undefined {
  const complete = faults.errors.length === 0;
  const sections = emptySections();
  const map = asMap(head.tree, 'bot.yaml', faults);
  if (map) takeSections(map, sections, faults);
  for (const other of others) readSections(other.tree, sections, faults);
  const names = contextOf(sections, faults, complete, sources);
  const context: Context = map ? { ...names, languages: languagesOf(map, names) } : names;
  const { declared } = context;
  for (const entry of sections.entities.values()) declared.entities.push(compileEntity(entry, context));
  for (const entry of sections.slots.values()) declared.slots.push(compileSlot(entry, context));
  for (const entry of sections.actions.values()) declared.actions.push(compileAction(entry, context));
  const intents = compileIntents(sections, context);
  const responses = [...sections.responses.values()].map((entry) => compileResponse(entry, context));
  const { flows, flowOfIntent } = compileFlows(sections, intents.replies, context);
  if (!map) return undefined;
  if (complete && sections.intents.size === 0) faults.error(map.place, 'the bot has no intents');
  const found = headForm.readMap(map, 'bot.yaml', context, SECTION_KEYS);
  const bot: Bot = {
    ...headOf(found, map.entries.get('id')?.value.place ?? map.place, context), version, knowledge: [],
    intents: intents.intents, outOfScope: intents.outOfScope.map((one) => one.text), outOfScopeSamples: intents.outOfScope,
    entities: declared.entities, slots: declared.slots, responses, flows, flowOfIntent, actions: declared.actions,
  };
  if (complete) {
    checkAsks(sections, declared.slots, flows, faults);
    warnUnused(bot, sections, context);
  }
  return bot;
}

function contextOf(sections: Sections, faults: Faults, complete: boolean, sources: Sources | undefined): Context {
  const names = (kind: string, section: ReadonlyMap<string, unknown>): Names => new Names(kind, section.keys(), faults, complete);
  return {
    faults, languages: ['en'], declared: { slots: [], entities: [], actions: [] }, patterns: { size: 0 },
    intents: names('intent', sections.intents), entities: names('entity', sections.entities), slots: names('slot', sections.slots),
    responses: names('response', sections.responses), flows: names('flow', sections.flows), actions: names('action', sections.actions),
    ...(sources === undefined ? {} : { sources }),
  };
}

function compileFlows(sections: Sections, replies: ReadonlyMap<string, number>, context: Context): { flows: FlowDefinition[]; flowOfIntent: Map<string, number> } {
  const flows: FlowDefinition[] = [];
  let instructions = 0;
  const flowOfIntent = new Map<string, number>();
  for (const entry of sections.flows.values()) {
    const compiled = compileFlow(entry, context);
    for (const { value: intent, place } of compiled.on) {
      if (flowOfIntent.has(intent) || replies.has(intent)) context.faults.error(place, `the intent "${intent}" has another flow or reply already`);
      else flowOfIntent.set(intent, flows.length);
    }
    flows.push(compiled.flow);
    instructions += compiled.flow.code.length;
    if (instructions > MOST_INSTRUCTIONS) { context.faults.error(entry.place, `the flows have more than ${MOST_INSTRUCTIONS} steps together`); break; }
  }
  for (const [intent, response] of replies) {
    flowOfIntent.set(intent, flows.length);
    // A ":" stands in no name of a bot's files, so this one cannot clash.
    flows.push({ name: `reply:${intent}`, code: [{ op: 'say', response }], labels: ['say'], asks: [], carries: [] });
  }
  return { flows, flowOfIntent };
}

/** A slot that is asked for must say how. */
function checkAsks(sections: Sections, slots: readonly SlotDefinition[], flows: readonly FlowDefinition[], faults: Faults): void {
  const asked = new Set(flows.flatMap((flow) => flow.asks));
  slots.forEach((slot, index) => {
    const place = sections.slots.get(slot.name)?.place;
    if (place && asked.has(index) && slot.ask === -1 && !faults.errors.some((fault) => fault.file === place.file && fault.line === place.line)) {
      faults.error(place, `slot "${slot.name}" is asked for and lacks "ask"`);
    }
  });
}
