/** One turn of a test, from YAML: exactly one input, and what is expected of it. */
import { shown } from '../../processors/bot/index.js';
import { asBoolean, asMap, asText, Fields } from '../../processors/bot/fields.js';
import type { Tree } from '../../processors/bot/yaml-tree.js';
import { choices, readAnswer, readHandoff, readState, type Reading } from './read-expectations.js';
import type { Input, TestTurn } from './types.js';
import { durationOf } from './values.js';

const MOST_CHARACTERS = 4096;
type InputReader = (tree: Tree, reading: Reading) => Input | undefined;

const text = (kind: 'text' | 'edit' | 'reaction'): InputReader => (tree, { faults }) => {
  const value = asText(tree, 'what the person writes', faults, MOST_CHARACTERS);
  return value === undefined ? undefined : { do: kind, text: value };
};

const INPUTS: Readonly<Record<string, InputReader>> = {
  user: text('text'),
  tap: readTap,
  edit: text('edit'),
  reaction: text('reaction'),
  attachment: (tree, { faults }) => (asBoolean(tree, 'attachment', faults) === true ? { do: 'attachment' } : undefined),
  agent: readAgent,
  handoff: (tree, reading) => { const found = readHandoff(tree, reading); return found && { do: 'handoff', ...found }; },
  system: (tree, reading) => (choices(tree, 'event', ['end'], reading).length > 0 ? { do: 'end' } : undefined),
  wait: (tree, { faults }) => { const millis = durationOf(tree, faults); return millis === undefined ? undefined : { do: 'wait', millis }; },
  deploy: readDeploy,
};

export function readTurn(tree: Tree, reading: Reading): TestTurn | undefined {
  const { faults } = reading;
  const map = asMap(tree, 'a turn', faults);
  if (!map) return undefined;
  const fields = new Fields(map, 'a turn', faults);
  const names = inputsOf(map.entries.keys());
  const name = names[0];
  if (name === undefined || names.length > 1) {
    const unknown = [...map.entries.values()][0];
    if (name !== undefined) faults.error(map.place, `a turn has one input, not ${names.join(' and ')}: begin each turn with "-"`);
    else if (unknown) faults.unknown(unknown.place, 'input of a turn', unknown.key, Object.keys(INPUTS));
    return undefined;
  }
  const value = fields.take(name);
  const input = value && INPUTS[name]?.(value, reading);
  const expects = { ...readAnswer(fields, reading, name), ...readState(fields, reading) };
  fields.close();
  return input && { place: map.place, input, says: saysOf(name, value), expects };
}

/** "handoff" is an input and an expectation: beside another input it is what is expected. */
function inputsOf(keys: Iterable<string>): string[] {
  const names = [...keys].filter((key) => key in INPUTS);
  const others = names.filter((key) => key !== 'handoff');
  return others.length > 0 ? others : names;
}

function readTap(tree: Tree, { faults }: Reading): Input | undefined {
  if (tree.kind !== 'map') { const payload = asText(tree, 'the payload', faults, 1024); return payload === undefined ? undefined : { do: 'tap', text: payload }; }
  const fields = new Fields(tree, 'a tap', faults);
  const title = fields.need('title');
  fields.close();
  const value = title && asText(title, 'title', faults);
  return value === undefined ? undefined : { do: 'tapTitle', text: value };
}

function readAgent(tree: Tree, { faults }: Reading): Input | undefined {
  const fields = tree.kind === 'map' ? new Fields(tree, 'an agent', faults) : undefined;
  const said = fields === undefined ? tree : fields.need('text');
  const name = fields?.take('name');
  fields?.close();
  const value = said && asText(said, 'what the agent writes', faults, MOST_CHARACTERS);
  return value === undefined ? undefined : { do: 'agent', text: value, name: (name && asText(name, 'name', faults, 80)) ?? null };
}

function readDeploy(tree: Tree, { faults, known }: Reading): Input | undefined {
  const fields = tree.kind === 'map' ? new Fields(tree, 'a roll-out', faults) : undefined;
  const named = fields === undefined ? tree : fields.need('version');
  const keep = fields?.read('keep', true, (node) => asBoolean(node, 'keep', faults)) ?? true;
  fields?.close();
  const version = named && known.read('version', named, faults);
  return version === undefined ? undefined : { do: 'deploy', version, keep };
}

function saysOf(name: string, tree: Tree): string {
  if (tree.kind === 'scalar') return `${name}: ${shown(String(tree.value))}`;
  const inner = tree.kind === 'map' ? [...tree.entries.values()].map(({ key, value }) => `${key}: ${value.kind === 'scalar' ? shown(String(value.value)) : '…'}`).join(', ') : '…';
  return `${name}: {${inner}}`;
}
