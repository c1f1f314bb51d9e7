/**
 * What will be done to an installation, drawn from a seed. Faults come in lanes that run side by side, one fault at a time in
 * each: so brokers are never hurt two at once, while a process may be killed as Redis is flushed. A lane goes through its kinds
 * in rounds, each kind once a round in an order of its own, so that a short run meets as many kinds as it can.
 * The same seed draws the same faults in the same order; when each begins depends on the machine.
 */
import { drawing, type Draw } from './draw.js';
import { ROLES, type Role } from './installation/node.js';

const SECOND = 1000;

interface Lane { readonly kinds: readonly string[]; readonly rest: readonly [least: number, most: number] }

/** The kinds of faults, by the lane that they run in; `rest` is the pause after each. */
export const LANES = {
  processes: { kinds: ['kill', 'roll', 'scale'], rest: [1 * SECOND, 4 * SECOND] },
  pauses: { kinds: ['pause', 'freeze'], rest: [1 * SECOND, 4 * SECOND] },
  brokers: { kinds: ['leader-move', 'broker-kill', 'broker-pause', 'broker-freeze', 'broker-roll'], rest: [1 * SECOND, 3 * SECOND] },
  redis: { kinds: ['redis-flush', 'redis-restart', 'redis-kill', 'redis-pause', 'redis-rollback'], rest: [4 * SECOND, 12 * SECOND] },
  network: { kinds: ['net-delay', 'net-cut', 'net-hole', 'net-half'], rest: [2 * SECOND, 6 * SECOND] },
  edges: { kinds: ['egress-kill', 'egress-roll'], rest: [5 * SECOND, 15 * SECOND] },
  rollouts: { kinds: ['rollout'], rest: [3 * SECOND, 10 * SECOND] },
} as const satisfies Record<string, Lane>;

export type LaneName = keyof typeof LANES;
export type Kind = (typeof LANES)[LaneName]['kinds'][number];

export const laneNames = Object.keys(LANES) as LaneName[];
export const KINDS: readonly Kind[] = laneNames.flatMap((lane) => LANES[lane].kinds as readonly Kind[]);

/** What each kind does, for `--help`. */
export const ABOUT: Readonly<Record<Kind, string>> = {
  kill: 'kill -9 of a process, and another one started in its place',
  roll: 'rolling restart of a role: SIGTERM, a new one, the next',
  scale: 'two processes more of a role, then all but one of the old ones ended',
  pause: 'SIGSTOP of a process for 1 to 5 s, shorter than its time-outs',
  freeze: 'SIGSTOP of a process for 12 to 20 s, longer than session and transaction time-outs',
  'leader-move': 'leaders of half of all partitions, coordinators included, move to other brokers',
  'broker-kill': 'kill -9 of a broker, started again after 0 to 5 s',
  'broker-pause': 'SIGSTOP of a broker for 1 to 4 s, shorter than its session',
  'broker-freeze': 'SIGSTOP of a broker for 8 to 14 s, longer than its session',
  'broker-roll': 'rolling restart of the brokers (SIGTERM)',
  'redis-flush': 'FLUSHALL',
  'redis-restart': 'Redis ended in order and started again after 0 to 3 s, with its data',
  'redis-kill': 'kill -9 of Redis, started again after 0 to 5 s, with what its file has',
  'redis-pause': 'SIGSTOP of Redis for 1 to 6 s',
  'redis-rollback': 'a copy of what Redis has is taken; 2 to 8 s later Redis is killed and comes up with that copy',
  'egress-kill': 'kill -9 of every egress process at once, with all sockets, and others started in their place',
  'egress-roll': 'rolling restart of egress: SIGTERM, a new one, the next',
  rollout: 'a new version of a bot is deployed, to a share of the conversations or to all, and promoted or rolled back 3 to 12 s later',
  'net-delay': 'every byte between some processes and brokers, or Redis, takes 5 to 250 ms longer, for 3 to 10 s',
  'net-cut': 'connections are reset (RST), several times in a row',
  'net-hole': 'connections hang in both directions for 2 to 15 s; then what was held arrives, or all are reset',
  'net-half': 'connections hang in one direction for 2 to 12 s; then what was held arrives, or all are reset',
};

/**
 * Longer pauses than the lane's: keys are refused for 15 s after a flush and by a server that was started again (ADR 0137), and a
 * lane that does so again before that tests nothing else.
 */
