/** For tests only: writers and followers of conversations, who hold what arrives against what was accepted. */
import { once } from 'node:events';
import WebSocket from 'ws';
import { systemClock } from '../../platform/clock.js';
import { eventually } from '../../platform/testing.js';
import { post, type Frame } from '../testing.js';

export interface Crowd {
  /** Where messages go. */
  readonly ingress: () => string;
  /** Where sockets go; a follower takes the next one after a loss. */
  readonly egress: () => readonly string[];
}

/** One conversation: writes messages with keys, follows the outcomes, resumes after each loss from the last that it saw. */
export class Follower {
  /** Ids of messages that were accepted, in order. */
  readonly accepted: string[] = [];
  /** Their texts. */
  private readonly written: string[] = [];
  /** Text of the message that was sent and not accepted yet. */
  private pending: string | undefined;
  /** Ids of the messages whose outcome arrived, in order of arrival. */
  readonly outcomes: string[] = [];
  readonly positions: string[] = [];
  /** `ready` frames that said that outcomes can no longer be had. */
  unrecovered = 0;
  /** Milliseconds from each loss of the socket until the next `ready`. */
  readonly resumed: number[] = [];
  losses = 0;
  /** Requests that were answered 503, or not at all. */
  refused = 0;
  isReady = false;
  private after: string | undefined;
  private socket: WebSocket | undefined;
  private turn: number;
  private lostAt: number | undefined;
  private ended = false;

  constructor(private readonly crowd: Crowd, readonly conversation: string, index: number) { this.turn = index; }

