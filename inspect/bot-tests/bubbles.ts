/** Bubbles of a reply against what a test expects of them. A test says each bubble; one that is not named is a difference. */
import { RE2JS } from 're2js';
import type { Bot } from '../../processors/bot/index.js';
import type { Bubble } from './types.js';

/** The variants of a response, each a list of bubbles: by name, of the versions that are live. */
export type Responses = (name: string) => readonly (readonly ((text: string) => boolean)[])[];

/** True when the expected bubbles take all that were said, in order. */
export function bubblesMatch(expected: readonly Bubble[], said: readonly string[], responses: Responses): boolean {
  // All places that the expectations so far can end at: nothing is tried twice, however many ways there are.
  let places = new Set([0]);
  for (const bubble of expected) places = new Set([...places].flatMap((from) => lengthsOf(bubble, said, from, responses).map((length) => from + length)));
  return places.has(said.length);
}

/** How many of the bubbles from `from` on the expectation may take. */
function lengthsOf(bubble: Bubble, said: readonly string[], from: number, responses: Responses): number[] {
  const text = said[from];
  if (bubble.is === 'response') {
    const fitting = responses(bubble.name).filter((variant) => variant.every((part, index) => said[from + index] !== undefined && part(said[from + index] ?? '')));
    return [...new Set(fitting.map((variant) => variant.length))].sort((a, b) => b - a);
  }
  if (bubble.is === 'oneOf') return [...new Set(bubble.of.flatMap((one) => lengthsOf(one, said, from, responses)))];
  if (text === undefined) return [];
  const fits = bubble.is === 'anything' || (bubble.is === 'exactly' ? text === bubble.text || text.trim() === bubble.text : bubble.is === 'contains' ? fold(text).includes(fold(bubble.text)) : bubble.test(text));
  return fits ? [1] : [];
}

const fold = (text: string): string => text.normalize('NFKC').toLowerCase();

/** As a test writes it. */
export function bubbleText(bubble: Bubble): string {
  switch (bubble.is) {
    case 'exactly': return bubble.text;
    case 'pattern': return `/${bubble.source}/`;
    case 'contains': return `…${bubble.text}…`;
    case 'oneOf': return `one of: ${bubble.of.map(bubbleText).join(' | ')}`;
    case 'response': return `response ${bubble.name}`;
    case 'anything': return 'anything';
  }
}

/** Looks responses up in the bots given: what a version says counts while it may speak. */
export function responsesOf(bots: readonly Bot[]): Responses {
  const known = new Map<string, ReturnType<Responses>>();
  return (name) => {
    const found = known.get(name) ?? bots.flatMap((bot) => bot.responses.filter((one) => one.name === name)).flatMap(variantsOf);
    known.set(name, found);
    return found;
  };
}

type Variant = ReturnType<Responses>[number];
type Response = Bot['responses'][number];

/** In every language and channel form. Places take any text: a slot may be emptied in the turn that said it. */
function variantsOf(response: Response): Variant[] {
  return [response, ...response.forms].flatMap((form) => form.variants.map((bubbles) => bubbles.map((template) => {
    const pattern = RE2JS.compile(template.map((part) => (typeof part === 'string' ? RE2JS.quote(part) : '.*')).join(''), RE2JS.DOTALL);
    return (text: string) => pattern.matches(text);
  })));
}
