/** The last lines of a conversation as one text, oldest first, a line each: who by one letter, a space, what. Bounded. */

const MOST_LINES = 20;
const MOST_CHARACTERS = 2000;
const LINE_CHARACTERS = 300;
const BY = { p: 'person', b: 'bot', a: 'agent' } as const;

export type Speaker = (typeof BY)[keyof typeof BY];
export interface Line { readonly by: Speaker; readonly text: string }

/** The history with one line more. */
export function withLine(history: string, by: keyof typeof BY, text: string): string {
  const one = text.length > LINE_CHARACTERS ? `${text.slice(0, LINE_CHARACTERS - 1)}…` : text;
  if (one === '') return history;
  const line = `${by} ${one.includes('\n') ? one.replaceAll('\n', ' ') : one}`;
  if (history === '') return line;
  const all = `${history}\n${line}`;
  return all.length > MOST_CHARACTERS / 2 ? cut(all) : all;
}

function cut(history: string): string {
  const lines = history.split('\n').slice(-MOST_LINES);
  let length = lines.reduce((sum, line) => sum + line.length + 1, 0);
  while (length > MOST_CHARACTERS && lines.length > 1) length -= (lines.shift()?.length ?? 0) + 1;
  return lines.join('\n');
}

export function linesOf(history: string): Line[] {
  return history === '' ? [] : history.split('\n').map((line) => ({ by: BY[line[0] as keyof typeof BY] ?? 'person', text: line.slice(2) }));
}
