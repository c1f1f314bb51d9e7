/** A condition's text to a tree whose nodes know their place: a Pratt parser. Length, depth and lists are bounded. */
import { ExpressionFault, lex, type ExpressionToken } from './expression-lexer.js';
import type { Comparison, Literal } from './types-flow.js';

export type Node =
  | { readonly node: 'literal'; readonly value: Literal; readonly at: number }
  | { readonly node: 'path'; readonly path: string; readonly at: number }
  | { readonly node: 'list'; readonly items: readonly Node[]; readonly at: number }
  | { readonly node: 'compare'; readonly by: Comparison; readonly left: Node; readonly right: Node; readonly at: number }
  | { readonly node: 'in'; readonly not: boolean; readonly left: Node; readonly right: Node; readonly at: number }
  | { readonly node: 'and' | 'or'; readonly left: Node; readonly right: Node; readonly at: number }
  | { readonly node: 'not'; readonly of: Node; readonly at: number };

export const MOST_CHARACTERS = 1000;
const MOST_DEPTH = 16;
const MOST_ITEMS = 100;

/** How tightly a word binds what stands on its left; 0 for what binds nothing. */
const BINDING: ReadonlyMap<string, number> = new Map([['or', 1], ['and', 2], ...['in', 'not', '==', '!=', '<', '<=', '>', '>='].map((sign) => [sign, 4] as const)]);
const NOT = 3;
const COMPARISONS: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const WORDS: readonly string[] = ['or', 'and', 'in', 'not', 'true', 'false', 'null'];

function bindingOf({ kind, text }: ExpressionToken): number { return kind === 'sign' || kind === 'name' ? BINDING.get(text) ?? 0 : 0; }

/** @throws ExpressionFault */
export function parseExpression(source: string): Node {
  if (source.length > MOST_CHARACTERS) throw new ExpressionFault(0, `the condition is longer than ${MOST_CHARACTERS} characters`);
  const parser = new Parser(lex(source));
  const tree = parser.expression(0, 0);
  const rest = parser.peek();
  if (rest.kind !== 'end') throw new ExpressionFault(rest.at, `"${rest.text}" is too much here; "and" or "or" joins two conditions`);
  return tree;
}

class Parser {
  private at = 0;

  constructor(private readonly tokens: readonly ExpressionToken[]) {}

  peek(): ExpressionToken { return this.tokens[this.at] as ExpressionToken; }

  private take(): ExpressionToken {
    const token = this.peek();
    if (token.kind !== 'end') this.at += 1;
    return token;
  }

  private expect(sign: string, opened: number): void {
    const token = this.take();
    if (token.kind !== 'sign' || token.text !== sign) throw new ExpressionFault(token.kind === 'end' ? opened : token.at, `"${sign}" is missing${token.kind === 'end' ? '' : ` before "${token.text}"`}`);
  }

  /** What binds more tightly than `binding`. */
  expression(binding: number, depth: number): Node {
    if (depth > MOST_DEPTH) throw new ExpressionFault(this.peek().at, `the condition is nested more than ${MOST_DEPTH} deep`);
    let left = this.prefix(depth);
    for (;;) {
      const token = this.peek();
      const power = bindingOf(token);
      if (power <= binding) return left;
      this.take();
      left = this.infix(left, token, power, depth);
    }
  }

  private prefix(depth: number): Node {
    const token = this.take();
    const { at, text } = token;
    if (token.kind === 'number') return { node: 'literal', value: Number(text), at };
    if (token.kind === 'text') return { node: 'literal', value: text, at };
    if (token.kind === 'sign' && text === '(') {
      const inner = this.expression(0, depth + 1);
      this.expect(')', at);
      return inner;
    }
    if (token.kind === 'sign' && text === '[') return this.list(at, depth);
    if (token.kind === 'name' && text === 'not') return { node: 'not', of: this.expression(NOT, depth + 1), at };
    if (token.kind === 'name' && (text === 'true' || text === 'false')) return { node: 'literal', value: text === 'true', at };
    if (token.kind === 'name' && text === 'null') return { node: 'literal', value: null, at };
    if (token.kind === 'name' && !WORDS.includes(text)) return { node: 'path', path: text, at };
    throw new ExpressionFault(at, token.kind === 'end' ? 'something is missing at the end of the condition' : `a value is missing before "${text}"`);
  }

  private infix(left: Node, { text, at }: ExpressionToken, power: number, depth: number): Node {
    if (text === 'and' || text === 'or') return { node: text, left, right: this.expression(power, depth + 1), at };
    const negated = text === 'not';
    if (negated) {
      const token = this.take();
      if (token.kind !== 'name' || token.text !== 'in') throw new ExpressionFault(token.at, '"not" stands before a condition, or before "in"');
    }
    const right = this.expression(power, depth + 1);
    const next = this.peek();
    if (bindingOf(next) === power) throw new ExpressionFault(next.at, `comparisons do not follow each other: join them with "and"`);
    if (text === 'in' || negated) return { node: 'in', not: negated, left, right, at };
    return { node: 'compare', by: COMPARISONS.find((sign) => sign === text) as Comparison, left, right, at };
  }

  private list(at: number, depth: number): Node {
    const items: Node[] = [];
    while (!(this.peek().kind === 'sign' && this.peek().text === ']')) {
      items.push(this.expression(NOT, depth + 1));
      if (items.length > MOST_ITEMS) throw new ExpressionFault(at, `the list has more than ${MOST_ITEMS} values`);
      if (this.peek().kind === 'sign' && this.peek().text === ',') this.take();
      else break;
    }
    this.expect(']', at);
    return { node: 'list', items, at };
  }
}
