/** Words of a text for searching, in order, folded: NFKC, lower-case, without accents on Latin letters. Linear in the text. */

/** Scripts without blanks between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}\p{Script=Myanmar}]/u;
const WORD = /[\p{L}\p{N}\p{M}]+/gu;
const LONGEST = 64;

let segmenter: Intl.Segmenter | undefined;

export function wordsOf(text: string): string[] {
  const folded = text.normalize('NFKC').toLowerCase().normalize('NFD').replaceAll(/[\u0300-\u036f]/g, '').normalize('NFC');
  const found: string[] = [];
  for (const [run] of folded.matchAll(WORD)) {
    if (!UNSPACED.test(run)) { found.push(run.slice(0, LONGEST)); continue; }
    segmenter ??= new Intl.Segmenter(undefined, { granularity: 'word' });
    for (const { segment, isWordLike } of segmenter.segment(run)) if (isWordLike === true) found.push(segment.slice(0, LONGEST));
  }
  return found;
}
