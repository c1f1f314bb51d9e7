/** One replay: conversations side by side, the turns of each in order. */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../../platform/clock.js';
import type { Secret } from '../../platform/config.js';
import { ConfabError } from '../../platform/errors.js';
import type { Random } from '../../platform/random.js';
import type { Dialogue } from './dialogues.js';
import { Follower } from './follower.js';
import { HttpClient } from './http-client.js';
import { ANSWER_MILLIS, emptyVerdict, Ledger, type Verdict } from './ledger.js';
import { summarize, type ReplayResult } from './report.js';

export interface ReplayOptions {
  readonly dialogues: readonly Dialogue[];
  readonly url: string;
  /** Where streams and events are, when egress is not behind the same address. Default: `url`. */
  readonly egressUrl?: string;
  readonly token: Secret | undefined;
  /** Put before every conversation id, so that runs do not meet. */
  readonly runId: string;
  readonly concurrency: number;
  /** Messages a second at most; undefined: as fast as answers come. */
  readonly rate: number | undefined;
  /** Send the next turn when the last was accepted, not when it was answered. */
  readonly pipeline: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly accepted: number; readonly answered: number }) => void;
  /** How long an unreachable server is waited for. Default 120 s. */
  readonly patience?: number;
  /** How long an outcome is waited for. Default 30 s; shorter in tests. */
  readonly answerMillis?: number;
  /** How long to listen for surplus outcomes at the end. Default 300 ms. */
  readonly listenMillis?: number;
}

interface Conversation {
  readonly id: string;
  readonly dialogue: Dialogue;
  readonly ledger: Ledger;
  readonly waiters: Map<string, () => void>;
  gap: boolean;
}

/** Ids: 1 to 128 of `A-Za-z0-9._:-`; the number keeps them apart where names differ in other characters only. */
export function conversationIdOf(runId: string, index: number, name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]/g, '_');
  const short = plain.length <= 64 ? plain : createHash('sha256').update(name).digest('hex').slice(0, 32);
  return `replay-${runId}-${index}-${short}`;
}

export class Replay {
  private readonly http: HttpClient;
  private readonly history: HttpClient;
  private readonly follower: Follower;
  private readonly stop = new AbortController();
  private readonly conversations: Conversation[];
  private readonly progress = { accepted: 0, answered: 0 };
  private fatal: ConfabError | undefined;
  private readonly refused: string[] = [];
  private refusals = 0;
  private reconnects = 0;
  private nextSlot = 0;
  private lastEvent = 0;
  private readonly answerMillis: number;

  constructor(private readonly options: ReplayOptions) {
    const { url, token, clock, random, concurrency } = options;
    const patience = options.patience ?? 120_000;
    this.answerMillis = options.answerMillis ?? ANSWER_MILLIS;
    const signal = AbortSignal.any([options.signal, this.stop.signal]);
    setMaxListeners(0, signal, options.signal, this.stop.signal);
    const connections = Math.min(concurrency, 256);
    const egressUrl = options.egressUrl ?? url;
    this.http = new HttpClient({ url, token, connections, patience, clock, random, signal });
    this.history = new HttpClient({ url: egressUrl, token, connections, patience, clock, random, signal });
    this.follower = new Follower({
      url: egressUrl, token, clock, random, patience,
      onFatal: (error) => { this.fatal ??= error; this.stop.abort(error); },
      onReconnect: () => { this.reconnects += 1; this.lastEvent = clock.monotonic(); },
    });
    this.conversations = options.dialogues.map((dialogue, index) => ({
      id: conversationIdOf(options.runId, index, dialogue.name), dialogue, ledger: new Ledger(), waiters: new Map<string, () => void>(), gap: false,
    }));
  }

  /**
   * Sends everything, waits for the outcomes and judges. After `signal` it judges what was done until then.
   * @throws what the server refused the streams with, CONFAB_SERVER_UNREACHABLE
   */
  async run(): Promise<ReplayResult> {
    const { clock, concurrency, signal } = this.options;
    const begun = clock.monotonic();
    this.nextSlot = begun;
    try {
      const queue = this.conversations.values();
      const worker = async (): Promise<void> => {
        for (const conversation of queue) await this.converse(conversation);
      };
      await Promise.all(Array.from({ length: Math.min(concurrency, this.conversations.length) }, worker));
      await this.settle();
      await this.confirm();
    } catch (error) {
      if (this.fatal) throw this.fatal;
      if (!signal.aborted) throw error;
    } finally {
      this.stop.abort(new Error('the replay has ended'));
      this.follower.close();
      this.http.close();
      this.history.close();
    }
    return this.result(clock.monotonic() - begun);
  }

