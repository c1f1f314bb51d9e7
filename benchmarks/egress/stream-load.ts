/** Thousands of sockets that follow conversations, resume when they lose their connection, and check what they get. */
import { createHmac } from 'node:crypto';
import { build, type Histogram } from 'hdr-histogram-js';
import { RawStream } from './raw-stream.js';
import { sharedMicros, type FromLoad, type Percentiles, type ResumePlace, type StreamLoadReport, type StreamLoadSettings, type ToLoad } from './load-settings.js';

/** One conversation of one socket, over all of its connections. */
interface Follower {
  readonly index: number;
  conversation: string;
  stream: RawStream | undefined;
  ready: boolean;
  /** The number of the newest reply. */
  newest: number;
  /** Resumes from here; '' before the first `ready`. */
  position: string;
  attempts: number;
  lostAt: number;
}

const [TEXT, POSITION, READY, UNRECOVERED, ANSWERS] = ['"text":"', '"position":"', '{"type":"ready"', '"recovered":false', '"inReplyTo":"'].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer, Buffer, Buffer];
const POSITION_LENGTH = 24;
/** Handshakes under way. */
const CONNECTING = 128;
const SPACE = 0x20;
/** Of the SDK, milliseconds. */
const FIRST_BACK_OFF = 500;

export class StreamLoad {
  private readonly followers: Follower[];
  /** By follower: made before anything is measured. */
  private tokens: readonly string[];
  private readonly waiting: Follower[] = [];
  private connecting = 0;
  private readyCount = 0;
  private ended = false;
  private received = 0;
  private skipped = 0;
  private repeated = 0;
  private unrecovered = 0;
  private readonly closes: Record<number, number> = {};
  private readonly resumes = newHistogram();
  private latency = newHistogram();
  private expected: { total: number; count: number; firstMicros: number } | undefined;
  private arrivals: number[] = [];
  private timer: NodeJS.Timeout | undefined;
  private onReady: (() => void) | undefined;
  private cpu = process.cpuUsage();
  private bytesPerSecond = 0;

  constructor(private readonly settings: StreamLoadSettings, private readonly tell: (message: FromLoad) => void) {
    this.followers = Array.from({ length: settings.sockets }, (_, index) => ({ index, conversation: settings.name + String(settings.shared ? 0 : index), stream: undefined, ready: false, newest: 0, position: '', attempts: 0, lostAt: 0 }));
    this.tokens = this.makeTokens();
    if (settings.arrivals) this.timer = setInterval(() => { this.tellArrivals(); }, 50);
  }

  /** Resolves when every subscription stands. */
  connect(): Promise<void> {
    return new Promise((resolve) => {
      this.onReady = resolve;
      if (this.settings.held) { for (const follower of this.followers) this.comeWithin(FIRST_BACK_OFF, follower); return; }
      this.waiting.push(...this.followers);
      this.connectMore();
    });
  }

  take(message: ToLoad): void {
    switch (message.type) {
      case 'expect': this.expected = { total: message.total, count: 0, firstMicros: 0 }; break;
      case 'measure': this.latency = newHistogram(); this.cpu = process.cpuUsage(); break;
      case 'pace': this.pace(message.bytesPerSecond); break;
      case 'report': this.tellArrivals(); this.tell({ type: 'report', report: this.report() }); break;
      case 'end': this.end(); break;
      case 'places': this.place(message.places); break;
      case 'connect': break;
    }
  }

  private makeTokens(): string[] {
    const { secret } = this.settings;
    return secret === undefined ? [] : this.followers.map(({ conversation, index }) => tokenFor(secret, conversation, index));
  }

  private place(places: readonly ResumePlace[]): void {
    places.forEach((place, i) => { Object.assign(this.followers[i] ?? {}, place); });
    this.tokens = this.makeTokens();
  }

  private end(): void {
    this.ended = true;
    clearInterval(this.timer);
    for (const { stream } of this.followers) stream?.close();
  }

  private pace(bytesPerSecond: number): void {
    this.bytesPerSecond = bytesPerSecond;
    for (const { stream } of this.followers.slice(0, this.settings.slow)) stream?.pace(bytesPerSecond);
  }

  private report(): StreamLoadReport {
    const { user, system } = process.cpuUsage(this.cpu);
    const { received, skipped, repeated, unrecovered, closes } = this;
    return {
      ready: this.readyCount, received, skipped, repeated, unrecovered, closes,
      newest: this.followers.reduce((sum, { newest }) => sum + newest, 0), resumes: percentiles(this.resumes), latency: percentiles(this.latency), cpuMicros: user + system,
    };
  }

  private connectMore(): void {
    while (this.connecting < CONNECTING && !this.ended) {
      const follower = this.waiting.shift();
      if (follower === undefined) return;
      this.connecting += 1;
      this.open(follower);
    }
  }

