/**
 * A condition's text to an expression: names become indexes, and what can never hold, or always does, is a fault where it
 * stands. Paths: `slots.NAME`, `user.NAME` and `conversation.NAME` (slots of that memory), `entities.NAME`, `attributes.NAME`,
 * `flags.NAME`, `intent`, `confidence`, `channel`, `locale`, `text`, `error`.
 */
import type { Context } from './context.js';
import { nearest, shown } from './faults.js';
import { ExpressionFault } from './expression-lexer.js';
import { MOST_CHARACTERS, parseExpression, type Node } from './expression-parser.js';
import { made, scalar, type Shape } from './shapes.js';
import { entityType, isOneOf, listedValues, slotType, type StaticType } from './static-type.js';
import type { Comparison, Expression, InputField, Literal, ValueType } from './types-flow.js';
import { placeIn, type ScalarNode } from './yaml-tree.js';

/** A condition that never holds: stands for one with a fault. */
export const NEVER: Expression = { op: 'or', of: [] };

interface Typed {
  readonly expression: Expression;
  readonly type: StaticType;
  /** How faults name it. */
  readonly name: string;
  /** The only values that it can have; null for any. */
  readonly values: readonly string[] | null;
}

const FIELDS: Readonly<Record<InputField, StaticType>> = { intent: 'text', confidence: 'number', channel: 'text', locale: 'text', text: 'text', error: 'text' };
const ROOTS = ['slots', 'user', 'conversation', 'entities', 'attributes', 'flags', ...Object.keys(FIELDS)];

/** As `confab settings` takes them. */
const FLAG_NAME = /^[a-z][a-z0-9_]{0,39}$/;

/** A condition as text. */
export const expression: Shape<Expression> = {
  read: (tree, what, context) => made(scalar, (node) => compileExpression(node, context)).read(tree, what, context),
  schema: () => ({ type: ['string', 'boolean'], maxLength: MOST_CHARACTERS }),
};

export function compileExpression(node: ScalarNode, context: Context): Expression | undefined {
  if (typeof node.value !== 'string') { context.faults.error(node.place, 'a condition is a text such as slots.size == \'large\''); return undefined; }
  try {
    return new Resolver(context).condition(parseExpression(node.value));
  } catch (error) {
    if (!(error instanceof ExpressionFault)) throw error;
    context.faults.error(placeIn(node, error.at), error.message);
    return undefined;
  }
}

/** A path as it stands in a text to say: `{entities.city}`. @throws ExpressionFault */
export function compilePath(path: string, context: Context): Expression {
  return new Resolver(context).path(path, 0).expression;
}

class Resolver {
  constructor(private readonly context: Context) {}

  /** What stands where something must be true or false. */
  condition(node: Node): Expression {
    switch (node.node) {
      case 'and': case 'or': return { op: node.node, of: this.joined(node, node.node) };
      case 'not': return { op: 'not', of: this.condition(node.of) };
      case 'compare': return this.compare(node.by, node.left, node.right, node.at);
      case 'in': { const found = this.among(node.left, node.right); return node.not ? { op: 'not', of: found } : found; }
      case 'path': return { op: 'known', of: this.path(node.path, node.at).expression };
      case 'list': throw new ExpressionFault(node.at, 'a list stands behind "in" only');
      case 'literal': throw new ExpressionFault(node.at, `${shownLiteral(node.value)} alone is no condition: it is always the same`);
    }
  }

  /** `a and b and c` as one list: the tree does not grow deep. */
  private joined(node: Node, by: 'and' | 'or'): Expression[] {
    const parts: Node[] = [];
    let left = node;
    while (left.node === by) { parts.push(left.right); left = left.left; }
    return [left, ...parts.reverse()].map((part) => this.condition(part));
  }

  private value(node: Node): Typed {
    if (node.node === 'path') return this.path(node.path, node.at);
    if (node.node === 'literal') return literal(node.value);
    throw new ExpressionFault(node.at, node.node === 'list' ? 'a list stands behind "in" only' : 'a value is compared here, not a condition; a path such as slots.size or a literal');
  }

  private compare(by: Comparison, leftNode: Node, rightNode: Node, at: number): Expression {
    const left = this.value(leftNode);
    const right = this.value(rightNode);
    if (left.expression.op === 'literal' && right.expression.op === 'literal') throw new ExpressionFault(at, 'two literals are compared: it is always the same');
    const as = this.common(left, right, at, by !== '==' && by !== '!=');
    this.checkPossible(left, right, rightNode.at);
    this.checkPossible(right, left, leftNode.at);
    return { op: 'compare', by, as, left: left.expression, right: right.expression };
  }

  private among(leftNode: Node, rightNode: Node): Expression {
    const left = this.value(leftNode);
    if (left.expression.op === 'literal') throw new ExpressionFault(leftNode.at, 'a path stands before "in", such as slots.size');
    if (rightNode.node !== 'list') throw new ExpressionFault(rightNode.at, 'a list stands behind "in": [\'small\', \'large\']');
    if (rightNode.items.length === 0) throw new ExpressionFault(rightNode.at, 'nothing is in an empty list');
    const values = rightNode.items.map((item): Literal => {
      if (item.node !== 'literal') throw new ExpressionFault(item.at, 'a list has texts, numbers, true, false and null only');
      const one = literal(item.value);
      this.common(left, one, item.at, false);
      this.checkPossible(left, one, item.at);
      return item.value;
    });
    return { op: 'in', left: left.expression, values };
  }

