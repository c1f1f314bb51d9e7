/**
 * Simulated people over sockets: messages go in by ingest sockets, outcomes come back by stream sockets. A conversation has
 * at most one message under way, so an outcome needs no look-up and a second one is seen as a duplicate.
 * Closed loop: so many messages are under way at any time. Open loop: a message every 1/rate s whatever comes back; its
 * latency begins at the time it was due.
 */
import { build, type Histogram } from 'hdr-histogram-js';
import { turnMaker } from '../lib/workload.js';
import { openSocket, type LoadSocket } from './load-socket.js';

export interface LoadSettings {
  readonly ingestUrl: string;
  readonly streamUrl: string;
  /** Each way. */
  readonly sockets: number;
  readonly conversations: number;
  /** Put before every conversation id. */
  readonly name: string;
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** Open loop at this rate; without it a closed loop with `window` under way. */
  readonly rate?: number;
  readonly window?: number;
}

export interface LoadResult {
  readonly turns: number;
  readonly seconds: number;
  readonly turnsPerSecond: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  readonly p999Millis: number;
  readonly maxMillis: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly unanswered: number;
  readonly duplicated: number;
  /** The longest time from due to outcome, milliseconds, by the second of the measured time in which the outcome came. */
  readonly longestBySecond: readonly number[];
  /** Outcomes by second. */
  readonly turnsBySecond: readonly number[];
}

interface Frame {
  readonly type: string;
  readonly ref?: string;
  readonly conversationId?: string;
  readonly inReplyTo?: string | null;
  readonly code?: string;
  readonly retryAfterMs?: number;
}

const ACCEPTED = '{"type":"accepted"';
const UNASKED = '"inReplyTo":null';
/** Due time of a conversation whose message was answered OUTCOME_UNKNOWN. */
const UNCERTAIN = -1;
const GIVE_UP_MILLIS = 30_000;

