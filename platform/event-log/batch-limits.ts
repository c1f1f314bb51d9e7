/** What one batch of records may hold, as every log counts it. */
import type { Headers, LogRecord } from './event-log.js';

export interface BatchLimits {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** Bytes of a record as limits count them. */
export function recordBytes(record: { key: string | null; value: Buffer | null; headers?: Headers | undefined }): number {
  let bytes = (record.key === null ? 0 : Buffer.byteLength(record.key)) + (record.value?.length ?? 0);
  if (record.headers) for (const name in record.headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(record.headers[name] ?? '');
  return bytes;
}

/** Where a batch that begins at `from` must end: after one record at least, then as the limits allow. */
export function batchEnd(records: readonly LogRecord[], from: number, limits: BatchLimits): number {
  const most = Math.min(records.length, from + limits.maxRecords);
  let bytes = 0;
  for (let at = from; at < most; at += 1) {
    bytes += recordBytes(records[at] as LogRecord);
    if (bytes > limits.maxBytes && at > from) return at;
  }
  return most;
}
