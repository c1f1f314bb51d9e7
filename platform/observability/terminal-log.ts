/**
 * Log lines for a person at a terminal: time, level, sentence and what belongs to it, one line each. The same lines as JSON
 * are for machines (CONFAB_LOG_FORMAT). Text from outside is made harmless: no line moves the cursor or breaks into two.
 */
import type { DestinationStream } from 'pino';

export interface TerminalLogOptions {
  readonly write: (text: string) => void;
  readonly colour: boolean;
  /** Whether stacks of errors are wanted below their line. */
  readonly stacks: boolean;
  /** While it answers true, lines below `warn` are left out: a start says what it has to say in its banner. */
  readonly hush?: () => boolean;
}

interface Line { readonly level?: string; readonly time?: string; readonly msg?: string; readonly err?: { readonly message?: string; readonly stack?: string }; readonly [field: string]: unknown }

const COLOURS: Readonly<Record<string, number>> = { warn: 33, error: 31, fatal: 31, debug: 90, trace: 90 };
/** Of little use to a person, or shown in another way. */
const LEFT_OUT = new Set(['level', 'time', 'msg', 'err', 'instance']);

export function terminalLog(options: TerminalLogOptions): DestinationStream {
  return {
    write(json: string): void {
      let line: Line;
      try { line = JSON.parse(json) as Line; } catch { options.write(json); return; }
      const { level = '' } = line;
      if (COLOURS[level] !== 33 && COLOURS[level] !== 31 && options.hush?.() === true) return;
      options.write(textOf(line, options));
    },
  };
}

function textOf(line: Line, { colour, stacks }: TerminalLogOptions): string {
  const { level = '', msg = '', err } = line;
  const fields = Object.entries(line).filter(([name]) => !LEFT_OUT.has(name)).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const said = err?.message === undefined ? msg : `${msg}: ${err.message}`;
  const paint = (text: string, code: number | undefined): string => (colour && code !== undefined ? `\u001b[${code}m${text}\u001b[0m` : text);
  const rest = fields.length === 0 ? '' : `  ${paint(safe(fields.join(' ')), 90)}`;
  const stack = stacks && err?.stack !== undefined ? `\n${err.stack.split('\n').map(safe).join('\n')}` : '';
  return `${paint(clockOf(line.time), 90)} ${level === 'info' ? '' : `${paint(level, COLOURS[level])} `}${safe(said)}${rest}${stack}\n`;
}

/** Hours, minutes and seconds where the reader is. */
function clockOf(time: string | undefined): string {
  const date = new Date(time ?? Number.NaN);
  return Number.isNaN(date.getTime()) ? '--:--:--' : [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}

/** Control and direction characters as escapes. */
const safe = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
