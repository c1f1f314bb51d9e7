/** Makes the dead letter of a work that cannot be processed: its bytes, where it stands, and why. */
import type { ConfabError} from '../../platform/errors.js';
import { toConfabError } from '../../platform/errors.js';
import type { NewRecord } from '../../platform/event-log/event-log.js';
import type { RecordCodec } from '../../schemas/codec.js';
import type { DeadLetter } from '../../schemas/types.js';
import type { Work } from './work.js';

export type Phase = 'decode' | 'process' | 'produce';

export interface DeadLetterOptions {
  readonly stage: string;
  /** Full topic name. */
  readonly topic: string;
  readonly codec: RecordCodec<DeadLetter>;
  readonly now: () => number;
  /** Largest record that the log takes: of a longer original only the beginning is kept; the whole stands where `offset` says. */
  readonly maxBytes: number;
}

/** Room for what a dead letter adds to the record, beyond its key. */
const OVERHEAD = 4096;

export function deadLetterRecord(options: DeadLetterOptions, work: Work, phase: Phase, thrown: unknown, position: string | null): NewRecord {
  const error = toConfabError(thrown, 'CONFAB_STAGE_FAILED');
  const letter: DeadLetter = {
    status: 'open',
    closes: null,
    position,
    messageId: messageIdOf(work.value),
    stage: options.stage,
    phase,
    topic: work.topic,
    partition: work.partition,
    offset: work.offset,
    originalKey: work.rawKey === null ? null : Buffer.from(work.rawKey),
    originalValue: work.rawValue?.subarray(0, Math.max(0, options.maxBytes - OVERHEAD - 2 * (work.rawKey?.length ?? 0) * 4)) ?? null,
    errorCode: error.code,
    errorMessage: describe(error),
    attempts: work.attempts,
    at: options.now(),
  };
  return {
    topic: options.topic, partition: work.partition, key: work.rawKey, value: options.codec.encode(letter), timestamp: work.timestamp,
    ...(work.headers === undefined ? {} : { headers: work.headers }),
  };
}

/** The message's id, from a Message or from a record that carries one. */
function messageIdOf(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null;
  const { messageId, message, inReplyTo } = value as { messageId?: unknown; message?: { messageId?: unknown }; inReplyTo?: unknown };
  const found = messageId ?? message?.messageId ?? inReplyTo;
  return typeof found === 'string' ? found : null;
}

/** The catalogue's words and the class of the cause; never the cause's text, which may quote the message. */
function describe(error: ConfabError): string {
  const cause = error.cause instanceof Error ? ` (${error.cause.name})` : '';
  return `${error.title}${error.code === 'CONFAB_STAGE_FAILED' ? cause : `. ${error.detail}`}`.slice(0, 1000);
}
