/** Keys of presence.v1: the conversation and the node, parted by NUL; a lease has no conversation. */

const NUL = '\0';

export const entryKey = (conversation: string, node: string): string => `${conversation}${NUL}${node}`;
export const leaseKey = (node: string): string => `${NUL}${node}`;

/** Undefined for what is no key of this topic. `conversation` is empty for a lease. */
export function parsePresenceKey(key: string | null): { readonly conversation: string; readonly node: string } | undefined {
  const cut = key?.indexOf(NUL) ?? -1;
  if (key === null || cut < 0 || cut === key.length - 1) return undefined;
  return { conversation: key.slice(0, cut), node: key.slice(cut + 1) };
}
