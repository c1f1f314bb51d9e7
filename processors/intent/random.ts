/** xorshift32: training has its own, so that the bytes of a model never depend on who else draws. */
export type Draw = (below: number) => number;

export function seeded(seed: number): Draw {
  let state = (seed >>> 0) || 1;
  return (below) => {
    state ^= state << 13; state ^= state >>> 17; state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export function shuffle(items: Uint32Array, draw: Draw): void {
  for (let at = items.length - 1; at > 0; at--) {
    const other = draw(at + 1);
    const item = items[at] as number;
    items[at] = items[other] as number;
    items[other] = item;
  }
}
