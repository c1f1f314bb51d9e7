/** How many typing errors lie between two words: a letter too many, too few, another one, or two neighbours swapped. */

/** Longer words are never compared. */
export const LONGEST_WORD = 32;

const WIDTH = LONGEST_WORD + 1;
let before = new Uint8Array(WIDTH);
let last = new Uint8Array(WIDTH);
let row = new Uint8Array(WIDTH);

/** The distance (optimal string alignment), or `most + 1` for any above `most`. Both words have at most LONGEST_WORD units. */
export function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  for (let j = 0; j <= b.length; j++) last[j] = j;
  for (let i = 1; i <= a.length; i++) {
    const least = fillRow(a, b, i);
    if (least > most) return most + 1;
    [before, last, row] = [last, row, before];
  }
  return Math.min(last[b.length] ?? 0, most + 1);
}

function fillRow(a: string, b: string, i: number): number {
  row[0] = i;
  let least = i;
  const here = a.charCodeAt(i - 1);
  for (let j = 1; j <= b.length; j++) {
    const there = b.charCodeAt(j - 1);
    let cost = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + (here === there ? 0 : 1));
    if (i > 1 && j > 1 && here === b.charCodeAt(j - 2) && there === a.charCodeAt(i - 2)) cost = Math.min(cost, (before[j - 2] as number) + 1);
    row[j] = cost;
    if (cost < least) least = cost;
  }
  return least;
}
