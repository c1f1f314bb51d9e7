/** One socket of `/v1/stream` or `/v1/conversations/{id}/stream`: its subscriptions, its frames and its bounded queue. */
import { requireConversation, type Principal } from '../../platform/auth/auth.js';
import { CONVERSATION_ID_FORM, conversationKey } from '../../platform/conversation-key.js';
import { ConfabError, toConfabError } from '../../platform/errors.js';
import { CloseCode } from '../../platform/http/close-codes.js';
import type { IncomingFrame, SocketHandler, SocketSession } from '../../platform/http/socket-session.js';
import { createAjv, detailLine, type ValidateFunction } from '../../platform/http/validator.js';
import { partitionOf } from '../../platform/partitioner.js';
import { frames } from '../frames.js';
import type { Hub } from './hub.js';
import type { EgressMetrics } from '../metrics.js';
import { whoOf, type PresenceListener } from '../presence/listener.js';
import type { ReceiptState } from '../receipts/receipt-notice.js';
import { ReceiptPace } from '../receipts/receipt-pace.js';
import type { Receipts } from '../receipts/receipts.js';
import { Subscription, type Outlet } from './subscription.js';
import { TurnLine } from './turn-line.js';

export interface SessionOptions {
  readonly session: SocketSession;
  readonly hub: Hub;
  readonly metrics: EgressMetrics;
  readonly receipts: Receipts;
  /** Hears who follows what; undefined where presence is off. */
  readonly presence: PresenceListener | undefined;
  /** Unique among the sockets of all nodes. */
  readonly id: string;
  /** The one conversation of the socket; without it the client subscribes by frames. */
  readonly only?: { readonly conversationId: string; readonly after: string | undefined };
  readonly maxSubscriptions: number;
  /** Bytes that may be under way to the client; beyond, outcomes wait in the outbox. */
  readonly maxQueueBytes: number;
}

const TYPING_MILLIS = 3_000;

const ajv = createAjv();
const validators = new Map<string, ValidateFunction>([frames.subscribe, frames.unsubscribe, frames.received, frames.read, frames.typingFromClient]
  .map(({ schema }) => [schema.properties.type.const, ajv.compile(schema)]));

export class EgressSession implements SocketHandler, Outlet {
  readonly id: string;
  private readonly session: SocketSession;
  private readonly subscriptions = new Map<string, Subscription>();
  /** Made with the first of these frames: idle sockets are many. */
  private typed: Map<string, number> | undefined;
  private readonly line: TurnLine;
  private limitTold = false;
  /** Made with the first receipt. */
  private pace: ReceiptPace | undefined;

  constructor(private readonly options: SessionOptions) {
    this.id = options.id;
    this.session = options.session;
    this.line = new TurnLine(options.metrics);
    options.metrics.socketOpened();
  }

  /** Call once the handler is in place. */
  begin(): void {
    const { only } = this.options;
    if (only) this.follow(only.conversationId, only.after);
  }

  get open(): boolean { return this.session.open; }

  frame(frame: IncomingFrame): void {
    try {
      this.act(frame);
    } catch (thrown) {
      const error = toConfabError(thrown);
      if (error.code === 'CONFAB_INTERNAL') throw thrown;
      this.session.sendError(error, typeof frame.conversationId === 'string' ? { conversationId: frame.conversationId.slice(0, 128) } : {});
    }
  }

  closed(): void {
    this.options.metrics.socketClosed(this.subscriptions.size);
    for (const subscription of this.subscriptions.values()) {
      subscription.close();
      this.options.presence?.left(subscription, whoOf(this.session.principal));
    }
    this.subscriptions.clear();
    this.line.close();
  }

  renewed(principal: Principal): void {
    for (const [conversationId] of this.subscriptions) {
      try {
        requireConversation(principal, conversationId, 'read');
      } catch (thrown) {
        if (this.options.only) throw thrown;
        this.leave(conversationId);
        this.session.sendError(toConfabError(thrown), { conversationId });
      }
    }
  }

  deliver(frame: string): void {
    const { session } = this;
    if (!session.open) return;
    session.sendText(frame);
    this.options.metrics.frame();
    if (session.underWay > this.options.maxQueueBytes) this.line.fall();
  }

  deliverLossy(frame: string, longer = false): boolean {
    const { session, options } = this;
    if (!session.open) return false;
    if (this.behind || session.underWay >= options.maxQueueBytes / (longer ? 2 : 4)) {
      options.metrics.dropped();
      return false;
    }
    session.sendText(frame);
    options.metrics.frame();
    return true;
  }

  get behind(): boolean { return this.line.full; }
  room(): Promise<void> | undefined { return this.line.room(); }
  turn<T>(work: () => Promise<T>): Promise<T> { return this.line.turn(work); }

