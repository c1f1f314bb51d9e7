/**
 * Codec with a registry of the Confluent API: ids are looked up or registered once at `prepare`, ids met later are learnt once;
 * encoding and decoding are those of the local codec. A registry that is away stops neither.
 */
import type { Clock } from '../platform/clock.js';
import { ConfabError } from '../platform/errors.js';
import type { Logger } from '../platform/observability/logger.js';
import { compileSchema, fingerprint } from './avro.js';
import type { Codec } from './codec.js';
import { AvroRecordCodec, Slab, type Reader } from './record-codec.js';
import { RegistryClient, type RegistryConnection } from './registry-client.js';
import { loadSchemas, type NewestSchema, type SchemaSet } from './schema-set.js';
import type { RecordName } from './types.js';

export interface RegistryCodecOptions extends RegistryConnection {
  /** CONFAB_PREFIX: subjects are `<prefix><topic>-value`. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default: the schemas of this package. */
  readonly schemas?: SchemaSet;
}

/** Call `prepare` before the first use; until then `encode` refuses. */
export function createRegistryCodec(options: RegistryCodecOptions): Codec {
  const { prefix, clock, logger } = options;
  const schemas = options.schemas ?? loadSchemas();
  const client = new RegistryClient(options, { clock, logger });
  const slab = new Slab();
  const codecs = new Map<RecordName, AvroRecordCodec<never>>();
  for (const schema of schemas.newest.values()) {
    codecs.set(schema.record, new AvroRecordCodec<never>({
      record: schema.record, type: schema.type, slab, learn: async (id) => readerFor(schema, id, await client.textOf(id)),
    }));
  }
  const codecOf = (name: RecordName): AvroRecordCodec<never> => {
    const codec = codecs.get(name);
    if (codec === undefined) throw new ConfabError('CONFAB_SCHEMA_UNKNOWN', { detail: `There is no record ${name}.` });
    return codec;
  };
  return {
    of: <N extends RecordName>(name: N) => codecOf(name),
    async prepare() {
      await Promise.all([...schemas.newest.values()].map(async (schema) => {
        codecOf(schema.record).write(await client.idOf(`${prefix}${schema.topic}-value`, JSON.stringify(JSON.parse(schema.text))));
      }));
    },
  };
}

/** What cannot be read as the record is refused for ever, without asking again. */
function readerFor(schema: NewestSchema, id: number, text: string): Reader {
  try {
    return fingerprint(text) === schema.fingerprint ? 'newest' : schema.type.createResolver(compileSchema(text));
  } catch (cause) {
    return new ConfabError('CONFAB_RECORD_INVALID', { detail: `Schema id ${id} is not one of ${schema.record}.`, cause });
  }
}
