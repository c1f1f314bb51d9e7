/**
 * Section `actions`: HTTP calls that flows make with `act`. The bot says what is called and what it takes from the answer; which
 * hosts may be reached and what the secrets are is the operator's to say (docs/actions.md).
 */
import { compileActionTemplate, type TemplateScope } from './action-template.js';
import type { ActionBody, ActionDefinition, ActionInput, ActionOutput, ActionValue, ActionValueType } from './action.js';
import type { Context } from './context.js';
import type { Place } from './faults.js';
import { asMap, checkName, NAME } from './fields.js';
import { byKind, duration, flag, integer, keyed, list, may, made, need, number, oneOf, record, scalar, text, type RecordOf, type Shape } from './shapes.js';
import type { Entry } from './sections.js';
import type { Tree } from './yaml-tree.js';

const TYPES: readonly ActionValueType[] = ['text', 'number', 'integer', 'boolean'];
const METHODS: readonly ActionDefinition['method'][] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const HEADER = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;
/** What the call settles itself, or what would change where it goes or how it is read. */
const FOREIGN_HEADERS = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'te', 'trailer', 'expect', 'accept-encoding', 'idempotency-key', 'keep-alive', 'forwarded', 'via']);
const PATH = /^[A-Za-z0-9_$@-]+(\.[A-Za-z0-9_$@-]+)*$/;
const SECOND = 1000;
const MOST_FIELDS = 32;

const named = (key: string, place: Place, { faults }: Context): boolean => checkName(key, place, 'input', faults);
const anything: Shape<Tree> = { read: (tree) => tree, schema: () => ({}) };

/** `boolean`, or `{type: boolean, required: false}`. */
const input: Shape<Omit<ActionInput, 'name'>> = byKind({
  scalar: made(oneOf(TYPES), (type) => ({ type, required: true })),
  map: record({ type: may(oneOf(TYPES), 'What it is', 'text' as const), required: may(flag, 'Whether the call is not made without it', true) }),
});

const outputForm = record({
  path: need(text(200, PATH, 'names and numbers joined by ".", such as items.0.status'), 'Where it stands in the JSON of the answer'),
  type: may(oneOf(TYPES), 'What it must be', 'text' as const),
  required: may(flag, 'Whether an answer without it is refused; else the slot becomes empty', true),
  maxLength: may(integer(1, 4096), 'Most characters of a text', 500),
  min: may(number(-1e15, 1e15), 'Least number', null),
  max: may(number(-1e15, 1e15), 'Greatest number', null),
  oneOf: may(list(text(500), 'a value', { least: 1, most: 100 }), 'The only texts that are taken'),
});

const output: Shape<Omit<ActionOutput, 'name'>> = byKind({
  scalar: made(text(200, PATH, 'a path such as items.0.status'), (path) => ({ path: stepsOf(path), type: 'text' as const, required: true, maxLength: 500, min: null, max: null, oneOf: null })),
  map: made(outputForm, ({ path, oneOf: values, ...rest }) => (path === undefined ? undefined : { ...rest, path: stepsOf(path), oneOf: values?.map(({ value }) => value) ?? null })),
});

const retryForm = record({ attempts: may(integer(0, 5), 'Tries beyond the first', 2), pause: may(duration(10, 10 * SECOND), 'Before the first of them; it doubles', 200) });
const retry: Shape<ActionDefinition['retry']> = byKind({ scalar: made(integer(0, 5), (attempts) => ({ attempts, pause: 200 })), map: retryForm });

const requestForm = record({
  method: may(oneOf(METHODS), 'The HTTP method', 'GET' as const),
  url: need(made(text(2000), (value, { place }) => ({ value, place })), 'The URL: https://host/path, with {inputs} after the host'),
  headers: may(keyed(made(text(1000), (value, { place }) => ({ value, place })), headerAccepted, MOST_FIELDS), 'Further headers; {secret.NAME} may stand here only', []),
  body: may(anything, 'JSON to send, with {inputs}; a text that is one {input} keeps its type'),
});

export const actionForm = record({
  input: may(keyed(input, named, MOST_FIELDS), 'What the step gives it, by name', []),
  request: need(requestForm, 'What is sent'),
  output: may(keyed(output, named, MOST_FIELDS), 'What is taken from the answer, by name; nothing else of it is kept', []),
  timeout: may(duration(100, 20 * SECOND), 'For the whole call, tries and redirects included', 5 * SECOND),
  retry: may(retry, 'Tries after a failure, for calls that may be repeated', { attempts: 2, pause: 200 }),
  keyed: may(flag, 'The server does a call once for one Idempotency-Key, so that POST and PATCH may be repeated too', false),
  redirects: may(integer(0, 5), 'Redirects that are followed, each to an allowed host', 0),
  maxBytes: may(integer(1, 1024 * 1024), 'Bytes of the answer', 256 * 1024),
  concurrency: may(integer(1, 256), 'Calls under way at once in one process', 32),
  queue: may(integer(0, 1000), 'Calls that wait for a place', 100),
  breaker: may(record({ failures: may(integer(1, 100), 'Failures in a row after which it rests', 5), rest: may(duration(100, 600 * SECOND), 'How long', 10 * SECOND) }), 'Keeps a server that is down from being called', { failures: 5, rest: 10 * SECOND }),
  fallback: may(keyed(scalar, (key) => NAME.test(key), MOST_FIELDS), 'Outputs that stand in when the call fails; without it the step goes on with its onError'),
});

