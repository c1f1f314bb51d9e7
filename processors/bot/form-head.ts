/** bot.yaml: who the bot is, its languages, and what it does when nothing was understood, after a pause and after a change. */
import type { Context } from './context.js';
import { compileModel, modelForm } from './compile-model.js';
import { CUE_KINDS, cuesOf, type CueKind, type Cues } from './cues.js';
import { Faults, type Place } from './faults.js';
import { byKind, duration, integer, keyed, list, made, may, need, number, oneOf, oneOrMore, record, reference, scalar, text, type Placed, type Shape } from './shapes.js';
import type { Bot, DisambiguationDefinition, FallbackDefinition, Migration, Rung, SessionDefinition, VersionsDefinition } from './types.js';
import type { ModelPolicy } from './types-model.js';
import type { MapNode } from './yaml-tree.js';

const REASON = 'not understood';
const MOST_LADDER = 20;
const DAY = 86_400_000;

/** BCP 47, in the canonical form. */
export const language: Shape<string> = made(text(35), (tag, tree, { faults }) => {
  try {
    const [found] = Intl.getCanonicalLocales(tag);
    if (found !== undefined) return found;
  } catch { /* told below */ }
  faults.error(tree.place, `"${tag}" is no language tag such as en or pt-BR`);
  return undefined;
});

const timeZone: Shape<string> = made(text(64), (zone, tree, { faults }) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    faults.error(tree.place, `"${zone}" is no time zone such as Europe/Berlin`);
    return undefined;
  }
});

/** A rung as a word, or with what it says. */
type RungForm = { readonly word: 'say' | 'again' | 'offer' | 'handoff' } | { readonly rung: Rung };

const rungForm = record({
  say: may(reference('responses'), 'Says this response', -1),
  offer: may(reference('responses'), 'Offers the likely intents with this response', -1),
  most: may(integer(1, 5), 'How many are offered', 3),
  flow: may(reference('flows'), 'Begins this flow', -1),
  handoff: may(text(200), 'Hands the conversation to a person, for this reason', REASON),
});

const rung: Shape<RungForm> = byKind<RungForm>({
  scalar: made(oneOf(['say', 'again', 'offer', 'handoff']), (word) => ({ word })),
  map: made(rungForm, ({ say, offer, most, flow, handoff }, tree, { faults }) => {
    const kinds = tree.kind === 'map' ? ['say', 'offer', 'flow', 'handoff'].filter((key) => tree.entries.has(key)) : [];
    if (kinds.length !== 1) { faults.error(tree.place, 'a rung of the ladder is one of "say", "offer", "flow" and "handoff"'); return undefined; }
    switch (kinds[0]) {
      case 'say': return { rung: { do: 'say', response: say } };
      case 'offer': return { rung: { do: 'offer', response: offer, most } };
      case 'flow': return { rung: { do: 'flow', flow } };
      default: return { rung: { do: 'handoff', reason: handoff } };
    }
  }),
});

const fallbackForm = record({
  say: need(reference('responses'), 'The response when nothing was understood'),
  again: may(reference('responses'), 'The response from the second time in a row on'),
  offer: may(reference('responses'), 'The response that offers the likely intents', -1),
  after: may(integer(1, 20), 'After so many in a row "then" begins', 0),
  then: may(reference('flows'), 'The flow that begins then', -1),
  ladder: may(list(rung, 'a rung', { least: 1, most: MOST_LADDER }), 'What is done the first time in a row, the second, …; the last from then on'),
});

const fallback: Shape<FallbackDefinition> = made(fallbackForm, ({ say: first, again: second, offer, after, then, ladder }, tree, { faults }) => {
  const say = first ?? -1;
  const again = second ?? say;
  const has = (key: string): boolean => tree.kind === 'map' && tree.entries.has(key);
  if (has('after') !== has('then')) faults.error(tree.place, '"after" and "then" go together');
  if (ladder && has('after')) faults.error(tree.place, '"ladder" stands in the place of "after" and "then"');
  const rungs = ladder?.map((one) => {
    if ('rung' in one.value) return one.value.rung;
    if (one.value.word === 'offer' && !has('offer')) faults.error(one.place, 'the rung "offer" needs "offer", the response that goes with it');
    return rungOf(one.value.word, { say, again, offer });
  });
  return { say, again, after, then, ladder: rungs && rungs.length > 0 ? rungs : ladderOf(say, again, after, then) };
});

