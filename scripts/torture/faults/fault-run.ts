/** What a fault is given: the installation, what was drawn for it, and the end of the time of faults. */
import { drawing } from '../draw.js';
import type { Installation } from '../installation/installation.js';
import type { Node, Role } from '../installation/node.js';
import { pauseUntil } from '../installation/wait.js';
import type { Fault } from '../plan.js';

/** How long a fault waits for a process that it started; it may become ready later, and the drain sees to that. */
const READY = 60_000;

export class FaultRun {
  readonly random: () => number;

  constructor(readonly installation: Installation, readonly fault: Fault, readonly ending: AbortSignal, readonly note: (text: string) => void) {
    this.random = drawing(fault.seed);
  }

  /** Lasts as long as was drawn, or until the time of faults is over. */
  lasting(millis = this.fault.millis): Promise<void> { return pauseUntil(millis, this.ending); }

  /** One of a role that no other fault has in hand; undefined when there is none. */
  pick(role: Role = this.fault.role): Node | undefined {
    const free = this.installation.of(role).filter(({ held }) => !held);
    const near = free.filter(({ zone }) => zone === this.fault.zone);
    const among = near.length > 0 ? near : free;
    return among[Math.floor(this.fault.pick * among.length)];
  }

  /** Runs with the process in hand. */
  async holding(node: Node, run: () => Promise<void>): Promise<void> {
    node.held = true;
    try { await run(); } finally { node.held = false; }
  }

  /** A new one in the place of another, waited for. */
  async replace(node: Node): Promise<void> {
    const next = await this.installation.add(node.role, node.zone);
    await next.ready(READY, this.ending);
  }

  /** Ends a process in order. One that cannot (what it stands on may be away) is noted: it costs time, no message. */
  async stop(node: Node): Promise<void> {
    const exit = await node.stop();
    if (exit !== 0) this.note(`${node.name} ended with ${exit} after SIGTERM`);
  }
}
