import { ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import type { CliContext } from './context.js';

/** Opens the log that the settings name. */
export async function logOf(context: CliContext, mode: 'read' | 'write'): Promise<EventLog> {
  const config = context.config();
  if (context.openLog === undefined) throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: 'This program was built without a log.' });
  return context.openLog(config, mode);
}
