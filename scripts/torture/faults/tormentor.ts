/** Runs the lanes of faults side by side until their time is over, and counts. */
import type { Installation } from '../installation/installation.js';
import { pauseUntil } from '../installation/wait.js';
import { faultsOf, laneNames, type Fault, type Kind, type LaneName } from '../plan.js';
import { brokers } from './brokers.js';
import { FaultRun } from './fault-run.js';
import { network } from './network.js';
import { edges, processes } from './processes.js';
import { redis } from './redis.js';
import { rollouts } from './rollouts.js';

const runs: Readonly<Record<Kind, (run: FaultRun) => Promise<void>>> = { ...processes, ...edges, ...rollouts, ...brokers, ...redis, ...network };

export interface TormentorOptions {
  readonly installation: Installation;
  readonly seed: number;
  readonly kinds: ReadonlySet<string>;
  readonly say: (line: string) => void;
}

/** Words for the parameters that a fault of this lane uses. */
function describe(lane: LaneName, { kind, role, zone, pick, millis }: Fault): string {
  const length = millis > 0 ? ` for ${(millis / 1000).toFixed(1)} s` : '';
  if (lane === 'processes' || lane === 'pauses') return `${kind} ${role}${length}`;
  if (lane === 'brokers') return kind === 'broker-roll' || kind === 'leader-move' ? kind : `${kind} ${1 + Math.floor(pick * 3)}${length}`;
  if (lane === 'edges' || lane === 'rollouts') return `${kind}${length}`;
  return lane === 'redis' ? `${kind}${length}` : `${kind} zone ${zone}${length}`;
}

export class Tormentor {
  readonly counts: Partial<Record<Kind, number>> = {};
  /** Faults that did not go as they should: nothing is judged by them, but they are told. */
  readonly troubles: string[] = [];

  constructor(private readonly options: TormentorOptions) {}

  /** Resolves when the signal has aborted and every fault that had begun has been undone. */
  async run(ending: AbortSignal): Promise<void> {
    await Promise.all(laneNames.map((lane) => this.lane(lane, ending)));
  }

  private async lane(lane: LaneName, ending: AbortSignal): Promise<void> {
    const { installation, seed, kinds, say } = this.options;
    for (const fault of faultsOf(lane, seed, kinds)) {
      if (ending.aborted) return;
      say(describe(lane, fault));
      this.counts[fault.kind] = (this.counts[fault.kind] ?? 0) + 1;
      const trouble = (text: string): void => { this.troubles.push(text); say(`  ${text}`); };
      await runs[fault.kind](new FaultRun(installation, fault, ending, trouble)).catch((error: unknown) => {
        trouble(`${fault.kind}: ${error instanceof Error ? error.message : String(error)}`);
      });
      await pauseUntil(fault.rest, ending);
    }
  }
}
