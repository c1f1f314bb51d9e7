/**
 * Stage "timers": keeps the timers of its partitions and, when one is due, appends a Message of kind `timer` to `messages.v1`
 * and the timer's tombstone to `timers.v1`, in one transaction. So timers enter by the one door and stand in order with
 * people, and each comes exactly once, whoever owns the partition by then.
 *
 * - The memory is the whole compacted topic, read when a partition is taken over. What was read then is not applied again:
 *   an older record must not bring back a timer whose tombstone is known.
 * - A key is never used for two timers (it ends in the position of the input that set it), so the tombstone of one that has
 *   come cannot take away one that was set at the same time.
 * - A timer that is cancelled while it comes, comes: the dialogue, which cancelled it, knows better and stays silent.
 * - Timers that became due while nobody looked come at once, the earliest first.
 */
import { ConfabError } from '../../platform/errors.js';
import type { Timer } from '../../schemas/types.js';
import type { PartitionStage, Stage } from '../stage.js';
import { DueQueue, type Queued } from './due-queue.js';
import { timerMessage } from './timer-message.js';

/** Bytes of the payload: a timer is a name and a place in a flow, not a store. */
const MOST_PAYLOAD = 16 * 1024;

interface Pending extends Queued { readonly timer: Timer }

export interface Memory {
  readonly byKey: Map<string, Pending>;
  readonly queue: DueQueue<Pending>;
  /** Inputs below this offset are in the memory already. */
  readonly readUpTo: number;
}

export function createTimersStage(): Stage<'timers'> {
  const stage: PartitionStage<'timers', Memory> = {
    scope: 'partition',
    restoreMillis: Infinity,
    restore(records, _partition, end) {
      const memory: Memory = { byKey: new Map(), queue: new DueQueue(), readUpTo: end };
      // One that is not sound is in the dead letters, or will be when it is met as an input.
      for (const { key, value } of records) if (faultOf(value) === undefined) keep(memory, key, value);
      return memory;
    },
    process(inputs, memory) {
      for (const { key, value, offset } of inputs) {
        if (offset < memory.readUpTo && (value === null || faultOf(value) === undefined)) continue;
        forget(memory, key);
        if (value === null) continue;
        const fault = faultOf(value);
        if (fault !== undefined) throw new ConfabError('CONFAB_VALUE_INVALID', { detail: fault });
        keep(memory, key, value);
      }
      return [];
    },
    due: {
      next: (memory) => memory.queue.peek()?.dueAt,
      take(memory, limit, context) {
        const outputs = [];
        const now = context.now();
        for (let next = memory.queue.peek(); next !== undefined && next.dueAt <= now && outputs.length < limit; next = memory.queue.peek()) {
          const { key, timer } = next;
          memory.queue.pop();
          memory.byKey.delete(key);
          outputs.push(
            { topic: 'messages.v1' as const, key: key.slice(0, key.indexOf('\0')), value: timerMessage(key, timer) },
            { topic: 'timers.v1' as const, key, value: null },
          );
        }
        return outputs;
      },
    },
  };
  return stage;
}

function keep(memory: Memory, key: string, timer: Timer): void {
  forget(memory, key);
  if (!key.includes('\0')) return;
  const entry: Pending = { key, dueAt: timer.dueAt, gone: false, timer };
  memory.byKey.set(key, entry);
  memory.queue.push(entry);
}

function forget(memory: Memory, key: string): void {
  const entry = memory.byKey.get(key);
  if (entry === undefined) return;
  memory.byKey.delete(key);
  memory.queue.remove(entry);
}

function faultOf({ dueAt, payload }: Timer): string | undefined {
  if (!Number.isSafeInteger(dueAt) || dueAt < 0) return 'The timer has no time.';
  if (typeof payload === 'string' && payload.length > MOST_PAYLOAD) return `The payload of the timer has more than ${MOST_PAYLOAD} characters.`;
  return undefined;
}
