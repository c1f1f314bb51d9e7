/**
 * What is different between two states of a conversation, in words of the bot. The interpreter's data is JSON with short
 * names (processors/dialogue/memory.ts says which); whatever else stands there is compared as it is.
 */
import type { DialogueState } from '../schemas/types.js';
import type { StateChange } from './record-view.js';

const NAMES: Readonly<Record<string, string>> = { s: 'slots', f: 'flows', w: 'waitingFor', a: 'attempts', n: 'notUnderstood' };

type Fields = ReadonlyMap<string, unknown>;

/** `before` null: there was none. */
export function stateChanges(before: DialogueState | null, after: DialogueState): StateChange[] {
  const [old, now] = [before === null ? new Map<string, unknown>() : fieldsOf(before), fieldsOf(after)];
  const changes = [...new Set([...old.keys(), ...now.keys()])]
    .map((path) => ({ path, from: old.get(path) ?? null, to: now.get(path) ?? null }))
    .filter(({ from, to }) => JSON.stringify(from) !== JSON.stringify(to));
  // One more input each time is no news; a jump is.
  const step = after.turns - (before?.turns ?? 0);
  return step === 1 ? changes : [...changes, { path: 'turns', from: before?.turns ?? null, to: after.turns }];
}

/** Without what is as in a conversation that has just begun. */
function fieldsOf({ botId, botVersion, handedOff, data }: DialogueState): Fields {
  const fields = new Map<string, unknown>([['bot', botId], ['botVersion', botVersion]]);
  if (handedOff) fields.set('handedOff', true);
  if (typeof data === 'string') addData(fields, data);
  else if (data !== null) fields.set('data', { sealed: data.subject });
  return fields;
}

function addData(fields: Map<string, unknown>, data: string): void {
  const parsed = parse(data);
  if (parsed === undefined) { fields.set('data', data); return; }
  for (const [short, value] of Object.entries(parsed)) {
    const name = NAMES[short] ?? short;
    if (name === 'flows' && Array.isArray(value)) fields.set(name, value.map(flowText));
    else if (typeof value === 'object' && value !== null && !Array.isArray(value)) for (const [key, inner] of Object.entries(value)) fields.set(`${name}.${key}`, inner);
    else fields.set(name, value);
  }
}

/** `name@step`, as the interpreter keeps [name, step, interrupted]. */
function flowText(frame: unknown): unknown {
  if (!Array.isArray(frame) || typeof frame[0] !== 'string') return frame;
  return `${frame[0]}@${String(frame[1])}${frame[2] === 1 ? ' (interrupted)' : ''}`;
}

function parse(data: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}
