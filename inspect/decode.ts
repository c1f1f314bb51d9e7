/** Bytes of any record to values that JSON can hold; never throws for what the bytes are. */
import { isCode, toConfabError, type ErrorCode } from '../platform/errors.js';
import type { Codec, RecordCodec } from '../schemas/codec.js';
import { decodeRecord } from '../schemas/decode-record.js';
import type { RecordName } from '../schemas/types.js';

/** A record's value: what it says, or why it says nothing. */
export type Decoded = { readonly value: Readonly<Record<string, unknown>> } | { readonly undecodable: Buffer; readonly reason: ErrorCode } | { readonly tombstone: true };

/** @throws CONFAB_REGISTRY_UNAVAILABLE */
export async function decodeValue(codec: Codec, record: RecordName, bytes: Buffer | null): Promise<Decoded> {
  if (bytes === null) return { tombstone: true };
  try {
    return { value: await decodeRecord(codec.of(record) as RecordCodec<unknown>, bytes) as Record<string, unknown> };
  } catch (error) {
    if (isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE')) throw error;
    return { undecodable: bytes, reason: toConfabError(error, 'CONFAB_RECORD_INVALID').code };
  }
}

export interface JsonOptions {
  /** Longer texts are cut there. Default: none is. */
  readonly maxText?: number;
  /** Called when a text was cut. */
  readonly onCut?: () => void;
}

/** A decoded record as JSON holds it: bytes in base64, sealed values by their subject alone. */
export function toJson(decoded: Decoded, options: JsonOptions = {}): unknown {
  if ('tombstone' in decoded) return null;
  if ('undecodable' in decoded) return { undecodable: cut(decoded.undecodable.toString('base64'), options), reason: decoded.reason };
  return plain(decoded.value, options);
}

function plain(value: unknown, options: JsonOptions): unknown {
  if (typeof value === 'string') return cut(value, options);
  if (Buffer.isBuffer(value)) return cut(value.toString('base64'), options);
  if (Array.isArray(value)) return value.map((inner) => plain(inner, options));
  if (typeof value !== 'object' || value === null) return value;
  if (isSealed(value)) return { sealed: value.subject };
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner, options)]));
}

function cut(text: string, { maxText = Infinity, onCut }: JsonOptions): string {
  if (text.length <= maxText) return text;
  onCut?.();
  return `${text.slice(0, maxText)}…`;
}

function isSealed(value: object): value is { subject: string } {
  return 'subject' in value && 'nonce' in value && 'bytes' in value;
}
