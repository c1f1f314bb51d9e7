/**
 * Watches every commit at the moment it is decided: a stage's offset, and what its metadata calls done, may cover only
 * records whose outcome is written, and never goes back.
 */
import type { AppendedOffsets, NewRecord, OffsetToCommit } from '../../platform/event-log/event-log.js';
import type { Codec } from '../../schemas/codec.js';
import type { Observer, Transaction } from '../broker.js';
import { offsetOf, place } from './history.js';
import type { Report } from './violation.js';

/** Input topic of the stages that give one outcome a record. */
const INPUT: Readonly<Record<string, string>> = { 'confab.intent': 'messages.v1', 'confab.dialogue': 'intents.v1' };

/** Who reads the outputs. */
const READERS: Readonly<Record<string, readonly string[]>> = { 'timers.v1': ['confab.timers'], 'replies.v1': ['confab.analytics', 'confab.egress'], 'dead-letters.v1': ['confab.egress'] };

class Progress {
  /** Offsets of records, ascending. */
  readonly records: number[] = [];
  readonly finished = new Set<number>();
  /** How many of `records` are known to be finished, from the first on. */
  passed = 0;
  committed = 0;
}

export class CommitWatch implements Observer {
  private readonly inputs = new Map<string, Progress>();
  private readonly offsets = new Map<string, number>();
  /** The last record of what others read, by topic and partition. */
  private readonly outputs = new Map<string, { readonly readers: readonly string[]; last: number }>();
  /** Place in intents.v1 by place in messages.v1. */
  private readonly understood = new Map<string, number>();

  constructor(private readonly codec: Codec, private readonly partitionOf: (record: NewRecord) => number, private readonly report: Report) {}

  appended(records: readonly NewRecord[], offsets: AppendedOffsets): void { this.stand(records, offsets); }

  committed({ group, commit }: Transaction, offsets: AppendedOffsets): void {
    this.stand(commit.records, offsets);
    commit.records.forEach((record) => { this.finish(group, record); });
    for (const offset of commit.offsets) this.check(group, offset);
  }

  /** True when every input is finished, and every group has committed what it reads. */
  get done(): boolean { return this.open.length === 0; }

  /** What is not: for the report. */
  get open(): string[] {
    const behind = [...this.outputs].flatMap(([name, { readers, last }]) => readers.flatMap((group) => {
      const committed = this.offsets.get(`${group} ${name}`) ?? 0;
      return committed > last ? [] : [`${group}: ${name} committed ${committed} of ${last}`];
    }));
    return [...behind, ...this.openInputs];
  }

  private get openInputs(): string[] {
    return [...this.inputs].flatMap(([name, { records, finished, committed }]) => {
      const missing = records.filter((offset) => !finished.has(offset));
      const last = records.at(-1) ?? -1;
      return [...missing.slice(0, 3).map((offset) => `${name}@${offset}`), ...(missing.length === 0 && committed <= last ? [`${name} committed ${committed} of ${last}`] : [])];
    });
  }

  private progress(topic: string, partition: number): Progress {
    const name = `${topic}/${partition}`;
    let found = this.inputs.get(name);
    if (!found) this.inputs.set(name, found = new Progress());
    return found;
  }

  private stand(records: readonly NewRecord[], offsets: AppendedOffsets): void {
    records.forEach((record, index) => {
      const offset = offsets[index] ?? -1;
      const partition = this.partitionOf(record);
      if (record.topic === 'messages.v1' || record.topic === 'intents.v1') this.progress(record.topic, partition).records.push(offset);
      const readers = READERS[record.topic];
      if (readers !== undefined) this.outputs.set(`${record.topic}/${partition}`, { readers, last: offset });
      if (record.topic === 'intents.v1') this.understood.set(`${partition}@${offsetOf(this.codec.of('IntentDetected').decode(record.value as Buffer).position)}`, offset);
    });
  }

  private finish(group: string, record: NewRecord): void {
    const partition = this.partitionOf(record);
    if (record.topic === 'intents.v1') {
      this.progress('messages.v1', partition).finished.add(offsetOf(this.codec.of('IntentDetected').decode(record.value as Buffer).position));
    } else if (record.topic === 'replies.v1') {
      const message = offsetOf(this.codec.of('BotReply').decode(record.value as Buffer).position);
      const at = this.understood.get(`${partition}@${message}`);
      if (at !== undefined) this.progress('intents.v1', partition).finished.add(at);
    } else if (record.topic === 'dead-letters.v1' && INPUT[group] !== undefined) {
      const letter = this.codec.of('DeadLetter').decode(record.value as Buffer);
      this.progress(letter.topic, letter.partition).finished.add(letter.offset);
    }
  }

  private check(group: string, { topic, partition, offset, metadata }: OffsetToCommit): void {
    const name = `${group} ${topic}/${partition}`;
    const before = this.offsets.get(name) ?? 0;
    // Egress announces at least once: it may begin again further back.
    if (offset < before && group !== 'confab.egress') this.report('commit behind work', `${group} went back from ${before} to ${offset}`, place(topic, partition, offset));
    this.offsets.set(name, offset);
    if (INPUT[group] !== topic) return;
    const progress = this.progress(topic, partition);
    progress.committed = offset;
    for (let at = progress.records[progress.passed]; at !== undefined && at < offset; at = progress.records[progress.passed += 1]) {
      if (!progress.finished.has(at)) this.report('commit behind work', `${group} committed ${offset} and has not finished ${at}`, place(topic, partition, at));
    }
    for (const at of progress.records) {
      if (at >= offset && !progress.finished.has(at) && isDone(metadata, at - offset)) this.report('commit behind work', `${group} calls ${at} done in its metadata, and it is not`, place(topic, partition, at));
    }
  }
}

/** Reads the runs of done offsets in the metadata: varints in base64url behind the second semicolon. */
function isDone(metadata: string, distance: number): boolean {
  const bytes = Buffer.from(metadata.split(';')[2] ?? '', 'base64url');
  let left = distance;
  let done = false;
  for (let at = 0; at < bytes.length; done = !done) {
    let run = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at] ?? 0;
      at += 1;
      run += (byte & 127) * shift;
      if (byte < 128) break;
    }
    if (left < run) return done;
    left -= run;
  }
  return false;
}
