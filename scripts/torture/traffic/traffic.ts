/**
 * Open-loop traffic: messages arrive at random times at a fixed rate, whether or not earlier ones have their answers. Most have
 * an idempotency key and are repeated until it is known that they were accepted; some are sent twice at once, some again much
 * later, and some keys are used for another text, which must be refused.
 */
import { CLERK } from '../installation/bots.js';
import type { Answer, Door, Letter } from './door.js';
import type { Ledger, Sent } from './ledger.js';

export interface TrafficOptions {
  readonly ledger: Ledger;
  /** A door for one attempt; undefined when there is none. */
  readonly door: () => Door | undefined;
  readonly random: () => number;
  /** Messages a second. */
  readonly rate: number;
}

/** Shares of the arrivals. */
const KEYED = 0.65;
/** Of those with a key. */
const TWIN = 0.12;
const REPEATED = 0.08;
const OTHER_BODY = 0.04;
/** Of all: a text that is refused. */
const MALFORMED = 0.01;
/** What waits for its answer, at most: beyond it arrivals are counted as skipped. */
const MOST_OPEN = 1_500;
const REPEAT_WITHIN = 15_000;
/** Codes after which the same request would be refused for ever. */
const FINAL = new Set(['CONFAB_IDEMPOTENCY_KEY_REUSED', 'CONFAB_BODY_INVALID', 'CONFAB_FRAME_INVALID', 'CONFAB_IDEMPOTENCY_KEY_INVALID', 'CONFAB_CONVERSATION_ID_INVALID', 'CONFAB_CONVERSATION_FORBIDDEN']);

const PHRASES = ['Where is my parcel?', 'Tell me a joke', 'hello', 'I want to speak of the weather', 'thank you', 'cancel', 'yes', 'no'];
/** For the bot of reminders and actions. */
const WISHES = ['remind me soon', 'remind me soon', 'remind me later', 'a reminder right now', 'remind me tomorrow', 'forget the reminder', 'book a seat', 'book a seat', 'order and pay', 'what number is next', 'hello'];
/** Every so manieth conversation is with it. */
const WITH_CLERK = 3;
export const REFUSED_MARK = 'must-be-refused';

export class Traffic {
  skipped = 0;
  private timer: NodeJS.Timeout | undefined;
  private due = 0;
  private sent = 0;
  private givenUp = false;
  private readonly under = new Set<Promise<void>>();
  /** Late repeats that still wait for their time, and how to have it at once. */
  private readonly naps = new Set<() => void>();
  private ending = false;

  constructor(private readonly options: TrafficOptions) {}

  get open(): number { return this.under.size; }

  start(): void {
    this.due = performance.now();
    this.timer = setInterval(() => { this.tick(); }, 10);
  }

  /** No new messages; late repeats go out at once. */
  stop(): void {
    clearInterval(this.timer);
    this.ending = true;
    for (const wake of [...this.naps]) wake();
  }

  /** What has no answer now is never asked again. */
  giveUp(): void {
    this.stop();
    this.givenUp = true;
  }

  /** Arrivals by a Poisson process; a tick that comes late makes up for it. */
  private tick(): void {
    for (const now = performance.now(); this.due <= now; this.due += -Math.log(1 - this.options.random()) * 1000 / this.options.rate) this.arrive();
  }

  private arrive(): void {
    if (this.under.size >= MOST_OPEN) { this.skipped += 1; return; }
    const { ledger, random } = this.options;
    const ids = [...ledger.conversations.keys()];
    // The square draws some conversations far more often than others.
    const conversation = ids[Math.floor(random() ** 2 * ids.length)] ?? '';
    const count = this.sent++;
    if (random() < MALFORMED) { this.watch(this.malformed(conversation, count)); return; }
    const phrases = botOf(conversation) === undefined ? PHRASES : WISHES;
    const text = `${phrases[Math.floor(random() * phrases.length)] ?? ''} (${count})`;
    this.watch(random() < KEYED ? this.keyed(ledger.begin(conversation, text, `key-${count}`)) : this.once(ledger.begin(conversation, text, undefined)));
  }

