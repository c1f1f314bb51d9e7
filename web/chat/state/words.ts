/** What the page says about states and faults: one place, so that it can be translated. */
import type { Connection } from '../../../client/src/index.js';
import type { Mark } from './shown.js';

export const MARKS: Readonly<Record<Mark, string>> = {
  sending: 'Sending',
  accepted: 'Sent',
  answered: 'Answered',
  silent: 'Received. This one needs no answer.',
  handed_off: 'Passed on to a person, who will answer here.',
  dead_lettered: 'This message could not be processed. It has been set aside for the people who run this service.',
  failed: 'Not sent',
};

/** Codes that a person can do something about; the rest is told in the server's words. */
const FAULTS: Readonly<Record<string, string>> = {
  CONFAB_QUEUE_FULL: 'too many messages are waiting to be sent',
  CONFAB_BODY_TOO_LARGE: 'it is too long',
  CONFAB_RATE_LIMITED: 'that was a lot at once; wait a moment',
  CONFAB_CONVERSATION_FORBIDDEN: 'this conversation belongs to somebody else',
};

export function faultWords(error: unknown): string {
  const { code, detail, message } = error as { code?: string; detail?: string; message?: string };
  return (code === undefined ? undefined : FAULTS[code]) ?? detail ?? message ?? 'something went wrong';
}

/** The server wants to know who somebody is, and this page cannot say. */
export function needsToken({ state, reason }: Connection): boolean {
  return state === 'closed' && reason !== undefined && (reason.status === 401 || reason.code.startsWith('CONFAB_TOKEN_'));
}
