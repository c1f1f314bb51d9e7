/** Rebuilds as text for people. What comes from the log is made harmless. */
import { isWhole, type PartChecked, type PartRebuilt, type View } from '../../operate/rebuild/view.js';
import { harmlessLine } from '../terminal.js';
import { wrapTo } from '../text-width.js';

export interface Summary {
  readonly view: string;
  readonly partitions: number;
  readonly failed: number;
  readonly records: number;
  readonly milliseconds: number;
  readonly recordsPerSecond: number;
}

export type Rebuilt = Summary & { readonly states: number };
export type Checked = Summary & Record<'conversations' | 'same' | 'newer' | 'missing' | 'behind' | 'different', number> & { readonly whole: boolean };

const number = (value: number): string => value.toLocaleString('en-US');
const counted = (value: number, one: string): string => `${number(value)} ${one}${value === 1 ? '' : 's'}`;

export function viewsText(views: readonly View[], columns: number): string {
  const width = Math.max(...views.map(({ name }) => name.length)) + 2;
  return views.map(({ name, holds, from, heals, rebuild }) => {
    const lines = [holds, `from ${from}`, `comes back ${heals}`, ...(rebuild === undefined ? [] : [`by hand: confab rebuild ${name}`])];
    return lines.flatMap((line) => wrapTo(line, columns - width)).map((line, i) => `${(i === 0 ? name : '').padEnd(width)}${line}\n`).join('');
  }).join('');
}

export function rebuiltText({ view, partitions, records, states, milliseconds, recordsPerSecond }: Rebuilt): string {
  return `${view}: ${counted(partitions, 'partition')}, ${counted(records, 'record')}, ${counted(states, 'state')} in ${number(milliseconds)} ms, ${number(recordsPerSecond)} records/s\n`;
}

export function partText(part: PartRebuilt): string {
  return `${part.topic} ${part.partition}: ${counted(part.records, 'record')}, ${counted(part.states, 'state')} in ${number(part.milliseconds)} ms\n`;
}

/** Nothing for a part that is whole. */
export function differenceText(part: PartChecked): string {
  if (isWhole(part)) return '';
  const found = (['missing', 'behind', 'different'] as const).filter((name) => part[name] > 0).map((name) => `${number(part[name])} ${name}`);
  const marks = part.watermark === 'whole' ? [] : [`the watermark is ${part.watermark}`];
  return `${part.topic} ${part.partition}: ${[...found, ...marks].join(', ')}${part.examples.length === 0 ? '' : ` (${part.examples.map(harmlessLine).join(', ')}${found.length > 0 && part.missing + part.behind + part.different > part.examples.length ? ', …' : ''})`}\n`;
}

export function checkedText({ view, partitions, conversations, missing, behind, different, milliseconds, whole }: Checked): string {
  const differ = missing + behind + different;
  const verdict = whole ? 'as in the log' : differ === 0 ? 'not whole' : `${number(differ)} not as in the log`;
  return `${view}: ${counted(partitions, 'partition')}, ${counted(conversations, 'conversation')}, ${verdict} (${number(milliseconds)} ms)\n`;
}