  /** How two values are compared; a fault where that can never be true, or has no order. */
  private common(left: Typed, right: Typed, at: number, ordered: boolean): ValueType {
    const types = [left.type, right.type];
    const other = types.find((type) => type !== 'any' && type !== 'null') ?? 'any';
    const differ = types.some((type) => type !== 'any' && type !== 'null' && type !== other);
    const isoText = differ && types.includes('date') && types.includes('text') && [left, right].some((side) => side.type === 'text' && isDateLiteral(side.expression));
    if (ordered && types.includes('null')) throw new ExpressionFault(at, 'nothing is above or below null');
    if (differ && !isoText) throw new ExpressionFault(at, `${left.name} is ${article(left.type)} and ${right.name} ${article(right.type)}: they are never equal, nor in order${hint(left, right)}`);
    const type: ValueType = isoText ? 'date' : plain(other);
    if (ordered && type === 'text') {
      if (types.every((one) => one === 'any')) return 'number';
      throw new ExpressionFault(at, `texts have no order${hint(left, right)}`);
    }
    if (ordered && type === 'boolean') throw new ExpressionFault(at, 'true and false have no order');
    return type;
  }

  /** A literal that the path can never be is a fault. */
  private checkPossible(path: Typed, other: Typed, at: number): void {
    if (path.values === null || other.expression.op !== 'literal' || typeof other.expression.value !== 'string') return;
    const { value } = other.expression;
    if (isOneOf(value, path.values)) return;
    const near = this.near(value, path.values);
    throw new ExpressionFault(at, `${path.name} is never "${shown(value)}"${near === undefined ? '' : `; did you mean "${near}"?`}`);
  }

  path(path: string, at: number): Typed {
    const [root = '', name, ...rest] = path.split('.');
    if (name === undefined) return this.field(root, at);
    if (rest.length > 0) throw new ExpressionFault(at, `"${shown(path)}" has too many parts`);
    if (root === 'slots' || root === 'user' || root === 'conversation') return this.slot(root, name, at);
    if (root === 'entities') {
      const entity = this.find('entities', name, at);
      const declared = this.context.declared.entities[entity];
      const type = entityType(declared);
      return { expression: { op: 'entity', entity, type: plain(type) }, type, name: path, values: listedValues(declared) };
    }
    if (root === 'attributes') return { expression: { op: 'attribute', name }, type: 'any', name: path, values: null };
    if (root === 'flags') {
      if (!FLAG_NAME.test(name)) throw new ExpressionFault(at, `"${shown(name)}" is no name of a flag: use lower-case letters, digits and _, at most 40`);
      return { expression: { op: 'flag', name }, type: 'any', name: path, values: null };
    }
    throw new ExpressionFault(at, `unknown path "${shown(path)}"${did(this.near(root, ROOTS))}`);
  }

  private slot(root: 'slots' | 'user' | 'conversation', name: string, at: number): Typed {
    const slot = this.find('slots', name, at);
    const declared = this.context.declared.slots[slot];
    if (declared && root !== 'slots' && declared.memory !== root) throw new ExpressionFault(at, `the slot "${name}" has no "memory: ${root}"; write slots.${name}`);
    const type = slotType(declared, this.context.declared.entities);
    return { expression: { op: 'slot', slot, type: plain(type) }, type, name: `${root}.${name}`, values: declared?.oneOf ?? null };
  }

  private field(name: string, at: number): Typed {
    if (Object.hasOwn(FIELDS, name)) {
      const values = name === 'intent' && this.context.intents.complete ? this.context.intents.list : null;
      return { expression: { op: 'input', field: name as InputField }, type: FIELDS[name as InputField], name, values };
    }
    if (this.context.slots.has(name)) throw new ExpressionFault(at, `write slots.${name} for the slot "${name}"`);
    if (this.context.entities.has(name)) throw new ExpressionFault(at, `write entities.${name} for the entity "${name}"`);
    throw new ExpressionFault(at, `unknown path "${shown(name)}"${did(this.near(name, ROOTS))}; a text stands in quotes`);
  }

  private near(name: string, known: Iterable<string>): string | undefined { return this.context.faults.full ? undefined : nearest(name, known); }

  /** -1 where the name may stand in a file that could not be read. */
  private find(kind: 'slots' | 'entities', name: string, at: number): number {
    const names = this.context[kind];
    if (!names.has(name) && names.complete) throw new ExpressionFault(at, `unknown ${kind === 'slots' ? 'slot' : 'entity'} "${shown(name)}"${did(this.near(name, names.list))}`);
    return names.has(name) ? names.use(name) : -1;
  }
}

function literal(value: Literal): Typed {
  const type: StaticType = value === null ? 'null' : typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'text';
  return { expression: { op: 'literal', value }, type, name: shownLiteral(value), values: null };
}

function shownLiteral(value: Literal): string { return typeof value === 'string' ? `'${shown(value)}'` : String(value); }

function article(type: StaticType): string { return type === 'boolean' ? 'true or false' : `a ${type}`; }

function did(near: string | undefined): string { return near === undefined ? '' : `; did you mean "${near}"?`; }

function hint(left: Typed, right: Typed): string {
  const slot = [left, right].find((side) => side.expression.op === 'slot' && side.type === 'text');
  return slot && [left, right].some((side) => side.type === 'number') ? `; give the slot "type: number"` : '';
}

function plain(type: StaticType): ValueType { return type === 'any' || type === 'null' ? 'text' : type; }

const DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?)?$|^\d{2}:\d{2}(?::\d{2})?$/;

function isDateLiteral(expression: Expression): boolean {
  return expression.op === 'literal' && typeof expression.value === 'string' && DATE.test(expression.value);
}
