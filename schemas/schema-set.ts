/** The schemas of this program: the newest of each record, and every older version that may still stand on a log. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfabError } from '../platform/errors.js';
import { packageRoot } from '../platform/package-root.js';
import { compileSchema, fingerprint, type AvroType } from './avro.js';
import type { RecordName } from './types.js';

/** A line of ids.json. Lines are only ever added. */
export interface SchemaId {
  readonly id: number;
  readonly record: RecordName;
  readonly fingerprint: string;
}

export interface NewestSchema {
  readonly record: RecordName;
  /** Topic without prefix, e.g. `messages.v1`. */
  readonly topic: string;
  readonly text: string;
  readonly fingerprint: string;
  readonly type: AvroType;
}

/** A version that was current once; its text stands in schemas/history/. */
export interface SchemaVersion extends SchemaId {
  readonly text: string;
}

export interface SchemaSet {
  readonly newest: ReadonlyMap<RecordName, NewestSchema>;
  readonly versions: readonly SchemaVersion[];
}

/** Where the schemas stand in the package. */
export function schemaFolder(): string {
  return join(packageRoot(), 'schemas');
}

/** File of a version's canonical text, in schemas/history/. */
export function historyFile(entry: SchemaId): string {
  return `${String(entry.id).padStart(4, '0')}-${entry.record}.avsc`;
}

/** The newest schema of every record, compiled. @throws Error with the fault of a text */
export function newestSchemas(folder: string): Map<RecordName, NewestSchema> {
  const newest = new Map<RecordName, NewestSchema>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.avsc')).sort()) {
    const text = readFileSync(join(folder, file), 'utf8');
    const record = (JSON.parse(text) as { name: RecordName }).name;
    newest.set(record, { record, topic: file.slice(0, -'.avsc'.length), text, fingerprint: fingerprint(text), type: compileSchema(text) });
  }
  return newest;
}

/** The lines of ids.json; none when there is no file. */
export function schemaIds(folder: string): SchemaId[] {
  const file = join(folder, 'ids.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as SchemaId[] : [];
}

/** @throws CONFAB_SCHEMA_UNKNOWN a schema has no id, or a text of the history is missing or was changed */
export function loadSchemas(folder: string = schemaFolder()): SchemaSet {
  const versions = schemaIds(folder).map((entry): SchemaVersion => {
    const file = join(folder, 'history', historyFile(entry));
    if (!existsSync(file)) throw new ConfabError('CONFAB_SCHEMA_UNKNOWN', { detail: `schemas/history/${historyFile(entry)} is missing.` });
    const text = readFileSync(file, 'utf8');
    if (fingerprint(text) !== entry.fingerprint) throw new ConfabError('CONFAB_SCHEMA_UNKNOWN', { detail: `schemas/history/${historyFile(entry)} was changed.` });
    return { ...entry, text };
  });
  const newest = newestSchemas(folder);
  for (const schema of newest.values()) {
    if (!versions.some((entry) => entry.record === schema.record && entry.fingerprint === schema.fingerprint)) {
      throw new ConfabError('CONFAB_SCHEMA_UNKNOWN', { detail: `The schema of ${schema.record} has no id: run npm run generate.` });
    }
  }
  return { newest, versions };
}
