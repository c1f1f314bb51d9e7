/** Timers in the order in which they are due: a binary heap, from which one that was cancelled is left out when it comes up. */

export interface Queued { readonly key: string; readonly dueAt: number; gone: boolean }

export class DueQueue<T extends Queued> {
  private readonly heap: T[] = [];
  private gone = 0;

  get size(): number { return this.heap.length - this.gone; }

  push(entry: T): void {
    this.heap.push(entry);
    let at = this.heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!before(entry, this.heap[parent] as T)) break;
      this.heap[at] = this.heap[parent] as T;
      at = parent;
    }
    this.heap[at] = entry;
  }

  /** It is not to come up any more. */
  remove(entry: T): void {
    if (entry.gone) return;
    entry.gone = true;
    this.gone += 1;
    // Cancelled ones must not fill the memory until they would have been due.
    if (this.gone > 1000 && this.gone * 2 > this.heap.length) this.rebuild();
  }

  /** The earliest; of equal times the one with the smaller key. */
  peek(): T | undefined {
    while (this.heap[0]?.gone === true) { this.sink(); this.gone -= 1; }
    return this.heap[0];
  }

  pop(): T | undefined {
    const first = this.peek();
    if (first !== undefined) this.sink();
    return first;
  }

  private rebuild(): void {
    const left = this.heap.filter((entry) => !entry.gone);
    this.heap.length = 0;
    this.gone = 0;
    for (const entry of left) this.push(entry);
  }

  /** Takes the first out. */
  private sink(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as T)) child += 1;
      if (!before(heap[child] as T, last)) break;
      heap[at] = heap[child] as T;
      at = child;
    }
    heap[at] = last;
  }
}

function before(one: Queued, other: Queued): boolean {
  return one.dueAt < other.dueAt || (one.dueAt === other.dueAt && one.key < other.key);
}