export class ConversationLoad {
  private readonly ingest: LoadSocket[] = [];
  private readonly streams: LoadSocket[] = [];
  /** When the message under way was (to be) sent; 0: none is. By conversation. */
  private readonly dueAt: Float64Array;
  private readonly idle: number[] = [];
  private readonly text: (index: number) => { readonly text: string };
  private readonly histogram: Histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 120_000_000, numberOfSignificantValueDigits: 3 });
  private readonly rejected: Record<string, number> = {};
  private readonly longestBySecond: number[] = [];
  private readonly turnsBySecond: number[] = [];
  private sent = 0;
  private underWay = 0;
  private turns = 0;
  private duplicated = 0;
  private subscribed = 0;
  private sending = false;
  private measuringSince = Number.POSITIVE_INFINITY;
  private heldUntil = 0;

  private readonly replyStart: string;

  constructor(private readonly settings: LoadSettings) {
    this.replyStart = `{"type":"reply","conversationId":"${settings.name}`;
    this.dueAt = new Float64Array(settings.conversations);
    this.text = turnMaker(settings.conversations);
    for (let i = settings.conversations - 1; i >= 0; i -= 1) this.idle.push(i);
    this.idle.reverse();
  }

  /** Opens the sockets and subscribes to every conversation. */
  async connect(): Promise<void> {
    const { settings } = this;
    for (let i = 0; i < settings.sockets; i += 1) {
      this.ingest.push(await openSocket(`${settings.ingestUrl}/v1/ingest`, 'confab.ingest.v1', (text) => { this.onIngest(text); }));
      this.streams.push(await openSocket(`${settings.streamUrl}/v1/stream`, 'confab.v1', (text) => { this.onStream(text); }));
    }
    for (let i = 0; i < settings.conversations; i += 1) {
      this.socketOf(this.streams, i).send(JSON.stringify({ type: 'subscribe', conversationId: settings.name + i }));
    }
    const patience = performance.now() + 60_000;
    while (this.subscribed < settings.conversations) {
      if (performance.now() > patience) throw new Error(`${this.subscribed} of ${settings.conversations} conversations were subscribed within 60 s`);
      await pause(20);
    }
  }

  /** `ended`: the measured time is over earlier. */
  async run(on: { measuring(): void; measured(): void }, ended: Promise<void>): Promise<LoadResult> {
    const { settings } = this;
    this.sending = true;
    const ticking = settings.rate === undefined ? setInterval(() => { this.fill(); }, 20) : this.openLoop(settings.rate);
    await pause(settings.warmupSeconds * 1000);
    const began = performance.now();
    this.measuringSince = began;
    on.measuring();
    await Promise.race([pause(settings.seconds * 1000), ended]);
    const { turns } = this;
    const seconds = (performance.now() - began) / 1000;
    on.measured();
    this.sending = false;
    clearInterval(ticking);
    // Those that were due in the measured time still count, however late they come.
    const patience = performance.now() + GIVE_UP_MILLIS;
    while (this.underWay > 0 && performance.now() < patience) await pause(20);
    for (const socket of [...this.ingest, ...this.streams]) socket.close();
    return this.result(turns, seconds);
  }

  private result(turns: number, seconds: number): LoadResult {
    const millis = (percentile: number): number => this.histogram.getValueAtPercentile(percentile) / 1000;
    return {
      turns, seconds, turnsPerSecond: turns / seconds, p50Millis: millis(50), p99Millis: millis(99), p999Millis: millis(99.9), maxMillis: this.histogram.maxValue / 1000,
      rejected: this.rejected, unanswered: this.underWay, duplicated: this.duplicated, longestBySecond: this.longestBySecond, turnsBySecond: this.turnsBySecond,
    };
  }

  private openLoop(rate: number): NodeJS.Timeout {
    const began = performance.now();
    let next = 0;
    return setInterval(() => {
      for (const now = performance.now(); began + next * 1000 / rate <= now; next += 1) this.sendNext(began + next * 1000 / rate);
    }, 1);
  }

  private fill(): void {
    if (this.settings.rate !== undefined || !this.sending || performance.now() < this.heldUntil) return;
    while (this.underWay < (this.settings.window ?? 1) && this.idle.length > 0) this.sendNext(performance.now());
  }

  private sendNext(due: number): void {
    const conversation = this.idle.shift();
    if (conversation === undefined) throw new Error('every conversation has a message under way: more conversations are needed for this rate');
    this.dueAt[conversation] = due;
    this.underWay += 1;
    const { text } = this.text(this.sent);
    this.sent += 1;
    this.socketOf(this.ingest, conversation).send(JSON.stringify({ type: 'message', ref: String(conversation), conversationId: this.settings.name + conversation, text }));
  }

  private onIngest(text: string): void {
    if (text.startsWith(ACCEPTED)) return;
    const frame = JSON.parse(text) as Frame;
    if (frame.type !== 'rejected') return;
    const code = frame.code ?? 'unknown';
    this.rejected[code] = (this.rejected[code] ?? 0) + 1;
    if (frame.retryAfterMs !== undefined) this.heldUntil = performance.now() + frame.retryAfterMs;
    if (code === 'CONFAB_OUTCOME_UNKNOWN') this.giveUp(Number(frame.ref)); else this.release(Number(frame.ref));
  }

  private onStream(text: string): void {
    // Nearly all frames: what the load costs is time that the program does not have.
    if (text.startsWith(this.replyStart) && !text.includes(UNASKED)) { this.answered(Number(text.slice(this.replyStart.length, text.indexOf('"', this.replyStart.length)))); return; }
    const frame = JSON.parse(text) as Frame;
    if (frame.type === 'ready') { this.subscribed += 1; return; }
    // With a time to wait it is no fault: the subscription goes on by itself.
    if (frame.type === 'error' && frame.retryAfterMs === undefined) throw new Error(`the stream told ${frame.code}`);
    if ((frame.type !== 'reply' && frame.type !== 'outcome') || frame.inReplyTo === null) return;
    this.answered(Number(frame.conversationId?.slice(this.settings.name.length)));
  }

  private answered(conversation: number): void {
    const due = this.dueAt[conversation] ?? 0;
    if (due === UNCERTAIN) return;
    if (due === 0) { this.duplicated += 1; return; }
    const now = performance.now();
    if (now >= this.measuringSince) { this.turns += 1; this.bySecond(now, due); }
    // What was due before belongs to the warm-up, however late it comes.
    if (due >= this.measuringSince) this.histogram.recordValue(Math.max(1, Math.round((now - due) * 1000)));
    this.release(conversation);
  }

  /** The message may have been written, or not: whatever comes for it is right. The conversation is used no more. */
  private giveUp(conversation: number): void {
    this.dueAt[conversation] = UNCERTAIN;
    this.underWay -= 1;
  }

  private bySecond(now: number, due: number): void {
    const second = Math.floor((now - this.measuringSince) / 1000);
    while (this.turnsBySecond.length <= second) { this.turnsBySecond.push(0); this.longestBySecond.push(0); }
    this.turnsBySecond[second] = (this.turnsBySecond[second] ?? 0) + 1;
    if (due >= this.measuringSince) this.longestBySecond[second] = Math.max(this.longestBySecond[second] ?? 0, Math.round(now - due));
  }

  private release(conversation: number): void {
    this.dueAt[conversation] = 0;
    this.underWay -= 1;
    this.idle.push(conversation);
    this.fill();
  }

  private socketOf(sockets: readonly LoadSocket[], conversation: number): LoadSocket {
    const socket = sockets[conversation % sockets.length];
    if (socket === undefined) throw new Error('no socket is open');
    return socket;
  }
}

const pause = (millis: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, millis); });
