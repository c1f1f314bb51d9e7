/** What sockets see of a reply while a language model writes it: that the bot is typing, then its pieces. */
import type { Clock, Timer } from '../../../platform/clock.js';
import { conversationKey } from '../../../platform/conversation-key.js';
import type { LiveBus } from '../../../platform/live-bus/live-bus.js';
import type { ModelEffect } from '../../stage.js';

export interface LiveReplyOptions {
  readonly bus: LiveBus;
  readonly clock: Clock;
  readonly request: Pick<ModelEffect, 'key' | 'tenant' | 'conversation' | 'replyId' | 'bot'>;
}

/** Clients forget that somebody types after a few seconds. */
const TYPING_MILLIS = 3000;

export class LiveReply {
  private readonly key: string;
  private readonly before: string;
  private readonly start: number;
  private index = 0;
  private timer: Timer | undefined;
  private ended = false;

  constructor(private readonly options: LiveReplyOptions) {
    const { tenant, conversation, key } = options.request;
    this.key = conversationKey(tenant, conversation);
    this.before = key.slice(0, key.indexOf('#'));
    this.start = options.clock.monotonic();
  }

  /** Says so now, and again until there is something to show. */
  typing(): void {
    if (this.ended || this.index > 0) return;
    const { bus, clock, request } = this.options;
    bus.publish({ key: this.key, before: this.before, index: null, frame: JSON.stringify({ type: 'typing', conversationId: request.conversation, author: { type: 'bot', name: request.bot.name } }) });
    this.timer = clock.after(TYPING_MILLIS, () => { this.typing(); });
  }

  /** Seconds since the beginning for the first piece; undefined for later ones. `anew`: it takes the place of those before. */
  show(text: string, anew: boolean): number | undefined {
    if (this.ended) return undefined;
    this.timer?.cancel();
    const first = this.index === 0;
    if (anew) this.index = 0;
    const { bus, clock, request } = this.options;
    const frame = JSON.stringify({ type: 'delta', conversationId: request.conversation, replyId: request.replyId, index: this.index, text });
    bus.publish({ key: this.key, before: this.before, index: this.index, frame });
    this.index += 1;
    return first ? (clock.monotonic() - this.start) / 1000 : undefined;
  }

  /** Nothing more is shown. */
  end(): void {
    this.ended = true;
    this.timer?.cancel();
  }
}
