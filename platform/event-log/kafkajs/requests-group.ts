/** Requests of consumer groups (classic protocol), and what members and leader tell each other in them. */
import { Reader, reading, Writer, type WireRequest } from './wire.js';
import type { PartitionOf } from './requests-metadata.js';

export interface GroupPlace { readonly group: string; readonly generation: number; readonly member: string }

export interface Joined {
  readonly code: number;
  readonly generation: number;
  readonly protocol: string | null;
  readonly leader: string;
  readonly member: string;
  /** Told to the leader only. */
  readonly members: readonly { member: string; metadata: Buffer }[];
}

export interface JoinOptions {
  readonly group: string;
  readonly member: string;
  readonly sessionTimeoutMillis: number;
  readonly rebalanceTimeoutMillis: number;
  readonly protocol: string;
  readonly metadata: Buffer;
}

export function joinGroup(options: JoinOptions): WireRequest<Joined> {
  return {
    apiKey: 11, apiName: 'JoinGroup', version: 5, timeoutMillis: options.rebalanceTimeoutMillis + 5_000,
    encode(out) {
      out.string(options.group).int32(options.sessionTimeoutMillis).int32(options.rebalanceTimeoutMillis).string(options.member).string(null)
        .string('consumer').array([options], (each) => { out.string(each.protocol).data(each.metadata); });
    },
    decode(input) {
      input.throttle();
      return {
        code: input.int16(), generation: input.int32(), protocol: input.string(), leader: input.string() ?? '', member: input.string() ?? '',
        members: input.array((each) => {
          const member = each.string() ?? '';
          each.string();
          return { member, metadata: each.data() ?? Buffer.alloc(0) };
        }),
      };
    },
  };
}

export interface Share { readonly member: string; readonly assignment: Buffer }

export function syncGroup(place: GroupPlace, shares: readonly Share[], timeoutMillis: number): WireRequest<{ code: number; assignment: Buffer }> {
  return {
    apiKey: 14, apiName: 'SyncGroup', version: 3, timeoutMillis,
    encode(out) {
      out.string(place.group).int32(place.generation).string(place.member).string(null)
        .array(shares, ({ member, assignment }) => { out.string(member).data(assignment); });
    },
    decode(input) {
      input.throttle();
      return { code: input.int16(), assignment: input.data() ?? Buffer.alloc(0) };
    },
  };
}

export function heartbeat(place: GroupPlace, giveUpMillis?: number): WireRequest<number> {
  return {
    apiKey: 12, apiName: 'Heartbeat', version: 3, ...(giveUpMillis === undefined ? {} : { giveUpMillis }),
    encode(out) { out.string(place.group).int32(place.generation).string(place.member).string(null); },
    decode(input) { input.throttle(); return input.int16(); },
  };
}

export function leaveGroup(group: string, member: string): WireRequest<number> {
  return {
    apiKey: 13, apiName: 'LeaveGroup', version: 2,
    encode(out) { out.string(group).string(member); },
    decode(input) { input.throttle(); return input.int16(); },
  };
}

export interface FetchedOffset { readonly topic: string; readonly partition: number; readonly offset: number; readonly metadata: string; readonly code: number }

/** OffsetFetch v7. `stable`: answers UNSTABLE_OFFSET_COMMIT for a partition with a pending transactional commit. */
export function offsetFetch(group: string, topics: readonly PartitionOf<number>[], stable: boolean): WireRequest<{ code: number; offsets: readonly FetchedOffset[] }> {
  return {
    apiKey: 9, apiName: 'OffsetFetch', version: 7,
    encode(out) {
      out.tags().compactString(group).compactArray(topics, ({ topic, partitions }) => {
        out.compactString(topic).compactArray(partitions, (partition) => { out.int32(partition); }).tags();
      }).boolean(stable).tags();
    },
    decode(input) {
      input.tags();
      input.throttle();
      const offsets = input.compactArray(() => {
        const topic = input.compactString() ?? '';
        const partitions = input.compactArray(() => {
          const partition = input.int32();
          const offset = input.int64();
          input.int32();
          const found = { topic, partition, offset, metadata: input.compactString() ?? '', code: input.int16() };
          input.tags();
          return found;
        });
        input.tags();
        return partitions;
      }).flat();
      return { code: input.int16(), offsets };
    },
  };
}

export interface OffsetEntry { readonly partition: number; readonly offset: number; readonly metadata: string }
export interface PartitionCode { readonly topic: string; readonly partition: number; readonly code: number }

/** OffsetCommit v7 outside of any transaction; generation -1 and no member for a group without members. */
export function offsetCommit(place: GroupPlace, topics: readonly PartitionOf<OffsetEntry>[]): WireRequest<readonly PartitionCode[]> {
  return {
    apiKey: 8, apiName: 'OffsetCommit', version: 7,
    encode(out) {
      out.string(place.group).int32(place.generation).string(place.member).string(null).array(topics, ({ topic, partitions }) => {
        out.string(topic).array(partitions, ({ partition, offset, metadata }) => { out.int32(partition).int64(offset).int32(-1).string(metadata); });
      });
    },
    decode(input) {
      input.throttle();
      return partitionCodes(input);
    },
  };
}

/** What a member tells when it joins: its topics, and the partition numbers it had in which generation. */
export interface Subscription { readonly topics: readonly string[]; readonly generation: number; readonly owned: readonly number[] }

export function encodeSubscription({ topics, generation, owned }: Subscription): Buffer {
  const own = new Writer().int8(1).int32(generation).array(owned, (number, out) => { out.int32(number); });
  return new Writer().int16(0).array(topics, (topic, out) => { out.string(topic); }).data(own.result).result;
}

/** @throws CONFAB_LOG_UNAVAILABLE */
export function decodeSubscription(bytes: Buffer): Subscription {
  return reading(bytes, (input) => {
    input.int16();
    const topics = input.array(() => input.string() ?? '');
    const own = input.data();
    if (!own || own.length === 0 || own[0] !== 1) return { topics, generation: -1, owned: [] };
    const user = new Reader(own, 1);
    return { topics, generation: user.int32(), owned: user.array(() => user.int32()) };
  });
}

export function encodeAssignment(topics: readonly PartitionOf<number>[]): Buffer {
  return new Writer().int16(0).array(topics, ({ topic, partitions }, out) => {
    out.string(topic).array(partitions, (partition) => { out.int32(partition); });
  }).data(null).result;
}

/** @throws CONFAB_LOG_UNAVAILABLE */
export function decodeAssignment(bytes: Buffer): readonly PartitionOf<number>[] {
  if (bytes.length === 0) return [];
  return reading(bytes, (input) => {
    input.int16();
    return input.array(() => ({ topic: input.string() ?? '', partitions: input.array(() => input.int32()) }));
  });
}

/** The usual body of an answer about partitions: by topic, number and code. */
export function partitionCodes(input: Reader): PartitionCode[] {
  return input.array(() => {
    const topic = input.string() ?? '';
    return input.array(() => ({ topic, partition: input.int32(), code: input.int16() }));
  }).flat();
}