type Found = RecordOf<(typeof actionForm)['fields']>;

export function compileAction({ name, tree, place }: Entry, context: Context): ActionDefinition {
  const map = asMap(tree, `action "${name}"`, context.faults);
  const found = map ? actionForm.readMap(map, `action "${name}"`, context) : undefined;
  const inputs = found?.input.map(({ key, value }): ActionInput => ({ name: key, ...value })) ?? [];
  const outputs = found?.output.map(({ key, value }): ActionOutput => ({ name: key, ...value })) ?? [];
  const rest = found ?? NOTHING;
  const { timeout, keyed: once, redirects, maxBytes, concurrency, queue, breaker } = rest;
  return {
    name, input: inputs, output: outputs, timeout, retry: rest.retry, keyed: once, redirects, maxBytes, concurrency, queue, breaker,
    ...requestOf(found, inputs, place, context), fallback: fallbackOf(found, outputs, context),
  };
}

/** Stands for an action that could not be read. */
const NOTHING = { timeout: 5 * SECOND, retry: { attempts: 0, pause: 200 }, keyed: false, redirects: 0, maxBytes: 1, concurrency: 1, queue: 0, breaker: { failures: 5, rest: SECOND } };

function requestOf(found: Found | undefined, inputs: readonly ActionInput[], place: Place, { faults }: Context): Pick<ActionDefinition, 'method' | 'origin' | 'path' | 'headers' | 'body'> {
  const request = found?.request;
  const scope: TemplateScope = { inputs, secrets: false, faults };
  const url = request?.url;
  const { origin, path } = url === undefined ? { origin: 'https://invalid', path: '/' } : splitUrl(url.value, url.place, faults);
  const method = request?.method ?? 'GET';
  if (request?.body !== undefined && (method === 'GET' || method === 'DELETE')) faults.error(request.body.place, `a ${method} has no body`);
  const headers = (request?.headers ?? []).map(({ key, value }) => ({ name: key.toLowerCase(), value: compileActionTemplate(value.value, value.place, { ...scope, secrets: true }) }));
  return {
    method, origin, headers,
    path: compileActionTemplate(path, url?.place ?? place, scope),
    body: request?.body === undefined ? null : bodyOf(request.body, scope),
  };
}

/** The host is the author's, never an input's: only what follows it has places. */
function splitUrl(url: string, place: Place, faults: Context['faults']): { origin: string; path: string } {
  const [, origin = '', rest = ''] = /^(https?:\/\/[^/?#{}\s]+)((?:[/?#].*)?)$/s.exec(url) ?? [];
  const parsed = URL.canParse(origin) ? new URL(origin) : undefined;
  if (parsed === undefined) faults.error(place, 'the URL must be https://host/path; a place may stand after the host only');
  else if (parsed.username !== '' || parsed.password !== '') faults.error(place, 'a URL holds no user name or password; use a header with a {secret.NAME}');
  else if (rest.includes('#')) faults.error(place, 'a URL of a call has no "#"');
  else return { origin: parsed.origin, path: rest.startsWith('/') ? rest : `/${rest}` };
  return { origin: 'https://invalid', path: '/' };
}

function headerAccepted(key: string, place: Place, { faults }: Context): boolean {
  const name = key.toLowerCase();
  if (!HEADER.test(key)) faults.error(place, `"${key.slice(0, 64)}" is no name of a header`);
  else if (FOREIGN_HEADERS.has(name) || name.startsWith('proxy-')) faults.error(place, `the header "${key}" is set by the call itself`);
  else return true;
  return false;
}

function bodyOf(tree: Tree, scope: TemplateScope): ActionBody {
  if (tree.kind === 'list') return { form: 'list', items: tree.items.map((item) => bodyOf(item, scope)) };
  if (tree.kind === 'map') return { form: 'object', fields: [...tree.entries.values()].map(({ key, value }) => ({ name: key, value: bodyOf(value, scope) })) };
  if (typeof tree.value !== 'string') return { form: 'literal', value: tree.value };
  const parts = compileActionTemplate(tree.value, tree.place, scope);
  const [only] = parts;
  return parts.length === 1 && typeof only === 'object' && 'input' in only ? { form: 'value', input: only.input } : { form: 'text', text: parts };
}

function fallbackOf(found: Found | undefined, outputs: readonly ActionOutput[], { faults }: Context): ActionDefinition['fallback'] {
  if (found?.fallback === undefined) return null;
  const values = new Map<string, ActionValue>(outputs.map(({ name }) => [name, null]));
  for (const { key, value, place } of found.fallback) {
    const of = outputs.find(({ name }) => name === key);
    if (of === undefined) { faults.unknown(place, 'output of the action', key, outputs.map(({ name }) => name)); continue; }
    const fits = value.value === null || (of.type === 'text' ? typeof value.value === 'string' : of.type === 'boolean' ? typeof value.value === 'boolean' : typeof value.value === 'number');
    if (!fits) faults.error(value.place, `"${key}" must be ${of.type}`);
    else values.set(key, value.value);
  }
  return Object.fromEntries(values);
}

const stepsOf = (path: string): (string | number)[] => path.split('.').map((step) => (/^\d{1,6}$/.test(step) ? Number(step) : step));
