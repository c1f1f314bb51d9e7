/** Dead letters as text for people. What comes from the log is made harmless. */
import type { LetterDetail } from '../../operate/letters/letter-detail.js';
import type { Settled } from '../../operate/letters/letter-desk.js';
import type { LetterView } from '../../operate/letters/letter.js';
import { harmless } from '../terminal.js';

const HEAD = ['ID', 'STATUS', 'STAGE', 'CODE', 'TRIES', 'AT', 'CONVERSATION', 'MESSAGE'] as const;

const cells = (letter: LetterView): string[] => [
  letter.id, letter.status, letter.stage, letter.errorCode, String(letter.attempts), letter.at, letter.conversation ?? '-', letter.messageId ?? '-',
].map((text) => harmless(text).replaceAll(/\s/g, ' '));

/** A line for each letter, in columns; with a head for people. */
export function listText(letters: readonly LetterView[], head: boolean): string {
  const rows = [...(head ? [[...HEAD]] : []), ...letters.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(0, ...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) => `${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join('  ').trimEnd()}\n`).join('');
}

export function detailText(letter: LetterDetail): string {
  const lines: [string, string | null][] = [
    ['id', letter.id], ['status', letter.closedAt === null ? letter.status : `${letter.status} at ${letter.closedAt} by ${letter.closedBy ?? '?'}`],
    ['retried as', letter.retriedAs], ['not retriable', letter.notRetriable],
    ['conversation', letter.conversation], ['message', letter.messageId], ['position', letter.position],
    ['stage', `${letter.stage}, phase ${letter.phase}`], ['error', `${letter.errorCode}: ${letter.errorMessage}`],
    ['tries', String(letter.attempts)], ['given up', letter.at], ['record', `${letter.topic} ${letter.partition}-${letter.offset}`],
  ];
  const { value, undecodable, reason } = letter.original;
  const original = value === undefined ? `undecodable (${reason ?? 'unknown'}), base64: ${undecodable ?? 'no value'}` : JSON.stringify(value, null, 2);
  const shown = lines.flatMap(([name, text]) => (text === null ? [] : [`${name.padEnd(14)}${harmless(text).replaceAll('\n', ' ')}`]));
  return `${shown.join('\n')}\n\n${original.split('\n').map(harmless).join('\n')}\n`;
}

/** What became of one letter. */
export function settledText(result: Settled): string {
  if (result.error) return `${harmless(result.id)}  ${result.error.code}: ${harmless(`${result.error.title}. ${result.error.detail}`)}\n`;
  return `${result.id}  ${result.already ? 'already ' : ''}${result.status}${result.position === null ? '' : ` as ${result.position}`}\n`;
}

export function settledJson(result: Settled): string {
  return `${JSON.stringify(result.error ? { id: result.id, code: result.error.code, detail: result.error.detail } : result)}\n`;
}
