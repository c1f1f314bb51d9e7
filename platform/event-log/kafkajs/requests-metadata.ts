/** Requests about topics, brokers, coordinators and offsets of the log. */
import type { WireRequest } from './wire.js';

export interface PartitionMetadata { readonly code: number; readonly partition: number; readonly leader: number; readonly replicas: number }
export interface TopicMetadata { readonly code: number; readonly name: string; readonly id: string; readonly internal: boolean; readonly partitions: readonly PartitionMetadata[] }

const NO_ID = Buffer.alloc(16);

/** Metadata v10: the first version with topic ids that also takes names. `null` asks for all topics. */
export function metadata(topics: readonly string[] | null): WireRequest<readonly TopicMetadata[]> {
  return {
    apiKey: 3, apiName: 'Metadata', version: 10,
    encode(out) {
      out.tags();
      if (topics === null) out.uvarint(0);
      else out.compactArray(topics, (topic, each) => { each.raw(NO_ID).compactString(topic).tags(); });
      out.boolean(false).boolean(false).boolean(false).tags();
    },
    decode(input) {
      input.tags();
      input.throttle();
      input.compactArray((broker) => { broker.int32(); broker.compactString(); broker.int32(); broker.compactString(); broker.tags(); });
      input.compactString();
      input.int32();
      return input.compactArray((each) => {
        const topic = { code: each.int16(), name: each.compactString() ?? '', id: each.raw(16).toString('hex'), internal: each.boolean(), partitions: each.compactArray(partitionMetadata) };
        each.int32();
        each.tags();
        return topic;
      });
    },
  };
}

function partitionMetadata(each: Parameters<WireRequest<unknown>['decode']>[0]): PartitionMetadata {
  const code = each.int16();
  const partition = each.int32();
  const leader = each.int32();
  each.int32();
  const replicas = each.compactArray((node) => node.int32()).length;
  each.compactArray((node) => node.int32());
  each.compactArray((node) => node.int32());
  each.tags();
  return { code, partition, leader, replicas };
}

export interface Coordinator { readonly code: number; readonly node: number }

export function findCoordinator(kind: 'group' | 'transaction', key: string): WireRequest<Coordinator> {
  return {
    apiKey: 10, apiName: 'FindCoordinator', version: 1,
    encode(out) { out.string(key).int8(kind === 'group' ? 0 : 1); },
    decode(input) {
      input.throttle();
      const code = input.int16();
      input.string();
      return { code, node: input.int32() };
    },
  };
}

export interface PartitionOf<T> { readonly topic: string; readonly partitions: readonly T[] }
export interface ListedOffset { readonly topic: string; readonly partition: number; readonly code: number; readonly offset: number }

export const EARLIEST = -2;
export const LATEST = -1;

/** ListOffsets v2; the latest offset is the last stable one, or with `uncommitted` the high watermark. */
export function listOffsets(topics: readonly PartitionOf<{ partition: number; timestamp: number }>[], uncommitted = false): WireRequest<readonly ListedOffset[]> {
  return {
    apiKey: 2, apiName: 'ListOffsets', version: 2,
    encode(out) {
      out.int32(-1).int8(uncommitted ? 0 : 1).array(topics, ({ topic, partitions }, each) => {
        each.string(topic).array(partitions, ({ partition, timestamp }) => { each.int32(partition).int64(timestamp); });
      });
    },
    decode(input) {
      input.throttle();
      return input.array((each) => {
        const topic = each.string() ?? '';
        return each.array(() => {
          const partition = each.int32();
          const code = each.int16();
          each.int64();
          return { topic, partition, code, offset: each.int64() };
        });
      }).flat();
    },
  };
}

export interface ConfigEntry { readonly name: string; readonly value: string }

/** IncrementalAlterConfigs v0: sets the named entries of a topic, leaves others (kafkajs has AlterConfigs only, which resets them). */
export function setTopicConfigs(topic: string, entries: readonly ConfigEntry[]): WireRequest<{ code: number; message: string | null }> {
  return {
    apiKey: 44, apiName: 'IncrementalAlterConfigs', version: 0,
    encode(out) {
      out.array([topic], (name, each) => {
        each.int8(2).string(name).array(entries, (entry) => { each.string(entry.name).int8(0).string(entry.value); });
      }).boolean(false);
    },
    decode(input) {
      input.throttle();
      const [first] = input.array((each) => {
        const answer = { code: each.int16(), message: each.string() };
        each.int8();
        each.string();
        return answer;
      });
      return first ?? { code: 0, message: null };
    },
  };
}
