/** What a command may touch; main.ts brings it, tests bring their own. */
import type { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { Clock } from '../platform/clock.js';
import type { Config, Environment } from '../platform/config.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import type { Random } from '../platform/random.js';
import type { StateStore } from '../platform/state/state-store.js';
import type { Codec } from '../schemas/codec.js';

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Of a terminal; undefined elsewhere. */
  readonly columns?: number | undefined;
  /** Aborts when nobody reads any more, as after `| head`. */
  readonly closed?: AbortSignal;
}

/** What `process.stdin` is to commands. */
export type Input = Readable & { readonly isTTY?: boolean };

export interface CliDependencies {
  readonly env: Environment;
  /** Default: the standard input of the process. */
  readonly stdin?: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  readonly random: Random;
  /** Commands that main.ts brings, such as `start`. */
  readonly commands?: readonly CommandEntry[];
  /** Opens the log that the settings name: for reading only, or for commands that may write. */
  readonly openLog?: (config: Config, mode: 'read' | 'write') => Promise<EventLog>;
  readonly openCodec?: (config: Config) => Promise<Codec>;
  /** Opens the states of conversations beside an open log: those that the processes of these settings use. */
  readonly openState?: (config: Config, log: EventLog) => Promise<OpenState>;
  /** Aborts when the user interrupts (Ctrl-C). Default: SIGINT of the process. */
  readonly interrupted?: () => AbortSignal;
}

export interface OpenState { readonly store: StateStore; close(): Promise<void> }

export interface CliContext extends CliDependencies {
  /** Settings for a command that serves nothing. @throws CONFAB_CONFIG_INVALID, CONFAB_CONFIG_UNKNOWN */
  config(): Config;
  /** Sets the exit code; a command that throws gets its own. */
  exitCode(code: number): void;
  readonly stdin: Input;
  readonly interrupted: () => AbortSignal;
}

/** A command that is loaded only when it is called, so that `confab start` carries none of the others. */
export interface CommandEntry {
  readonly name: string;
  readonly description: string;
  load(context: CliContext): Promise<Command>;
}

/** Exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** The command failed, or found something wrong. */
  failed: 1,
  /** The command line is wrong. */
  usage: 64,
  interrupted: 130,
} as const;
