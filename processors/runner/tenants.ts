/** The tenant of a key, and queues that are served tenant by tenant. */

/** `<tenant>/<conversation>` → tenant; '' for a key of another form. Records in a row are mostly of one tenant. */
export class TenantNames {
  private prefix = '/';
  private name = '';

  of(key: string): string {
    if (key.startsWith(this.prefix)) return this.name;
    const cut = key.indexOf('/');
    if (cut <= 0) return '';
    this.prefix = key.slice(0, cut + 1);
    this.name = key.slice(0, cut);
    return this.name;
  }
}

interface Queue<T> { readonly tenant: string; items: T[]; head: number; open: boolean }

/**
 * First in, first out within a tenant; one of each tenant in turn. Where there is one tenant it is a plain queue: an item
 * costs no more than its place in an array.
 */
export class FairQueue<T> {
  private readonly queues = new Map<string, Queue<T>>();
  /** Those that are not empty, in the order of their turns. */
  private ring: Queue<T>[] = [];
  private turn = 0;
  private last: Queue<T> = { tenant: '', items: [], head: 0, open: false };
  private count = 0;

  get size(): number { return this.count; }

  push(tenant: string, item: T): void {
    if (tenant !== this.last.tenant || !this.last.open) this.last = this.open(tenant);
    this.last.items.push(item);
    this.count += 1;
  }

  /** At most `limit` items. */
  take(limit: number): T[] {
    const [only] = this.ring;
    if (only !== undefined && this.ring.length === 1) return this.slice(only, limit);
    const taken: T[] = [];
    while (taken.length < limit && this.ring.length > 0) {
      if (this.turn >= this.ring.length) this.turn = 0;
      const queue = this.ring[this.turn] as Queue<T>;
      taken.push(queue.items[queue.head++] as T);
      this.count -= 1;
      if (queue.head === queue.items.length) this.close(queue); else { compact(queue); this.turn += 1; }
    }
    return taken;
  }

  /** Keeps what `stays`. */
  filter(stays: (item: T) => boolean): void {
    for (const queue of [...this.ring]) {
      const before = queue.items.length - queue.head;
      queue.items = queue.items.slice(queue.head).filter(stays);
      queue.head = 0;
      this.count -= before - queue.items.length;
      if (queue.items.length === 0) this.close(queue);
    }
  }

  clear(): void {
    for (const queue of this.ring) queue.open = false;
    this.queues.clear();
    this.ring = [];
    this.count = 0;
  }

  private slice(queue: Queue<T>, limit: number): T[] {
    const taken = queue.items.slice(queue.head, queue.head + limit);
    queue.head += taken.length;
    this.count -= taken.length;
    if (queue.head === queue.items.length) this.close(queue); else compact(queue);
    return taken;
  }

  private open(tenant: string): Queue<T> {
    const found = this.queues.get(tenant);
    if (found !== undefined) return found;
    const queue = { tenant, items: [], head: 0, open: true };
    this.queues.set(tenant, queue);
    this.ring.push(queue);
    return queue;
  }

  private close(queue: Queue<T>): void {
    queue.open = false;
    this.queues.delete(queue.tenant);
    const at = this.ring.indexOf(queue);
    this.ring.splice(at, 1);
    if (at < this.turn) this.turn -= 1;
  }
}

/** What was taken is let go, at O(1) an item. */
function compact<T>(queue: Queue<T>): void {
  if (queue.head * 2 < queue.items.length) return;
  queue.items.splice(0, queue.head);
  queue.head = 0;
}
