/** Section `responses`: variants, languages, forms for channels, quick replies, buttons and images. */
import type { Context } from './context.js';
import type { Place } from './faults.js';
import { compileTemplate, template } from './form-template.js';
import { byKind, flag, keyed, list, made, may, named, need, nameOf, record, text, type RecordOf, type Shape } from './shapes.js';
import type { Entry } from './sections.js';
import type { ButtonDefinition, ImageDefinition, QuickReplyDefinition, ResponseContent, ResponseDefinition, ResponseForm } from './types-response.js';
import type { Template } from './types-flow.js';
import type { Tree } from './yaml-tree.js';

const TITLE = 80;

/** One bubble or a list of them. */
const bubbles: Shape<Template[]> = named('bubbles', () => bubbleForms);

const bubbleForms: Shape<Template[]> = byKind({
  scalar: made(template(), (one) => [one]),
  list: made(list(template(), 'a bubble', { least: 1, most: 10, reason: 'a response has 1 to 10 bubbles' }), (found) => found.map((one) => one.value)),
});

const quickReplyForm = record({
  title: need(text(TITLE), 'Shown; it may hold {slot}'),
  intent: may(nameOf('intents'), 'A tap begins this intent\'s flow', null),
  payload: may(text(1024), 'What a tap sends: an answer to the open question', null),
});

const quickReply: Shape<QuickReplyDefinition> = named('quickReply', () => quickReplyForms);

const quickReplyForms: Shape<QuickReplyDefinition> = byKind({
  scalar: made(text(TITLE), (title, tree, context) => ({ title: compileTemplate(title, tree.place, context), payload: title })),
  map: made(quickReplyForm, ({ title, intent, payload }, tree, context) => {
    if (intent !== null && payload !== null) context.faults.error(tree.place, 'a quick reply has an "intent" or a "payload"');
    return title === undefined ? undefined : { title: compileTemplate(title, tree.place, context), payload: intent === null ? payload ?? title : `intent:${intent}` };
  }),
});

