/** The words and signs of a condition. One pass over the text, no regular expression; what is not of the grammar is a fault with its place in the text. */

export type TokenKind = 'number' | 'text' | 'name' | 'sign' | 'end';

export interface ExpressionToken {
  readonly kind: TokenKind;
  /** The sign, the name (with its dots), or the text without quotes. */
  readonly text: string;
  /** Where it begins in the condition. */
  readonly at: number;
}

/** A fault inside a condition. */
export class ExpressionFault extends Error {
  constructor(readonly at: number, reason: string) { super(reason); }
}

const SIGNS = ['==', '!=', '<=', '>=', '<', '>', '(', ')', '[', ']', ','];
/** What people of other languages write, and what is written here. */
const FOREIGN: Readonly<Record<string, string>> = { '&&': 'and', '||': 'or', '=': '==', '!': 'not', '&': 'and', '|': 'or' };
const MOST_TOKENS = 400;

/** @throws ExpressionFault */
export function lex(source: string): ExpressionToken[] {
  const tokens: ExpressionToken[] = [];
  for (let at = 0; at < source.length;) {
    const char = source[at] ?? '';
    if (char === ' ' || char === '\t' || char === '\n' || char === '\r') { at += 1; continue; }
    const token = char === "'" || char === '"' ? readText(source, at) : isDigit(char) || (char === '-' && isDigit(source[at + 1])) ? readNumber(source, at)
      : isLetter(char) ? readName(source, at) : readSign(source, at);
    tokens.push(token.token);
    if (tokens.length > MOST_TOKENS) throw new ExpressionFault(at, `the condition has more than ${MOST_TOKENS} words`);
    at = token.next;
  }
  tokens.push({ kind: 'end', text: 'the end', at: source.length });
  return tokens;
}

interface Read { readonly token: ExpressionToken; readonly next: number }

function isDigit(char: string | undefined): boolean { return char !== undefined && char >= '0' && char <= '9'; }
function isLetter(char: string | undefined): boolean { return char !== undefined && ((char >= 'a' && char <= 'z') || (char >= 'A' && char <= 'Z') || char === '_'); }

/** A quote inside is written twice. */
function readText(source: string, from: number): Read {
  const quote = source[from] ?? '';
  let text = '';
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] !== quote) { text += source[at] ?? ''; continue; }
    if (source[at + 1] === quote) { text += quote; at += 1; continue; }
    return { token: { kind: 'text', text, at: from }, next: at + 1 };
  }
  throw new ExpressionFault(from, `a text that is not closed with ${quote}`);
}

function readNumber(source: string, from: number): Read {
  let at = from + 1;
  while (isDigit(source[at])) at += 1;
  if (source[at] === '.' && isDigit(source[at + 1])) { at += 1; while (isDigit(source[at])) at += 1; }
  const text = source.slice(from, at);
  if (isLetter(source[at])) throw new ExpressionFault(from, `"${text}${source[at] ?? ''}" is neither a number nor a name; a text stands in quotes`);
  if (text.length > 20) throw new ExpressionFault(from, 'the number is too long');
  return { token: { kind: 'number', text, at: from }, next: at };
}

function readName(source: string, from: number): Read {
  let at = from;
  for (;;) {
    while (isLetter(source[at]) || isDigit(source[at])) at += 1;
    if (source[at] !== '.' || !(isLetter(source[at + 1]) || isDigit(source[at + 1]))) break;
    at += 1;
  }
  return { token: { kind: 'name', text: source.slice(from, at), at: from }, next: at };
}

function readSign(source: string, at: number): Read {
  const two = source.slice(at, at + 2);
  const one = source.slice(at, at + 1);
  const sign = SIGNS.find((candidate) => candidate === two) ?? SIGNS.find((candidate) => candidate === one);
  if (sign !== undefined) return { token: { kind: 'sign', text: sign, at }, next: at + sign.length };
  const foreign = FOREIGN[two] ?? FOREIGN[one];
  if (foreign !== undefined) throw new ExpressionFault(at, `write "${foreign}" for "${FOREIGN[two] === undefined ? one : two}"`);
  throw new ExpressionFault(at, `"${String.fromCodePoint(source.codePointAt(at) ?? 0)}" has no meaning in a condition`);
}
