/**
 * Copies of examples with typing errors, so that the features of mistyped words are learned too. What is typed instead comes
 * from the examples themselves: it fits every script and keyboard a little and none wholly.
 */
import type { Draw } from './random.js';

const LETTER = /\p{L}/u;

export interface Mistyping {
  /** Two slips in the text; a text without letters comes back as it is. */
  mistype(text: string, draw: Draw): string;
}

/** @param texts where the letters come from, each as likely as it is there */
export function createMistyping(texts: readonly string[]): Mistyping {
  const letters: string[] = [];
  for (const text of texts) {
    if (letters.length > 20_000) break;
    for (const sign of text) if (LETTER.test(sign)) letters.push(sign.toLowerCase());
  }
  const slip = (signs: string[], draw: Draw): void => {
    const at = draw(signs.length);
    const kind = draw(9);
    if (kind === 8) { const blank = signs.indexOf(' ', at); if (blank >= 0) signs.splice(blank, 1); return; }
    const place = letterFrom(signs, at);
    if (place < 0) return;
    const other = letters[draw(letters.length)] as string;
    if (kind < 2) signs.splice(place, 1);
    else if (kind < 4) signs.splice(place, 2, ...signs.slice(place, place + 2).reverse());
    else if (kind < 6) signs[place] = other;
    else signs.splice(place, 0, kind === 6 ? other : signs[place] as string);
  };
  return {
    mistype(text, draw) {
      if (letters.length === 0 || text === '') return text;
      const signs = [...text];
      for (let slips = 0; slips < 2 && signs.length > 0; slips++) slip(signs, draw);
      return signs.join('');
    },
  };
}

/** The first letter from there on, around the end; -1 when there is none. */
function letterFrom(signs: readonly string[], from: number): number {
  for (let step = 0; step < signs.length; step++) {
    const at = (from + step) % signs.length;
    if (LETTER.test(signs[at] as string)) return at;
  }
  return -1;
}