function rungOf(word: 'say' | 'again' | 'offer' | 'handoff', responses: { readonly say: number; readonly again: number; readonly offer: number }): Rung {
  if (word === 'handoff') return { do: 'handoff', reason: REASON };
  return word === 'offer' ? { do: 'offer', response: responses.offer, most: 3 } : { do: 'say', response: responses[word] };
}

/** The ladder that `say`, `again`, `after` and `then` stand for. */
function ladderOf(say: number, again: number, after: number, then: number): Rung[] {
  const ladder: Rung[] = [{ do: 'say', response: say }];
  if (after === 0 || then < 0) return [...ladder, { do: 'say', response: again }];
  while (ladder.length < after - 1) ladder.push({ do: 'say', response: again });
  return after === 1 ? [{ do: 'flow', flow: then }] : [...ladder, { do: 'flow', flow: then }];
}

const disambiguation: Shape<DisambiguationDefinition> = made(record({
  say: need(reference('responses'), 'The response that offers them'),
  margin: may(number(0.01, 0.9), 'Nearer to each other than this, in confidence', 0.15),
  most: may(integer(2, 5), 'How many are offered', 3),
}), ({ say, margin, most }) => ({ response: say ?? -1, margin, most }));

const session: Shape<SessionDefinition> = made(record({
  timeout: need(duration(1000, 365 * DAY), 'A pause longer than this ends the session'),
  resume: may(oneOf(['ask', 'continue', 'fresh']), 'What becomes of an open flow: the person is asked, it goes on, or it is dropped', 'continue' as const),
  ask: may(reference('responses'), 'The response that asks', -1),
}), ({ timeout, resume, ask }, tree, { faults }) => {
  if ((resume === 'ask') !== (ask >= 0) && tree.kind === 'map' && (resume === 'ask') !== tree.entries.has('ask')) faults.error(tree.place, '"resume: ask" and the response "ask" go together');
  return { timeoutMillis: timeout ?? 0, resume, ask };
});

const isAnything = (): boolean => true;
/** Old name → new one; ~ drops what was there. */
function renamed(kind: 'flows' | 'slots'): Shape<Map<string, string | null>> {
  return made(keyed(scalar, isAnything, 500), (found, _tree, context) => new Map(found.map(({ key, value }) => {
    if (value.value !== null) context[kind].find(String(value.value), value.place);
    return [key, value.value === null ? null : String(value.value)];
  })));
}

const STEP = /^[a-z][a-z0-9_]{0,63}\.[a-z][a-z0-9_:~-]{0,160}$/;
const toTexts = (found: readonly { readonly key: string; readonly value: string }[]): Map<string, string> => new Map(found.map(({ key, value }) => [key, value]));

const migration: Shape<Migration> = made(record({
  from: may(oneOrMore(text(64, /^[0-9a-f]{16}$/, 'the version of a bot, 16 hexadecimal digits'), 'a version'), 'The versions that it is for; without it all'),
  flows: may(renamed('flows'), 'Old name of a flow: its new one, or ~ when it is gone', new Map<string, string | null>()),
  slots: may(renamed('slots'), 'Old name of a slot: its new one, or ~ when it is gone', new Map<string, string | null>()),
  steps: may(made(keyed(text(260, STEP, 'flow.step, such as order.ask:city'), isAnything, 500), toTexts), 'Old flow.step: new flow.step', new Map<string, string>()),
  set: may(made(keyed(text(500), (key, place, context) => context.slots.find(key, place) >= 0 || !context.slots.complete, 100), toTexts), 'Slots that get this value when they have none', new Map<string, string>()),
}), ({ from, ...rest }) => ({ from: from?.map((one) => one.value) ?? null, ...rest }));

const versions: Shape<VersionsDefinition> = made(record({
  onChange: may(oneOf(['migrate', 'finish']), 'Conversations under way move with their next message, or end under their own version while that is live', 'finish' as const),
  migrations: may(list(migration, 'a migration', { most: 50 }), 'What was renamed between versions', [] as Placed<Migration>[]),
}), ({ onChange, migrations }) => ({ onChange, migrations: migrations.map((one) => one.value) }));

const WORDS: Readonly<Record<CueKind, string>> = {
  affirm: 'Messages that mean yes', deny: 'Messages that mean no', cancel: 'Messages that stop what was begun',
  correct: 'Words that mark a correction', not: 'Words that negate what follows', unfit: 'Words that negate what stands before them: "Friday does not work"',
  also: 'Words that ask the same of something else', is: 'Words between the name of something and its value: "my name is Ann"',
};

