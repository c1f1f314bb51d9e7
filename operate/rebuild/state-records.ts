/** State records as a rebuild reads them. */
import { isCode } from '../../platform/errors.js';
import type { StateStore } from '../../platform/state/state-store.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import { topology, type TopicName } from '../../topology/topology.js';
import type { RebuildParts } from './view.js';

export type StateParts = RebuildParts & { readonly state: StateStore };

/** Undefined: the record is not readable, and nobody can work with it. */
export function reflectsOf(codec: RebuildParts['codec'], topic: TopicName, bytes: Buffer): string | undefined | Promise<string | undefined> {
  const records = codec.of(topology.topics[topic].record);
  const text = (value: unknown): string => (value as { reflects: string }).reflects;
  try {
    return text(records.decode(bytes));
  } catch (error) {
    if (isCode(error, 'CONFAB_RECORD_INVALID')) return undefined;
    if (!isCode(error, 'CONFAB_SCHEMA_UNKNOWN')) throw error;
    return decodeRecord<unknown>(records, bytes).then(text, (thrown: unknown) => {
      if (isCode(thrown, 'CONFAB_RECORD_INVALID', 'CONFAB_SCHEMA_UNKNOWN')) return undefined;
      throw thrown;
    });
  }
}
