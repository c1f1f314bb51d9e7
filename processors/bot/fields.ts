/** Reads the tree of a bot file by its expected form; what does not fit becomes a fault, and a harmless value is given back. */
import { shown, type Faults, type Place } from './faults.js';
import type { ListNode, MapNode, Tree } from './yaml-tree.js';

export const NAME = /^[a-z][a-z0-9_]{0,63}$/;

const kinds = { map: 'a map', list: 'a list', scalar: 'a value' } as const;

export function asMap(tree: Tree, what: string, faults: Faults): MapNode | undefined {
  if (tree.kind === 'map') return tree;
  faults.error(tree.place, `${what} must be a map, not ${kinds[tree.kind]}`);
  return undefined;
}

export function asList(tree: Tree, what: string, faults: Faults): ListNode | undefined {
  if (tree.kind === 'list') return tree;
  faults.error(tree.place, `${what} must be a list, not ${kinds[tree.kind]}`);
  return undefined;
}

/** Control characters but line feed and tab, marks that turn the direction of what follows, halves of pairs: none is seen in an editor. */
 
const UNFIT = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\ufeff]|\p{Surrogate}/u;

const HINTS = { scalar: '; put it in quotes', map: ', not a map; a text with ": " in it needs quotes', list: ', not a list' } as const;

/** A text that is not empty; numbers are taken as they are written. */
export function asText(tree: Tree, what: string, faults: Faults, most = 2000): string | undefined {
  const value = tree.kind === 'scalar' && (typeof tree.value === 'string' || typeof tree.value === 'number') ? String(tree.value).trim() : undefined;
  if (value === undefined) faults.error(tree.place, `${what} must be a text${HINTS[tree.kind]}`);
  else if (value === '') faults.error(tree.place, `${what} is empty`);
  else if (value.length > most) faults.error(tree.place, `${what} is longer than ${most} characters`);
  else if (UNFIT.test(value)) faults.error(tree.place, `${what} holds a character that is not shown: a control character, a change of direction or half a pair`);
  else return value;
  return undefined;
}

export function asNumber(tree: Tree, what: string, range: readonly [number, number], faults: Faults): number | undefined {
  if (tree.kind === 'scalar' && typeof tree.value === 'number' && tree.value >= range[0] && tree.value <= range[1]) return tree.value;
  faults.error(tree.place, `${what} must be a number from ${range[0]} to ${range[1]}`);
  return undefined;
}

export function asInteger(tree: Tree, what: string, range: readonly [number, number], faults: Faults): number | undefined {
  const value = asNumber(tree, what, range, faults);
  if (value === undefined || Number.isInteger(value)) return value;
  faults.error(tree.place, `${what} must be a whole number`);
  return undefined;
}

export function asBoolean(tree: Tree, what: string, faults: Faults): boolean | undefined {
  if (tree.kind === 'scalar' && typeof tree.value === 'boolean') return tree.value;
  faults.error(tree.place, `${what} must be true or false`);
  return undefined;
}

/** One text or a list of texts. */
export function asTexts(tree: Tree, what: string, faults: Faults, most = 2000): { text: string; place: Place }[] {
  const nodes = tree.kind === 'list' ? tree.items : [tree];
  return nodes.flatMap((node) => {
    const text = asText(node, what, faults, most);
    return text === undefined ? [] : [{ text, place: node.place }];
  });
}

/** The fields of one map; `close` reports what nobody asked for. */
export class Fields {
  private readonly asked = new Set<string>();

  constructor(readonly node: MapNode, private readonly what: string, private readonly faults: Faults) {}

  /** The field's tree, or undefined where it is absent. */
  take(key: string): Tree | undefined {
    this.asked.add(key);
    return this.node.entries.get(key)?.value;
  }

  need(key: string): Tree | undefined {
    const tree = this.take(key);
    if (!tree) this.faults.error(this.node.place, `${this.what} lacks "${key}"`);
    return tree;
  }

  /** Reads an optional field. */
  read<T>(key: string, fallback: T, reader: (tree: Tree) => T | undefined): T {
    const tree = this.take(key);
    return tree === undefined ? fallback : reader(tree) ?? fallback;
  }

  close(): void {
    for (const entry of this.node.entries.values()) {
      if (!this.asked.has(entry.key)) this.faults.unknown(entry.place, `key of ${this.what}`, entry.key, this.asked);
    }
  }
}

/** Names → index, for references; a reference to an unknown name is a fault with the nearest known one. */
export class Names {
  private readonly indexes = new Map<string, number>();
  /** In order of their indexes. */
  readonly list: readonly string[];
  readonly used = new Set<number>();

  /** `complete`: these are all names that there are, so another one is a fault. */
  constructor(private readonly what: string, names: Iterable<string>, private readonly faults: Faults, readonly complete: boolean) {
    for (const name of names) this.indexes.set(name, this.indexes.size);
    this.list = [...this.indexes.keys()];
  }

  get size(): number { return this.indexes.size; }
  keys(): IterableIterator<string> { return this.indexes.keys(); }
  /** -1 for a name that is not there. */
  indexOf(name: string): number { return this.indexes.get(name) ?? -1; }
  has(name: string): boolean { return this.indexes.has(name); }
  /** '' for an index that is none. */
  nameOf(index: number): string { return this.list[index] ?? ''; }
  /** The index of a name that is there. */
  use(name: string): number {
    const index = this.indexes.get(name) ?? -1;
    this.used.add(index);
    return index;
  }


  /** The index, or -1 after a fault, or where the name may stand in what could not be read. */
  find(name: string, place: Place): number {
    const index = this.indexes.get(name);
    if (index === undefined) {
      if (this.complete) this.faults.unknown(place, this.what, name, this.indexes.keys());
      return -1;
    }
    this.used.add(index);
    return index;
  }

  /** Of a field that holds a name. */
  reference(tree: Tree): number {
    const text = asText(tree, `the name of a ${this.what}`, this.faults);
    return text === undefined ? -1 : this.find(text, tree.place);
  }
}

export function checkName(name: string, place: Place, what: string, faults: Faults): boolean {
  if (NAME.test(name)) return true;
  faults.error(place, `the ${what} name "${shown(name)}" must be lower-case letters, digits and "_", beginning with a letter`);
  return false;
}
