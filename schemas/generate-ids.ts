/** Adds lines to schemas/ids.json and texts to schemas/history/ for schemas that have no id yet. Run by `npm run generate`. */
import { join } from 'node:path';
import { canonicalText } from './avro.js';
import { historyFile, newestSchemas, schemaIds } from './schema-set.js';

/** Path in the folder → text, for ids.json and each new version. What stands already is never changed. */
export function idFiles(folder: string): Record<string, string> {
  const ids = schemaIds(folder);
  const files: Record<string, string> = {};
  for (const schema of newestSchemas(folder).values()) {
    if (ids.some((entry) => entry.record === schema.record && entry.fingerprint === schema.fingerprint)) continue;
    const entry = { id: 1 + Math.max(0, ...ids.map((other) => other.id)), record: schema.record, fingerprint: schema.fingerprint };
    ids.push(entry);
    files[join('history', historyFile(entry))] = `${JSON.stringify(JSON.parse(canonicalText(schema.text)), null, 2)}\n`;
  }
  return { ...files, 'ids.json': `[\n${ids.map((entry) => `  ${JSON.stringify(entry)}`).join(',\n')}\n]\n` };
}
