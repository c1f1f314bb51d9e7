/** What the benchmark and its load generator (a process of its own) tell each other. */

export interface StreamLoadSettings {
  /** Nodes; socket i goes to node i modulo their number, and to the next one when that is away. */
  readonly urls: readonly string[];
  readonly sockets: number;
  /** Conversation of socket i is `<name><i>`; with `shared` all follow `<name>0`. */
  readonly name: string;
  readonly shared: boolean;
  /** HS256 key of the nodes: each socket has a token of its own. Without it they are not authenticated. */
  readonly secret: string | undefined;
  /** Path of all sockets, for a server that is none of ours. */
  readonly path?: string;
  /** The first so many sockets may be slowed down. */
  readonly slow: number;
  /** Arrivals are told one by one, not measured: for replies that do not carry the time at which they were due. */
  readonly arrivals: boolean;
  /** Connects when it is told to, as clients that have just lost their connections: what the process needs to start is not measured. */
  readonly held: boolean;
}

/** Where a client left a conversation. */
export interface ResumePlace {
  readonly conversation: string;
  /** It had everything up to here. */
  readonly position: string;
  /** The number of the reply there. */
  readonly newest: number;
}

/** To the load generator. */
export type ToLoad =
  /** Before it connects: socket i is of a client that comes back to the i-th of these. */
  | { readonly type: 'places'; readonly places: readonly ResumePlace[] }
  | { readonly type: 'connect' }
  /** Counts from 0 again; `reached` follows at the `total`-th reply from now on. */
  | { readonly type: 'expect'; readonly total: number }
  /** Forgets the times measured so far. */
  | { readonly type: 'measure' }
  /** Of those that may be slow: bytes a second that each reads; 0: as they come. */
  | { readonly type: 'pace'; readonly bytesPerSecond: number }
  | { readonly type: 'report' }
  | { readonly type: 'end' };

export interface Percentiles { readonly p50Millis: number; readonly p99Millis: number; readonly maxMillis: number; readonly count: number }

export interface StreamLoadReport {
  /** Sockets whose subscription stands. */
  readonly ready: number;
  readonly received: number;
  /** Replies after which the next of the conversation was missing, and those that came again or too late. */
  readonly skipped: number;
  readonly repeated: number;
  /** Sum over conversations of the number of the newest reply. */
  readonly newest: number;
  /** Resumes after which older replies could not be had. */
  readonly unrecovered: number;
  /** Connections that ended, by close code (0: lost or refused). */
  readonly closes: Readonly<Record<number, number>>;
  /** From the loss of a connection to the `ready` of the next one. */
  readonly resumes: Percentiles;
  /** From the time written in a reply to its arrival, at sockets that are not slow. */
  readonly latency: Percentiles;
  readonly cpuMicros: number;
}

/** From the load generator. */
export type FromLoad =
  | { readonly type: 'held' }
  | { readonly type: 'ready' }
  /** Microseconds of the clock that all processes of a machine share. */
  | { readonly type: 'reached'; readonly firstMicros: number; readonly lastMicros: number }
  /** Socket and microseconds in turn. */
  | { readonly type: 'arrivals'; readonly arrivals: readonly number[] }
  | { readonly type: 'report'; readonly report: StreamLoadReport };

/** Monotonic, the same in all processes of a machine. */
export const sharedMicros = (): number => Number(process.hrtime.bigint() / 1000n);

/** How the text of a written reply begins: its number in the conversation from 1, and when it was due. */
export function replyText(number: number, dueMicros: number, length: number): string {
  return `${number} ${dueMicros} `.padEnd(length, 'x');
}