/** An https address whose host no place can change. */
const address: Shape<Template> = made(template(2000), (url, tree, { faults }) => {
  const start = typeof url[0] === 'string' ? url[0] : '';
  const rest = start.slice('https://'.length);
  const end = rest.search(/[/?#]/);
  const host = url.length === 1 && end < 0 ? rest : rest.slice(0, Math.max(end, 0));
  if (start.startsWith('https://') && host !== '' && !/[@\s\\]/.test(host) && URL.canParse(`https://${host}/`)) return url;
  faults.error(tree.place, 'an address begins with https:// and a host, and has places behind the host only');
  return undefined;
});

const buttonForm = record({
  title: need(template(TITLE), 'Shown'),
  url: may(address, 'Opens this https address', null),
  intent: may(nameOf('intents'), 'A tap begins this intent\'s flow', null),
  payload: may(text(1024), 'What a tap sends', null),
});

const button: Shape<ButtonDefinition> = named('button', () => buttonForms);

const buttonForms: Shape<ButtonDefinition> = made(buttonForm, ({ title, url, intent, payload }, tree, { faults }) => {
  const kinds = tree.kind === 'map' ? ['url', 'intent', 'payload'].filter((key) => tree.entries.has(key)).length : 0;
  if (kinds !== 1) { faults.error(tree.place, 'a button has one of "url", "intent" and "payload"'); return undefined; }
  return title === undefined ? undefined : { title, url, payload: intent === null ? payload : `intent:${intent}` };
});

const image: Shape<ImageDefinition> = made(record({
  url: need(address, 'An https address'),
  alt: need(template(200), 'Said where the image is not shown'),
}), ({ url, alt }) => url && alt ? { url, alt } : undefined);

/** What every form of a response has. */
const content = {
  text: may(bubbles, 'What is said: one bubble or several'),
  bubbles: may(bubbles, 'Several bubbles'),
  variants: may(list(bubbles, 'a variant', { least: 1, most: 50 }), 'One of these is said'),
  quickReplies: may(list(quickReply, 'a quick reply', { most: 13 }), 'Offered with the last bubble'),
  buttons: may(list(button, 'a button', { most: 10 }), 'Stand under the last bubble'),
  image: may(image, 'Goes with the first bubble'),
};

type Content = RecordOf<typeof content>;

/** The form without languages and channels, or bubbles alone. */
function plain<T>(shape: Shape<T>, make: (found: Template[]) => T): Shape<T> {
  return byKind({ map: shape, scalar: made(bubbles, make), list: made(bubbles, make) });
}

const bare = (found: Template[]): Content => ({ text: found, bubbles: undefined, variants: undefined, quickReplies: undefined, buttons: undefined, image: undefined });

const channelForm: Shape<Content> = named('channelForm', () => plain<Content>(record(content), bare));
const channels = keyed(channelForm, isChannel, 20);
const localForm = record({ ...content, channels: may(channels, 'Its forms for channels') });
type LocalContent = RecordOf<(typeof localForm)['fields']>;
const localContent: Shape<LocalContent> = named('localForm', () => plain<LocalContent>(localForm, (found) => ({ ...bare(found), channels: undefined })));
const locales = keyed(localContent, isOtherLanguage, 50);

export const responseForm = record({
  ...content,
  channels: may(channels, 'Its forms for channels'),
  locales: may(locales, 'Its forms in the bot\'s other languages'),
  rephrase: may(flag, 'The language model may say it in other words', false),
});

export const response: Shape<unknown> = named('response', () => plain<unknown>(responseForm, (found) => found));

function isChannel(key: string, place: Place, { faults }: Context): boolean {
  if (/^[a-z][a-z0-9_-]{0,31}$/.test(key)) return true;
  faults.error(place, `the channel "${key.slice(0, 40)}" must be lower-case letters, digits, "-" and "_"`);
  return false;
}

function isOtherLanguage(key: string, place: Place, { languages, faults }: Context): boolean {
  if (languages.indexOf(key) > 0) return true;
  if (key === languages[0]) faults.error(place, `the response itself is in ${key}`);
  else faults.unknown(place, 'language of the bot', key, languages);
  return false;
}

const EMPTY: ResponseContent = { variants: [[]], quickReplies: [], buttons: [], image: null };

/** What a form stands on: what it leaves out is that of `base`. */
interface Ground {
  readonly base: ResponseContent;
  readonly tree: Tree | undefined;
  readonly what: string;
  readonly locale: string | null;
  /** It may leave out the text too. */
  readonly textless: boolean;
}

/** A text, a list of bubbles, or a map of `text`, `bubbles` or `variants` and what goes with it. */
export function compileResponse(entry: Entry, context: Context): ResponseDefinition {
  const { name, tree } = entry;
  if (tree.kind !== 'map') return { name, ...EMPTY, variants: [bubbles.read(tree, 'a bubble', context) ?? []], forms: [], rephrase: false };
  const what = `response "${name}"`;
  const found = responseForm.readMap(tree, what, context);
  const base = contentOf(found, { base: EMPTY, tree, what, locale: null, textless: false }, context);
  const forms = channelForms(found.channels, { base, tree: child(tree, 'channels'), what, locale: null, textless: true }, context);
  for (const { key, value } of found.locales ?? []) {
    const ground: Ground = { base, tree: child(child(tree, 'locales'), key), what: `${what} in ${key}`, locale: key, textless: false };
    const own = contentOf(value, ground, context);
    forms.push({ locale: key, channel: null, ...own }, ...channelForms(value.channels, { ...ground, base: own, tree: child(ground.tree, 'channels'), textless: true }, context));
  }
  return { name, ...base, forms, rephrase: found.rephrase };
}

function channelForms(found: LocalContent['channels'], ground: Ground, context: Context): ResponseForm[] {
  return (found ?? []).map(({ key, value }) => ({ locale: ground.locale, channel: key, ...contentOf(value, { ...ground, tree: child(ground.tree, key), what: `${ground.what} for ${key}` }, context) }));
}

function child(tree: Tree | undefined, key: string): Tree | undefined {
  return tree?.kind === 'map' ? tree.entries.get(key)?.value : undefined;
}

function contentOf(found: Content, { base, tree, what, textless }: Ground, { faults }: Context): ResponseContent {
  const written = tree?.kind === 'map' ? ['text', 'bubbles', 'variants'].filter((key) => tree.entries.has(key)).length : 1;
  if (tree && (written > 1 || (written === 0 && !textless))) faults.error(tree.place, `${what} needs one of "text", "bubbles" and "variants"`);
  const bubblesOf = found.text ?? found.bubbles;
  const own = found.variants?.map((one) => one.value) ?? (bubblesOf ? [bubblesOf] : []);
  return {
    variants: own.length > 0 ? own : base.variants,
    quickReplies: found.quickReplies?.map((one) => one.value) ?? base.quickReplies,
    buttons: found.buttons?.map((one) => one.value) ?? base.buttons,
    image: found.image ?? base.image,
  };
}
