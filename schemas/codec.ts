/**
 * Port: records to bytes and back. Values are Avro in the Confluent wire format: 0x00, schema id (4 bytes, big endian), body.
 * Adapters: codec-local.ts (ids from ids.json), codec-registry.ts (Confluent API). Contract suite: codec.contract.ts.
 */
import type { RecordName, RecordTypes } from './types.js';

/** Encodes and decodes one kind of record. Both are synchronous: ids are settled before the codec is handed out. */
export interface RecordCodec<T> {
  /** @throws CONFAB_VALUE_INVALID */
  encode(value: T): Buffer;
  /**
   * Understands every registered version of the record, resolved to the newest schema.
   * @throws CONFAB_RECORD_INVALID not a record of this kind; CONFAB_SCHEMA_UNKNOWN its schema id has not been met yet:
   *   call `learn` and decode again
   */
  decode(bytes: Buffer): T;
  /** Looks up the schema of these bytes once. @throws CONFAB_SCHEMA_UNKNOWN, CONFAB_REGISTRY_UNAVAILABLE */
  learn(bytes: Buffer): Promise<void>;
}

export interface Codec {
  /** The codec of a record type; the same instance each time. */
  of<N extends RecordName>(name: N): RecordCodec<RecordTypes[N]>;
  /** Registers or checks all schemas; call once before use. @throws CONFAB_REGISTRY_UNAVAILABLE, CONFAB_SCHEMA_INCOMPATIBLE */
  prepare(): Promise<void>;
}