const LOST_KEYS = [17 * SECOND, 25 * SECOND] as const;
const RESTS: Partial<Readonly<Record<Kind, readonly [number, number]>>> = { 'redis-flush': LOST_KEYS, 'redis-restart': LOST_KEYS, 'redis-kill': LOST_KEYS, 'redis-rollback': LOST_KEYS };

/** These take as long as several others. */
const LONG: ReadonlySet<Kind> = new Set<Kind>(['broker-roll', 'scale', 'egress-roll']);

/** One fault, drawn. A number from 0 to 1 picks among what is there when it begins. */
export interface Fault {
  readonly kind: Kind;
  readonly role: Role;
  /** Zone of the proxies; of a process to be hurt, the one that is preferred. */
  readonly zone: number;
  /** Which of several. */
  readonly pick: number;
  /** How long it lasts, where it lasts. */
  readonly millis: number;
  /** A yes or no of its own: deliver or reset, one link or all. */
  readonly coin: number;
  /** Seed of what it draws while it runs. */
  readonly seed: number;
  /** Pause of the lane after it. */
  readonly rest: number;
}

const MILLIS: Readonly<Record<Kind, readonly [number, number]>> = {
  kill: [0, 0], roll: [0, 0], scale: [1 * SECOND, 3 * SECOND], pause: [1 * SECOND, 5 * SECOND], freeze: [12 * SECOND, 20 * SECOND],
  'leader-move': [0, 0], 'broker-kill': [0, 5 * SECOND], 'broker-pause': [1 * SECOND, 4 * SECOND], 'broker-freeze': [8 * SECOND, 14 * SECOND], 'broker-roll': [0, 0],
  'redis-flush': [0, 0], 'redis-restart': [0, 3 * SECOND], 'redis-kill': [0, 5 * SECOND], 'redis-pause': [1 * SECOND, 6 * SECOND], 'redis-rollback': [2 * SECOND, 8 * SECOND],
  'egress-kill': [0, 0], 'egress-roll': [0, 0], rollout: [3 * SECOND, 12 * SECOND],
  'net-delay': [3 * SECOND, 10 * SECOND], 'net-cut': [1 * SECOND, 4 * SECOND], 'net-hole': [2 * SECOND, 15 * SECOND], 'net-half': [2 * SECOND, 12 * SECOND],
};

/** The faults of a lane, without end; none when it has none of the kinds. */
export function* faultsOf(lane: LaneName, seed: number, kinds: ReadonlySet<string> = new Set(KINDS)): Generator<Fault, void> {
  const wanted = (LANES[lane].kinds as readonly Kind[]).filter((kind) => kinds.has(kind));
  if (wanted.length === 0) return;
  // Lanes draw from streams of their own: which kinds another lane has changes nothing here.
  const float = drawing(seed * 31 + laneNames.indexOf(lane) + 1);
  const within = ([least, most]: readonly [number, number]): number => Math.round(least + float() * (most - least));
  // Each kind meets every role in turn: as many rounds of `roll` as there are roles have rolled each of them.
  const roles = new Map<Kind, Role[]>();
  const nextRole = (kind: Kind): Role => {
    const left = roles.get(kind) ?? [];
    if (left.length === 0) left.push(...shuffled(ROLES, float));
    roles.set(kind, left);
    return left.pop() as Role;
  };
  for (let round = 0; ; round += 1) {
    const deck = shuffled(wanted, float);
    // A short run meets more kinds when the long ones come last.
    if (round === 0) deck.sort((a, b) => Number(LONG.has(a)) - Number(LONG.has(b)));
    for (const kind of deck) {
      yield {
        kind, role: nextRole(kind), zone: float() < 0.5 ? 0 : 1, pick: float(), millis: within(MILLIS[kind]),
        coin: float(), seed: Math.floor(float() * 2 ** 31), rest: within(RESTS[kind] ?? LANES[lane].rest),
      };
    }
  }
}

function shuffled<T>(items: readonly T[], float: Draw): T[] {
  const deck = [...items];
  for (let i = deck.length - 1; i > 0; i -= 1) {
    const j = Math.floor(float() * (i + 1));
    [deck[i], deck[j]] = [deck[j] as T, deck[i] as T];
  }
  return deck;
}
