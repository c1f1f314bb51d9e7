/**
 * Scope "conversation": inputs of one conversation one after the other, different conversations side by side, also within
 * a partition. What came in is prepared a chunk at a time, of each tenant in turn (tenants.ts), and run (attempts.ts).
 */
import { nextTurn } from '../../platform/clock.js';
import type { StateEntry } from '../../platform/state/state-store.js';
import { Attempts, type AttemptOptions } from './attempts.js';
import type { Engine } from './engine.js';
import { FIRST_BACKOFF, MAX_BACKOFF } from './failure.js';
import { FinishedQueue } from './finished-queue.js';
import { FairQueue, TenantNames } from './tenants.js';
import type { Finished, Work } from './work.js';

export interface ConversationEngineOptions extends AttemptOptions {
  /** Work is ready to be committed. */
  readonly onFinished: () => void;
}

const CHUNK = 256;
/** Commits and heartbeats get their turn after this long, milliseconds. The clock is asked once in so many inputs. */
const SLICE = { millis: 10, inputs: 32 };

export class ConversationEngine implements Engine {
  private readonly incoming = new FairQueue<Work>();
  private readonly tenants = new TenantNames();
  private readonly attempts: Attempts;
  private readonly finished = new FinishedQueue();
  private pumping = false;
  /** Grows with every `clear`. */
  private life = 0;

  constructor(private readonly options: ConversationEngineOptions) {
    this.attempts = new Attempts(options, (each) => { this.finished.push(each); }, options.onFinished);
  }

  get hasFinished(): boolean { return this.finished.size > 0; }

  get activity(): number { return this.attempts.count; }

  waits(work: Work): boolean { return this.attempts.waits(work); }

  async gain(partition: number): Promise<void> {
    await this.options.state?.view.gain(partition);
  }

  lose(partition: number): void {
    this.options.state?.view.lose(partition);
    this.incoming.filter((work) => work.partition !== partition);
    this.finished.filter((each) => each.work.partition !== partition);
    this.attempts.forget(partition);
  }

  add(works: readonly Work[]): void {
    for (const work of works) this.incoming.push(this.tenants.of(work.key), work);
    if (!this.pumping) void this.pump();
  }

  take(limit: number): Finished[] { return this.finished.take(limit); }

  committed(finished: readonly Finished[], stateOffsets: ReadonlyMap<number, number>): void {
    const state = this.options.state;
    if (state === undefined) return;
    const entries = new Map<number, StateEntry[]>();
    for (const { work, state: entry } of finished) {
      if (entry === undefined) continue;
      state.view.unpin(entry.key);
      const list = entries.get(work.partition);
      if (list === undefined) entries.set(work.partition, [entry]); else list.push(entry);
    }
    for (const [partition, list] of entries) state.view.committed(partition, list, (stateOffsets.get(partition) ?? -1) + 1);
    state.view.trim();
  }

  clear(): void {
    this.life += 1;
    this.incoming.clear();
    this.finished.clear();
    this.attempts.forget();
    this.options.state?.view.clear();
  }

  async close(): Promise<void> {
    await this.options.state?.view.close();
  }

  /** Decodes, loads states and runs what came in, a chunk at a time, so that commits and heartbeats get their turn. */
  private async pump(): Promise<void> {
    this.pumping = true;
    while (this.incoming.size > 0) {
      const life = this.life;
      const chunk = await this.prepared(this.incoming.take(CHUNK), life);
      await this.run(chunk, life);
      if (this.hasFinished) this.options.onFinished();
      if (this.finished.isFull) await this.finished.hasRoom();
      if (this.incoming.size > 0) await nextTurn();
    }
    this.pumping = false;
  }

  private async run(chunk: readonly Work[], life: number): Promise<void> {
    const { clock } = this.options;
    let began = clock.monotonic();
    for (let i = 0; i < chunk.length; i += 1) {
      const work = chunk[i] as Work;
      if (life !== this.life) return;
      if (!work.share.gone) this.attempts.run(work);
      if (i % SLICE.inputs !== 0 || clock.monotonic() - began < SLICE.millis) continue;
      this.options.onFinished();
      await nextTurn();
      began = clock.monotonic();
    }
  }

  /** Tries until the chunk is decoded and its states are there, or its partitions have left. */
  private async prepared(chunk: Work[], life: number): Promise<Work[]> {
    for (let backoff = FIRST_BACKOFF; ; backoff = Math.min(MAX_BACKOFF, backoff * 2)) {
      try {
        await this.prepare(chunk);
        return chunk;
      } catch (error) {
        this.options.logger.warn({ err: error }, 'inputs cannot be prepared: trying again');
        await this.options.clock.sleep(backoff);
        chunk = chunk.filter((work) => !work.share.gone);
        if (life !== this.life || chunk.length === 0) return [];
      }
    }
  }

  private async prepare(chunk: readonly Work[]): Promise<void> {
    const waiting = this.options.inputs.decode(chunk);
    if (waiting !== undefined) await waiting;
    const view = this.options.state?.view;
    if (view === undefined) return;
    const missing = new Map<number, string[]>();
    for (const work of chunk) {
      if (view.has(work.key)) continue;
      const keys = missing.get(work.partition);
      if (keys === undefined) missing.set(work.partition, [work.key]); else keys.push(work.key);
    }
    if (missing.size > 0) await Promise.all([...missing].map(([partition, keys]) => view.ensure(partition, keys)));
  }
}
