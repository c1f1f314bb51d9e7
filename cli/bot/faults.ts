/** Places in a bot's files as an editor follows them, and the faults that stand there. */
import { isAbsolute, join, relative } from 'node:path';
import type { Fault } from '../../processors/bot/index.js';
import { harmless } from '../terminal.js';

/** `bots/parcel/flows.yaml:12`: from where the command was called, when the file is below. */
export function placeText(folder: string, { file, line }: { readonly file: string; readonly line: number }): string {
  return harmless(`${shortest(join(folder, file))}:${line}`);
}

export function faultLine(folder: string, kind: string, { file, line, column, reason }: Fault): string {
  return harmless(`${shortest(join(folder, file))}:${line}:${column}: ${kind}: ${reason}`);
}

function shortest(path: string): string {
  const from = relative('', path);
  return from === '' || from.startsWith('..') || isAbsolute(from) ? path : from;
}
