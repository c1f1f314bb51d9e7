/** Text for people at a terminal. */
import { nearest } from '../platform/config.js';
import { catalogue, toConfabError, type ConfabError, type ErrorCode } from '../platform/errors.js';
import type { Output } from './context.js';

const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|[\ud800-\udfff]/gu;

/** Makes control, escape, direction and invisible characters visible, so that foreign text cannot move the cursor or hide itself. */
export function harmless(text: string): string {
  return text.replace(HARMFUL, visible);
}

/** `harmless`, on one line: line breaks and tabs become blanks. */
export function harmlessLine(text: string): string {
  return harmless(text.replace(/[\t\n]/g, ' '));
}

function visible(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
}

/** JSON that is as harmless: what JSON leaves as it is, and a terminal would obey, is escaped. */
export function harmlessJson(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replace(HARMFUL, (character) => Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''));
}

type Env = Readonly<Record<string, string | undefined>>;

/** Whether colours are wanted: on a terminal or with FORCE_COLOR, and never with NO_COLOR. */
export function hasColour(output: Output, env: Env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return !/^(0|false)$/.test(env.FORCE_COLOR);
  return output.isTTY === true && env.TERM !== 'dumb';
}

const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
export type Colour = keyof typeof COLOURS;
export type Paint = (colour: Colour, text: string) => string;

/** Colours text where colours are wanted. */
export function painter(output: Output, env: Env): Paint {
  return hasColour(output, env) ? (colour, text) => (text === '' ? '' : `\u001b[${COLOURS[colour]}m${text}\u001b[0m`) : (_colour, text) => text;
}

/** Where the words of the catalogue speak to a client of the server, here is what a person at a terminal can do. */
const WORDS: Partial<Record<ErrorCode, { readonly title: string; readonly help: string }>> = {
  CONFAB_LOG_UNAVAILABLE: { title: 'The log does not answer', help: 'Check that the brokers of CONFAB_KAFKA_BROKERS run and can be reached from here.' },
  CONFAB_OVERLOADED: { title: 'The node is at its limit', help: 'Try again in a few seconds.' },
  CONFAB_DRAINING: { title: 'The node is going away', help: 'Try again when it has started anew.' },
  CONFAB_INDEX_REBUILDING: { title: 'The index of idempotency keys is being rebuilt', help: 'Try again in a few seconds.' },
  CONFAB_VIEW_BEHIND: { title: 'The view has not reached the wanted position yet', help: 'Try again in a few seconds.' },
};

/** What went wrong, on one line, with what to do; further faults on a line each. */
export function errorText(thrown: unknown, options: { readonly colour: boolean; readonly stack: boolean }): string {
  const error: ConfabError = toConfabError(thrown);
  const cause = error.code === 'CONFAB_INTERNAL' && error.cause instanceof Error ? error.cause : undefined;
  const faults = error.errors ?? [];
  const { title, help } = WORDS[error.code] ?? catalogue[error.code];
  // Without a detail of its own an error has the help of the catalogue as one.
  const detail = error.detail === catalogue[error.code].help ? help : error.detail;
  const said = cause === undefined ? (faults.length > 1 ? '' : ` ${detail}`) : ` ${cause.message}`;
  const advice = said.includes(help) ? '' : ` ${help}`;
  const line = harmless(`${error.code}: ${title}.${said}${advice === '' || said === '' || /[.?!]$/.test(said) ? '' : '.'}${advice}`).replaceAll('\n', ' ');
  const more = faults.length > 1 ? faults.map(({ detail }) => `\n  ${harmless(detail).replaceAll('\n', ' ')}`).join('') : '';
  const stack = options.stack && thrown instanceof Error ? `\n${harmless(thrown.stack ?? '')}` : '';
  return `${options.colour ? `\u001b[31m${line}\u001b[0m` : line}${more}${stack}\n`;
}

/** `Did you mean …?` for a word that is near enough to one of the known. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : ` Did you mean ${near}?`;
}
