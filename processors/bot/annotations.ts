/** Marks in examples: `book a table in [Rome](city)`, or `[the eternal city](city=Rome)`. The text is what a person would write; the marks become spans. */
import type { Context } from './context.js';
import { shown } from './faults.js';
import { asText, NAME } from './fields.js';
import type { Shape } from './shapes.js';
import type { AnnotatedSpan } from './types.js';
import { placeIn, type ScalarNode } from './yaml-tree.js';

export interface Annotated { readonly text: string; readonly spans: readonly AnnotatedSpan[] }

const MOST_SPANS = 20;
const NO_SPANS: readonly AnnotatedSpan[] = [];

/** A text of at most `most` characters, marks not counted. */
export function annotated(most: number): Shape<Annotated> {
  return {
    read(tree, what, context) {
      const source = asText(tree, what, context.faults, most * 2);
      if (source === undefined || tree.kind !== 'scalar') return undefined;
      const found = source.includes('](') || source.includes('\\[') ? readMarks(source, tree, context) : { text: source, spans: NO_SPANS };
      if (found && found.text.length > most) { context.faults.error(tree.place, `${what} is longer than ${most} characters`); return undefined; }
      return found;
    },
    schema: () => ({ type: ['string', 'number'], maxLength: most * 2, minLength: 1 }),
  };
}

function readMarks(source: string, node: ScalarNode, context: Context): Annotated | undefined {
  const spans: AnnotatedSpan[] = [];
  const lead = typeof node.value === 'string' ? node.value.length - node.value.trimStart().length : 0;
  let text = '';
  for (let at = 0; at < source.length; at++) {
    const char = source[at] ?? '';
    if (char === '\\' && source[at + 1] === '[') { text += '['; at += 1; continue; }
    const middle = char === '[' ? source.indexOf(']', at) : -1;
    const close = middle >= 0 && source[middle + 1] === '(' ? source.indexOf(')', middle) : -1;
    if (close < 0) { text += char; continue; }
    const surface = source.slice(at + 1, middle).trim();
    const fault = readMark(source.slice(middle + 2, close), surface, text.length, spans, context);
    if (fault !== undefined) { context.faults.error(placeIn(node, lead + at), fault); return undefined; }
    text += surface;
    at = close;
  }
  return { text, spans };
}

/** Adds the span; else the reason why not. */
function readMark(mark: string, surface: string, start: number, spans: AnnotatedSpan[], { entities }: Context): string | undefined {
  const equals = mark.indexOf('=');
  const name = (equals < 0 ? mark : mark.slice(0, equals)).trim();
  const value = equals < 0 ? null : mark.slice(equals + 1).trim();
  if (!NAME.test(name)) return `"${shown(mark)}" is no entity; write "\\[" for a bracket that marks nothing`;
  if (surface === '') return 'the brackets mark nothing';
  if (value === '') return 'the value behind "=" is missing';
  if (!entities.has(name) && entities.complete) return `unknown entity "${shown(name)}"`;
  if (spans.length >= MOST_SPANS) return `more than ${MOST_SPANS} marks`;
  if (entities.has(name)) spans.push({ start, end: start + surface.length, entity: entities.use(name), value });
  return undefined;
}
