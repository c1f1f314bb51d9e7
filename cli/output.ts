/** Standard output and error as commands use them: a reader that has gone away ends nothing and raises nothing. */
import type { Output } from './context.js';

/** As far as `process.stdout` is needed. */
export interface Stream {
  write(text: string): unknown;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** After `| head` has read enough, what else is written is dropped, and `closed` aborts: commands that only print end then. */
export function outputOf(stream: Stream): Output {
  const closed = new AbortController();
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
    closed.abort(error);
  });
  return {
    write: (text) => (closed.signal.aborted ? false : stream.write(text)),
    get isTTY() { return stream.isTTY === true; },
    get columns() { return stream.columns; },
    closed: closed.signal,
  };
}
