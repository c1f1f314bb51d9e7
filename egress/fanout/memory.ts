/** Fan-out within one process. Several nodes on one bus stand for several processes in tests. */
import type { Announcement, Fanout, FanoutListener } from './fanout.js';

export class MemoryBus {
  readonly nodes = new Set<MemoryFanout>();
}

export class MemoryFanout implements Fanout {
  readonly kind = 'memory';
  private readonly keys = new Set<string>();
  private listener: FanoutListener | undefined;

  constructor(private readonly bus: MemoryBus = new MemoryBus()) { bus.nodes.add(this); }

  listen(listener: FanoutListener): void { this.listener = listener; }

  async subscribe(_partition: number, key: string): Promise<void> { this.keys.add(key); }

  unsubscribe(_partition: number, key: string): void { this.keys.delete(key); }

  async announce(_partition: number, announcements: readonly Announcement[]): Promise<void> {
    for (const node of this.bus.nodes) node.receive(announcements);
  }

  async close(): Promise<void> {
    this.keys.clear();
    this.bus.nodes.delete(this);
  }

  /** For tests: what a lost connection does. */
  lapse(): void { this.listener?.lapsed(); }

  private receive(announcements: readonly Announcement[]): void {
    if (this.keys.size === 0) return;
    const wanted = announcements.filter(({ key }) => this.keys.has(key));
    if (wanted.length > 0) this.listener?.announced(wanted);
  }
}