  private watch(work: Promise<void>): void {
    this.under.add(work);
    void work.finally(() => this.under.delete(work));
  }

  /** Without a key: one attempt. */
  private async once(sent: Sent): Promise<void> {
    const { ledger } = this.options;
    const answer = await this.attempt(sent);
    if (answer.kind === 'accepted') ledger.acknowledge(sent, answer);
    else if (answer.kind === 'refused') ledger.refuse(sent);
    else ledger.lose(sent);
  }

  private async keyed(sent: Sent): Promise<void> {
    const { random } = this.options;
    const twin = random() < TWIN ? this.untilAccepted(sent) : undefined;
    await this.untilAccepted(sent);
    await twin;
    if (sent.fate !== 'accepted') return;
    if (random() < REPEATED) {
      await this.nap(random() * REPEAT_WITHIN);
      await this.untilAccepted(sent);
    }
    if (random() < OTHER_BODY) await this.otherBody(sent);
  }

  /** The same request again and again until it is known that it was accepted. */
  private async untilAccepted(sent: Sent): Promise<void> {
    const { ledger } = this.options;
    for (let tries = 0; !this.givenUp; tries += 1) {
      const answer = await this.attempt(sent);
      if (answer.kind === 'accepted') { ledger.acknowledge(sent, answer); return; }
      if (FINAL.has(answer.code)) { ledger.contradict('wrong', sent, `a valid message was refused with ${answer.code}`); if (sent.fate === 'open') ledger.refuse(sent); return; }
      await this.nap(backOff(answer, tries, this.options.random), false);
    }
    if (sent.fate === 'open') ledger.lose(sent);
  }

  /** Its key with another text: must be refused for good. */
  private async otherBody(sent: Sent): Promise<void> {
    const { ledger } = this.options;
    for (let tries = 0; tries < 5 && !this.givenUp; tries += 1) {
      const answer = await this.attempt({ conversation: sent.conversation, text: `${REFUSED_MARK}: ${sent.text}`, key: sent.key });
      if (answer.code === 'CONFAB_IDEMPOTENCY_KEY_REUSED') return;
      if (answer.kind === 'accepted') { ledger.contradict('duplicated', sent, `key ${sent.key ?? ''} was accepted again with another text, as ${answer.messageId} at ${answer.position}`); return; }
      await this.nap(backOff(answer, tries, this.options.random), false);
    }
  }

  private async malformed(conversation: string, count: number): Promise<void> {
    const { ledger } = this.options;
    const answer = await this.attempt({ conversation, text: `${REFUSED_MARK}: \u0007 ${count}`, key: undefined });
    if (answer.kind === 'accepted') ledger.contradictions.push({ kind: 'wrong', conversation, position: answer.position, detail: 'a text with a control character was accepted' });
  }

  private async attempt(letter: Letter): Promise<Answer & { code: string }> {
    const answer = await (this.options.door()?.send({ ...letter, bot: botOf(letter.conversation) }) ?? Promise.resolve<Answer>({ kind: 'refused', code: 'no process', retryAfterMs: undefined }));
    const code = answer.kind === 'accepted' ? (answer.duplicate ? 'accepted, duplicate' : 'accepted') : answer.code;
    this.options.ledger.count(code);
    return { ...answer, code };
  }

  /** Sleeps; the end of the traffic wakes those that only put something off. */
  private nap(millis: number, wakes = true): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => { clearTimeout(timer); this.naps.delete(wake); resolve(); };
      const timer = setTimeout(wake, wakes && this.ending ? 0 : millis);
      if (wakes) this.naps.add(wake);
    });
  }
}

function botOf(conversation: string): string | undefined { return Number(conversation.slice(1)) % WITH_CLERK === 0 ? CLERK : undefined; }

/** Somewhat less than the server asks for: a client that is early must be told so, not harmed. */
function backOff(answer: Answer, tries: number, random: () => number): number {
  const asked = answer.kind === 'accepted' ? 0 : Math.min(answer.retryAfterMs ?? 0, 3_000);
  return Math.max(asked, Math.min(200 * 1.5 ** tries, 4_000)) * (0.5 + random() * 0.5);
}
