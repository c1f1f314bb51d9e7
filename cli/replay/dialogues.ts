/** Recorded dialogues: `{"conversation","turn","speaker","text"}` a line, of which the user turns are sent. */
import { ConfabError } from '../../platform/errors.js';

/** One conversation's user turns, in order. */
export interface Dialogue {
  readonly name: string;
  readonly turns: readonly string[];
}

export interface Dialogues {
  readonly dialogues: readonly Dialogue[];
  readonly messages: number;
  /** User turns without text: nothing can be sent for them. */
  readonly blank: number;
}

interface Line { conversation: string; turn: number; speaker: string; text: string }

/**
 * Reads lines; keeps the first `limit` conversations.
 * @throws CONFAB_INPUT_INVALID naming the line, or when no user turn is left
 */
export async function readDialogues(lines: AsyncIterable<string>, limit = Infinity): Promise<Dialogues> {
  const found = new Map<string, { turn: number; text: string }[]>();
  let number = 0;
  let blank = 0;
  for await (const raw of lines) {
    number += 1;
    if (raw.trim() === '') continue;
    const line = parseLine(raw, number);
    const turns = found.get(line.conversation) ?? (found.size < limit ? [] : undefined);
    if (turns === undefined) continue;
    found.set(line.conversation, turns);
    if (line.speaker.toLowerCase() !== 'user') continue;
    if (line.text.trim() === '') { blank += 1; continue; }
    turns.push({ turn: line.turn, text: line.text });
  }
  const dialogues = [...found].map(([name, turns]) => ({ name, turns: turns.sort((a, b) => a.turn - b.turn).map(({ text }) => text) })).filter(({ turns }) => turns.length > 0);
  if (dialogues.length === 0) throw new ConfabError('CONFAB_INPUT_INVALID', { detail: 'The file has no turn of a user (`"speaker": "user"`).' });
  return { dialogues, messages: dialogues.reduce((sum, { turns }) => sum + turns.length, 0), blank };
}

function parseLine(raw: string, number: number): Line {
  const wrong = (why: string): never => { throw new ConfabError('CONFAB_INPUT_INVALID', { detail: `Line ${number} ${why}.` }); };
  let value: unknown;
  try { value = JSON.parse(raw); } catch { return wrong('is not JSON'); }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wrong('is not a JSON object');
  const { conversation, turn, speaker, text } = value as Record<string, unknown>;
  if (typeof conversation !== 'string' || conversation === '') return wrong('has no text "conversation"');
  if (typeof speaker !== 'string') return wrong('has no text "speaker"');
  if (typeof text !== 'string') return wrong('has no text "text"');
  if (turn !== undefined && typeof turn !== 'number') return wrong('has a "turn" that is no number');
  return { conversation, turn: turn ?? number, speaker, text };
}
