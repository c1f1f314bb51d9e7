/** Sections `intents` and `outOfScope`: examples in the bot's languages, with marks where a slot is to be learned. */
import { annotated, type Annotated } from './annotations.js';
import type { Context } from './context.js';
import { shown, type Place } from './faults.js';
import { asMap } from './fields.js';
import { isLanguage } from './languages.js';
import { byKind, keyed, made, may, need, oneOf, oneOrMore, record, reference, text, type Placed, type Shape } from './shapes.js';
import type { Entry, Sections } from './sections.js';
import type { ExampleDefinition, IntentDefinition, IntentRole, LocalText } from './types.js';

const EXAMPLE_CHARACTERS = 500;
const MOST_EXAMPLES = 20_000;
/** Intents times examples: what training costs. 150 intents of 100 examples each are half of it and take half a minute. */
const MOST_TRAINING = 5_000_000;
const ROLES: readonly IntentRole[] = ['affirm', 'deny', 'cancel', 'correct', 'repeat'];

interface Example extends ExampleDefinition { readonly place: Place }

/** A value for the first language, or a map from language to its own. */
function local<T>(shape: Shape<T>, plain: 'scalar' | 'list' | 'both'): Shape<{ language: string; value: T }[]> {
  const first = made(shape, (value, _tree, context) => [{ language: context.languages[0] ?? 'en', value }]);
  const map = made(keyed(shape, isLanguage, 50), (found) => found.map(({ key, value }) => ({ language: key, value })));
  return byKind({ ...plain === 'list' ? {} : { scalar: first }, ...plain === 'scalar' ? {} : { list: first }, map });
}

export const examplesForm: Shape<Example[]> = made(local(oneOrMore(annotated(EXAMPLE_CHARACTERS), 'an example'), 'both'), (found) =>
  found.flatMap(({ language, value }) => value.map(({ value: one, place }: Placed<Annotated>) => ({ ...one, language, place }))));

const titles: Shape<LocalText[]> = made(local(text(80), 'scalar'), (found) => found.map(({ language, value }) => ({ language, text: value })));

export const intentForm = record({
  examples: need(examplesForm, 'Texts as people really write them; 20 or more'),
  reply: may(reference('responses'), 'This response is the whole answer', -1),
  title: may(titles, 'How it is offered where a text could mean several intents', [] as LocalText[]),
  role: may(oneOf(ROLES), 'What it means whatever the flow is', null),
});

export interface CompiledIntents {
  readonly intents: IntentDefinition[];
  readonly outOfScope: ExampleDefinition[];
  readonly replies: Map<string, number>;
}

export function compileIntents(sections: Sections, context: Context): CompiledIntents {
  const replies = new Map<string, number>();
  const examples = new ExampleCount(context);
  const intents = [...sections.intents.values()].map((entry) => compileIntent(entry, context, examples, replies));
  const outOfScope = sections.outOfScope.flatMap((tree) => examplesForm.read(tree, 'outOfScope', context) ?? []).filter((one) => examples.takes(one, 'outOfScope'));
  for (const { text, place, language } of outOfScope) context.sources?.examples.push({ intent: null, text, place, language });
  const first = [...sections.intents.values()][0];
  if (first && examples.count * intents.length > MOST_TRAINING) context.faults.error(first.place, `${intents.length} intents with ${examples.count} examples are too much to train`);
  return { intents, outOfScope: outOfScope.map(bare), replies };
}

function bare({ text, language, spans }: Example): ExampleDefinition { return { text, language, spans }; }

function compileIntent(entry: Entry, context: Context, count: ExampleCount, replies: Map<string, number>): IntentDefinition {
  const what = `intent "${entry.name}"`;
  const map = asMap(entry.tree, what, context.faults);
  if (!map) return { name: entry.name, examples: [], samples: [], titles: [], role: null };
  const { examples, reply, title, role } = intentForm.readMap(map, what, context);
  const samples = (examples ?? []).filter((example) => count.takes(example, entry.name));
  const place = map.entries.get('examples')?.value.place;
  if (place && samples.length === 0) context.faults.error(place, `${what} has no examples`);
  else if (place && samples.length < 5) context.faults.warn(place, `${what} has fewer than 5 examples`);
  for (const language of context.languages) {
    if (samples.length > 0 && !samples.some((one) => one.language === language)) context.faults.warn(entry.place, `${what} has no examples in ${language}`);
  }
  if (map.entries.has('reply')) replies.set(entry.name, reply);
  context.sources?.intents.set(entry.name, entry.place);
  for (const { text, place: at, language } of samples) context.sources?.examples.push({ intent: entry.name, text, place: at, language });
  return { name: entry.name, examples: samples.map((one) => one.text), samples: samples.map(bare), titles: title, role };
}

/** How many examples there are, and which of them stand in two intents. */
class ExampleCount {
  private readonly seen = new Map<string, string>();
  count = 0;

  constructor(private readonly context: Context) {}

  /** False for one too many. */
  takes({ text, place }: Example, owner: string): boolean {
    const { faults } = this.context;
    this.count += 1;
    if (this.count > MOST_EXAMPLES) { if (this.count === MOST_EXAMPLES + 1) faults.error(place, `more than ${MOST_EXAMPLES} examples`); return false; }
    const folded = text.normalize('NFKC').toLowerCase();
    const other = this.seen.get(folded);
    if (other !== undefined && other !== owner) faults.warn(place, `"${shown(text)}" is an example of ${other} too`);
    this.seen.set(folded, owner);
    return true;
  }
}
