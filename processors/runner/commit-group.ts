/** Makes one commit group out of finished work: outputs, the last state of each conversation, offsets with metadata. */
import type { AppendedOffsets, CommitGroup, NewRecord, OffsetToCommit } from '../../platform/event-log/event-log.js';
import type { PartitionShare } from './partition-share.js';
import type { Finished } from './work.js';

export interface FormedGroup extends CommitGroup {
  readonly finished: readonly Finished[];
  readonly offsets: readonly (OffsetToCommit & { readonly share: PartitionShare; readonly runs: readonly number[] })[];
  /** Offset of the last state record, by partition, from the offsets that the commit returned. */
  stateOffsets(appended: AppendedOffsets): Map<number, number>;
}

export interface GroupParts {
  /** Name to leave in the metadata; '' hands the partitions over. */
  readonly owner: string;
  readonly stateTopic: string | undefined;
  /** Shares whose offsets are committed although no work of them is in the group. */
  readonly also: readonly PartitionShare[];
}

export function buildGroup(finished: readonly Finished[], parts: GroupParts): FormedGroup {
  const shares = new Set(parts.also);
  const records: NewRecord[] = [];
  const states = new Map<string, Finished>();
  for (const each of finished) {
    each.work.done = true;
    shares.add(each.work.share);
    for (const record of each.records) records.push(record);
    if (each.state !== undefined) states.set(each.state.key, each);
  }
  const firstState = records.length;
  if (parts.stateTopic !== undefined) {
    for (const { work, state } of states.values()) {
      if (state !== undefined) records.push({ topic: parts.stateTopic, partition: work.partition, key: state.key, value: state.value, timestamp: work.timestamp });
    }
  }
  const offsets = [...shares].map((share) => ({ topic: share.topic, partition: share.partition, ...share.window.commitPoint(parts.owner), share }));
  return {
    finished, records, offsets,
    stateOffsets(appended) {
      const last = new Map<number, number>();
      for (let i = firstState; i < records.length; i += 1) {
        const partition = records[i]?.partition ?? 0;
        last.set(partition, Math.max(last.get(partition) ?? -1, appended[i] ?? -1));
      }
      return last;
    },
  };
}
