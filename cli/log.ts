import { ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import type { Codec } from '../schemas/codec.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { CliContext } from './context.js';

/** Pause between looks for new records, milliseconds: what a look costs depends on the log. */
export const POLL_MILLIS = { memory: 20, embedded: 50, kafka: 200 } as const;

/** Opens the log that the settings name. */
export async function logOf(context: CliContext, mode: 'read' | 'write'): Promise<EventLog> {
  const config = context.config();
  if (context.openLog === undefined) throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: 'This program was built without a log.' });
  return context.openLog(config, mode);
}

/** The codec that the settings name; without one that of the package. */
export async function codecOf(context: CliContext): Promise<Codec> {
  return await context.openCodec?.(context.config()) ?? createLocalCodec();
}
