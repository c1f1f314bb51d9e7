/** Who writes messages: with and without idempotency keys, repeated until answered, twice at once, with another body. */
import { bodyHash, keyHash } from '../ingress/acceptance/hashes.js';
import { toConfabError } from '../platform/errors.js';
import type { Message } from '../schemas/types.js';
import type { Ledger } from './checker/ledger.js';
import type { Dice } from './dice.js';
import type { SimulatedProcess } from './process.js';
import { TROUBLES } from './stages.js';
import type { World } from './world.js';

export interface TrafficParts {
  readonly world: World;
  readonly dice: Dice;
  readonly ledger: Ledger;
  /** Processes that take messages now. */
  readonly servers: () => readonly SimulatedProcess[];
}

type Content = Pick<Message, 'kind' | 'text' | 'payload' | 'attributes' | 'author' | 'botId'>;
type Verdict = 'accepted' | 'final' | 'again' | 'unknown';

interface Request { readonly conversation: string; readonly content: Content; readonly key: string | undefined }

const TEXTS = [
  'hello', 'where is my parcel', 'PX123456789DE', 'I want to change my delivery', 'friday', 'thanks', 'when do you open', 'xyzzy plugh', 'bye', 'yes', 'no',
];
/** Of the bot "clerk": an action or a reminder as the next thing. */
const WISHES = ['remind_now', 'remind_soon', 'remind_soon', 'remind_later', 'remind_late', 'forget', 'look', 'book', 'book', 'order'];
const PERSON = { type: 'person', name: null };
/** A sender gives up waiting for an answer. */
const PATIENCE = 8000;
const RETRY = 1500;

export class Traffic {
  /** Requests that have no final answer and are going to be repeated. */
  private open = 0;
  private count = 0;

  constructor(private readonly parts: TrafficParts) {}

  get idle(): boolean { return this.open === 0; }

  /** Sends the messages of the plan, spread over its duration. */
  start(conversations: readonly string[]): void {
    const { world, dice } = this.parts;
    const shares = conversations.map(() => dice.between(0.2, 1));
    const total = shares.reduce((sum, share) => sum + share, 0);
    conversations.forEach((conversation, index) => {
      const messages = Math.max(1, Math.round(world.plan.messages * (shares[index] ?? 0) / total));
      void this.author(conversation, messages);
    });
  }

  private async author(conversation: string, messages: number): Promise<void> {
    const { world, dice } = this.parts;
    const gap = world.plan.duration / (messages + 1);
    this.open += 1;
    for (let i = 0; i < messages; i += 1) {
      // What is left when the faults have ended is sent at once.
      await world.clock.sleep(world.faulty ? dice.wait(gap) : dice.wait(50));
      const sent = this.send(conversation);
      // Some wait for the answer before they write on, others do not.
      if (dice.chance(0.6)) await Promise.race([sent, world.clock.sleep(PATIENCE)]);
    }
    this.open -= 1;
  }

  private async send(conversation: string): Promise<void> {
    const { world, dice } = this.parts;
    const key = dice.chance(world.plan.keyed) ? `k${this.count += 1}` : undefined;
    const request: Request = { conversation, key, content: { ...this.content(conversation), botId: botOf(conversation) } };
    this.open += 1;
    if (key !== undefined && dice.chance(0.2)) void this.repeat(request, dice.wait(30));
    if (key !== undefined && dice.chance(0.1)) void this.repeat({ ...request, content: { ...request.content, text: 'something else' } }, dice.wait(100));
    await this.insist(request);
    this.open -= 1;
    if (key !== undefined && dice.chance(0.2)) void this.repeat(request, dice.wait(10_000));
  }

  private async repeat(request: Request, wait: number): Promise<void> {
    this.open += 1;
    await this.parts.world.clock.sleep(wait);
    await this.insist(request);
    this.open -= 1;
  }

  /** With a key, until the answer is final; without one, as long as nothing was written. */
  private async insist(request: Request): Promise<void> {
    for (;;) {
      const verdict = await this.attempt(request);
      if (verdict === 'accepted' || verdict === 'final' || (verdict === 'unknown' && request.key === undefined)) return;
      await this.parts.world.clock.sleep(this.parts.dice.wait(RETRY));
    }
  }

