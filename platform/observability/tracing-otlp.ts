/** Adapter: finished spans to an OTLP collector, in batches, by the OpenTelemetry SDK. Loaded only when it is used. */
import { SpanKind, SpanStatusCode, TraceFlags, type HrTime, type SpanContext as OtelSpanContext } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { SpanContext, SpanRecord, SpanSink, TracerOptions } from './tracing.js';

const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER };

function hrTime(millis: number): HrTime {
  const seconds = Math.floor(millis / 1000);
  return [seconds, Math.round((millis - seconds * 1000) * 1e6)];
}

function otelContext({ traceId }: SpanContext, spanId: string): OtelSpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

/** A sink that sends spans to `target.url`. */
export function otlpSink(options: TracerOptions & { readonly target: NonNullable<TracerOptions['target']> }): SpanSink {
  const resource = resourceFromAttributes({ 'service.name': options.serviceName, 'service.version': options.version, 'confab.role': options.role });
  const scope = { name: 'confab', version: options.version };
  const { url, headers } = options.target;
  const exporter = new OTLPTraceExporter({ headers: { ...headers }, ...(url === undefined ? {} : { url }) });
  // The SDK tells failures to a global handler that is silent by default: ours hears them instead.
  const telling: SpanExporter = {
    export: (spans, done) => { exporter.export(spans, (result) => { if (result.error) options.onError?.(result.error); done(result); }); },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
  const processor = new BatchSpanProcessor(telling, { scheduledDelayMillis: 1000 });

  const readable = (span: SpanRecord): ReadableSpan => {
    const context = otelContext(span.context, span.context.spanId);
    const above = span.context.parentSpanId;
    return {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => context,
      ...(above === undefined ? {} : { parentSpanContext: otelContext(span.context, above) }),
      startTime: hrTime(span.start),
      endTime: hrTime(span.end),
      duration: hrTime(Math.max(0, span.end - span.start)),
      status: span.error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: span.error },
      attributes: { ...span.attributes, ...(span.error === undefined ? {} : { 'error.type': span.error }) },
      links: [], events: [], ended: true, resource, instrumentationScope: scope,
      droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0,
    };
  };

  return {
    take(span) { processor.onEnd(readable(span)); },
    async close() {
      // What could not be sent was told by the exporter above.
      await processor.shutdown().catch(() => undefined);
    },
  };
}
