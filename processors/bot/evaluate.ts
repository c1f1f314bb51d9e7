/**
 * Whether a condition holds: a walk over an expression that was checked at load, without an allocation and without a way to
 * fail. What cannot be compared (a word with a number, anything with what is not there) is unequal, and neither above nor below.
 */
import type { Comparison, Expression, Literal, Scope, ValueType } from './types-flow.js';

/** True when the condition holds. */
export function holds(expression: Expression, scope: Scope): boolean {
  switch (expression.op) {
    case 'and': for (const part of expression.of) if (!holds(part, scope)) return false; return true;
    case 'or': for (const part of expression.of) if (holds(part, scope)) return true; return false;
    case 'not': return !holds(expression.of, scope);
    case 'known': return isThere(valueOf(expression.of, scope));
    case 'compare': return compares(expression.by, expression.as, valueOf(expression.left, scope), valueOf(expression.right, scope));
    case 'in': return isAmong(valueOf(expression.left, scope), expression.values);
    default: return isThere(valueOf(expression, scope));
  }
}

/** The value of a path or a literal; null when there is none. */
export function valueOf(expression: Expression, scope: Scope): Literal {
  switch (expression.op) {
    case 'literal': return expression.value;
    case 'slot': return typed(scope.slots[expression.slot] ?? '', expression.type);
    case 'entity': return typed(scope.entity(expression.entity) ?? '', expression.type);
    case 'attribute': return scope.attribute(expression.name);
    case 'flag': return scope.flag?.(expression.name) ?? null;
    case 'input': return scope[expression.field];
    default: return holds(expression, scope);
  }
}

/** What slots hold is text; one that is not what its type says has no value. */
function typed(text: string, type: ValueType): Literal {
  if (text === '') return null;
  if (type === 'number') return asNumber(text);
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : null;
  return text;
}

function asNumber(value: Literal): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string' || value.trim() === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

function isThere(value: Literal): boolean {
  return value !== null && value !== false && value !== '';
}

function compares(by: Comparison, as: ValueType, left: Literal, right: Literal): boolean {
  if (by === '==' || by === '!=') return equal(as, left, right) === (by === '==');
  if (as === 'number') return inOrder(by, asNumber(left), asNumber(right));
  // Dates and times: ISO 8601 texts of one form stand in the order of time.
  return typeof left === 'string' && typeof right === 'string' && inOrder(by, left, right);
}

function inOrder<T extends number | string>(by: Comparison, left: T | null, right: T | null): boolean {
  if (left === null || right === null) return false;
  switch (by) {
    case '<': return left < right;
    case '<=': return left <= right;
    case '>': return left > right;
    default: return left >= right;
  }
}

function equal(as: ValueType, left: Literal, right: Literal): boolean {
  if (left === right) return true;
  if (left === null || right === null) return false;
  if (as === 'number') { const number = asNumber(left); return number !== null && number === asNumber(right); }
  return typeof left === 'string' && typeof right === 'string' && sameText(left, right);
}

function sameText(left: string, right: string): boolean {
  return left === right || left.toLowerCase() === right.toLowerCase();
}

function isAmong(value: Literal, values: readonly Literal[]): boolean {
  if (value === null) return values.includes(null);
  for (const one of values) {
    if (one === value) return true;
    if (typeof one === 'string' && typeof value === 'string' && sameText(one, value)) return true;
    if (typeof one === 'number' && asNumber(value) === one) return true;
  }
  return false;
}
