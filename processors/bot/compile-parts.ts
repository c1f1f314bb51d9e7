/** Second pass: intents, entities, responses and slots with every name resolved. */
import { RE2JS } from 're2js';
import { shown, type Faults, type Place } from './faults.js';
import { asBoolean, asInteger, asList, asMap, asText, asTexts, Fields, type Names } from './fields.js';
import { EXAMPLE_CHARACTERS, type Entry, type Sections } from './sections.js';
import type { Sources } from './sources.js';
import type { EntityDefinition, IntentDefinition, ListValue, QuickReplyDefinition, ResponseDefinition, SlotDefinition, SystemEntity, Template } from './types.js';
import type { Tree } from './yaml-tree.js';

export interface Context {
  readonly faults: Faults;
  readonly intents: Names;
  readonly entities: Names;
  readonly slots: Names;
  readonly responses: Names;
  readonly flows: Names;
  /** Notes where things stand, for those who ask. */
  readonly sources?: Sources;
  /** The flow whose steps are being compiled. */
  readonly flow?: string;
}

const PATTERN_LENGTH = 300;
const MOST_EXAMPLES = 20_000;
/** Intents times examples: what training costs. 150 intents of 100 examples each are half of it and take half a minute. */
const MOST_TRAINING = 5_000_000;

export function compileIntents(sections: Sections, context: Context): { intents: IntentDefinition[]; outOfScope: string[]; replies: Map<string, number> } {
  const { faults } = context;
  const replies = new Map<string, number>();
  const seen = new Map<string, string>();
  let count = 0;
  const note = (example: { text: string; place: Place }, owner: string): boolean => {
    count += 1;
    if (count > MOST_EXAMPLES) { if (count === MOST_EXAMPLES + 1) faults.error(example.place, `more than ${MOST_EXAMPLES} examples`); return false; }
    const folded = example.text.normalize('NFKC').toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined && other !== owner) faults.warn(example.place, `"${shown(example.text)}" is an example of ${other} too`);
    seen.set(folded, owner);
    return true;
  };
  const intents = [...sections.intents.values()].map((entry): IntentDefinition => {
    const map = asMap(entry.tree, `intent "${entry.name}"`, faults);
    if (!map) return { name: entry.name, examples: [], samples: [], titles: [], role: null };
    const fields = new Fields(map, `intent "${entry.name}"`, faults);
    const tree = fields.need('examples');
    const list = tree && asList(tree, 'examples', faults);
    const examples = list ? asTexts(list, 'an example', faults, EXAMPLE_CHARACTERS).filter((example) => note(example, entry.name)) : [];
    if (list && examples.length === 0) faults.error(list.place, `intent "${entry.name}" has no examples`);
    else if (list && examples.length < 5) faults.warn(list.place, `intent "${entry.name}" has fewer than 5 examples`);
    const reply = fields.take('reply');
    if (reply) replies.set(entry.name, context.responses.reference(reply));
    fields.close();
    context.sources?.intents.set(entry.name, entry.place);
    for (const { text, place } of examples) context.sources?.examples.push({ intent: entry.name, text, place });
    return {
      name: entry.name, examples: examples.map((example) => example.text), titles: [], role: null,
      samples: examples.map(({ text }) => ({ text, language: 'en', spans: [] })),
    };
  });
  const first = [...sections.intents.values()][0];
  if (first && count * intents.length > MOST_TRAINING) faults.error(first.place, `${intents.length} intents with ${count} examples are too much to train`);
  const outOfScope = sections.outOfScope.filter((example) => note(example, 'outOfScope'));
  for (const { text, place } of outOfScope) context.sources?.examples.push({ intent: null, text, place });
  return { intents, outOfScope: outOfScope.map((example) => example.text), replies };
}

/** True when RE2 takes the pattern; its matching is linear in the text whatever the pattern is. */
export function checkPattern(pattern: string, place: Place, faults: Faults): boolean {
  if (pattern.length > PATTERN_LENGTH) { faults.error(place, `the pattern is longer than ${PATTERN_LENGTH} characters`); return false; }
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.CASE_INSENSITIVE);
    if (compiled.programSize() > 2000) { faults.error(place, 'the pattern is too large: use smaller repetitions'); return false; }
    if (compiled.matches('')) { faults.error(place, 'the pattern matches the empty text'); return false; }
    return true;
  } catch (error) {
    faults.error(place, `the pattern is not RE2: ${shown(error instanceof Error ? error.message : String(error))}`);
    return false;
  }
}

