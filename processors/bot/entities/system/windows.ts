/**
 * Short pieces of a text for libraries whose time grows faster than the text: at most so many, of at most so many
 * characters, cut at blanks, and only those in which something is to be found. So their cost is bounded by a constant.
 */

export interface Window { readonly text: string; readonly start: number }

const CHARACTERS = 256;
const MOST_WINDOWS = 8;
/** How far back a blank is looked for to cut at. */
const BACK = 48;

/** @param promising true where the piece may hold something; cheap and linear */
export function windowsOf(text: string, promising: (piece: string) => boolean): Window[] {
  if (text.length <= CHARACTERS) return promising(text) ? [{ text, start: 0 }] : [];
  const windows: Window[] = [];
  for (let start = 0; start < text.length && windows.length < MOST_WINDOWS;) {
    const end = cutAt(text, start);
    const piece = text.slice(start, end);
    if (promising(piece)) windows.push({ text: piece, start });
    start = end;
  }
  return windows;
}

function cutAt(text: string, start: number): number {
  const end = start + CHARACTERS;
  if (end >= text.length) return text.length;
  for (let at = end; at > end - BACK; at--) if (/\s/.test(text[at] ?? '')) return at;
  return end;
}