  private async attempt(request: Request): Promise<Verdict> {
    const { world, dice, servers } = this.parts;
    const candidates = servers();
    if (candidates.length === 0) return 'again';
    const process = dice.pick(candidates);
    const answer = new Promise<Verdict>((resolve) => {
      world.clock.after(dice.wait(2), () => { process.gate.enter(() => { this.hand(process, request, resolve); }); });
    });
    return Promise.race([answer, world.clock.sleep(PATIENCE).then((): Verdict => 'unknown')]);
  }

  /** At the process. */
  private hand(process: SimulatedProcess, { conversation, content, key }: Request, resolve: (verdict: Verdict) => void): void {
    const { world, dice, ledger } = this.parts;
    const message = messageOf(process.newId(), conversation, content, key);
    const attempt = ledger.begin({ conversation, messageId: message.messageId, process: process.name, key, body: message.bodyHash ?? undefined });
    const answer = (verdict: Verdict): void => { if (dice.chance(0.98)) world.clock.after(dice.wait(2), () => { resolve(verdict); }); };
    const refused = (thrown: unknown): void => {
      const { code } = toConfabError(thrown);
      ledger.answer(attempt, code, undefined);
      world.trace.add(process.name, `refuses ${conversation} ${key ?? '-'} ${message.messageId.slice(-4)}: ${code}`);
      answer(code === 'CONFAB_IDEMPOTENCY_KEY_REUSED' ? 'final' : code === 'CONFAB_OUTCOME_UNKNOWN' ? 'unknown' : 'again');
    };
    try {
      process.submit({
        tenant: 'default', conversationId: conversation, message, traceparent: undefined,
        done: (error, accepted) => {
          if (accepted === undefined) { refused(error); return; }
          ledger.answer(attempt, undefined, accepted);
          world.trace.add(process.name, `accepts ${conversation} ${key ?? '-'} ${message.messageId.slice(-4)} at ${accepted.position}${accepted.duplicate ? ' again' : ''}`);
          answer('accepted');
        },
      });
    } catch (error) {
      refused(error);
    }
  }

  private content(conversation: string): Omit<Content, 'botId'> {
    const { dice, world } = this.parts;
    const text = (value: string): Omit<Content, 'botId'> => ({ kind: 'text', text: value, payload: null, attributes: {}, author: PERSON });
    if (dice.chance(world.plan.troubled)) return { ...text(dice.pick(TEXTS)), attributes: { trouble: `${dice.pick(['intent', 'dialogue'])}:${dice.pick(TROUBLES)}` } };
    if (dice.chance(0.05)) return text('a long story '.repeat(150));
    if (dice.chance(0.03)) return { kind: 'agent', text: 'a person here', payload: null, attributes: {}, author: { type: 'agent', name: 'Ann' } };
    if (dice.chance(0.03)) return { kind: 'handoff', text: null, payload: JSON.stringify({ to: dice.pick(['person', 'bot']) }), attributes: {}, author: PERSON };
    if (dice.chance(0.03)) return { kind: 'system', text: null, payload: '{"event":"end"}', attributes: {}, author: { type: 'system', name: null } };
    if (botOf(conversation) === 'clerk' && dice.chance(0.7)) return { kind: 'postback', text: null, payload: `intent:${dice.pick(WISHES)}`, attributes: {}, author: PERSON };
    return text(dice.pick(TEXTS));
  }
}

/** Every other conversation is with the bot of reminders and actions. */
function botOf(conversation: string): string { return Number(conversation.slice(1)) % 2 === 0 ? 'clerk' : 'parcel'; }

function messageOf(messageId: string, conversation: string, content: Content, key: string | undefined): Message {
  return {
    ...content, messageId, channel: 'api', accountId: null, userId: null, replyId: null, locale: null, sentAt: null, retryOf: null,
    idempotencyKeyHash: key === undefined ? null : keyHash('default', conversation, key), bodyHash: key === undefined ? null : bodyHash(content),
  };
}
