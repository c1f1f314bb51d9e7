/** The last lines of a conversation as one text, oldest first, a line each: who by one letter, a space, what. Bounded. */

/** The state of a conversation is written with each turn: what is kept here costs the log and every store as much again as the turn itself. */
const KEPT_LINES = 12;
const MOST_CHARACTERS = 2000;
/** Below it nothing is cut, so that short lines are not cut with each turn. */
const CUT_CHARACTERS = 750;
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
  return all.length > CUT_CHARACTERS ? cut(all) : all;
}

/** The newest lines. */
function cut(history: string): string {
  let start = history.length + 1;
  for (let lines = 0; lines < KEPT_LINES && start > 0; lines++) {
    const line = history.lastIndexOf('\n', start - 2) + 1;
    if (history.length - line > MOST_CHARACTERS) break;
    start = line;
  }
  return history.slice(start);
}

export function linesOf(history: string): Line[] {
  return history === '' ? [] : history.split('\n').map((line) => ({ by: BY[line[0] as keyof typeof BY] ?? 'person', text: line.slice(2) }));
}
