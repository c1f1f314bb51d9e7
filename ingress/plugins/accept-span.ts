/** The span of accepting one message: begun when it came in, recorded with its answer. Sampled messages only. */
import type { Clock } from '../../platform/clock.js';
import type { ConfabError } from '../../platform/errors.js';
import { traceparentOf, type SpanContext, type Tracer } from '../../platform/observability/tracing.js';
import type { Accepted } from '../acceptance/submission.js';

export class AcceptSpan {
  /** For the record: what follows hangs below this span. */
  readonly traceparent: string;
  private readonly start: number;

  constructor(private readonly tracer: Tracer, private readonly clock: Clock, private readonly context: SpanContext) {
    this.traceparent = traceparentOf(context);
    this.start = clock.now();
  }

  end(error: ConfabError | undefined, accepted: Accepted | undefined): void {
    this.tracer.record({
      name: 'confab.ingress accept', kind: 'producer', context: this.context, start: this.start, end: this.clock.now(),
      attributes: accepted === undefined ? {} : { 'confab.message_id': accepted.messageId, 'confab.position': accepted.position, 'confab.duplicate': accepted.duplicate },
      ...(error === undefined ? {} : { error: error.code }),
    });
  }
}

/** Begins a span when the message is sampled; gets the caller's `traceparent`. */
export type BeginAcceptSpan = (traceparent?: string | string[]) => AcceptSpan | undefined;

export function acceptSpans(tracer: Tracer, clock: Clock): BeginAcceptSpan {
  if (!tracer.enabled) return () => undefined;
  return (traceparent) => {
    const context = tracer.sample(typeof traceparent === 'string' ? traceparent : undefined);
    return context === undefined ? undefined : new AcceptSpan(tracer, clock, context);
  };
}
