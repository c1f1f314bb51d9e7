import { InvalidArgumentError } from 'commander';

/** For options that take a share: `100`, `92.5`, with or without `%`. */
export function percentage(value: string): number {
  const found = /^(\d{1,3}(?:\.\d{1,3})?)%?$/.exec(value);
  const share = found ? Number(found[1]) : NaN;
  if (!(share >= 0 && share <= 100)) throw new InvalidArgumentError('Use a percentage from 0 to 100.');
  return share;
}
