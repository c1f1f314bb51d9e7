/** All that there is to know about one dead letter, as JSON. */
import { jsonOf } from '../json.js';
import type { LetterDesk } from './letter-desk.js';
import { viewOf, type LetterView } from './letter.js';

export interface LetterDetail extends LetterView {
  /** Id of the record that closed it. */
  readonly closedBy: string | null;
  /** Position of the message that a retry appended. */
  readonly retriedAs: string | null;
  /** Why it cannot be retried; null: it can, or it is closed. */
  readonly notRetriable: string | null;
  readonly original: { readonly key: string | null; readonly value?: unknown; readonly undecodable?: string | null; readonly reason?: string };
}

/** @throws CONFAB_LETTER_UNKNOWN */
export async function letterDetail(desk: LetterDesk, id: string): Promise<LetterDetail> {
  const letter = await desk.reader.one(id);
  const original = await desk.originals.of(letter);
  const open = letter.closing === undefined;
  const notRetriable = open ? await desk.originals.message(letter).then(() => null, (error: unknown) => (error as Error & { detail?: string }).detail ?? String(error)) : null;
  const key = letter.record.originalKey?.toString() ?? letter.key;
  return {
    ...viewOf(letter), closedBy: letter.closing?.id ?? null, retriedAs: await desk.retriedAs(letter), notRetriable,
    original: original.value === undefined
      ? { key, undecodable: original.bytes?.toString('base64') ?? null, reason: original.error.code }
      : { key, value: jsonOf(original.value) },
  };
}