  /** Connects, again and again until `end`. */
  connect(): void {
    if (this.ended) return;
    const nodes = this.crowd.egress();
    const url = nodes[this.turn % nodes.length] ?? '';
    this.turn += 1;
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/conversations/${this.conversation}/stream${this.after === undefined ? '' : `?after=${this.after}`}`, ['confab.v1'], { handshakeTimeout: 10_000 });
    this.socket = socket;
    socket.on('message', (data: Buffer) => { if (this.socket === socket) this.take(JSON.parse(data.toString()) as Frame); });
    socket.on('error', () => { /* it closes */ });
    socket.once('close', () => {
      if (this.socket !== socket) return;
      if (this.isReady) { this.losses += 1; this.lostAt = performance.now(); }
      this.isReady = false;
      systemClock.after(50 + 7 * (this.turn % 40), () => { this.connect(); });
    });
  }

  private take(frame: Frame): void {
    const { type, position, inReplyTo, recovered } = frame;
    if (type === 'ready') {
      if (recovered === false) this.unrecovered += 1;
      this.after ??= position;
      this.isReady = true;
      if (this.lostAt !== undefined) this.resumed.push(performance.now() - this.lostAt);
      this.lostAt = undefined;
    } else if (type === 'reply' || type === 'outcome') {
      this.outcomes.push(inReplyTo ?? '');
      this.positions.push(position ?? '');
      this.after = position;
    }
  }

  /** Sends a message, or the one that was not accepted the last time, with its key; whether it was accepted. */
  async write(text: string): Promise<boolean> {
    this.pending ??= text;
    const answer = await post(this.crowd.ingress(), this.conversation, this.pending, this.keyOf(this.accepted.length)).catch(() => undefined);
    if (answer?.status === 202) {
      this.accepted.push(answer.body.messageId);
      this.written.push(this.pending);
      this.pending = undefined;
      return true;
    }
    if (answer !== undefined && answer.status !== 503) throw new Error(`status ${answer.status} ${answer.body.code ?? ''}`);
    this.refused += 1;
    if (this.refused > 5_000) throw new Error('never accepted');
    return false;
  }

  /** Whether a message was sent that may be accepted, or not. */
  get inDoubt(): boolean { return this.pending !== undefined; }

  /** Sends every `step`-th message that was accepted once more, with its key; those that were not answered as what they are. */
  async repeat(step: number): Promise<string[]> {
    const wrong: string[] = [];
    for (let i = 0; i < this.accepted.length; i += step) {
      const { status, body } = await post(this.crowd.ingress(), this.conversation, this.written[i] ?? '', this.keyOf(i));
      if (status !== 202 || !body.duplicate || body.messageId !== this.accepted[i]) wrong.push(`${this.keyOf(i)}: ${status} ${JSON.stringify(body)}, not ${this.accepted[i] ?? ''}`);
    }
    return wrong;
  }

  private keyOf(i: number): string { return `${this.conversation}-${i}`; }

  /** Cuts the connection without a word. */
  cut(): void { this.socket?.terminate(); }

  async end(): Promise<void> {
    this.ended = true;
    const socket = this.socket;
    this.socket = undefined;
    if (socket === undefined || socket.readyState === WebSocket.CLOSED) return;
    const closed = once(socket, 'close').catch(() => undefined);
    socket.terminate();
    await closed;
  }
}

/** Many followers, who write while the test does what it does. */
export class Followers {
  readonly all: readonly Follower[];
  private stopped = false;
  private ended = false;
  private readonly writing: Promise<unknown>;

  private constructor(crowd: Crowd, count: number, writers: number) {
    this.all = Array.from({ length: count }, (_, i) => new Follower(crowd, `c${i}`, i));
    for (const follower of this.all) follower.connect();
    this.writing = this.everyoneFollows().then(() => Promise.all(Array.from({ length: writers }, (_, i) => this.write(i, writers))));
    this.writing.catch(() => { /* `settle` reports it */ });
  }

  /** `writers` messages are under way at any time. All ends with the test. */
  static async start(t: { after(run: () => Promise<void>): void }, crowd: Crowd, size: { readonly count: number; readonly writers: number }): Promise<Followers> {
    const followers = new Followers(crowd, size.count, size.writers);
    t.after(async () => { followers.ended = true; await Promise.all(followers.all.map((follower) => follower.end())); });
    await followers.everyoneFollows();
    return followers;
  }

  get accepted(): number { return this.all.reduce((sum, { accepted }) => sum + accepted.length, 0); }
  get answered(): number { return this.all.reduce((sum, { outcomes }) => sum + outcomes.length, 0); }

  /** Every socket stands. */
  everyoneFollows(millis = 120_000): Promise<void> {
    return eventually('every socket is ready', () => this.all.every(({ isReady }) => isReady), millis);
  }

  /** Another `count` messages are accepted and answered. */
  async flow(count: number, millis = 120_000): Promise<void> {
    const [accepted, answered] = [this.accepted + count, this.answered + count];
    await eventually(`${count} messages are accepted and answered`, () => this.accepted >= accepted && this.answered >= answered, millis).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}: ${this.accepted} accepted, ${this.answered} answered`);
    });
  }

  /** Whatever was accepted until now is answered. */
  async caughtUp(millis = 120_000): Promise<void> {
    const from = this.all.map(({ accepted }) => accepted.length);
    const left = (): Follower[] => this.all.filter(({ outcomes }, i) => outcomes.length < (from[i] ?? 0));
    await eventually('what was accepted is answered', () => left().length === 0, millis).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}: not ${left().map(({ conversation }) => conversation).join(', ')}`);
    });
  }

  /** Another message of every conversation is accepted and answered: nobody is left out. */
  async everyoneFlows(millis = 120_000): Promise<void> {
    const from = this.all.map(({ accepted, outcomes }) => ({ accepted: accepted.length, outcomes: outcomes.length }));
    const left = (): Follower[] => this.all.filter(({ accepted, outcomes }, i) => accepted.length <= (from[i]?.accepted ?? 0) || outcomes.length <= (from[i]?.outcomes ?? 0));
    await eventually('every conversation goes on', () => left().length === 0, millis).catch((thrown: unknown) => {
      throw new Error(`${String(thrown)}: not ${left().map(({ conversation }) => conversation).join(', ')}`);
    });
  }

  /** Ends writing, what is in doubt last, and waits for the last outcome; then gives what is not as it was promised, a line each. */
  async settle(millis = 120_000): Promise<string[]> {
    this.stopped = true;
    await this.writing;
    await eventually('all is answered', () => this.all.every(({ accepted, outcomes }) => outcomes.length >= accepted.length), millis).catch(() => undefined);
    return this.all.flatMap(({ conversation, accepted, outcomes, positions, unrecovered }) => [
      ...(JSON.stringify(outcomes) === JSON.stringify(accepted) ? [] : [`${conversation}: ${accepted.length} accepted, ${outcomes.length} outcomes, ${new Set(outcomes).size} different`]),
      ...(positions.every((position, i) => i === 0 || position > (positions[i - 1] ?? '')) ? [] : [`${conversation}: out of order`]),
      ...(unrecovered === 0 ? [] : [`${conversation}: told ${unrecovered} times that outcomes are lost`]),
    ]);
  }

  /** Each conversation has one writer: its keys are counted by what was accepted. One that is refused holds up no other. */
  private async write(first: number, step: number): Promise<void> {
    const mine = this.all.filter((_follower, i) => i % step === first);
    let refused = 0;
    for (let turn = 0; !this.ended; turn += 1) {
      const open = this.stopped ? mine.filter(({ inDoubt }) => inDoubt) : mine;
      const follower = open[turn % open.length];
      if (follower === undefined) return;
      refused = await follower.write(`message ${turn}`) ? 0 : refused + 1;
      await systemClock.sleep(refused >= open.length ? 100 : 5);
    }
  }
}
