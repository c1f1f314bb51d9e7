/** Codec without a registry: ids stand in schemas/ids.json, older versions in schemas/history/. */
import { ConfabError } from '../platform/errors.js';
import { compileSchema } from './avro.js';
import type { Codec } from './codec.js';
import { AvroRecordCodec, Slab } from './record-codec.js';
import { loadSchemas, type NewestSchema, type SchemaSet } from './schema-set.js';
import type { RecordName, RecordTypes } from './types.js';

export interface LocalCodecOptions {
  /** Default: the schemas of this package. */
  readonly schemas?: SchemaSet;
}

/** Ready at once: `prepare` has nothing to do. @throws CONFAB_SCHEMA_UNKNOWN, CONFAB_SCHEMA_INCOMPATIBLE */
export function createLocalCodec(options: LocalCodecOptions = {}): Codec {
  const schemas = options.schemas ?? loadSchemas();
  const slab = new Slab();
  const codecs = new Map<RecordName, AvroRecordCodec<never>>();
  for (const schema of schemas.newest.values()) codecs.set(schema.record, recordCodec(schema, schemas, slab));
  return {
    of<N extends RecordName>(name: N): AvroRecordCodec<RecordTypes[N]> {
      const codec = codecs.get(name);
      if (codec === undefined) throw new ConfabError('CONFAB_SCHEMA_UNKNOWN', { detail: `There is no record ${name}.` });
      return codec;
    },
    prepare: () => Promise.resolve(),
  };
}

function recordCodec(schema: NewestSchema, schemas: SchemaSet, slab: Slab): AvroRecordCodec<never> {
  const codec = new AvroRecordCodec<never>({
    record: schema.record, type: schema.type, slab,
    learn: (id) => {
      const other = schemas.versions.find((version) => version.id === id);
      return other
        ? Promise.resolve(new ConfabError('CONFAB_RECORD_INVALID', { detail: `Schema id ${id} is of ${other.record}, not of ${schema.record}.` }))
        : Promise.reject(new ConfabError('CONFAB_SCHEMA_UNKNOWN', { detail: `Schema id ${id} is not in schemas/ids.json.` }));
    },
  });
  for (const version of schemas.versions.filter((entry) => entry.record === schema.record)) {
    if (version.fingerprint === schema.fingerprint) codec.write(version.id);
    else codec.read(version.id, olderReader(schema, version.id, version.text));
  }
  return codec;
}

function olderReader(schema: NewestSchema, id: number, text: string): ReturnType<NewestSchema['type']['createResolver']> {
  try {
    return schema.type.createResolver(compileSchema(text));
  } catch (cause) {
    throw new ConfabError('CONFAB_SCHEMA_INCOMPATIBLE', { detail: `${schema.record} cannot read its version with id ${id}.`, cause });
  }
}
