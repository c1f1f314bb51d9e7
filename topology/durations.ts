const UNITS: readonly (readonly [name: string, millis: number])[] = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1_000]];

/** Milliseconds in the largest unit that divides them: `14 d`, `10 s`, `1500 ms`. */
export function duration(millis: number): string {
  const unit = UNITS.find(([, size]) => millis >= size && millis % size === 0);
  return unit === undefined ? `${millis} ms` : `${millis / unit[1]} ${unit[0]}`;
}
