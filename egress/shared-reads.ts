/**
 * Reads of one kind, so many at a time. One that waits is shared by all who ask the same meanwhile; one that runs is not: who
 * asks later may have to see what was written since.
 */
interface Waiting<T> {
  readonly read: () => Promise<T>;
  readonly promise: Promise<T>;
  readonly settle: (result: Promise<T>) => void;
}

export class SharedReads<T> {
  /** In the order in which they came. */
  private readonly waiting = new Map<string, Waiting<T>>();
  private running = 0;

  constructor(private readonly atOnce: number) {}

  /** `name`: what is asked for. Gives what `read` gives. */
  run(name: string, read: () => Promise<T>): Promise<T> {
    if (this.running < this.atOnce) return this.begin(read);
    const known = this.waiting.get(name);
    if (known !== undefined) return known.promise;
    let settle: Waiting<T>['settle'] = () => undefined;
    const promise = new Promise<T>((resolve) => { settle = resolve; });
    this.waiting.set(name, { read, promise, settle });
    return promise;
  }

  private async begin(read: () => Promise<T>): Promise<T> {
    this.running += 1;
    try {
      return await read();
    } finally {
      this.running -= 1;
      this.next();
    }
  }

  private next(): void {
    for (const [name, { read, settle }] of this.waiting) {
      this.waiting.delete(name);
      settle(this.begin(read));
      return;
    }
  }
}
