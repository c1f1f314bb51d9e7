/** Values of test files that YAML has no form for. */
import type { Faults } from '../../processors/bot/index.js';
import { asText } from '../../processors/bot/fields.js';
import type { ScalarNode, Tree } from '../../processors/bot/yaml-tree.js';
import { instantOf } from '../../platform/http/validator.js';

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** A test may let years pass, but not more than clocks can say. */
const LONGEST = 3660 * 86_400_000;

/** `90s`, `10m`, `1h30m`. */
export function durationOf(tree: Tree, faults: Faults): number | undefined {
  const text = asText(tree, 'a duration', faults, 40);
  if (text === undefined) return undefined;
  const millis = /^(?:\d{1,9}[smhd])+$/.test(text) ? [...text.matchAll(/(\d+)([smhd])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? 0), 0) : NaN;
  if (millis > 0 && millis <= LONGEST) return millis;
  faults.error(tree.place, 'a duration is such as 90s, 10m, 2h30m or 3d');
  return undefined;
}

/** As `durationOf` reads it. */
export function durationText(millis: number): string {
  let left = Math.round(millis / 1000);
  const parts: string[] = [];
  for (const [unit, length] of [['d', 86_400], ['h', 3600], ['m', 60], ['s', 1]] as const) {
    const count = Math.floor(left / length);
    if (count > 0) parts.push(`${count}${unit}`);
    left -= count * length;
  }
  return parts.join('') || '0s';
}

export function instantFrom(tree: Tree, faults: Faults): number | undefined {
  const text = asText(tree, 'a time', faults, 40);
  const millis = text === undefined ? undefined : instantOf(text);
  if (text !== undefined && millis === undefined) faults.error(tree.place, 'a time is such as 2026-01-31T12:00:00Z');
  return millis;
}

/** The value as JSON would hold it. */
export function jsonOf(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(jsonOf);
  return Object.fromEntries([...tree.entries.values()].map(({ key, value }) => [key, jsonOf(value)]));
}

/** A text, also one that is empty: what a person may write. */
export function rawText(node: ScalarNode): string { return node.value === null ? '' : String(node.value); }
