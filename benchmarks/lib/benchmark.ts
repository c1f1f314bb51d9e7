/** What a benchmark is. Progress goes to the error output; the last line of the output is one JSON object. */
export interface Benchmark {
  readonly purpose: string;
  /** `--name` → its default and what it is. */
  readonly options: Readonly<Record<string, { readonly default: string | boolean; readonly about: string }>>;
  run(options: BenchmarkOptions): Promise<Readonly<Record<string, unknown>>>;
}

/** The values of a benchmark's options. */
export class BenchmarkOptions {
  constructor(private readonly values: Readonly<Record<string, string | boolean | undefined>>) {}

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  text(name: string): string {
    return String(this.values[name]);
  }

  number(name: string): number {
    const value = Number(this.values[name]);
    if (!Number.isFinite(value) || value <= 0) throw new BenchmarkError(`--${name} must be a positive number`);
    return value;
  }
}

/** A fault that is told in one line, without a stack. */
export class BenchmarkError extends Error {}

export const progress = (line: string): void => { process.stderr.write(`${line}\n`); };

/** Two digits behind the point, for the JSON line. */
export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits));

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] ?? 0 : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};
