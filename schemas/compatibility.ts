/** FULL_TRANSITIVE without a registry: every two versions of a record read each other. */
import { compileSchema } from './avro.js';
import type { SchemaSet } from './schema-set.js';

/** One line for each pair that does not; none when all is well. */
export function compatibilityFaults(schemas: SchemaSet): string[] {
  const faults: string[] = [];
  for (const reader of schemas.versions) {
    for (const writer of schemas.versions) {
      if (writer.record !== reader.record || writer.id === reader.id) continue;
      try {
        compileSchema(reader.text).createResolver(compileSchema(writer.text));
      } catch (cause) {
        faults.push(`${reader.record}: version ${reader.id} cannot read version ${writer.id} (${cause instanceof Error ? cause.message : 'unknown reason'})`);
      }
    }
  }
  return faults;
}
