/**
 * Makes a store reflect a partition of its state topic: the one way in which a view of states is made again, whether by the
 * owner that finds it behind or by `confab rebuild`.
 *
 * It holds one rule: the watermark moves from where the store is known to stand to `b` only with every record in between
 * written before. So it may run beside an owner that writes: newer values stay (the store compares `reflects`), and a store
 * that loses what was written on the way refuses the next write.
 */
import { ConfabError } from '../errors.js';
import type { EventLog } from '../event-log/event-log.js';
import type { StateEntry, StateStore } from './state-store.js';

export interface ReplayOptions {
  readonly log: EventLog;
  readonly store: StateStore;
  /** Full name of the state topic, which is the name of the view too. */
  readonly topic: string;
  readonly partition: number;
  readonly epoch: string;
  /** Where to begin reading. */
  readonly from: number;
  /** Where the store is known to stand; `from` or higher. */
  readonly known: number;
  /** Which input a state record reflects; undefined: it is not readable and left out. */
  readonly reflects: (bytes: Buffer) => string | undefined | Promise<string | undefined>;
  readonly signal?: AbortSignal;
  /** Records read so far. */
  readonly onProgress?: (records: number) => void;
}

export interface Replayed {
  /** Records read, tombstones and what is not readable too. */
  readonly records: number;
  /** Values written. */
  readonly written: number;
  /** Where the store stands at least. */
  readonly reached: number;
}

/** Values written at once: what every store takes in one step, so that no write of another comes in between. */
const CHUNK = 200;

/** @throws CONFAB_STATE_UNAVAILABLE (it may be tried again), CONFAB_LOG_UNAVAILABLE, the signal's reason */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const { log, topic, partition, from, signal } = options;
  const writer = new Writer(options);
  let records = 0;
  let reached = from;
  // To the end of what anyone has committed: a transaction that is decided is visible only once its markers are written.
  const end = await log.settledEnd(topic, partition);
  for await (const batch of log.read(topic, partition, from, end)) {
    signal?.throwIfAborted();
    for (const { key, value, offset } of batch.records) {
      records += 1;
      if (key === null || value === null) continue;
      const found = options.reflects(value);
      const reflects = typeof found === 'string' || found === undefined ? found : await found;
      if (reflects === undefined) continue;
      writer.add({ key, value, reflects });
      if (writer.waiting >= CHUNK) await writer.write(offset + 1);
    }
    reached = Math.max(reached, batch.nextOffset);
    options.onProgress?.(records);
  }
  await writer.write(reached);
  return { records, written: writer.written, reached: Math.max(reached, options.known) };
}

class Writer {
  written = 0;
  private entries = new Map<string, StateEntry>();
  private stands: number;
  private upTo: number;

  constructor(private readonly options: ReplayOptions) {
    this.stands = options.known;
    this.upTo = options.from;
  }

  get waiting(): number { return this.entries.size; }

  add(entry: StateEntry): void { this.entries.set(entry.key, entry); }

  /** Everything that was read below `reached`. */
  async write(reached: number): Promise<void> {
    if (reached <= this.upTo && this.entries.size === 0) return;
    const { store, topic, partition, epoch } = this.options;
    const entries = [...this.entries.values()];
    this.entries = new Map();
    const taken = await store.write(topic, partition, entries, { epoch, offset: reached }, this.stands);
    if (!taken) throw new ConfabError('CONFAB_STATE_UNAVAILABLE', { detail: `The state store lost partition ${partition} of ${topic} while it was rebuilt.` });
    this.written += entries.length;
    this.upTo = reached;
    this.stands = Math.max(this.stands, reached);
  }
}
