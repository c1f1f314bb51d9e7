/** How a test begins, from YAML. */
import { asList, asMap, asText, Fields } from '../../processors/bot/fields.js';
import { catalogue } from '../../platform/errors.js';
import type { Tree } from '../../processors/bot/yaml-tree.js';
import type { Reading } from './read-expectations.js';
import { CURRENT, type Given, type Scripted } from './types.js';
import { instantFrom, jsonOf } from './values.js';

export type GivenChange = Partial<Given>;

export const DEFAULT_GIVEN: Given = {
  now: Date.UTC(2026, 0, 1), channel: 'api', locale: null, user: null, attributes: {}, conversation: 'test', version: CURRENT, actions: new Map(), model: [],
};

export function readGiven(tree: Tree, reading: Reading): GivenChange {
  const { faults, known } = reading;
  const map = asMap(tree, 'given', faults);
  if (!map) return {};
  const fields = new Fields(map, 'given', faults);
  const read = <T>(key: string, reader: (node: Tree) => T | undefined): T | undefined => { const node = fields.take(key); return node && reader(node); };
  const found = {
    now: read('now', (node) => instantFrom(node, faults)),
    channel: read('channel', (node) => asText(node, 'channel', faults, 60)),
    locale: read('locale', (node) => asText(node, 'locale', faults, 35)),
    user: read('user', (node) => asText(node, 'user', faults, 200)),
    attributes: read('attributes', (node) => readAttributes(node, reading)),
    conversation: read('conversation', (node) => readConversation(node, reading)),
    version: read('version', (node) => known.read('version', node, faults)),
    actions: read('actions', (node) => readActions(node, reading)),
    model: read('model', (node) => readAnswers(node, reading)),
  };
  fields.close();
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function readAttributes(tree: Tree, { faults }: Reading): Record<string, string> | undefined {
  const map = asMap(tree, 'attributes', faults);
  return map && Object.fromEntries([...map.entries.values()].flatMap(({ key, value }) => {
    const text = value.kind === 'scalar' && typeof value.value === 'boolean' ? String(value.value) : asText(value, 'an attribute', faults, 512);
    return text === undefined ? [] : [[key, text]];
  }));
}

function readConversation(tree: Tree, { faults }: Reading): string | undefined {
  const text = asText(tree, 'conversation', faults, 128);
  if (text === undefined || /^[A-Za-z0-9._:-]{1,128}$/.test(text)) return text;
  faults.error(tree.place, 'a conversation id has 1 to 128 characters of A-Z a-z 0-9 . _ : -');
  return undefined;
}

function readActions(tree: Tree, { faults, known }: Reading): Map<string, Scripted[]> | undefined {
  const map = asMap(tree, 'actions', faults);
  return map && new Map([...map.entries.values()].filter(({ key, place }) => known.check('action', key, place, faults)).map(({ key, value }) => {
    const items = value.kind === 'list' ? value.items : [value];
    return [key, items.flatMap((item) => readCall(item, key, { faults, known }) ?? [])];
  }));
}

function readAnswers(tree: Tree, reading: Reading): Scripted[] | undefined {
  return asList(tree, 'model', reading.faults)?.items.flatMap((item) => readModel(item, reading) ?? []);
}

/** `{result: outputs}`, or `{fail: CODE}`. */
function readCall(tree: Tree, action: string, reading: Reading): Scripted | undefined {
  return readScripted(tree, ['result'], reading, (_key, node) => {
    const map = asMap(node, 'result', reading.faults);
    const outputs = reading.known.outputsOf(action);
    for (const { key, place } of map?.entries.values() ?? []) if (!outputs.has(key)) reading.faults.unknown(place, `output of "${action}"`, key, outputs);
    return map && JSON.stringify(jsonOf(map));
  });
}

/** `{answer: text}`, also of rephrasing, `{fill: value}` with `none` for no value, or `{fail: CODE}`. */
function readModel(tree: Tree, reading: Reading): Scripted | undefined {
  return readScripted(tree, ['answer', 'fill'], reading, (key, node) => {
    if (key === 'fill' && node.kind === 'scalar' && (node.value === null || node.value === 'none')) return JSON.stringify({ value: null });
    const text = asText(node, key, reading.faults, 10_000);
    return text === undefined ? undefined : JSON.stringify(key === 'fill' ? { value: text } : { text, citations: [] });
  });
}

function readScripted(tree: Tree, keys: readonly string[], { faults }: Reading, reader: (key: string, node: Tree) => string | undefined): Scripted | undefined {
  const map = asMap(tree, 'a scripted result', faults);
  if (!map) return undefined;
  const fields = new Fields(map, 'a scripted result', faults);
  const given = [...keys, 'fail'].flatMap((key) => { const node = fields.take(key); return node ? [{ key, node }] : []; });
  fields.close();
  const [one, more] = given;
  if (one === undefined || more !== undefined) { faults.error(map.place, `a scripted result has one of ${[...keys, 'fail'].map((key) => `"${key}"`).join(', ')}`); return undefined; }
  if (one.key !== 'fail') { const result = reader(one.key, one.node); return result === undefined ? undefined : { result }; }
  const code = asText(one.node, 'fail', faults, 100);
  if (code === undefined || code in catalogue) return code === undefined ? undefined : { fail: code };
  faults.unknown(one.node.place, 'error code', code, Object.keys(catalogue));
  return undefined;
}
