/** Edit distance (insert, remove, replace, swap of neighbours), for "did you mean". */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(i - 1, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(i - 2, j - 2) + 1);
      row.push(best);
    }
  }
  return at(a.length, b.length);
}

/** As many letters are no accident: who typed them meant a word that begins so. */
const BEGINNING = 3;

/** The candidate that is nearest to `text`, where one that begins with it is a step away; the first of equals; undefined when there are no candidates. */
export function nearest(text: string, candidates: readonly string[]): string | undefined {
  let found: string | undefined;
  let least = Infinity;
  for (const candidate of candidates) {
    const far = text.length >= BEGINNING && candidate.startsWith(text) && candidate !== text ? 1 : distance(text, candidate);
    if (far < least) { least = far; found = candidate; }
  }
  return found;
}
