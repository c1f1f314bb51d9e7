/** Structured logs by pino. Message texts appear at level `trace` only; secrets never. */
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly role?: string;
}

export function createLogger(options: LoggerOptions, destination?: DestinationStream): Logger {
  const settings = { level: options.level, base: options.role === undefined ? {} : { role: options.role }, timestamp: pino.stdTimeFunctions.isoTime };
  return destination ? pino(settings, destination) : pino(settings);
}

/** For tests and tools that want no logs. */
export const silentLogger: Logger = pino({ level: 'silent' });
