/** Says how this node is, every second and whenever that changes. Nobody waits for it: a board that is away is no fault. */
import type { NodeStatus } from '../../operate/rollout/node-status.js';
import type { Clock, Timer } from '../../platform/clock.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { NodeBoard } from '../../platform/node-board/node-board.js';

export interface HeartbeatOptions {
  readonly board: NodeBoard;
  /** A name that no other process has. */
  readonly node: string;
  readonly status: () => NodeStatus;
  readonly clock: Clock;
  readonly logger: Logger;
}

const PERIOD = 1000;

export class Heartbeat {
  private timer: Timer | undefined;
  private posting: Promise<void> | undefined;
  private again = false;
  private running = false;
  private failing = false;

  constructor(private readonly options: HeartbeatOptions) {}

  start(): void { this.running = true; this.beat(); }

  /** Now; while one is under way, once more after it. */
  beat(): void {
    if (!this.running) return;
    if (this.posting !== undefined) { this.again = true; return; }
    this.timer?.cancel();
    this.posting = this.post().finally(() => {
      this.posting = undefined;
      if (!this.running) return;
      if (this.again) { this.again = false; this.beat(); } else this.timer = this.options.clock.after(PERIOD, () => { this.beat(); });
    });
  }

  async close(): Promise<void> {
    const { board, node } = this.options;
    const ran = this.running;
    this.running = false;
    this.timer?.cancel();
    await this.posting;
    if (ran) await board.remove(node).catch(() => undefined);
  }

  private async post(): Promise<void> {
    const { board, node, clock, status, logger } = this.options;
    try {
      await board.post({ node, at: clock.now(), status: status() });
      this.failing = false;
    } catch (error) {
      if (!this.failing) logger.warn({ err: error }, 'what this node runs cannot be shown to other nodes now');
      this.failing = true;
    }
  }
}
