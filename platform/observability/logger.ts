/** Structured logs by pino. Message texts appear at level `trace` only; secrets never. */
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

export interface LoggerOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly role?: string;
}

const SECRET_KEYS = ['authorization', 'password', 'secret', 'token', 'apiKey', 'cookie', '["sec-websocket-protocol"]', '["x-api-key"]'];
const at = (prefix: string, key: string): string => (key.startsWith('[') || prefix === '' ? `${prefix}${key}` : `${prefix}.${key}`);

/** Where secrets might stand in what is logged: a net below the rule that nobody logs them. */
const REDACTED = ['', '*', '*.*', 'req.headers', 'err.config'].flatMap((prefix) => SECRET_KEYS.map((key) => at(prefix, key)));

export function createLogger(options: LoggerOptions, destination?: DestinationStream): Logger {
  const settings = {
    level: options.level,
    base: options.role === undefined ? {} : { role: options.role },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED, censor: '[redacted]' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination ? pino(settings, destination) : pino(settings);
}

/** What a log line about one message carries. */
export interface MessageBindings {
  readonly traceId?: string | undefined;
  /** `<tenant>/<conversationId>`. */
  readonly conversation?: string | undefined;
  readonly position?: string | undefined;
  readonly messageId?: string | undefined;
}

/** A child whose lines carry trace id, conversation and position. For lines about single messages, so never on the way of every one. */
export function messageLogger(logger: Logger, bindings: MessageBindings): Logger {
  return logger.child(Object.fromEntries(Object.entries(bindings).filter(([, value]) => value !== undefined)));
}

/** For tests and tools that want no logs. */
export const silentLogger: Logger = pino({ level: 'silent' });
