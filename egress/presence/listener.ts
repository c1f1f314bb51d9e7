/** What sockets tell of presence. */
import { ANONYMOUS, type Principal } from '../../platform/auth/auth.js';
import type { Place, Role, Who } from './held.js';

export interface PresenceListener {
  /** A socket follows a conversation from now on. */
  came(place: Place, who: Who): void;
  /** It does not any more. */
  left(place: Place, who: Who): void;
}

export const whoOf = (principal: Principal): Who => ({ subject: principal.subject, role: roleOf(principal) });

/** Where authentication is off everybody has all scopes, and is the person who chats. */
function roleOf(principal: Principal): Role {
  if (principal === ANONYMOUS) return 'person';
  return principal.scopes.has('agent') ? 'agent' : principal.scopes.has('integration') ? 'integration' : 'person';
}
