/**
 * Watches every commit at the moment it is decided: each timer that dialogue sets comes once, in the transaction that takes it
 * from its topic, not before its time, in the order in which timers of a partition are due, and not once its cancel was
 * committed as read. One that is cancelled and not read yet may come: the dialogue, which cancelled it, stays silent then.
 */
import type { AppendedOffsets, NewRecord } from '../../platform/event-log/event-log.js';
import type { Codec } from '../../schemas/codec.js';
import type { Observer, Transaction } from '../broker.js';
import { place } from './history.js';
import type { Report } from './violation.js';

/** What dialogue said of a timer. */
export interface TimerChange {
  readonly key: string;
  /** undefined: it takes it back. */
  readonly dueAt: number | undefined;
  readonly payload: unknown;
}

interface Known {
  readonly key: string;
  readonly partition: number;
  readonly dueAt: number;
  readonly setAt: number;
  cancelledAt: number | undefined;
}

export interface TimerWatchParts {
  readonly codec: Codec;
  readonly partitionOf: (record: NewRecord) => number;
  /** The true time. */
  readonly now: () => number;
  /** Largest difference of a clock that stamps from the true one. */
  readonly skew: number;
  readonly report: Report;
}

const TIMERS = 'timers.v1';

export class TimerWatch implements Observer {
  /** Set and neither come nor taken back, or taken back and perhaps not read so. */
  private readonly pending = new Map<string, Known>();
  private readonly used = new Set<string>();
  private readonly read = new Map<number, number>();
  /** By conversation, in the order of the log. */
  readonly changes = new Map<string, TimerChange[]>();
  come = 0;
  cancelled = 0;

  constructor(private readonly parts: TimerWatchParts) {}

  appended(): void { /* nobody sets timers past the stages */ }

  committed({ group, commit }: Transaction, offsets: AppendedOffsets): void {
    const fired = new Set<string>();
    commit.records.forEach((record, index) => {
      const offset = offsets[index] ?? -1;
      if (group === 'confab.dialogue' && record.topic === TIMERS) this.changed(record, offset);
      if (group !== 'confab.timers') return;
      if (record.topic === 'messages.v1') this.fire(record, offset, fired);
      if (record.topic === TIMERS && !fired.delete(record.key ?? '')) this.parts.report('timer once', 'a timer is taken away and has not come', place(TIMERS, this.parts.partitionOf(record), offset));
    });
    for (const key of fired) this.parts.report('timer once', `the timer ${shown(key)} came and stayed`);
    if (group === 'confab.timers') for (const { partition, offset } of commit.offsets) this.read.set(partition, offset);
  }

  /** Timers that should have come by a time, wall clock. */
  due(at: number): string[] {
    return [...this.pending.values()].filter(({ dueAt, cancelledAt }) => cancelledAt === undefined && dueAt <= at).map(({ key, partition, setAt }) => `${shown(key)} ${place(TIMERS, partition, setAt)}`);
  }

  private changed(record: NewRecord, offset: number): void {
    const { parts } = this;
    const key = record.key ?? '';
    const timer = record.value === null ? undefined : parts.codec.of('Timer').decode(record.value);
    const conversation = key.slice(0, key.indexOf('\0'));
    this.changes.set(conversation, [...this.changes.get(conversation) ?? [], { key, dueAt: timer?.dueAt, payload: timer?.payload }]);
    if (timer === undefined) {
      const known = this.pending.get(key);
      if (known !== undefined) known.cancelledAt = offset;
      this.cancelled += 1;
      return;
    }
    if (this.used.has(key)) parts.report('timer once', `the timer ${shown(key)} is set again`, place(TIMERS, parts.partitionOf(record), offset));
    this.used.add(key);
    this.pending.set(key, { key, partition: parts.partitionOf(record), dueAt: timer.dueAt, setAt: offset, cancelledAt: undefined });
  }

  private fire(record: NewRecord, offset: number, fired: Set<string>): void {
    const { codec, partitionOf, now, skew, report } = this.parts;
    const message = codec.of('Message').decode(record.value as Buffer);
    const partition = partitionOf(record);
    const at = place('messages.v1', partition, offset);
    const key = `${record.key ?? ''}\0${typeof message.attributes.timerId === 'string' ? message.attributes.timerId : ''}`;
    fired.add(key);
    const known = this.pending.get(key);
    if (known === undefined) { report('timer once', `the timer ${shown(key)} ${this.used.has(key) ? 'came again' : 'was never set'}`, at); return; }
    this.pending.delete(key);
    this.come += 1;
    if (message.kind !== 'timer' || partition !== known.partition) report('timer once', `the timer ${shown(key)} came in another form or place`, at);
    if (record.timestamp < known.dueAt) report('timer in time', `the timer ${shown(key)} came ${known.dueAt - record.timestamp} ms before its time`, at);
    if (record.timestamp > now() + skew + 1) report('timer in time', `the timer ${shown(key)} came ${Math.round(record.timestamp - now())} ms before the time that it names`, at);
    if (known.cancelledAt !== undefined && known.cancelledAt < (this.read.get(partition) ?? 0)) report('timer in time', `the timer ${shown(key)} came though it was taken back`, at, place(TIMERS, partition, known.cancelledAt));
    for (const other of this.pending.values()) {
      // Who knew of this one knew of the other.
      if (other.partition === partition && other.setAt < known.setAt && other.dueAt < known.dueAt && other.cancelledAt === undefined) report('timer in time', `the timer ${shown(key)} came before ${shown(other.key)}`, at);
    }
  }
}

function shown(key: string): string { return key.replace('\0', ' '); }
