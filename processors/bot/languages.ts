/** Maps whose keys are languages of the bot. */
import type { Context } from './context.js';
import type { Place } from './faults.js';

/** Whether the bot has that language; else a fault that names those that it has. */
export function isLanguage(key: string, place: Place, context: Context): boolean {
  if (context.languages.includes(key)) return true;
  context.faults.unknown(place, 'language of the bot', key, context.languages);
  return false;
}
