/** Makes schemas/types.ts from schemas/*.avsc. Run by `npm run generate`; CI compares. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

interface Field { name: string; type: AvroType; doc?: string }
type AvroType = string | AvroType[] | { type: string; name?: string; doc?: string; fields?: Field[]; items?: AvroType; values?: AvroType; logicalType?: string };

const PRIMITIVES: Record<string, string> = { string: 'string', boolean: 'boolean', int: 'number', long: 'number', float: 'number', double: 'number', bytes: 'Buffer', null: 'null' };

class Writer {
  private readonly done = new Map<string, string>();

  typeOf(type: AvroType): string {
    if (typeof type === 'string') return PRIMITIVES[type] ?? type;
    if (Array.isArray(type)) return type.map((member) => this.typeOf(member)).sort((a, b) => Number(a === 'null') - Number(b === 'null')).join(' | ');
    switch (type.type) {
      case 'record': this.record(type as { name: string; fields: Field[]; doc?: string }); return type.name ?? '';
      case 'array': return `readonly (${this.typeOf(type.items ?? 'null')})[]`;
      case 'map': return `Readonly<Record<string, ${this.typeOf(type.values ?? 'null')}>>`;
      default: return this.typeOf(type.type);
    }
  }

  record(type: { name: string; fields: Field[]; doc?: string }): void {
    const fields = type.fields.map((field) => `${field.doc ? `  /** ${field.doc} */\n` : ''}  readonly ${field.name}: ${this.typeOf(field.type)};`);
    const text = `${type.doc ? `/** ${type.doc} */\n` : ''}export interface ${type.name} {\n${fields.join('\n')}\n}\n`;
    const known = this.done.get(type.name);
    if (known !== undefined && known !== text) throw new Error(`${type.name} is declared twice and differs`);
    this.done.set(type.name, text);
  }

  text(): string { return [...this.done.values()].join('\n'); }
}

/** The whole text of schemas/types.ts. */
export function typesText(folder: string): string {
  const writer = new Writer();
  const records: string[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.avsc')).sort()) {
    const schema = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { name: string; fields: Field[] };
    writer.record(schema);
    records.push(`  ${schema.name}: ${schema.name};`);
  }
  return `/** Made by \`npm run generate\` from schemas/*.avsc: do not edit. Times are milliseconds since the epoch. */\n\n${writer.text()}\n/** Every top-level record by name. */\nexport interface RecordTypes {\n${records.join('\n')}\n}\n\nexport type RecordName = keyof RecordTypes;\n`;
}
