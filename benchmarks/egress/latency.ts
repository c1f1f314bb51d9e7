/** From a message that is due at ingress to its outcome at the socket of its conversation, all roles on Kafka and Redis. */
import { build } from 'hdr-histogram-js';
import { openSocket, type LoadSocket } from '../load/load-socket.js';
import { startAllRoles, UsageMeter } from '../lib/all-roles.js';
import { BenchmarkError, progress, rounded, type BenchmarkOptions } from '../lib/benchmark.js';
import { pause } from '../lib/processes.js';
import { turnMaker } from '../lib/workload.js';
import { sharedMicros } from './load-settings.js';
import { Setup, type Load } from './setup.js';

interface Timing { readonly rate: number; /** Before: five processes and the broker compile what they run. */ readonly warmUpSeconds: number; readonly seconds: number; readonly sockets: number }

/** Messages at a steady rate, each conversation with at most one under way. */
class Conversations {
  private readonly due: Float64Array;
  private readonly fromAccepted = newHistogram();
  private readonly fromDue = newHistogram();
  private readonly accepted: Float64Array;
  private measureFrom = Infinity;
  unanswered = 0;
  repeated = 0;

  constructor(private readonly load: Load, private readonly timing: Timing) {
    this.due = new Float64Array(timing.sockets);
    this.accepted = new Float64Array(timing.sockets);
    load.onArrivals((arrivals) => { for (let i = 0; i < arrivals.length; i += 2) this.arrived(arrivals[i] ?? 0, arrivals[i + 1] ?? 0); });
  }

  /** `warm` is called once, when the measured time begins. */
  async run(ingest: LoadSocket, warm: () => Promise<unknown>): Promise<void> {
    const { rate, warmUpSeconds, seconds, sockets } = this.timing;
    const turn = turnMaker(sockets);
    const began = sharedMicros();
    this.measureFrom = began + warmUpSeconds * 1e6;
    const count = Math.round((warmUpSeconds + seconds) * rate);
    let measured: Promise<unknown> | undefined;
    for (let i = 0; i < count; await pause(2)) {
      if (sharedMicros() >= this.measureFrom) measured ??= warm();
      for (const now = sharedMicros(); i < count && began + i * 1e6 / rate <= now; i += 1) {
        const { conversation, text } = turn(i);
        if (this.due[conversation] !== 0) throw new BenchmarkError('a conversation has a message under way: more sockets are needed for this rate');
        this.due[conversation] = began + i * 1e6 / rate;
        this.accepted[conversation] = 0;
        this.unanswered += 1;
        ingest.send(JSON.stringify({ type: 'message', ref: String(conversation), conversationId: `${this.load.settings.name}${conversation}`, text }));
      }
    }
    await measured;
    for (const end = performance.now() + 30_000; this.unanswered > 0 && performance.now() < end;) await pause(20);
  }

  /** From ingress. */
  onIngest(text: string): void {
    const frame = JSON.parse(text) as { type: string; ref?: string; code?: string };
    if (frame.type === 'rejected') throw new BenchmarkError(`a message was rejected: ${frame.code}`);
    if (frame.type === 'accepted') this.accepted[Number(frame.ref)] = sharedMicros();
  }

  figures(): Record<string, number> {
    const millis = (of: typeof this.fromDue, percentile: number): number => rounded(of.getValueAtPercentile(percentile) / 1000);
    return {
      p50Millis: millis(this.fromDue, 50), p99Millis: millis(this.fromDue, 99), p999Millis: millis(this.fromDue, 99.9), turns: this.fromDue.totalCount,
      acceptedP50Millis: millis(this.fromAccepted, 50), acceptedP99Millis: millis(this.fromAccepted, 99),
    };
  }

  private arrived(conversation: number, at: number): void {
    const due = this.due[conversation] ?? 0;
    if (due === 0) { this.repeated += 1; return; }
    this.due[conversation] = 0;
    this.unanswered -= 1;
    if (due < this.measureFrom) return;
    this.fromDue.recordValue(Math.max(1, Math.round(at - due)));
    // The reply may be there before ingress has said that the message was accepted.
    const accepted = this.accepted[conversation] ?? 0;
    this.fromAccepted.recordValue(accepted === 0 ? 1 : Math.max(1, Math.round(at - accepted)));
  }
}

export const latencySection = (options: BenchmarkOptions): Promise<Record<string, unknown>> => Setup.with(true, async (setup) => {
  if (setup.servers === undefined) throw new Error('no servers');
  const timing = { rate: options.number('rate'), warmUpSeconds: options.number('warm-up'), seconds: options.number('seconds'), sockets: options.number('sockets') };
  const all = await startAllRoles(setup.processes, setup.prefix, setup.servers);
  const load = await setup.startLoad({ urls: [all.streamUrl], sockets: timing.sockets, secret: undefined, arrivals: true });
  const conversations = new Conversations(load, timing);
  const ingest = await openSocket(`${all.ingestUrl}/v1/ingest`, 'confab.ingest.v1', (text) => { conversations.onIngest(text); });
  progress('measuring');
  const meter = new UsageMeter(all, [load.running], setup.servers);
  await conversations.run(ingest, () => meter.start());
  const { usage, profiles } = await meter.stop();
  ingest.close();
  if (conversations.unanswered > 0 || conversations.repeated > 0) throw new BenchmarkError(`latency: ${conversations.unanswered} messages had no outcome, ${conversations.repeated} more than one`);
  await setup.processes.stopAll();
  return { ...timing, ...conversations.figures(), ...usage(timing.rate * timing.seconds), profile: profiles() };
});

function newHistogram(): ReturnType<typeof build> {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: 120_000_000, numberOfSignificantValueDigits: 3 });
}