  private async converse(conversation: Conversation): Promise<void> {
    const { clock } = this.options;
    await this.orStop(this.follower.follow({
      conversationId: conversation.id,
      outcome: (inReplyTo, position) => {
        if (!conversation.ledger.isAnswered(inReplyTo)) { this.progress.answered += 1; this.options.onProgress?.(this.progress); }
        conversation.ledger.outcome(inReplyTo, position, clock.monotonic());
        conversation.waiters.get(inReplyTo)?.();
      },
      gap: () => { conversation.gap = true; },
    }));
    for (const [turn, text] of conversation.dialogue.turns.entries()) {
      await this.pace();
      const messageId = await this.sendTurn(conversation, turn, text);
      if (messageId === undefined) return;
      if (!this.options.pipeline) await this.outcomeOf(conversation, messageId);
    }
  }

  /** The message's id; undefined when the server refused it: the conversation ends there. */
  private async sendTurn(conversation: Conversation, turn: number, text: string): Promise<string | undefined> {
    const { clock } = this.options;
    const sentAt = clock.monotonic();
    try {
      const accepted = await this.http.send(conversation.id, `${conversation.id}-${turn}`, text);
      this.lastEvent = clock.monotonic();
      conversation.ledger.accepted(accepted, sentAt, this.lastEvent);
      this.progress.accepted += 1;
      this.options.onProgress?.(this.progress);
      return accepted.messageId;
    } catch (error) {
      if (!(error instanceof ConfabError) || error.code === 'CONFAB_SERVER_UNREACHABLE') throw error;
      this.refusals += 1;
      if (this.refused.length < 5) this.refused.push(`${conversation.dialogue.name}, turn ${turn}: ${error.code}: ${error.detail}`);
      return undefined;
    }
  }

  /** Waits for the outcome, but not longer than it counts as answered; the verdict says what became of it. */
  private async outcomeOf(conversation: Conversation, messageId: string): Promise<void> {
    if (conversation.ledger.isAnswered(messageId)) return;
    const { clock } = this.options;
    await this.orStop(new Promise<void>((resolve) => {
      const timer = clock.after(this.answerMillis, resolve);
      conversation.waiters.set(messageId, () => { timer.cancel(); resolve(); });
    }));
    conversation.waiters.delete(messageId);
  }

  private async pace(): Promise<void> {
    const { clock, rate } = this.options;
    if (rate === undefined) return;
    const now = clock.monotonic();
    const slot = Math.max(this.nextSlot, now);
    this.nextSlot = slot + 1000 / rate;
    if (slot > now) await clock.sleep(slot - now, this.stop.signal);
  }

  /** Waits until everything is answered, or nothing was accepted and no socket came back for as long as an answer may take. */
  private async settle(): Promise<void> {
    const { clock } = this.options;
    const end = clock.monotonic() + (this.options.patience ?? 120_000) + this.answerMillis;
    const open = (): boolean => this.conversations.some(({ ledger }) => ledger.open > 0);
    while (open() && clock.monotonic() < end) {
      if (this.follower.connected && clock.monotonic() - this.lastEvent > this.answerMillis) break;
      await this.orStop(clock.sleep(20));
    }
    await this.orStop(clock.sleep(this.options.listenMillis ?? 300));
  }

  /** What the socket left open or doubtful is looked up in the events. */
  private async confirm(): Promise<void> {
    const { clock } = this.options;
    const doubtful = this.conversations.filter(({ ledger, gap }) => gap || ledger.doubtful).values();
    const worker = async (): Promise<void> => {
      for (const conversation of doubtful) {
        const events = await this.history.events(conversation.id);
        const shift = clock.monotonic() - clock.now();
        conversation.ledger.events(events.filter((event) => (event.type === 'reply' || event.type === 'outcome') && typeof event.inReplyTo === 'string').map((event) => {
          const created = Date.parse(event.createdAt ?? '');
          return { inReplyTo: event.inReplyTo ?? '', position: event.position ?? '', at: (Number.isNaN(created) ? clock.now() : created) + shift };
        }));
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  }

  /** Rejects as soon as the run is stopped. */
  private orStop(promise: Promise<void>): Promise<void> {
    const signals = [this.options.signal, this.stop.signal];
    return new Promise((resolve, reject) => {
      const onAbort = (): void => { reject((this.fatal ?? new Error('stopped'))); };
      if (signals.some(({ aborted }) => aborted)) { onAbort(); return; }
      for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true });
      promise.then(resolve, reject).finally(() => { for (const signal of signals) signal.removeEventListener('abort', onAbort); });
    });
  }

  private result(millis: number): ReplayResult {
    const total: Verdict = emptyVerdict();
    for (const { ledger } of this.conversations) {
      const verdict = ledger.verdict();
      for (const key of Object.keys(total) as (keyof Verdict)[]) total[key] += verdict[key];
    }
    return summarize(total, this.conversations.map(({ ledger }) => ledger), {
      millis, refusals: this.refusals, refused: this.refused, retries: this.http.retries, reconnects: this.reconnects, interrupted: this.options.signal.aborted,
    });
  }
}
