/** Fetch v11 without a session, read_committed. */
import type { WireRequest } from './wire.js';
import type { PartitionOf } from './requests-metadata.js';

/** `minBytes` end the wait: 1 for whatever comes. */
export interface FetchLimits { readonly maxWaitMillis: number; readonly minBytes: number; readonly maxBytes: number; readonly maxPartitionBytes: number }
export interface FetchFrom { readonly partition: number; readonly offset: number }
export interface Aborted { readonly producerId: number; readonly firstOffset: number }

export interface Fetched {
  readonly topic: string;
  readonly partition: number;
  readonly code: number;
  readonly highWatermark: number;
  /** What a reader of committed records may see ends here. */
  readonly stableEnd: number;
  readonly aborted: readonly Aborted[];
  /** Record batches; the last one may be cut off. */
  readonly bytes: Buffer;
}

const NOTHING = Buffer.alloc(0);

export function fetch(limits: FetchLimits, topics: readonly PartitionOf<FetchFrom>[]): WireRequest<{ code: number; partitions: readonly Fetched[] }> {
  return {
    apiKey: 1, apiName: 'Fetch', version: 11,
    encode(out) {
      out.int32(-1).int32(limits.maxWaitMillis).int32(limits.minBytes).int32(limits.maxBytes).int8(1).int32(0).int32(-1)
        .array(topics, ({ topic, partitions }) => {
          out.string(topic).array(partitions, ({ partition, offset }) => {
            out.int32(partition).int32(-1).int64(offset).int64(-1).int32(limits.maxPartitionBytes);
          });
        }).array([], () => undefined).string('');
    },
    decode(input) {
      input.throttle();
      const code = input.int16();
      input.int32();
      const partitions = input.array(() => {
        const topic = input.string() ?? '';
        return input.array(() => {
          const partition = input.int32();
          const partitionCode = input.int16();
          const highWatermark = input.int64();
          const stableEnd = input.int64();
          input.int64();
          const aborted = input.array(() => ({ producerId: input.int64(), firstOffset: input.int64() }));
          input.int32();
          return { topic, partition, code: partitionCode, highWatermark, stableEnd, aborted, bytes: input.data() ?? NOTHING };
        });
      }).flat();
      return { code, partitions };
    },
  };
}
