/**
 * Texts on their way in and out of a language model. All of it is linear in the text: every repetition in a pattern is
 * bounded or cannot overlap with what follows it.
 */

/** Characters that say nothing to a person and something to a machine: controls, direction overrides, tags, fillers. */
const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202f\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;

/** Line ends as LF, tabs as blanks, and nothing hidden. Joiners stay: scripts and emoji need them. */
export function visible(text: string): string {
  return text.normalize('NFC').replaceAll(/\r\n?|[\u2028\u2029\u0085]/g, '\n').replaceAll('\t', ' ').replaceAll(/[\u00a0\u202f]/g, ' ').replaceAll(HIDDEN, '');
}

/** As guards look at a text: one form for each look-alike of a letter that Unicode knows of, lower-case, nothing that joins. */
export function folded(text: string): string {
  return visible(text.normalize('NFKC')).replaceAll(/\p{Cf}/gu, '').normalize('NFKC').toLowerCase();
}

/** Plain text of what a model writes as Markdown. Links keep their target: it is looked at, and people see where it leads. */
export function plain(text: string): string {
  return text
    .replaceAll(/^ {0,3}(?:```|~~~)[^\n]*\n?/gm, '')
    .replaceAll(/!?\[([^[\]\n]{1,300})\]\(\s{0,3}<?([^\s()<>]{1,500})>?[^()\n]{0,200}\)/g, (_whole, words: string, target: string) => (words === target ? target : `${words} (${target})`))
    .replaceAll(/^ {0,3}#{1,6} +/gm, '')
    .replaceAll(/^ {0,3}(?:[-*_] ?){3,20}$/gm, '')
    .replaceAll(/^( {0,8})[*+] +/gm, '$1- ')
    .replaceAll(/(\*\*|__)(?=\S)([^*_\n]{1,500})\1/g, '$2')
    .replaceAll(/(?<![\p{L}\p{N}*])\*(?=\S)([^*\n]{1,500})\*(?![\p{L}\p{N}*])/gu, '$1')
    .replaceAll(/`([^`\n]{1,500})`/g, '$1')
    .replaceAll(/ +$/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n');
}

/** Code points. */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** The text, or where it is longer than so many code points its longest beginning that ends with a sentence; '' when there is none. */
export function sentencesWithin(text: string, most: number): string {
  const head = [...text].slice(0, most).join('');
  if (head.length === text.length) return text;
  return head.slice(0, lastSentenceEnd(head)).trimEnd();
}

/** Where the last sentence ends that something follows, or 0. */
export function lastSentenceEnd(text: string): number {
  for (let at = text.length - 1; at > 0; at -= 1) {
    const before = text[at - 1] ?? '';
    if (before === '\n' || /[。！？]/.test(before)) return at;
    if (!/\s/.test(text[at] ?? '')) continue;
    // Brackets and quotation marks may close after the full stop, and citations.
    let end = at;
    while (end > 0 && /["'”’)\]»\d[]/.test(text[end - 1] ?? '') && at - end < 12) end -= 1;
    if (/[.!?…]/.test(text[end - 1] ?? '') || /[.!?…]/.test(before)) return at;
  }
  return 0;
}
