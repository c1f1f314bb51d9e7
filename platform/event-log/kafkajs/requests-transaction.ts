/** Requests of producers: identity, records, transactions. */
import { partitionCodes, type GroupPlace, type OffsetEntry, type PartitionCode } from './requests-group.js';
import type { PartitionOf } from './requests-metadata.js';
import type { WireRequest } from './wire.js';

/** Who writes. The transactional id is null for a producer that is idempotent only. */
export interface Identity { readonly transactionalId: string | null; readonly producerId: number; readonly epoch: number }

export function initProducerId(transactionalId: string | null, timeoutMillis: number): WireRequest<{ code: number; producerId: number; epoch: number }> {
  return {
    apiKey: 22, apiName: 'InitProducerId', version: 1,
    encode(out) { out.string(transactionalId).int32(timeoutMillis); },
    decode(input) { input.throttle(); return { code: input.int16(), producerId: input.int64(), epoch: input.int16() }; },
  };
}

export interface ProducedBatch { readonly partition: number; readonly bytes: Buffer }
export interface Produced {
  readonly topic: string;
  readonly partition: number;
  readonly code: number;
  readonly baseOffset: number;
  /** Indexes, within the batch, of the records that were the reason for the refusal; empty when the broker does not say. */
  readonly refused: readonly number[];
  readonly message: string | null;
}

/** Produce v8: the first that names the records which made the broker refuse a batch. */
export function produce(transactionalId: string | null, timeoutMillis: number, topics: readonly PartitionOf<ProducedBatch>[]): WireRequest<readonly Produced[]> {
  return {
    apiKey: 0, apiName: 'Produce', version: 8,
    encode(out) {
      out.string(transactionalId).int16(-1).int32(timeoutMillis).array(topics, ({ topic, partitions }) => {
        out.string(topic).array(partitions, ({ partition, bytes }) => { out.int32(partition).data(bytes); });
      });
    },
    decode(input) {
      const results = input.array(() => {
        const topic = input.string() ?? '';
        return input.array(() => {
          const partition = input.int32();
          const code = input.int16();
          const baseOffset = input.int64();
          input.int64();
          input.int64();
          const refused = input.array(() => { const index = input.int32(); input.string(); return index; });
          return { topic, partition, code, baseOffset, refused, message: input.string() };
        });
      }).flat();
      input.throttle();
      return results;
    },
  };
}

const head = (out: Parameters<WireRequest<unknown>['encode']>[0], { transactionalId, producerId, epoch }: Identity): typeof out =>
  out.string(transactionalId).int64(producerId).int16(epoch);

export function addPartitionsToTxn(identity: Identity, topics: readonly PartitionOf<number>[]): WireRequest<readonly PartitionCode[]> {
  return {
    apiKey: 24, apiName: 'AddPartitionsToTxn', version: 1,
    encode(out) {
      head(out, identity).array(topics, ({ topic, partitions }) => { out.string(topic).array(partitions, (partition) => { out.int32(partition); }); });
    },
    decode(input) {
      input.throttle();
      return partitionCodes(input);
    },
  };
}

export function addOffsetsToTxn(identity: Identity, group: string): WireRequest<number> {
  return {
    apiKey: 25, apiName: 'AddOffsetsToTxn', version: 1,
    encode(out) { head(out, identity).string(group); },
    decode(input) { input.throttle(); return input.int16(); },
  };
}

/** TxnOffsetCommit v3: with generation and member, so that the broker refuses a member of an old generation. */
export function txnOffsetCommit(identity: Identity, place: GroupPlace, topics: readonly PartitionOf<OffsetEntry>[]): WireRequest<readonly PartitionCode[]> {
  return {
    apiKey: 28, apiName: 'TxnOffsetCommit', version: 3,
    encode(out) {
      out.tags().compactString(identity.transactionalId).compactString(place.group).int64(identity.producerId).int16(identity.epoch)
        .int32(place.generation).compactString(place.member).compactString(null)
        .compactArray(topics, ({ topic, partitions }) => {
          out.compactString(topic).compactArray(partitions, ({ partition, offset, metadata }) => {
            out.int32(partition).int64(offset).int32(-1).compactString(metadata).tags();
          }).tags();
        }).tags();
    },
    decode(input) {
      input.tags();
      input.throttle();
      return input.compactArray(() => {
        const topic = input.compactString() ?? '';
        const codes = input.compactArray(() => {
          const code = { topic, partition: input.int32(), code: input.int16() };
          input.tags();
          return code;
        });
        input.tags();
        return codes;
      }).flat();
    },
  };
}

export function endTxn(identity: Identity, commit: boolean): WireRequest<number> {
  return {
    apiKey: 26, apiName: 'EndTxn', version: 1,
    encode(out) { head(out, identity).boolean(commit); },
    decode(input) { input.throttle(); return input.int16(); },
  };
}

/** DescribeTransactions v0 (Kafka 3.0): what the coordinator knows of a transactional id, e.g. `CompleteCommit`; '' when nothing. */
export function describeTransaction(transactionalId: string): WireRequest<{ code: number; state: string }> {
  return {
    apiKey: 65, apiName: 'DescribeTransactions', version: 0,
    encode(out) { out.tags().compactArray([transactionalId], (id) => { out.compactString(id); }).tags(); },
    decode(input) {
      input.tags();
      input.throttle();
      const [first] = input.compactArray(() => {
        const found = { code: input.int16(), id: input.compactString(), state: input.compactString() ?? '' };
        input.int32();
        input.int64();
        input.int64();
        input.int16();
        input.compactArray(() => { input.compactString(); input.compactArray(() => input.int32()); input.tags(); });
        input.tags();
        return found;
      });
      return { code: first?.code ?? 0, state: first?.state ?? '' };
    },
  };
}
