/**
 * Offsets of a group, by a member: within a transaction or by themselves. Both are checked by the coordinator against the
 * member's generation, and both may be repeated: the same offsets, from the only owner.
 */
import type { Clock } from '../../clock.js';
import { ConfabError } from '../../errors.js';
import type { OffsetToCommit } from '../event-log.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { codeName, KafkaCode, LOST_PLACE, LOST_PRODUCER, refusal } from './codes.js';
import { byTopic, type Coordinators } from './directory.js';
import { offsetCommit, type GroupPlace, type OffsetEntry, type PartitionCode } from './requests-group.js';
import type { PartitionOf } from './requests-metadata.js';
import { txnOffsetCommit, type Identity } from './requests-transaction.js';
import { PAUSE_MILLIS } from './transaction-coordinator.js';
import type { WireRequest } from './wire.js';

const MAX_METADATA_BYTES = 4_096;

export interface OffsetWriterOptions { readonly network: Network; readonly coordinators: Coordinators; readonly clock: Clock }

export class OffsetWriter {
  constructor(private readonly options: OffsetWriterOptions) {}

  /** As part of the open transaction of `identity`. */
  inTransaction(identity: Identity, place: GroupPlace, offsets: readonly OffsetToCommit[], until: number): Promise<void> {
    return this.write(place, offsets, until, (topics) => txnOffsetCommit(identity, place, topics));
  }

  /**
   * By themselves, when nothing else is to become visible with them. One that was committed in a transaction before and whose
   * marker is written later does not come back: the coordinator goes by the order in which the offsets were written.
   */
  alone(place: GroupPlace, offsets: readonly OffsetToCommit[], until: number): Promise<void> {
    return this.write(place, offsets, until, (topics) => offsetCommit(place, topics));
  }

  private async write(place: GroupPlace, offsets: readonly OffsetToCommit[], until: number, request: (topics: PartitionOf<OffsetEntry>[]) => WireRequest<readonly PartitionCode[]>): Promise<void> {
    const { network, coordinators, clock } = this.options;
    const topics = byTopic(offsets, ({ partition, offset, metadata }) => ({ partition, offset, metadata }));
    for (let pause = PAUSE_MILLIS.first; ; pause = Math.min(pause * 2, PAUSE_MILLIS.most)) {
      let failed: number | NoAnswer;
      try {
        const codes = await network.send(await coordinators.node('group', place.group), request(topics));
        const bad = codes.find(({ code }) => code !== KafkaCode.NONE);
        if (!bad) return;
        failed = bad.code;
      } catch (error) {
        if (error instanceof ConfabError && error.retryable) failed = KafkaCode.COORDINATOR_NOT_AVAILABLE;
        else if (error instanceof NoAnswer) failed = error;
        else throw error;
      }
      const again = coordinators.stale('group', place.group, failed) || failed === KafkaCode.CONCURRENT_TRANSACTIONS;
      if (!again || clock.monotonic() >= until) throw failed instanceof NoAnswer ? failed : refused(failed, place);
      await clock.sleep(pause);
    }
  }
}

function refused(code: number, place: GroupPlace): ConfabError {
  const detail = `${place.group}, generation ${place.generation}`;
  if (LOST_PLACE.has(code) || LOST_PRODUCER.has(code) || code === KafkaCode.REBALANCE_IN_PROGRESS || code === KafkaCode.INVALID_TXN_STATE) return new ConfabError('CONFAB_FENCED', { detail: `${detail}: ${codeName(code)}` });
  return refusal(code, detail);
}

/** What can be told without asking. @throws CONFAB_METADATA_TOO_LARGE */
export function checkMetadata(offsets: readonly OffsetToCommit[]): void {
  for (const { topic, partition, metadata } of offsets) {
    if (metadata.length * 3 > MAX_METADATA_BYTES && Buffer.byteLength(metadata) > MAX_METADATA_BYTES) {
      throw new ConfabError('CONFAB_METADATA_TOO_LARGE', { detail: `${topic}/${partition}: ${Buffer.byteLength(metadata)} bytes` });
    }
  }
}