export function compileEntity(entry: Entry, faults: Faults): EntityDefinition {
  const nothing: EntityDefinition = { name: entry.name, patterns: [], values: [], system: null, normalise: 'none' };
  const map = asMap(entry.tree, `entity "${entry.name}"`, faults);
  if (!map) return nothing;
  const fields = new Fields(map, `entity "${entry.name}"`, faults);
  const patterns = fields.read('patterns', [], (tree) => asTexts(tree, 'a pattern', faults).filter((one) => checkPattern(one.text, one.place, faults)).map((one) => one.text));
  const values = fields.read<ListValue[]>('values', [], (tree) => compileValues(tree, faults));
  const system = fields.read<SystemEntity | null>('system', null, (tree) => oneOf(tree, 'system', ['number', 'email'] as const, faults));
  const normalise = fields.read<EntityDefinition['normalise']>('normalise', 'none', (tree) => oneOf(tree, 'normalise', ['upper', 'lower', 'none'] as const, faults));
  if (!['patterns', 'values', 'system'].some((key) => map.entries.has(key))) faults.error(entry.place, `entity "${entry.name}" needs "patterns", "values" or "system"`);
  fields.close();
  return { name: entry.name, patterns, values, system, normalise };
}

function oneOf<const T extends string>(tree: Tree, what: string, choices: readonly T[], faults: Faults): T | undefined {
  const text = asText(tree, what, faults);
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found === undefined) faults.unknown(tree.place, what, text, choices);
  return found;
}

/** A list of values, or a map from value to its synonyms. */
function compileValues(tree: Tree, faults: Faults): ListValue[] {
  if (tree.kind === 'list') return asTexts(tree, 'a value', faults).map((one) => ({ value: one.text, synonyms: [one.text] }));
  const map = asMap(tree, 'values', faults);
  if (!map) return [];
  return [...map.entries.values()].map((entry) => {
    const empty = entry.value.kind === 'scalar' && entry.value.value === null;
    return { value: entry.key, synonyms: [entry.key, ...(empty ? [] : asTexts(entry.value, 'a synonym', faults).map((one) => one.text))] };
  });
}

