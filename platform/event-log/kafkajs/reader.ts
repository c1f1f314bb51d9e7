/** Reads without a group: plain Fetch requests over connections that all reads of the process share. */
import type { Clock } from '../../clock.js';
import { ConfabError } from '../../errors.js';
import type { ReadRange, RecordBatch } from '../event-log.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { KafkaCode, refusal, STALE_LEADER } from './codes.js';
import { boundsOf, insist, offsetsAt, type Directory } from './directory.js';
import type { KeySieve } from './key-sieve.js';
import { decodeBatches, type Decoded } from './record-decoder.js';
import { fetch, type Fetched } from './requests-fetch.js';
import { LATEST } from './requests-metadata.js';

export interface ReaderOptions {
  readonly network: Network;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly fetchBytes: number;
}

/** Within the end that is known the broker answers at once; only past it a read waits. */
const MAX_WAIT_MILLIS = 50;
const PAUSE_MILLIS = 50;
const FAILURES = 8;

/** As `EventLog.read`; with `keys` as `KeyedReader.readKeys`. */
export async function* readPartition(options: ReaderOptions, at: ReadRange, keys?: KeySieve): AsyncGenerator<RecordBatch> {
  const { topic, partition } = at;
  const bounds = await insist(options.clock, () => boundsOf(options.network, options.directory, [{ topic, partition }]));
  const { start, end } = bounds[0] as { start: number; end: number };
  const to = at.to ?? end;
  let offset = Math.max(at.from, start);
  let failures = 0;
  while (offset < to) {
    const answer = await fetchOnce(options, topic, partition, offset);
    if (answer === undefined) {
      failures += 1;
      if (failures >= FAILURES) throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: `${topic}/${partition} cannot be read` });
      await options.clock.sleep(PAUSE_MILLIS);
      continue;
    }
    failures = 0;
    if (answer.code === KafkaCode.OFFSET_OUT_OF_RANGE) {
      // Retention has moved the start meanwhile: what is left begins there.
      const [moved] = await insist(options.clock, () => boundsOf(options.network, options.directory, [{ topic, partition }]));
      if (!moved || moved.start <= offset) throw refusal(answer.code, `${topic}/${partition} at ${offset}`);
      offset = moved.start;
      continue;
    }
    const decoded = passed(answer, decodeBatches(answer.bytes, { from: offset, to, ...(keys === undefined ? {} : { keys }) }, answer.aborted), offset);
    if (decoded.nextOffset === offset) continue;
    offset = Math.min(decoded.nextOffset, to);
    yield { topic, partition, records: decoded.records, nextOffset: offset, endOffset: Math.max(answer.highWatermark, offset) };
  }
}

/** As `EventLog.settledEnd`: what stands now, once the last stable offset has come there. */
export async function settledEnd({ network, directory, clock }: ReaderOptions, topic: string, partition: number, timeoutMillis: number): Promise<number> {
  const until = clock.monotonic() + timeoutMillis;
  const ask = async (uncommitted: boolean): Promise<number> => {
    const [found] = await insist(clock, () => offsetsAt(network, directory, [{ topic, partition, timestamp: LATEST }], uncommitted));
    return found?.offset ?? 0;
  };
  const end = await ask(true);
  for (let pause = 1; await ask(false) < end; pause = Math.min(pause * 2, PAUSE_MILLIS)) {
    if (clock.monotonic() >= until) throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: `${topic}/${partition}: a transaction below ${end} does not end` });
    await clock.sleep(pause);
  }
  return end;
}

/** An answer without any bytes although committed offsets follow: they were all removed. */
function passed(answer: Fetched, decoded: Decoded, offset: number): Decoded {
  return answer.bytes.length === 0 && answer.stableEnd > offset ? { records: [], nextOffset: answer.stableEnd } : decoded;
}

/** Undefined when it is worth another try. */
async function fetchOnce({ network, directory, fetchBytes }: ReaderOptions, topic: string, partition: number, offset: number): Promise<Fetched | undefined> {
  try {
    const leader = (await directory.topic(topic)).leaders[partition] ?? -1;
    if (leader < 0) { directory.forget(topic); return undefined; }
    const limits = { maxWaitMillis: MAX_WAIT_MILLIS, minBytes: 1, maxBytes: fetchBytes, maxPartitionBytes: fetchBytes };
    const answer = await network.send(leader, fetch(limits, [{ topic, partitions: [{ partition, offset }] }]));
    const found = answer.partitions[0];
    if (answer.code !== KafkaCode.NONE) throw refusal(answer.code, `${topic}/${partition}`);
    // A quota is used up: the broker answers with nothing, and the next request waits as long as it asked for.
    if (!found) return undefined;
    if (STALE_LEADER.has(found.code)) { directory.forget(topic); return undefined; }
    if (found.code !== KafkaCode.NONE && found.code !== KafkaCode.OFFSET_OUT_OF_RANGE) throw refusal(found.code, `${topic}/${partition}`);
    return found;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    directory.forget(topic);
    return undefined;
  }
}
