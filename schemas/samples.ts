/** For tests and benchmarks: valid values of any schema, drawn from a seeded source. */
import type { Random } from '../platform/random.js';

interface Node { type?: unknown; name?: string; namespace?: string; fields?: { name: string; type: unknown }[]; items?: unknown; values?: unknown; logicalType?: string }

const LETTERS = ['a', 'Z', '7', ' ', '\n', 'é', 'ß', '中', '😀', '\u0000', '"'];

/** Draws values of one schema. */
export class Sampler {
  private readonly named = new Map<string, Node>();
  private readonly root: unknown;

  constructor(schemaText: string, private readonly random: Random) {
    this.root = JSON.parse(schemaText);
    this.collect(this.root);
  }

  /** A new value. Times lie in this century; everything else anywhere in its range. */
  next(): Record<string, unknown> {
    return this.value(this.root) as Record<string, unknown>;
  }

  private collect(node: unknown): void {
    if (Array.isArray(node)) { node.forEach((member) => { this.collect(member); }); return; }
    if (typeof node !== 'object' || node === null) return;
    const { type, name, fields, items, values } = node as Node;
    if (type === 'record' && name !== undefined) this.named.set(name, node);
    for (const inner of [type, items, values, ...(fields ?? []).map((field) => field.type)]) this.collect(inner);
  }

  private below(count: number): number { return Math.floor(this.random.float() * count); }

  private text(): string {
    const length = this.below(10) === 0 ? this.below(300) : this.below(20);
    return Array.from({ length }, () => LETTERS[this.below(LETTERS.length)]).join('');
  }

  private long(node: Node | undefined): number {
    if (node?.logicalType === 'timestamp-millis') return 1_700_000_000_000 + this.below(1_000_000_000);
    return this.below(2) === 0 ? this.below(200) - 100 : Math.floor((this.random.float() * 2 - 1) * 2 ** 52);
  }

  private value(schema: unknown): unknown {
    if (Array.isArray(schema)) return this.value(schema[this.below(schema.length)]);
    const node = typeof schema === 'object' && schema !== null ? schema as Node : undefined;
    const kind = node === undefined ? schema as string : node.type;
    if (typeof kind === 'object') return this.value(kind);
    switch (kind) {
      case 'null': return null;
      case 'boolean': return this.below(2) === 0;
      case 'int': return (this.random.float() * 2 ** 32) | 0;
      case 'long': return this.long(node);
      case 'float': return Math.fround(this.random.float());
      case 'double': return this.random.float();
      case 'bytes': return this.random.bytes(this.below(40));
      case 'string': return this.text();
      case 'array': return Array.from({ length: this.below(5) }, () => this.value(node?.items));
      case 'map': return Object.fromEntries(Array.from({ length: this.below(5) }, () => [this.text(), this.value(node?.values)]));
      case 'record': return Object.fromEntries((node?.fields ?? []).map((field) => [field.name, this.value(field.type)]));
      default: return this.value(this.named.get((kind as string).split('.').at(-1) ?? ''));
    }
  }
}
