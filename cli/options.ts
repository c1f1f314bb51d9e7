/** Values of options that several commands take. */
import { InvalidArgumentError } from 'commander';
import type { From } from '../inspect/index.js';
import { CONVERSATION_ID_FORM, TENANT_FORM } from '../platform/conversation-key.js';
import { instantOf } from '../platform/http/validator.js';
import { parsePosition } from '../platform/position.js';

/** For options that count: a whole number from 1. */
export function wholeNumber(value: string): number {
  if (!/^\d{1,9}$/.test(value) || Number(value) < 1) throw new InvalidArgumentError('Use a whole number from 1.');
  return Number(value);
}

export function conversationId(value: string): string {
  if (!CONVERSATION_ID_FORM.test(value)) throw new InvalidArgumentError('A conversation id has 1 to 128 characters of A-Z a-z 0-9 . _ : -');
  return value;
}

export function tenantName(value: string): string {
  if (!TENANT_FORM.test(value)) throw new InvalidArgumentError('A tenant has 1 to 40 characters of a-z 0-9 -');
  return value;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** How long: `90s`, `10m`; a plain number is refused, for it says no unit. */
export function duration(value: string): number {
  const found = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value);
  if (!found) throw new InvalidArgumentError('Use a duration such as 90s or 10m.');
  return Number(found[1]) * (UNITS[found[2] ?? ''] ?? 0);
}

/** `start`, `end`, a position, an RFC 3339 time or a duration such as `10m`. */
export function whence(value: string): From {
  if (value === 'start' || value === 'end') return { kind: value };
  const duration = /^(\d{1,9})(ms|s|m|h|d)$/.exec(value);
  if (duration) return { kind: 'ago', millis: Number(duration[1]) * (UNITS[duration[2] ?? ''] ?? 0) };
  if (/^[0-9a-f]{8}-\d{12}-\d{2}$/.test(value)) return { kind: 'position', ...parsePosition(value) };
  const millis = instantOf(value);
  if (millis === undefined) throw new InvalidArgumentError('Use start, end, a position, a time such as 2026-01-31T12:00:00Z or a duration such as 10m.');
  return { kind: 'time', millis };
}

export const WHENCE_HELP = 'start, end, a position, an RFC 3339 time, or how long ago, such as 10m';
