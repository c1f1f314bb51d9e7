/** From the answer to the outputs that the action declares: nothing else of it gets into a record. */
import { ConfabError, type ErrorCode } from '../../../platform/errors.js';
import type { OutboundAnswer } from '../../../platform/outbound/outbound-client.js';
import type { ActionDefinition, ActionOutput, ActionValue } from '../../bot/action.js';

/** Characters of all outputs of a call as JSON. */
const MAX_RESULT = 16 * 1024;

/** @throws CONFAB_ACTION_REFUSED, CONFAB_ACTION_RATE_LIMITED, CONFAB_ACTION_SERVER_FAILED, CONFAB_ACTION_ANSWER_INVALID */
export function outputsOf(action: ActionDefinition, answer: OutboundAnswer): string {
  const { status, body } = answer;
  if (status < 200 || status >= 300) throw new ConfabError(codeOf(status), { detail: `The answer has the status ${status}.`, ...retryAfter(answer) });
  if (action.output.length === 0) return '{}';
  const json = body.length === 0 ? null : parse(body);
  const found = new Map<string, ActionValue>(action.output.map((output) => [output.name, valueAt(json, output)]));
  const result = JSON.stringify(Object.fromEntries(found));
  if (result.length > MAX_RESULT) throw invalid(`The outputs have more than ${MAX_RESULT} characters.`);
  return result;
}

function codeOf(status: number): ErrorCode {
  if (status === 429) return 'CONFAB_ACTION_RATE_LIMITED';
  return status >= 500 ? 'CONFAB_ACTION_SERVER_FAILED' : 'CONFAB_ACTION_REFUSED';
}

/** `Retry-After` in seconds; a date is not looked at. */
function retryAfter({ headers }: OutboundAnswer): { readonly retryAfterMs?: number } {
  const seconds = /^\d{1,6}$/.test(headers['retry-after'] ?? '') ? Number(headers['retry-after']) : undefined;
  return seconds === undefined ? {} : { retryAfterMs: seconds * 1000 };
}

function parse(body: Buffer): unknown {
  try { return JSON.parse(body.toString('utf8')) as unknown; } catch { throw invalid('It is not JSON.'); }
}

function valueAt(json: unknown, output: ActionOutput): ActionValue {
  let value = json;
  for (const step of output.path) {
    value = typeof value === 'object' && value !== null && Object.hasOwn(value, step) ? (value as Record<string | number, unknown>)[step] : undefined;
  }
  if (value === undefined || value === null) {
    if (output.required) throw invalid(`"${output.name}" is missing.`);
    return null;
  }
  return output.type === 'text' ? textOf(value, output) : output.type === 'boolean' ? booleanOf(value, output) : numberOf(value, output);
}

function textOf(value: unknown, { name, maxLength, oneOf }: ActionOutput): string {
  if (typeof value !== 'string') throw invalid(`"${name}" is no text.`);
  // As a message would be: well-formed Unicode, no control characters.
  const text = Buffer.from(value).toString().normalize('NFC').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
  if ([...text].length > maxLength) throw invalid(`"${name}" has more than ${maxLength} characters.`);
  if (oneOf !== null && !oneOf.includes(text)) throw invalid(`"${name}" is none of the values that are declared.`);
  return text;
}

function booleanOf(value: unknown, { name }: ActionOutput): boolean {
  if (typeof value !== 'boolean') throw invalid(`"${name}" is no boolean.`);
  return value;
}

function numberOf(value: unknown, { name, type, min, max }: ActionOutput): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || (type === 'integer' && !Number.isSafeInteger(value))) throw invalid(`"${name}" is no ${type}.`);
  if ((min !== null && value < min) || (max !== null && value > max)) throw invalid(`"${name}" is outside of its bounds.`);
  return value;
}

function invalid(detail: string): ConfabError { return new ConfabError('CONFAB_ACTION_ANSWER_INVALID', { detail }); }
