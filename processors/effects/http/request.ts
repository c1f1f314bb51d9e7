/** From an action and its arguments to the request: typed, encoded for the place where each stands, bounded. */
import { createHash } from 'node:crypto';
import { ConfabError } from '../../../platform/errors.js';
import type { ActionSecrets } from '../../../platform/outbound/action-secrets.js';
import type { OutboundRequest } from '../../../platform/outbound/outbound-client.js';
import type { ActionBody, ActionDefinition, ActionInput, ActionTemplate, ActionValue } from '../../bot/action.js';
import type { HttpEffect } from '../../stage.js';

const MAX_TEXT = 4096;
const MAX_BODY = 64 * 1024;
const MAX_URL = 8192;
const SAFE_METHODS = new Set(['GET']);
const IDEMPOTENT = new Set(['GET', 'PUT', 'DELETE']);

/** Whether the call may be made again: by its method, or because the other side does it once for one key. */
export const isRepeatable = ({ method, keyed }: ActionDefinition): boolean => keyed || IDEMPOTENT.has(method);

/**
 * The same for the same step of the same input, whoever makes the call: positions are unique in a partition only, so the
 * conversation is part of it; as a hash, for the other side is to learn no conversation from it.
 */
export function idempotencyKey({ tenant, conversation, key }: Pick<HttpEffect, 'tenant' | 'conversation' | 'key'>): string {
  return createHash('sha256').update(`${tenant}/${conversation}\n${key}`).digest('base64url');
}

/** @throws CONFAB_ACTION_INPUT_INVALID, CONFAB_ACTION_SECRET_MISSING */
export function buildRequest(effect: HttpEffect, secrets: ActionSecrets): Omit<OutboundRequest, 'signal'> {
  const { action } = effect;
  const values = checked(action.input, effect.arguments);
  const url = urlOf(action, values);
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'confab' };
  const own = new Set<string>();
  const body = action.body === null ? undefined : JSON.stringify(bodyOf(action.body, values));
  if (body !== undefined) {
    if (Buffer.byteLength(body) > MAX_BODY) throw invalid(`The body has more than ${MAX_BODY} bytes.`);
    headers['content-type'] = 'application/json';
  }
  for (const { name, value } of action.headers) {
    headers[name.toLowerCase()] = headerOf(name, value, values, (secret) => { own.add(name.toLowerCase()); return secrets.value(secret, url.host); });
  }
  // What a caller is known by is for the host that it was given for.
  for (const name of ['authorization', 'cookie']) if (name in headers) own.add(name);
  if (!SAFE_METHODS.has(action.method)) headers['idempotency-key'] = idempotencyKey(effect);
  return { url, method: action.method, headers, own, body, redirects: action.redirects, maxBytes: action.maxBytes, reuse: isRepeatable(action) };
}

type Values = ReadonlyMap<string, ActionValue>;

function checked(inputs: readonly ActionInput[], given: HttpEffect['arguments']): Values {
  const values = new Map<string, ActionValue>();
  for (const { name, type, required } of inputs) {
    const value = Object.hasOwn(given, name) ? given[name] ?? null : null;
    if (value === null) {
      if (required) throw invalid(`"${name}" is missing.`);
    } else if (type === 'text' ? typeof value !== 'string' : type === 'boolean' ? typeof value !== 'boolean' : typeof value !== 'number' || !Number.isFinite(value) || (type === 'integer' && !Number.isSafeInteger(value))) {
      throw invalid(`"${name}" is no ${type}.`);
    } else if (typeof value === 'string' && value.length > MAX_TEXT) throw invalid(`"${name}" has more than ${MAX_TEXT} characters.`);
    values.set(name, value);
  }
  return values;
}

function textOf(template: ActionTemplate, values: Values, encode: (text: string) => string, secret: (name: string) => string): string {
  return template.map((part) => {
    if (typeof part === 'string') return part;
    if ('secret' in part) return secret(part.secret);
    const value = values.get(part.input) ?? null;
    return value === null ? '' : encode(String(value));
  }).join('');
}

function urlOf(action: ActionDefinition, values: Values): URL {
  const path = textOf(action.path, values, encodeText, noSecret);
  // An encoded dot is a dot to every reader of URLs: such a value would lead to another path than the author wrote.
  if (/(^|\/)(\.|%2e){1,2}(?=\/|$)/i.test(path.split('?', 1)[0] as string)) throw invalid('An input makes a step of the path "." or "..".');
  const text = `${action.origin}${path}`;
  if (text.length > MAX_URL || !URL.canParse(text)) throw invalid('The inputs make no URL.');
  const url = new URL(text);
  if (url.origin !== new URL(action.origin).origin) throw invalid('The inputs make the URL of another server.');
  return url;
}

/** Lone surrogates cannot be encoded. */
function encodeText(text: string): string {
  try { return encodeURIComponent(text); } catch { throw invalid('An input is no Unicode text.'); }
}

function headerOf(name: string, template: ActionTemplate, values: Values, secret: (name: string) => string): string {
  return textOf(template, values, (text) => {
    if (!/^[\x20-\x7e]*$/.test(text)) throw invalid(`The header "${name}" takes visible ASCII only.`);
    return text;
  }, secret);
}

function bodyOf(body: ActionBody, values: Values): unknown {
  switch (body.form) {
    case 'literal': return body.value;
    case 'text': return textOf(body.text, values, (text) => text, noSecret);
    case 'value': return values.get(body.input) ?? null;
    case 'list': return body.items.map((item) => bodyOf(item, values));
    // A Map first: a field may have any name, "__proto__" too.
    case 'object': return Object.fromEntries(new Map(body.fields.map(({ name, value }) => [name, bodyOf(value, values)])));
  }
}

function noSecret(name: string): never { throw invalid(`The secret "${name}" stands outside of the headers.`); }

function invalid(detail: string): ConfabError { return new ConfabError('CONFAB_ACTION_INPUT_INVALID', { detail }); }
