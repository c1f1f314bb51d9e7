/** What a walk compares and changes: diffs applied to files, and expected lines with … for anything. */

/** Applies the hunks of a diff without line numbers: context and removed lines must stand together exactly once. @throws Error */
export function applyDiff(text: string, diff: string): string {
  let result = text.split('\n');
  for (const hunk of diff.replace(/\n$/, '').split(/^@@.*\n/m).filter((part) => part.trim() !== '')) {
    const lines = hunk.replace(/\n$/, '').split('\n');
    const before = lines.filter((line) => !line.startsWith('+')).map((line) => line.slice(1));
    const after = lines.filter((line) => !line.startsWith('-')).map((line) => line.slice(1));
    const places = result.flatMap((_, at) => (before.every((line, next) => result[at + next] === line) ? [at] : []));
    if (before.length === 0 || places.length !== 1) throw new Error(`these lines stand ${places.length} times in it, not once:\n${before.join('\n')}`);
    result = [...result.slice(0, places[0]), ...after, ...result.slice((places[0] ?? 0) + before.length)];
  }
  return result.join('\n');
}

/** Whether the lines of `wanted` come in `text` in this order, each within a line of it; `…` stands for anything, alone for any lines. */
export function showsLines(text: string, wanted: string): boolean {
  const lines = text.split('\n');
  let from = 0;
  for (const line of wanted.split('\n').map((one) => one.trim()).filter((one) => one !== '' && one !== '…')) {
    const form = new RegExp(line.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*'));
    const found = lines.findIndex((candidate, at) => at >= from && form.test(candidate));
    if (found === -1) return false;
    from = found + 1;
  }
  return true;
}
