/** How much room text takes on a terminal: wide and combining characters must not break columns. */

const segments = new Intl.Segmenter('en', { granularity: 'grapheme' });
const NARROW = /^[\u0020-\u007e\u00a0-\u02ff\u0370-\u0482\u048a-\u0590]*$/;
const NOTHING = /^[\p{Mark}\p{Cf}\u1160-\u11ff]+$/u;
const WIDE = /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{1f1e6}-\u{1f1ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f/u;

/** Columns that a text without control characters takes. */
export function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segments.segment(text)) width += widthOfOne(segment);
  return width;
}

const widthOfOne = (segment: string): number => (NOTHING.test(segment) ? 0 : WIDE.test(segment) ? 2 : 1);

/** Fills up with blanks to the right. */
export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Cut to so many columns; what was cut ends with `…`. */
export function fitTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let taken = '';
  let left = width - 1;
  for (const { segment } of segments.segment(text)) {
    left -= widthOfOne(segment);
    if (left < 0) break;
    taken += segment;
  }
  return `${taken}…`;
}

/** Lines of at most so many columns, broken between words where that is possible. */
export function wrapTo(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let room = width;
  const flush = (): void => { lines.push(line.trimEnd()); line = ''; room = width; };
  for (const word of text.split(/(?<= )/)) {
    if (widthOf(word.trimEnd()) > room && line !== '') flush();
    for (const { segment } of segments.segment(word)) {
      const needed = widthOfOne(segment);
      if (needed > room && segment !== ' ') flush();
      line += segment;
      room -= needed;
    }
  }
  if (line.trimEnd() !== '' || lines.length === 0) flush();
  return lines;
}
