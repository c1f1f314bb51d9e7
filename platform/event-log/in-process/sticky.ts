/** Who gets which partition number: even shares, and what a member has it keeps as far as that allows. */

/**
 * @param members in the order they joined, with the numbers each has now
 * @returns numbers, ascending, for each member in the same order
 */
export function assignSticky(members: readonly (readonly number[])[], partitions: number): number[][] {
  const shares = members.map(() => [] as number[]);
  if (members.length === 0) return shares;
  const least = Math.floor(partitions / members.length);
  let larger = partitions % members.length;
  const taken = new Set<number>();
  // Those that have most keep most: the larger shares go to them.
  const order = members.map((_, index) => index).sort((a, b) => (members[b]?.length ?? 0) - (members[a]?.length ?? 0) || a - b);
  const sizes = new Map<number, number>();
  for (const index of order) {
    sizes.set(index, least + (larger > 0 ? 1 : 0));
    larger -= 1;
  }
  members.forEach((owned, index) => {
    for (const number of owned) {
      const share = shares[index];
      if (!share || share.length >= (sizes.get(index) ?? 0) || number < 0 || number >= partitions || taken.has(number)) continue;
      share.push(number);
      taken.add(number);
    }
  });
  let index = 0;
  for (let number = 0; number < partitions; number += 1) {
    if (taken.has(number)) continue;
    while ((shares[index]?.length ?? 0) >= (sizes.get(index) ?? 0)) index += 1;
    shares[index]?.push(number);
  }
  for (const share of shares) share.sort((a, b) => a - b);
  return shares;
}
