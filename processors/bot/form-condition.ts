/** The condition of an `if`: a text (expression.ts), or the same as a map. Both become one expression. */
import type { Context } from './context.js';
import { asMap } from './fields.js';
import { expression, NEVER } from './expression.js';
import { byKind, flag, list, made, may, named, nameOf, number, oneOrMore, record, reference, scalar, text, type Shape } from './shapes.js';
import { isOneOf } from './static-type.js';
import type { Expression } from './types-flow.js';
import type { MapNode, Tree } from './yaml-tree.js';

/** A value to compare with; true and false are taken as words. */
const word: Shape<string> = made(byKind({ scalar }), (node, tree, { faults }) => {
  if (node.value !== null && String(node.value).trim() !== '') return String(node.value).trim();
  faults.error(tree.place, 'is is empty');
  return undefined;
});

const BOUND = 1e15;

const mapForm = record({
  slot: may(reference('slots'), 'The slot that is looked at', -1),
  is: may(oneOrMore(word, 'a value'), 'It has this value, or one of these'),
  known: may(flag, 'It has a value, or none'),
  above: may(number(-BOUND, BOUND), 'It is a number above'),
  below: may(number(-BOUND, BOUND), 'It is a number below'),
  intent: may(oneOrMore(nameOf('intents'), 'an intent'), 'The message has this intent, or one of these'),
  channel: may(oneOrMore(text(32), 'a channel'), 'The conversation is on this channel, or one of these'),
  all: may(named('conditions', () => list(condition, 'a condition')), 'All of these hold'),
  any: may(named('conditions', () => list(condition, 'a condition')), 'One of these holds'),
  not: may(named('condition', () => anyCondition), 'This does not hold'),
});

const KINDS = ['slot', 'intent', 'channel', 'all', 'any', 'not'] as const;

const mapped: Shape<Expression> = {
  read(tree, _what, context) {
    const node = asMap(tree, 'a condition', context.faults);
    return node ? readMapped(node, context) : NEVER;
  },
  schema: (definitions) => mapForm.schema(definitions),
};

export const condition: Shape<Expression> = named('condition', () => anyCondition);

const anyCondition: Shape<Expression> = byKind<Expression>({ scalar: expression, map: mapped });

function readMapped(node: MapNode, context: Context): Expression {
  const kinds = KINDS.filter((key) => node.entries.has(key));
  if (kinds.length !== 1) { context.faults.error(node.place, `a condition has exactly one of ${KINDS.slice(0, -1).join(', ')} and not`); return NEVER; }
  const found = mapForm.readMap(node, 'a condition', context);
  switch (kinds[0]) {
    case 'not': return { op: 'not', of: found.not ?? NEVER };
    case 'all': return { op: 'and', of: (found.all ?? []).map((one) => one.value) };
    case 'any': return { op: 'or', of: (found.any ?? []).map((one) => one.value) };
    case 'intent': return { op: 'in', left: { op: 'input', field: 'intent' }, values: (found.intent ?? []).map((one) => one.value) };
    case 'channel': return { op: 'in', left: { op: 'input', field: 'channel' }, values: (found.channel ?? []).map((one) => one.value) };
    default: return ofSlot(node, found, context);
  }
}

interface SlotTests { readonly slot: number; readonly is?: readonly { readonly value: string }[] | undefined; readonly known?: boolean | undefined; readonly above?: number | undefined; readonly below?: number | undefined }

function ofSlot(node: MapNode, { slot, is, known, above, below }: SlotTests, context: Context): Expression {
  const has = (key: string): boolean => node.entries.has(key);
  if ([has('is'), has('known'), has('above') || has('below')].filter(Boolean).length !== 1) {
    context.faults.error(node.place, 'a condition on a slot has one of "is", "known" and "above"/"below"');
    return NEVER;
  }
  const left: Expression = { op: 'slot', slot, type: 'text' };
  if (is) {
    for (const { value } of is) checkListed(value, slot, node.entries.get('is')?.value, context);
    return { op: 'in', left, values: is.map((one) => one.value.toLowerCase()) };
  }
  if (has('known')) return known === false ? { op: 'not', of: { op: 'known', of: left } } : { op: 'known', of: left };
  const bounds = ([['>', above], ['<', below]] as const).flatMap(([by, value]): Expression[] =>
    value === undefined ? [] : [{ op: 'compare', by, as: 'number', left, right: { op: 'literal', value } }]);
  return { op: 'and', of: bounds };
}

/** A value that a slot with `oneOf` never has. */
function checkListed(value: string, slot: number, tree: Tree | undefined, { declared, faults }: Context): void {
  const values = declared.slots[slot]?.oneOf;
  if (tree && values && !isOneOf(value, values)) faults.unknown(tree.place, 'value of the slot', value, values);
}
