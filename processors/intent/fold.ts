/**
 * One form for the many ways to write a text: NFKC, lower case, Latin letters without their accents, and blanks between the
 * words of scripts that write none. A text of ASCII, the common case, takes one pass.
 */

/** UTF-16 units of a text that are looked at. */
export const MOST_UNITS = 4096;

const ASCII = /^[\0-\x7f]*$/;
/** Han, kana, Thai, Lao, Myanmar and Khmer: runs of these are given to the segmenter. */
const UNSPACED = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3134f}]/u;

let segmenter: Intl.Segmenter | undefined;

/** Whether words of the text are found by a dictionary, which is another one in another version of ICU. */
export const isUnspaced = (text: string): boolean => UNSPACED.test(text);

export function foldText(text: string): string {
  const cut = text.length > MOST_UNITS ? text.slice(0, MOST_UNITS) : text;
  if (ASCII.test(cut)) return cut.toLowerCase();
  // A single sign can become 18: cut again, for the time that all of the rest takes.
  const folded = cut.normalize('NFKC').slice(0, MOST_UNITS).toLowerCase();
  return UNSPACED.test(folded) ? segment(folded) : folded;
}

function segment(text: string): string {
  segmenter ??= new Intl.Segmenter('und', { granularity: 'word' });
  let spaced = '';
  for (const { segment: word } of segmenter.segment(text)) spaced += `${word} `;
  return spaced;
}

const LATIN_END = 0x250;
const ADDITIONAL = 0x1e00;
const ADDITIONAL_END = 0x1f00;

const unaccented = (code: number): number => {
  const sign = String.fromCharCode(code).normalize('NFD');
  const base = sign.charCodeAt(0);
  return sign.length > 1 && base >= 0x61 && base <= 0x7a ? base : code;
};
const latin = Uint16Array.from({ length: LATIN_END }, (_, code) => unaccented(code));
const additional = Uint16Array.from({ length: ADDITIONAL_END - ADDITIONAL }, (_, at) => unaccented(ADDITIONAL + at));

/** The letter without its accent, for Latin letters; any other unit as it is. */
export function plainUnit(code: number): number {
  if (code < LATIN_END) return latin[code] as number;
  return code >= ADDITIONAL && code < ADDITIONAL_END ? additional[code - ADDITIONAL] as number : code;
}