/** `{slot}` and `{slot|words when it is empty}`; `{{` and `}}` stand for braces. */
export function compileTemplate(text: string, place: Place, context: Context): Template {
  const parts: (string | { slot: number; otherwise: string })[] = [];
  let literal = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    if ((char === '{' || char === '}') && text[at + 1] === char) { literal += char; at += 1; continue; }
    if (char === '}') { context.faults.error(place, 'a "}" without "{"; write "}}" for a brace'); return []; }
    if (char !== '{') { literal += char; continue; }
    const close = text.indexOf('}', at);
    if (close < 0) { context.faults.error(place, 'a "{" without "}"; write "{{" for a brace'); return []; }
    const [name = '', ...otherwise] = text.slice(at + 1, close).split('|');
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push({ slot: context.slots.find(name.trim(), place), otherwise: otherwise.join('|') });
    at = close;
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

function template(tree: Tree, what: string, context: Context): Template | undefined {
  const text = asText(tree, what, context.faults, 4096);
  return text === undefined ? undefined : compileTemplate(text, tree.place, context);
}

/** A text, a list of bubbles, or a map of `text`, `bubbles` or `variants`, and `quickReplies`. */
export function compileResponse(entry: Entry, context: Context): ResponseDefinition {
  const { faults } = context;
  const name = entry.name;
  if (entry.tree.kind !== 'map') return { name, variants: [bubbles(entry.tree, context)], quickReplies: [], buttons: [], image: null, forms: [], rephrase: false };
  const fields = new Fields(entry.tree, `response "${name}"`, faults);
  const forms = ['text', 'bubbles', 'variants'].filter((key) => fields.take(key) !== undefined);
  if (forms.length !== 1) faults.error(entry.place, `response "${name}" needs one of "text", "bubbles" and "variants"`);
  const variants = fields.take('variants');
  const single = fields.take('bubbles') ?? fields.take('text');
  const list = variants && asList(variants, 'variants', faults);
  const compiled = list ? list.items.map((item) => bubbles(item, context)) : single ? [bubbles(single, context)] : [];
  if (list && list.items.length === 0) faults.error(list.place, 'variants is empty');
  const quickReplies = fields.read<QuickReplyDefinition[]>('quickReplies', [], (tree) => compileQuickReplies(tree, context));
  fields.close();
  return { name, variants: compiled.length > 0 ? compiled : [[]], quickReplies, buttons: [], image: null, forms: [], rephrase: false };
}

function bubbles(tree: Tree, context: Context): Template[] {
  const nodes = tree.kind === 'list' ? tree.items : [tree];
  if (nodes.length === 0 || nodes.length > 10) context.faults.error(tree.place, 'a response has 1 to 10 bubbles');
  return nodes.map((node) => template(node, 'a bubble', context) ?? []);
}

function compileQuickReplies(tree: Tree, context: Context): QuickReplyDefinition[] {
  const { faults } = context;
  const list = asList(tree, 'quickReplies', faults);
  if (!list) return [];
  if (list.items.length > 13) faults.error(list.place, 'at most 13 quick replies');
  return list.items.flatMap((item) => {
    if (item.kind !== 'map') {
      const title = asText(item, 'a quick reply', faults, 80);
      return title === undefined ? [] : [{ title: compileTemplate(title, item.place, context), payload: title }];
    }
    const fields = new Fields(item, 'a quick reply', faults);
    const titleTree = fields.need('title');
    const title = titleTree && asText(titleTree, 'title', faults, 80);
    const intent = fields.take('intent');
    const payloadTree = fields.take('payload');
    if (intent) context.intents.reference(intent);
    if (intent && payloadTree) faults.error(item.place, 'a quick reply has an "intent" or a "payload"');
    const given = payloadTree && asText(payloadTree, 'payload', faults, 1024);
    fields.close();
    if (title === undefined) return [];
    const payload = intent?.kind === 'scalar' ? `intent:${String(intent.value)}` : given ?? title;
    return [{ title: compileTemplate(title, item.place, context), payload }];
  });
}

export function compileSlot(entry: Entry, context: Context): SlotDefinition {
  const { faults } = context;
  const nothing: SlotDefinition = { name: entry.name, entity: -1, ask: -1, invalid: -1, retries: 2, fail: -1, remember: false, interruptedBy: null, minLength: 1, maxLength: 500, matches: null, type: 'text', sources: [], min: null, max: null, oneOf: null, memory: 'flow', fill: null };
  if (entry.tree.kind === 'scalar' && entry.tree.value === null) return nothing;
  const map = asMap(entry.tree, `slot "${entry.name}"`, faults);
  if (!map) return nothing;
  const fields = new Fields(map, `slot "${entry.name}"`, faults);
  const slot: SlotDefinition = {
    name: entry.name,
    entity: fields.read('entity', -1, (tree) => context.entities.reference(tree)),
    ask: fields.read('ask', -1, (tree) => context.responses.reference(tree)),
    invalid: fields.read('invalid', -1, (tree) => context.responses.reference(tree)),
    retries: fields.read('retries', 2, (tree) => asInteger(tree, 'retries', [0, 10], faults)),
    fail: fields.read('fail', -1, (tree) => context.flows.reference(tree)),
    remember: fields.read('remember', false, (tree) => asBoolean(tree, 'remember', faults)),
    interruptedBy: fields.read<readonly string[] | null>('interruptedBy', null, (tree) => asTexts(tree, 'an intent', faults).map((one) => { context.intents.find(one.text, one.place); return one.text; })),
    minLength: fields.read('minLength', 1, (tree) => asInteger(tree, 'minLength', [1, 500], faults)),
    maxLength: fields.read('maxLength', 500, (tree) => asInteger(tree, 'maxLength', [1, 500], faults)),
    matches: fields.read<string | null>('matches', null, (tree) => {
      const text = asText(tree, 'matches', faults);
      return text !== undefined && checkPattern(text, tree.place, faults) ? text : undefined;
    }),
    type: 'text', sources: [], min: null, max: null, oneOf: null, memory: 'flow', fill: null,
  };
  if (slot.interruptedBy !== null && slot.entity >= 0) faults.error(entry.place, `slot "${entry.name}": "interruptedBy" is for slots without an entity`);
  if (slot.minLength > slot.maxLength) faults.error(entry.place, `slot "${entry.name}": minLength is above maxLength`);
  fields.close();
  return slot;
}
