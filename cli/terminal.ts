/** Text for people at a terminal. */
import { nearest } from '../platform/config.js';
import { catalogue, toConfabError, type ConfabError } from '../platform/errors.js';
import type { Output } from './context.js';

const HARMFUL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Makes control, escape and direction characters visible, so that foreign text cannot move the cursor or hide itself. */
export function harmless(text: string): string {
  return text.replace(HARMFUL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Whether colours are wanted: on a terminal, and NO_COLOR is not set. */
export function hasColour(output: Output, env: Readonly<Record<string, string | undefined>>): boolean {
  return output.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** What went wrong, on one line, with what to do; further faults on a line each. */
export function errorText(thrown: unknown, options: { readonly colour: boolean; readonly stack: boolean }): string {
  const error: ConfabError = toConfabError(thrown);
  const cause = error.code === 'CONFAB_INTERNAL' && error.cause instanceof Error ? error.cause : undefined;
  const faults = error.errors ?? [];
  const said = cause === undefined ? (faults.length > 1 ? '' : ` ${error.detail}`) : ` ${cause.message}`;
  const help = catalogue[error.code].help;
  const advice = said.includes(help) ? '' : ` ${help}`;
  const line = harmless(`${error.code}: ${error.title}.${said}${advice === '' || said === '' || /[.?!]$/.test(said) ? '' : '.'}${advice}`).replaceAll('\n', ' ');
  const more = faults.length > 1 ? faults.map(({ detail }) => `\n  ${harmless(detail).replaceAll('\n', ' ')}`).join('') : '';
  const stack = options.stack && thrown instanceof Error ? `\n${harmless(thrown.stack ?? '')}` : '';
  return `${options.colour ? `\u001b[31m${line}\u001b[0m` : line}${more}${stack}\n`;
}

/** `Did you mean …?` for a word that is near enough to one of the known. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : ` Did you mean ${near}?`;
}
