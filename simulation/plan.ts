/** What a seed decides before the run begins: how large the system is, how bad the weather is, and what goes wrong. */
import { Dice } from './dice.js';
import type { Weather } from './link.js';

export type Role = 'ingress' | 'intent' | 'dialogue' | 'timers' | 'analytics' | 'egress';
/** Every stage of the topology; one that is added is simulated once it is named here. */
export const STAGES = ['intent', 'dialogue', 'timers', 'analytics'] as const;
export type SimulatedStage = (typeof STAGES)[number];

export type FaultKind =
  | 'kill' | 'stop' | 'long stop' | 'restart' | 'scale out' | 'scale in' | 'cut' | 'server down' | 'abort' | 'slow markers'
  | 'rebalance' | 'state flush' | 'state rollback' | 'index flush' | 'outbox flush' | 'bus lapse' | 'clock jump' | 'poison record';

export interface Plan {
  readonly seed: number;
  readonly partitions: number;
  /** Roles of each process at the start. */
  readonly processes: readonly (readonly Role[])[];
  readonly conversations: number;
  readonly messages: number;
  /** How long messages are sent and faults happen, milliseconds. */
  readonly duration: number;
  readonly weather: Weather;
  /** Mean time between two faults, milliseconds; Infinity for none. */
  readonly faultEvery: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Mean time until a marker is written. */
  readonly markerMillis: number;
  /** Entries of a conversation that the outbox keeps. */
  readonly outboxEntries: number;
  /** Largest difference of a process's clock from the true one. */
  readonly skew: number;
  /** Share of messages with an idempotency key. */
  readonly keyed: number;
  /** Share of messages that ask for trouble in a stage. */
  readonly troubled: number;
  /** Bytes that a record of intents.v1 may have; some messages exceed them. */
  readonly maxIntentBytes: number;
  /** Conversations whose state a process keeps. */
  readonly cachedStates: number;
  /** Mean time that a call of an action takes at the server that is called, before and after its effect, milliseconds. */
  readonly effectMillis: number;
  /** Share of these calls that the server answers with an error. */
  readonly effectFailures: number;
}

const ALL: Readonly<Record<FaultKind, number>> = {
  kill: 4, stop: 3, 'long stop': 3, restart: 3, 'scale out': 1, 'scale in': 1, cut: 4, 'server down': 2, abort: 4, 'slow markers': 2,
  rebalance: 3, 'state flush': 1.5, 'state rollback': 1.5, 'index flush': 1, 'outbox flush': 1.5, 'bus lapse': 2, 'clock jump': 2, 'poison record': 1.5,
};

export function planOf(seed: number): Plan {
  const dice = new Dice(seed, 'plan');
  const bad = dice.pick([0, 0.002, 0.01, 0.03]);
  const share = (): number => bad * dice.between(0.2, 1.5);
  const duration = dice.between(15_000, 40_000);
  return {
    seed, duration,
    partitions: dice.whole(1, 4),
    processes: processesOf(dice),
    conversations: dice.whole(3, 12),
    messages: dice.whole(40, 120),
    weather: { refused: share(), lost: share(), unanswered: share(), late: share() / 2, hop: dice.pick([0.5, 2, 5, 20]) },
    faultEvery: dice.pick([Infinity, 600, 1500, 3000, 8000]),
    faults: faultsOf(dice),
    markerMillis: dice.pick([1, 10, 100]),
    outboxEntries: dice.pick([2, 8, 256]),
    skew: dice.pick([0, 500, 2000]),
    keyed: dice.pick([0.3, 0.7, 1]),
    troubled: dice.pick([0, 0.05, 0.2]),
    maxIntentBytes: dice.pick([1_000_000, 1_500]),
    cachedStates: dice.pick([1, 4, 50_000]),
    effectMillis: dice.pick([1, 100, 600]),
    effectFailures: dice.pick([0, 0.1, 0.4]),
  };
}

/** One program for everything, or roles on machines of their own. */
function processesOf(dice: Dice): (readonly Role[])[] {
  const all: readonly Role[] = ['ingress', ...STAGES, 'egress'];
  const count = dice.whole(2, 4);
  if (dice.chance(0.5)) return Array.from({ length: count }, () => all);
  const edges: (readonly Role[])[] = [['ingress'], ['ingress', 'egress'], ['egress']];
  const stages = dice.chance(0.5) ? Array.from({ length: count }, () => STAGES) : STAGES.flatMap((stage): (readonly Role[])[] => [[stage], [stage]]);
  return [...edges, ...stages];
}

/** A run has a taste: some kinds of faults more often, others not at all. */
function faultsOf(dice: Dice): Plan['faults'] {
  const kinds = Object.entries(ALL) as [FaultKind, number][];
  return Object.fromEntries(kinds.flatMap(([kind, weight]) => (dice.chance(0.35) ? [] : [[kind, weight * dice.between(0.3, 3)]])));
}
