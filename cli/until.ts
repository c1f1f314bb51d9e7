/** When a command that goes on by itself shall end: Ctrl-C, or nobody reads its output any more. */
import { EXIT, type CliContext } from './context.js';

export interface Until {
  readonly signal: AbortSignal;
  /** Sets the exit code: 130 after Ctrl-C; a reader that has gone away is no failure. */
  settle(): void;
}

export function untilEnded(context: CliContext): Until {
  const interrupted = context.interrupted();
  const { closed } = context.stdout;
  return {
    signal: closed === undefined ? interrupted : AbortSignal.any([interrupted, closed]),
    settle: () => { if (interrupted.aborted) context.exitCode(EXIT.interrupted); },
  };
}
