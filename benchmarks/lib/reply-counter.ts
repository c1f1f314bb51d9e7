/** Reads the committed replies of a run and tells when shares of them have been reached. Counts records only. */
import { topicName } from '../../topology/topology.js';
import { BenchmarkError, progress } from './benchmark.js';
import { kafkaClient } from './topics.js';

export interface Mark {
  readonly count: number;
  /** Milliseconds, monotonic. */
  readonly at: number;
}

export interface CountOptions {
  readonly brokers: string;
  readonly prefix: string;
  readonly total: number;
  /** Called at the first batch that brings the count to this share of the total. */
  readonly marks: readonly { readonly share: number; readonly reached: (mark: Mark) => void }[];
  /** Without a reply for so long the run is given up. */
  readonly stallMillis?: number;
}

/** Begins to count; `done` settles when all were read. Call `stop` in any case. */
export async function countReplies(options: CountOptions): Promise<{ done: Promise<void>; stop(): Promise<void> }> {
  const consumer = kafkaClient(options.brokers).consumer({ groupId: `${options.prefix}counter`, maxWaitTimeInMs: 50, readUncommitted: false });
  await consumer.connect();
  await consumer.subscribe({ topic: topicName(options.prefix, 'replies.v1'), fromBeginning: true });
  const waiting = [...options.marks].sort((a, b) => a.share - b.share);
  let count = 0;
  // A reader that had to connect again begins anew: what it has counted before is not counted twice.
  const nextOffset = new Map<number, number>();
  let lastAt = performance.now();
  let settle: { resolve(): void; reject(error: Error): void } | undefined;
  const done = new Promise<void>((resolve, reject) => { settle = { resolve, reject }; });
  const watch = setInterval(() => {
    progress(`  ${count} of ${options.total} replies`);
    if (performance.now() - lastAt > (options.stallMillis ?? 180_000)) settle?.reject(new BenchmarkError(`no reply came for a while; ${count} of ${options.total} were read`));
  }, 2000);
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: true,
    eachBatch: async ({ batch }) => {
      const known = nextOffset.get(batch.partition) ?? 0;
      count += Number(batch.firstOffset()) >= known ? batch.messages.length : batch.messages.filter((record) => Number(record.offset) >= known).length;
      nextOffset.set(batch.partition, Math.max(known, Number(batch.lastOffset()) + 1));
      lastAt = performance.now();
      for (let mark = waiting[0]; mark !== undefined && count >= mark.share * options.total; mark = waiting[0]) {
        waiting.shift();
        mark.reached({ count, at: lastAt });
      }
      if (count >= options.total) settle?.resolve();
    },
  });
  return { done, stop: async () => { clearInterval(watch); await consumer.disconnect(); } };
}
