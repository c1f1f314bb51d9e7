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
    return [key, items.flatMap((item) => readScripted(item, 'result', { faults, known }) ?? [])];
  }));
}

function readAnswers(tree: Tree, reading: Reading): Scripted[] | undefined {
  return asList(tree, 'model', reading.faults)?.items.flatMap((item) => readScripted(item, 'answer', reading) ?? []);
}

/** `{result: outputs}` or `{answer: text}`, or `{fail: CODE}`. */
function readScripted(tree: Tree, key: 'result' | 'answer', { faults }: Reading): Scripted | undefined {
  const map = asMap(tree, `an entry of ${key === 'result' ? 'an action' : 'model'}`, faults);
  if (!map) return undefined;
  const fields = new Fields(map, 'a scripted result', faults);
  const [given, fail] = [fields.take(key), fields.take('fail')];
  fields.close();
  if ((given === undefined) === (fail === undefined)) { faults.error(map.place, `a scripted result has either "${key}" or "fail"`); return undefined; }
  if (fail) {
    const code = asText(fail, 'fail', faults, 100);
    if (code === undefined || code in catalogue) return code === undefined ? undefined : { fail: code };
    faults.error(fail.place, `"${code}" is no code of docs/errors.md`);
    return undefined;
  }
  if (key === 'answer') { const text = given && asText(given, 'answer', faults, 10_000); return text === undefined ? undefined : { result: text }; }
  const outputs = given && asMap(given, 'result', faults);
  return outputs && { result: JSON.stringify(jsonOf(outputs)) };
}