const words: Shape<Partial<Cues>> = made(record(Object.fromEntries(CUE_KINDS.map((kind) => [kind, may(oneOrMore(text(80), 'a word', { most: 200 }), WORDS[kind])]))), (found) =>
  Object.fromEntries(Object.entries(found).flatMap(([kind, list]) => list ? [[kind, (list).map((one) => one.value)]] : [])));

const model: Shape<ModelPolicy> = { read: (tree, _what, context) => compileModel(tree, context), schema: (definitions) => modelForm.schema(definitions) };

const optional = (about: string) => may(reference('responses'), about, -1);

export const headForm = record({
  format: need(integer(1, 1), '1'),
  id: need(text(64), 'What botId names: lower-case letters, digits and "-"'),
  name: may(text(80), 'Shown as the author of replies; the id without it'),
  language: may(language, 'The only language, or the first', 'en'),
  languages: may(list(language, 'a language', { least: 1, most: 20 }), 'All languages, the first one first; instead of "language"'),
  timeZone: may(timeZone, 'IANA time zone of persons whose messages name none'),
  accept: may(number(0.5, 1), 'Share of texts like the examples that is accepted as understood', 0.95),
  fallback: need(fallback, 'What is done when nothing was understood'),
  disambiguate: may(disambiguation, 'When the likeliest intents are near to each other, they are offered', null),
  session: may(session, 'What a long pause does', { timeoutMillis: 0, resume: 'continue', ask: -1 } satisfies SessionDefinition),
  versions: may(versions, 'How conversations under way go on when the bot changes', { onChange: 'finish', migrations: [] } satisfies VersionsDefinition),
  words: may(words, 'Words of the bot\'s own, in the place of those of its languages'),
  model: may(model, 'What a language model may do for the bot', null),
  attachment: optional('The response to an attachment'),
  resume: optional('The response before a question is asked again after an interruption'),
  restarted: optional('The response when the bot has changed under an open question and the flow begins anew or is gone'),
  cancelled: optional('The response when the person drops a flow'),
  corrected: optional('The response when the person has corrected a slot'),
  failed: optional('The response when an action fails and its step has no onError'),
});

/** Languages are known before anything else is read: examples and responses name them. */
export function languagesOf(head: MapNode, context: Context): string[] {
  const several = head.entries.get('languages');
  const one = head.entries.get('language');
  if (several && one) context.faults.error(one.place, '"language" and "languages" exclude each other');
  const quiet: Context = { ...context, faults: new Faults() };
  const found = several && headForm.fields.languages.shape.read(several.value, 'languages', quiet) as Placed<string>[] | undefined;
  if (found && new Set(found.map((each) => each.value)).size < found.length) context.faults.error(several.place, 'a language stands twice');
  if (found && found.length > 0) return found.map((each) => each.value);
  return [(one && language.read(one.value, 'language', quiet)) ?? 'en'];
}

export type Head = Omit<Bot, 'version' | 'intents' | 'outOfScope' | 'outOfScopeSamples' | 'entities' | 'slots' | 'responses' | 'flows' | 'flowOfIntent' | 'actions' | 'knowledge'>;

const NO_FALLBACK: FallbackDefinition = { say: -1, again: -1, after: 0, then: -1, ladder: [{ do: 'say', response: -1 }] };

/** What bot.yaml says beside the sections. */
export function headOf(found: ReturnType<typeof headForm.readMap>, place: Place, { faults, languages }: Context): Head {
  const id = found.id ?? '';
  if (id !== '' && !/^[a-z0-9][a-z0-9-]{0,63}$/.test(id)) faults.error(place, 'the id must be lower-case letters, digits and "-"');
  return {
    id, name: found.name ?? id, language: languages[0] ?? 'en', languages, accept: found.accept, fallback: found.fallback ?? NO_FALLBACK,
    disambiguation: found.disambiguate, session: found.session, model: found.model, versions: found.versions, cues: cuesOf(languages, found.words ?? {}),
    attachment: found.attachment, resume: found.resume, restarted: found.restarted, cancelled: found.cancelled, corrected: found.corrected, failed: found.failed,
    ...found.timeZone === undefined ? {} : { timeZone: found.timeZone },
  };
}
