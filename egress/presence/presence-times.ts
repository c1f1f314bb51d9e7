/**
 * The times of presence. All follow from the lease: within how long the topic itself says that a dead node's entries are gone.
 *
 * A node that dies has renewed at most just now; its entries end a lease later, the owner of the partition waits for as long as
 * clocks may differ, and looks again after `look`: lease + skew + look. Where the owner is of an older release or has just changed,
 * any other node takes its part `grace` later.
 */
export interface PresenceTimes {
  /** An entry holds for so long after the last sign of its node. Milliseconds, as all of these. */
  readonly lease: number;
  /** Signs of life: two may be missed. */
  readonly renew: number;
  /** By how much the clocks of nodes may differ. */
  readonly skew: number;
  /** Between two looks at the topic. */
  readonly look: number;
  /** Others than the owner of a partition wait for so much longer before they tidy up. */
  readonly grace: number;
  /** What comes is gathered for so long before it is written. */
  readonly come: number;
  /** Who left is waited for, before it is written: clients that reconnect are no news. */
  readonly leave: number;
  /** An entry is written again after so long, far within the retention of the topic. */
  readonly refresh: number;
}

/** CONFAB_PRESENCE_LEASE by default. */
export const DEFAULT_LEASE = 40_000;

export function presenceTimes(lease: number = DEFAULT_LEASE): PresenceTimes {
  return { lease, renew: lease * 3 / 8, skew: lease / 8, look: lease / 10, grace: lease / 8, come: 1_000, leave: 5_000, refresh: 6 * 3_600_000 };
}

/** The longest time from the death of a node to the tombstones of its entries, without the time that reads and writes take. */
export const goneWithin = ({ lease, skew, look, grace }: PresenceTimes): number => lease + skew + grace + look;
