/** Trees of all files to a Bot; every fault of every file is found in one go. */
import { asInteger, asMap, asNumber, asText, Fields, Names } from './fields.js';
import { compileEntity, compileIntents, compileResponse, compileSlot, type Context } from './compile-parts.js';
import { compileFlow } from './compile-flow.js';
import { cuesOf } from './cues.js';
import type { Faults, Place } from './faults.js';
import { emptySections, readSections, takeSections, type Sections } from './sections.js';
import type { Sources } from './sources.js';
import type { Bot, FallbackDefinition, FlowDefinition, Rung, SlotDefinition } from './types.js';
import type { Tree } from './yaml-tree.js';

export interface ParsedFile { readonly file: string; readonly tree: Tree }

/**
 * A bot that is right only when `faults.errors` is empty afterwards. Faults that are there already tell of files that could
 * not be read: what those would have declared is missed then without a word, as it would only hide the fault to mend.
 */
export function compileBot(head: ParsedFile, others: readonly ParsedFile[], version: string, faults: Faults, sources?: Sources): Bot | undefined {
  const complete = faults.errors.length === 0;
  const sections = emptySections();
  const headMap = asMap(head.tree, 'bot.yaml', faults);
  const fields = headMap && new Fields(headMap, 'bot.yaml', faults);
  if (fields) takeSections(fields, sections, faults);
  for (const other of others) readSections(other.tree, sections, faults);
  const context: Context = {
    faults,
    intents: new Names('intent', sections.intents.keys(), faults, complete),
    entities: new Names('entity', sections.entities.keys(), faults, complete),
    slots: new Names('slot', sections.slots.keys(), faults, complete),
    responses: new Names('response', sections.responses.keys(), faults, complete),
    flows: new Names('flow', sections.flows.keys(), faults, complete),
    ...(sources === undefined ? {} : { sources }),
  };
  const intents = compileIntents(sections, context);
  const entities = [...sections.entities.values()].map((entry) => compileEntity(entry, faults));
  const slots = [...sections.slots.values()].map((entry) => compileSlot(entry, context));
  const responses = [...sections.responses.values()].map((entry) => compileResponse(entry, context));
  const { flows, flowOfIntent } = compileFlows(sections, intents.replies, context);
  if (!fields) return undefined;
  const place: Place = head.tree.place;
  if (complete) {
    if (sections.intents.size === 0) faults.error(place, 'the bot has no intents');
    checkAsks(sections, slots, flows, faults);
  }
  const bot: Bot = { ...readHead(fields, context), version, intents: intents.intents, outOfScope: intents.outOfScope, entities, slots, responses, flows, flowOfIntent, actions: [], knowledge: [] };
  fields.close();
  if (complete) warnUnused(sections, flows, flowOfIntent, context);
  return bot;
}

type Head = Omit<Bot, 'version' | 'intents' | 'outOfScope' | 'entities' | 'slots' | 'responses' | 'flows' | 'flowOfIntent' | 'actions' | 'knowledge'>;

function readHead(fields: Fields, context: Context): Head {
  const { faults } = context;
  const format = fields.need('format');
  if (format && asInteger(format, 'format', [1, 1], faults) === undefined) faults.error(format.place, 'this program reads format 1');
  const idTree = fields.need('id');
  const id = (idTree && asText(idTree, 'id', faults, 64)) ?? '';
  if (idTree && id !== '' && !/^[a-z0-9][a-z0-9-]{0,63}$/.test(id)) faults.error(idTree.place, 'the id must be lower-case letters, digits and "-"');
  const optional = (key: string): number => fields.read(key, -1, (tree) => context.responses.reference(tree));
  return {
    id,
    name: fields.read('name', id, (tree) => asText(tree, 'name', faults, 80)),
    language: fields.read('language', 'en', (tree) => asText(tree, 'language', faults, 35)),
    accept: fields.read('accept', 0.95, (tree) => asNumber(tree, 'accept', [0.5, 1], faults)),
    fallback: readFallback(fields, context),
    attachment: optional('attachment'),
    resume: optional('resume'),
    restarted: optional('restarted'),
    cancelled: optional('cancelled'),
    corrected: optional('corrected'),
    failed: optional('failed'),
    languages: ['en'],
    model: null,
    disambiguation: null,
    session: { timeoutMillis: 0, resume: 'continue', ask: -1 },
    versions: { onChange: 'finish', migrations: [] },
    cues: cuesOf(['en']),
  };
}

function readFallback(parent: Fields, context: Context): FallbackDefinition {
  const nothing: FallbackDefinition = { say: -1, again: -1, after: 0, then: -1, ladder: [{ do: 'say', response: -1 }] };
  const tree = parent.need('fallback');
  const map = tree && asMap(tree, 'fallback', context.faults);
  if (!map) return nothing;
  const fields = new Fields(map, 'fallback', context.faults);
  const sayTree = fields.need('say');
  const say = sayTree ? context.responses.reference(sayTree) : -1;
  const after = fields.read('after', 0, (node) => asInteger(node, 'after', [1, 20], context.faults));
  const then = fields.read('then', -1, (node) => context.flows.reference(node));
  if ((after === 0) !== (then === -1) && map.entries.has('after') !== map.entries.has('then')) context.faults.error(map.place, '"after" and "then" go together');
  const again = fields.read('again', say, (node) => context.responses.reference(node));
  fields.close();
  return { say, again, after, then, ladder: ladderOf(say, again, after, then) };
}

/** The ladder that `say`, `again`, `after` and `then` stand for. */
function ladderOf(say: number, again: number, after: number, then: number): Rung[] {
  const ladder: Rung[] = [{ do: 'say', response: say }];
  if (after === 0 || then < 0) return [...ladder, { do: 'say', response: again }];
  while (ladder.length < after - 1) ladder.push({ do: 'say', response: again });
  return after === 1 ? [{ do: 'flow', flow: then }] : [...ladder, { do: 'flow', flow: then }];
}

function compileFlows(sections: Sections, replies: ReadonlyMap<string, number>, context: Context): { flows: FlowDefinition[]; flowOfIntent: Map<string, number> } {
  const flows: FlowDefinition[] = [];
  const flowOfIntent = new Map<string, number>();
  for (const entry of sections.flows.values()) {
    const compiled = compileFlow(entry, context);
    for (const one of compiled.on) {
      if (flowOfIntent.has(one.intent) || replies.has(one.intent)) context.faults.error(one.place, `the intent "${one.intent}" has another flow or reply already`);
      else flowOfIntent.set(one.intent, flows.length);
    }
    flows.push(compiled.flow);
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

function warnUnused(sections: Sections, flows: readonly FlowDefinition[], flowOfIntent: ReadonlyMap<string, number>, context: Context): void {
  const started = new Set(flowOfIntent.values());
  flows.forEach((flow, index) => {
    const entry = sections.flows.get(flow.name);
    if (entry && !started.has(index) && !context.flows.used.has(index)) context.faults.warn(entry.place, `nothing leads to the flow "${flow.name}"`);
  });
  for (const entry of sections.intents.values()) if (!flowOfIntent.has(entry.name)) context.faults.warn(entry.place, `no flow or reply answers the intent "${entry.name}"`);
  let index = 0;
  for (const entry of sections.responses.values()) {
    if (!context.responses.used.has(index)) context.faults.warn(entry.place, `the response "${entry.name}" is not used`);
    index += 1;
  }
}

