/**
 * Port: traces. One trace spans ingress → intent → dialogue → egress of a sampled message; its context travels as the
 * record header `traceparent`. A message that is not sampled costs one comparison and no allocation.
 *
 * There is no context per message in the program: whoever did a piece of work records its span afterwards, with start, end
 * and parent. Adapter: tracing-otlp.ts, loaded only when an exporter is set.
 */
import type { Random } from '../random.js';

/** A span of a sampled trace, as the header names it (W3C Trace Context). */
export interface SpanContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Span above it, when there is one. */
  readonly parentSpanId: string | undefined;
}

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** A finished piece of work. */
export interface SpanRecord {
  /** `confab.<role>` and what was done, e.g. `confab.intent process`. */
  readonly name: string;
  readonly kind: SpanKind;
  readonly context: SpanContext;
  /** Wall clock, milliseconds (fractions allowed). */
  readonly start: number;
  readonly end: number;
  /** No message texts, no secrets. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** Code of the error with which the work ended. */
  readonly error?: string;
}

export interface Tracer {
  /** False: nothing is ever sampled, extracted or recorded. */
  readonly enabled: boolean;
  /**
   * Decides whether a new message is traced; undefined: no. A caller's `traceparent` names the trace and the span above,
   * but cannot force sampling.
   */
  sample(traceparent?: string): SpanContext | undefined;
  /** The span that a record's headers name; undefined when the message is not sampled or the header is malformed. */
  extract(headers: Readonly<Record<string, string>> | undefined): SpanContext | undefined;
  /** A new span below another one. Its context can be sent on before the span is recorded. */
  child(parent: SpanContext): SpanContext;
  /** Takes a finished span; never throws, never waits. */
  record(span: SpanRecord): void;
  /** Sends what is left, within the exporter's time-out. */
  close(): Promise<void>;
}

const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/** The header of a sampled record. */
export function traceparentOf(context: SpanContext): string {
  return `00-${context.traceId}-${context.spanId}-01`;
}

/** Headers for a record; undefined when it is not sampled. */
export function traceHeaders(context: SpanContext | undefined): Readonly<Record<string, string>> | undefined {
  return context === undefined ? undefined : { traceparent: traceparentOf(context) };
}

/** Reads a `traceparent`; undefined when it is malformed. */
export function parseTraceparent(text: string): { readonly traceId: string; readonly spanId: string; readonly sampled: boolean } | undefined {
  const [, traceId = NO_TRACE, spanId = NO_SPAN, flags = '00'] = FORM.exec(text) ?? [];
  return traceId === NO_TRACE || spanId === NO_SPAN ? undefined : { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Traces nothing. */
export const noTracer: Tracer = {
  enabled: false,
  sample: () => undefined,
  extract: () => undefined,
  child: (parent) => parent,
  record: () => undefined,
  close: () => Promise.resolve(),
};

/** Where finished spans go: the part of a tracer that an adapter brings. */
export interface SpanSink {
  take(span: SpanRecord): void;
  close(): Promise<void>;
}

/** A tracer that samples by ratio and hands finished spans to a sink. */
export function samplingTracer(options: { readonly ratio: number; readonly random: Random; readonly sink: SpanSink }): Tracer {
  const { ratio, random, sink } = options;
  const id = (bytes: number): string => random.bytes(bytes).toString('hex');
  return {
    enabled: true,
    sample(traceparent) {
      if (ratio <= 0 || (ratio < 1 && random.float() >= ratio)) return undefined;
      const above = traceparent === undefined ? undefined : parseTraceparent(traceparent);
      return { traceId: above?.traceId ?? id(16), spanId: id(8), parentSpanId: above?.spanId };
    },
    extract(headers) {
      const header = headers?.traceparent;
      if (header === undefined) return undefined;
      const found = parseTraceparent(header);
      return found?.sampled ? { traceId: found.traceId, spanId: found.spanId, parentSpanId: undefined } : undefined;
    },
    child: (parent) => ({ traceId: parent.traceId, spanId: id(8), parentSpanId: parent.spanId }),
    record(span) { sink.take(span); },
    close: () => sink.close(),
  };
}

export interface TracerOptions {
  /** Share of new messages that are traced. */
  readonly ratio: number;
  readonly serviceName: string;
  /** Roles of this process, for the resource. */
  readonly role: string;
  readonly version: string;
  readonly random: Random;
  /** Undefined: nothing is traced and no SDK is loaded. */
  readonly target: { readonly url: string | undefined; readonly headers: Readonly<Record<string, string>> } | undefined;
  readonly onError?: (error: Error) => void;
}

/** The tracer that the settings ask for. Loads the OpenTelemetry SDK only when spans have somewhere to go. */
export async function createTracer(options: TracerOptions): Promise<Tracer> {
  if (options.target === undefined) return noTracer;
  const { otlpSink } = await import('./tracing-otlp.js');
  return samplingTracer({ ratio: options.ratio, random: options.random, sink: otlpSink({ ...options, target: options.target }) });
}

/** Reads `OTEL_EXPORTER_OTLP_HEADERS`: `name=value,…`, percent-encoded. Entries that cannot be read are left out. */
export function parseOtlpHeaders(text: string | undefined): Record<string, string> {
  const entries = (text ?? '').split(',').flatMap((part): [string, string][] => {
    const cut = part.indexOf('=');
    if (cut < 1) return [];
    try { return [[part.slice(0, cut).trim(), decodeURIComponent(part.slice(cut + 1).trim())]]; } catch { return []; }
  });
  return Object.fromEntries(entries);
}
