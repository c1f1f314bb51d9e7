/** How texts are folded before they are compared, and the words of a text with their places. */

export interface Token {
  /** Folded. */
  readonly word: string;
  /** UTF-16 units of the original text. */
  readonly start: number;
  readonly end: number;
}

const WORD = /[\p{L}\p{M}\p{N}]+(?:['’][\p{L}\p{M}]+)*/gu;

/** NFKC and lower case; typographic apostrophes become plain ones. */
export function fold(text: string): string {
  return text.normalize('NFKC').toLowerCase().replaceAll('’', "'");
}

export function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (const match of text.matchAll(WORD)) found.push({ word: fold(match[0]), start: match.index, end: match.index + match[0].length });
  return found;
}
