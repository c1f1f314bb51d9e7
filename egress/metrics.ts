/** Metrics of egress. */
import { Counter, Gauge, Histogram, type Metrics } from '../platform/observability/metrics.js';

export class EgressMetrics {
  private readonly socketGauge: Gauge;
  private readonly subscriptionGauge: Gauge;
  private readonly frameCounter: Counter;
  private readonly slowCounter: Counter;
  private readonly behindGauge: Gauge;
  private readonly droppedCounter: Counter;
  private readonly outcomeCounter: Counter;
  private readonly scanCounter: Counter;
  private readonly scannedCounter: Counter;
  private readonly recoveringGauge: Gauge;
  private readonly turns: Histogram;
  /** Sent since the counter was last read. */
  private frames = 0;

  constructor(registry: Metrics) {
    const registers = [registry];
    this.socketGauge = new Gauge({ name: 'confab_egress_sockets', help: 'Open sockets that follow conversations.', registers });
    this.subscriptionGauge = new Gauge({ name: 'confab_egress_subscriptions', help: 'Subscriptions of open sockets.', registers });
    this.frameCounter = new Counter({ name: 'confab_egress_frames_total', help: 'Frames sent.', registers, collect: () => { this.tellFrames(); } });
    this.slowCounter = new Counter({ name: 'confab_egress_slow_closes_total', help: 'Sockets closed with 4000 because their client read nothing for CONFAB_SLOW_CLIENT_TIMEOUT.', registers });
    this.behindGauge = new Gauge({ name: 'confab_egress_sockets_behind', help: 'Open sockets with CONFAB_SOCKET_QUEUE under way: their outcomes wait in the outbox.', registers });
    this.droppedCounter = new Counter({ name: 'confab_egress_dropped_frames_total', help: 'Frames that may be lost (typing, deltas, receipts) and were, for clients that read slowly.', registers });
    this.outcomeCounter = new Counter({ name: 'confab_egress_outcomes_total', help: 'Outcomes read from the log and announced.', registers });
    this.scanCounter = new Counter({ name: 'confab_egress_log_scans_total', help: 'Passes over a partition of the log for subscriptions that resume from beyond the outbox; those that wait together share one.', registers });
    this.scannedCounter = new Counter({ name: 'confab_egress_log_scanned_records_total', help: 'Records that these passes went over.', registers });
    this.recoveringGauge = new Gauge({ name: 'confab_egress_subscriptions_recovering', help: 'Subscriptions that wait for outcomes from the log.', registers });
    this.turns = new Histogram({
      name: 'confab_turn_duration_seconds', help: 'From the acceptance of a message to the delivery of its outcome to a socket.', registers,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    });
  }

  socketOpened(): void { this.socketGauge.inc(); }
  socketClosed(subscriptions: number): void { this.socketGauge.dec(); this.subscriptionGauge.dec(subscriptions); }
  subscribed(change: number): void { this.subscriptionGauge.inc(change); }
  frame(): void { this.frames += 1; }
  behind(change: number): void { this.behindGauge.inc(change); }
  dropped(): void { this.droppedCounter.inc(); }
  slowClose(): void { this.slowCounter.inc(); }
  announced(outcomes: number): void { this.outcomeCounter.inc(outcomes); }
  scan(): void { this.scanCounter.inc(); }
  scanned(records: number): void { this.scannedCounter.inc(records); }
  recovering(change: number): void { this.recoveringGauge.inc(change); }
  turn(seconds: number): void { this.turns.observe(Math.max(0, seconds)); }

  private tellFrames(): void {
    this.frameCounter.inc(this.frames);
    this.frames = 0;
  }
}
