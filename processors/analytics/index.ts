/**
 * Stage "analytics": counts replies and their latency by (minute of acceptance, bot, channel, intent, input partition).
 *
 * Records are absolute values under a key, so writing one again harms nothing; but a value must never be written that lacks
 * replies counted before. Therefore
 * - a minute is *open* while it is younger than OPEN_MILLIS. Counts of open minutes live in memory under the plain key, and
 *   taking over a partition reads back RESTORE_MILLIS, which covers every minute that can still be open;
 * - a reply for an older minute (a group that lagged, a stage that was stopped for days) goes to a count of its own, whose
 *   key has `|<offset of the first reply in it>` at the end. That offset is used up when the count is committed, so no
 *   later count can have the same key and overwrite it.
 * Readers add all records of the same minute, bot, channel and intent. The choice between the two depends on the clock only
 * before a commit: each committed reply is in exactly one committed count.
 */
import type { AnalyticsCount } from '../../schemas/types.js';
import type { PartitionStage, Stage } from '../stage.js';
import { addReply, countKey, emptyCount, MINUTE, restoreCount, toRecord, type Count } from './counts.js';

export { LATENCY_BOUNDS } from './counts.js';

const OPEN_MILLIS = 30 * MINUTE;
/** Twice the open time: allows for clocks of other processes and for the time that the taking over takes. */
const RESTORE_MILLIS = 2 * OPEN_MILLIS;
/** Late counts that are kept to be added to; a forgotten one costs one record more, never a wrong sum. */
const MOST_LATE = 2000;

export interface Memory {
  readonly partition: number;
  /** Counts of open minutes, by key. */
  readonly open: Map<string, Count>;
  /** Late counts by plain key, the one used last at the end. */
  readonly late: Map<string, Count>;
  /** Minutes before this are late; it never goes back, whatever the clock does. */
  floor: number;
}

export function createAnalyticsStage(): Stage<'analytics'> {
  const stage: PartitionStage<'analytics', Memory> = {
    scope: 'partition',
    restoreMillis: RESTORE_MILLIS,
    restore(records, partition) {
      const open = new Map<string, Count>();
      for (const { key, value } of records) {
        if (value.partition === partition && key === countKey(value.minute, value, partition)) open.set(key, restoreCount(key, value));
      }
      return { partition, open, late: new Map(), floor: 0 };
    },
    process(inputs, memory, context) {
      closeMinutes(memory, context.now());
      const changed: Count[] = [];
      for (const { value: reply, timestamp, offset } of inputs) {
        const count = countOf(memory, reply, timestamp, offset);
        if (!count.changed) changed.push(count);
        addReply(count, reply, timestamp);
      }
      const outputs = changed.map((count) => ({ topic: 'analytics.v1' as const, key: count.key, value: toRecord(count) satisfies AnalyticsCount }));
      for (const count of changed) count.changed = false;
      forgetLate(memory);
      return outputs;
    },
  };
  return stage;
}

function countOf(memory: Memory, reply: Parameters<typeof addReply>[1], accepted: number, offset: number): Count {
  const minute = Math.floor(accepted / MINUTE) * MINUTE;
  const plain = countKey(minute, reply, memory.partition);
  const late = minute < memory.floor;
  const counts = late ? memory.late : memory.open;
  const found = counts.get(plain) ?? emptyCount(late ? `${plain}|${offset}` : plain, minute, reply, memory.partition);
  // Set again, so that the order of the map is the order of use.
  if (late) counts.delete(plain);
  counts.set(plain, found);
  return found;
}

/** Everything in memory was written by the turn that changed it, so what is too old may go. */
function closeMinutes(memory: Memory, now: number): void {
  const floor = Math.floor((now - OPEN_MILLIS) / MINUTE) * MINUTE;
  if (floor <= memory.floor) return;
  memory.floor = floor;
  for (const [key, count] of memory.open) if (count.minute < floor) memory.open.delete(key);
}

function forgetLate(memory: Memory): void {
  for (const key of memory.late.keys()) {
    if (memory.late.size <= MOST_LATE) return;
    memory.late.delete(key);
  }
}