  /** Called by the socket. */
  taken(): void {
    if (this.line.full && this.session.underWay <= this.options.maxQueueBytes / 4) this.line.rise();
  }

  /** Called by the socket. */
  slow(): void { this.options.metrics.slowClose(); }

  error(error: ConfabError, conversationId: string): void { this.session.sendError(error, { conversationId }); }

  private act(frame: IncomingFrame): void {
    const validate = validators.get(frame.type);
    if (!validate) throw new ConfabError('CONFAB_FRAME_INVALID', { detail: 'The type is none of subscribe, unsubscribe, received, read, typing, auth.' });
    if (!validate(frame)) throw faultOf(frame, validate);
    const conversationId = frame.conversationId as string;
    switch (frame.type) {
      case 'subscribe': this.multiplexed(); this.subscribe(conversationId, frame.after as string | undefined); break;
      case 'unsubscribe': this.multiplexed(); this.leave(conversationId); break;
      case 'typing': this.typing(this.subscribed(conversationId)); break;
      default: this.receipt(this.subscribed(conversationId), frame.type === 'read' ? 'read' : 'delivered', frame.position as string);
    }
  }

  private multiplexed(): void {
    if (this.options.only) throw new ConfabError('CONFAB_FRAME_INVALID', { detail: 'This socket follows one conversation; open /v1/stream to follow others.' });
  }

  private subscribed(conversationId: string): Subscription {
    const found = this.subscriptions.get(conversationId);
    if (!found) throw new ConfabError('CONFAB_FRAME_INVALID', { detail: 'The socket does not follow this conversation.' });
    return found;
  }

  private subscribe(conversationId: string, after: string | undefined): void {
    requireConversation(this.session.principal, conversationId, 'read');
    if (!this.subscriptions.has(conversationId) && this.subscriptions.size >= this.options.maxSubscriptions) {
      if (this.limitTold) { this.session.close(CloseCode.TOO_MANY_SUBSCRIPTIONS, 'CONFAB_SUBSCRIPTION_LIMIT'); return; }
      this.limitTold = true;
      throw new ConfabError('CONFAB_SUBSCRIPTION_LIMIT', { detail: `A socket follows ${this.options.maxSubscriptions} conversations at most.` });
    }
    // Asked for again, a conversation is followed anew, from where the client says.
    this.leave(conversationId);
    this.follow(conversationId, after);
  }

  private follow(conversationId: string, after: string | undefined): void {
    const key = conversationKey(this.session.principal.tenant, conversationId);
    const subscription = new Subscription(this.options.hub, this, key, conversationId, partitionOf(key, this.options.hub.topics.partitions));
    this.subscriptions.set(conversationId, subscription);
    this.options.metrics.subscribed(1);
    this.options.presence?.came(subscription, whoOf(this.session.principal));
    void subscription.start(after);
  }

  private leave(conversationId: string): void {
    const found = this.subscriptions.get(conversationId);
    if (!found) return;
    this.subscriptions.delete(conversationId);
    this.typed?.delete(conversationId);
    this.options.metrics.subscribed(-1);
    found.close();
    this.options.presence?.left(found, whoOf(this.session.principal));
  }

  private receipt(subscription: Subscription, state: ReceiptState, position: string): void {
    this.pace ??= new ReceiptPace();
    if (!this.pace.allows(this.options.hub.clock.now(), this.subscriptions.size)) return;
    const asked = this.options.receipts.report(subscription, { state, position, from: this.id });
    asked?.catch((thrown: unknown) => { this.error(toConfabError(thrown), subscription.conversationId); });
  }

  private typing(subscription: Subscription): void {
    const now = this.options.hub.clock.now();
    if (now - (this.typed?.get(subscription.conversationId) ?? -Infinity) < TYPING_MILLIS) return;
    this.typed ??= new Map();
    this.typed.set(subscription.conversationId, now);
    const { scopes } = this.session.principal;
    const author = { type: scopes.has('agent') && !scopes.has('messages:write') ? 'agent' : 'person' };
    this.options.hub.whisper(subscription, this.id, JSON.stringify({ type: 'typing', conversationId: subscription.conversationId, author }));
  }
}

/** The code of the first field that is wrong. */
function faultOf(frame: IncomingFrame, validate: ValidateFunction): ConfabError {
  if (typeof frame.conversationId === 'string' && !CONVERSATION_ID_FORM.test(frame.conversationId)) return new ConfabError('CONFAB_CONVERSATION_ID_INVALID');
  if (validate.errors?.some((error) => error.keyword === 'format')) return new ConfabError('CONFAB_POSITION_INVALID');
  return new ConfabError('CONFAB_FRAME_INVALID', { detail: detailLine(validate) });
}
