/** Texts with places: `{slot}`, `{slot|words when it is empty}`, `{entities.city}`; `{{` and `}}` stand for braces. */
import type { Context } from './context.js';
import type { Place } from './faults.js';
import { asText } from './fields.js';
import { ExpressionFault } from './expression-lexer.js';
import { compilePath } from './expression.js';
import type { Shape } from './shapes.js';
import type { Template, TemplatePart } from './types-flow.js';

const MOST_PLACES = 50;

export function template(most = 4096): Shape<Template> {
  return {
    read(tree, what, context) {
      const text = tree.kind === 'scalar' && typeof tree.value === 'boolean' ? String(tree.value) : asText(tree, what, context.faults, most);
      return text === undefined ? undefined : compileTemplate(text, tree.place, context);
    },
    schema: () => ({ type: ['string', 'number', 'boolean'], maxLength: most, minLength: 1 }),
  };
}

export function compileTemplate(text: string, place: Place, context: Context): Template {
  const parts: TemplatePart[] = [];
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
    const part = compilePlace(name.trim(), otherwise.join('|'), place, context);
    if (part) parts.push(part);
    if (parts.length > MOST_PLACES * 2) { context.faults.error(place, `the text has more than ${MOST_PLACES} places`); return []; }
    at = close;
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

function compilePlace(name: string, otherwise: string, place: Place, context: Context): TemplatePart | undefined {
  if (!name.includes('.')) return { slot: context.slots.find(name, place), otherwise };
  try {
    const from = compilePath(name, context);
    return from.op === 'slot' ? { slot: from.slot, otherwise } : { from, otherwise };
  } catch (error) {
    if (!(error instanceof ExpressionFault)) throw error;
    context.faults.error(place, error.message);
    return undefined;
  }
}

/** The text where the template has no places; null where it has. */
export function literalOf(text: Template): string | null {
  const [first, ...rest] = text;
  return first === undefined ? '' : rest.length === 0 && typeof first === 'string' ? first : null;
}