  private open(follower: Follower): void {
    const { urls, path } = this.settings;
    // The next node when its own is away: what a balancer does.
    const url = urls[(follower.index + follower.attempts) % urls.length] ?? '';
    const target = {
      url, path: path ?? `/v1/conversations/${follower.conversation}/stream${follower.position === '' ? '' : `?after=${follower.position}`}`,
      token: this.tokens[follower.index], subprotocol: path === undefined ? 'confab.v1' : undefined,
    };
    let underWay = true;
    const settled = (): void => { if (underWay) { underWay = false; this.connecting -= 1; setImmediate(() => { this.connectMore(); }); } };
    const slow = follower.index < this.settings.slow;
    const stream = new RawStream(target, {
      opened: () => { settled(); if (path !== undefined) this.nowReady(follower); },
      text: (buffer, start, end) => { this.text(follower, buffer, start, end); },
      closed: (code, retryAfter) => { settled(); this.closed(follower, code, retryAfter); },
    }, slow);
    follower.stream = stream;
    if (slow && this.bytesPerSecond > 0) stream.pace(this.bytesPerSecond);
  }

  private closed(follower: Follower, code: number, retryAfter: number | undefined): void {
    if (this.ended) return;
    this.closes[code] = (this.closes[code] ?? 0) + 1;
    follower.stream = undefined;
    if (follower.ready) { follower.ready = false; this.readyCount -= 1; follower.lostAt = performance.now(); }
    follower.attempts += 1;
    // As the SDK: at random within a time that doubles, and never sooner than the server asks for.
    this.comeWithin(Math.min(5000, FIRST_BACK_OFF * 2 ** Math.min(4, follower.attempts - 1)), follower, retryAfter);
  }

  private comeWithin(millis: number, follower: Follower, after = 0): void {
    setTimeout(() => { this.waiting.push(follower); this.connectMore(); }, after + Math.random() * millis);
  }

  private nowReady(follower: Follower): void {
    if (follower.ready) return;
    follower.ready = true;
    this.readyCount += 1;
    if (follower.lostAt > 0) this.resumes.recordValue(Math.max(1, Math.round((performance.now() - follower.lostAt) * 1000)));
    follower.attempts = 0;
    if (this.readyCount === this.followers.length) this.onReady?.();
  }

  private text(follower: Follower, buffer: Buffer, start: number, end: number): void {
    const frame = buffer.subarray(start, end);
    if (frame.compare(READY, 0, READY.length, 0, READY.length) === 0) {
      if (frame.includes(UNRECOVERED)) this.unrecovered += 1;
      if (follower.position === '') this.keepPosition(follower, frame);
      this.nowReady(follower);
      return;
    }
    // What no message asked for (a hand-over, a timer, who types) is no outcome.
    if (this.settings.path === undefined && !frame.includes(ANSWERS)) return;
    const now = sharedMicros();
    this.count(now);
    if (this.settings.arrivals) { this.arrivals.push(follower.index, now); return; }
    if (this.settings.path !== undefined) return;
    this.keepPosition(follower, frame);
    this.check(follower, frame, now);
  }

  private keepPosition(follower: Follower, frame: Buffer): void {
    const at = frame.indexOf(POSITION) + POSITION.length;
    follower.position = frame.toString('latin1', at, at + POSITION_LENGTH);
  }

  private check(follower: Follower, frame: Buffer, now: number): void {
    let at = frame.indexOf(TEXT) + TEXT.length;
    const number = (): number => {
      let value = 0;
      for (; frame[at] !== SPACE; at += 1) value = value * 10 + (frame[at] ?? 0) - 0x30;
      at += 1;
      return value;
    };
    const place = number();
    if (place <= follower.newest) { this.repeated += 1; return; }
    this.skipped += place - follower.newest - 1;
    follower.newest = place;
    if (follower.index >= this.settings.slow) this.latency.recordValue(Math.max(1, now - number()));
  }

  private count(now: number): void {
    this.received += 1;
    const { expected } = this;
    if (expected === undefined) return;
    if ((expected.count += 1) === 1) expected.firstMicros = now;
    if (expected.count === expected.total) this.tell({ type: 'reached', firstMicros: expected.firstMicros, lastMicros: now });
  }

  private tellArrivals(): void {
    if (this.arrivals.length > 0) this.tell({ type: 'arrivals', arrivals: this.arrivals });
    this.arrivals = [];
  }
}

function newHistogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 });
}

function percentiles(of: Histogram): Percentiles {
  return { p50Millis: of.getValueAtPercentile(50) / 1000, p99Millis: of.getValueAtPercentile(99) / 1000, maxMillis: of.maxValue / 1000, count: of.totalCount };
}

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const HEAD = base64({ alg: 'HS256', typ: 'JWT' });

/** Every socket is another person: nothing is shared between them on the server. */
function tokenFor(secret: string, conversation: string, index: number): string {
  const claims = base64({ sub: `person-${index}`, iss: 'benchmark', aud: 'confab', exp: Math.floor(Date.now() / 1000) + 3600, scope: 'conversations:read', confab: { conversations: [conversation] } });
  return `${HEAD}.${claims}.${createHmac('sha256', secret).update(`${HEAD}.${claims}`).digest('base64url')}`;
}
