/** Decodes records of any age: a schema that was not met yet is looked up once. */
import { isCode } from '../platform/errors.js';
import type { RecordCodec } from './codec.js';

/** @throws CONFAB_RECORD_INVALID, CONFAB_SCHEMA_UNKNOWN, CONFAB_REGISTRY_UNAVAILABLE */
export async function decodeRecord<T>(codec: RecordCodec<T>, bytes: Buffer): Promise<T> {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (!isCode(error, 'CONFAB_SCHEMA_UNKNOWN')) throw error;
    await codec.learn(bytes);
    return codec.decode(bytes);
  }
}
