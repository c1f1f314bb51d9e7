/** What is known at load about the values of slots and entities. */
import type { ValueType } from './types-flow.js';
import type { EntityDefinition, SlotDefinition } from './types.js';

/** `any`: text or a number, as it comes. */
export type StaticType = ValueType | 'any' | 'null';

const SLOT_TYPES: Readonly<Record<SlotDefinition['type'], StaticType>> = {
  text: 'text', number: 'number', integer: 'number', boolean: 'boolean', date: 'date', time: 'date', datetime: 'date', email: 'text', url: 'text', phone: 'text',
};
/** Of system entities; those that are not here may be anything. */
const SYSTEM_TYPES: ReadonlyMap<string, StaticType> = new Map<string, StaticType>([
  ['number', 'number'], ['ordinal', 'number'], ['date', 'date'], ['time', 'date'], ['datetime', 'date'], ['email', 'text'], ['url', 'text'], ['phone', 'text'],
]);

export function entityType(entity: EntityDefinition | undefined): StaticType {
  if (!entity) return 'any';
  if (entity.system !== null) return entity.patterns.length + entity.values.length > 0 ? 'any' : SYSTEM_TYPES.get(entity.system) ?? 'any';
  return 'text';
}

/** A slot without a type of its own has that of the entities that fill it, where they agree. */
export function slotType(slot: SlotDefinition | undefined, entities: readonly EntityDefinition[]): StaticType {
  if (!slot) return 'any';
  if (slot.type !== 'text') return SLOT_TYPES[slot.type];
  if (slot.oneOf !== null) return 'text';
  const types = new Set(slot.sources.map((source) => source.from === 'entity' && source.value === null ? entityType(entities[source.entity]) : 'text'));
  const [first = 'text', ...others] = types;
  return others.length > 0 ? 'any' : first;
}

/** The values of an entity that is nothing but a list. */
export function listedValues(entity: EntityDefinition | undefined): readonly string[] | null {
  if (!entity || entity.system !== null || entity.patterns.length > 0 || entity.values.length === 0) return null;
  const known = LISTED.get(entity) ?? entity.values.map((one) => one.value);
  LISTED.set(entity, known);
  return known;
}

/** A bot has many conditions on one entity. */
const LISTED = new WeakMap<EntityDefinition, readonly string[]>();
const FOLDED = new WeakMap<readonly string[], ReadonlySet<string>>();

/** Whether the value is one of them, without regard to case. */
export function isOneOf(value: string, values: readonly string[]): boolean {
  const folded = FOLDED.get(values) ?? new Set(values.map((one) => one.toLowerCase()));
  FOLDED.set(values, folded);
  return folded.has(value.toLowerCase());
}
