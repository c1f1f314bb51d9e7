/** Which conversations a share holds. */

/**
 * A number from 0 to below 1 that a conversation always has for one version: every node finds the same, a share that grows
 * keeps the conversations that it had, and another version meets others.
 */
export function shareOf(conversation: string, version: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < version.length; at++) hash = Math.imul(hash ^ version.charCodeAt(at), 0x01000193);
  for (let at = 0; at < conversation.length; at++) hash = Math.imul(hash ^ conversation.charCodeAt(at), 0x01000193);
  // Neighbouring ids differ in the last bits only until they are mixed.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
