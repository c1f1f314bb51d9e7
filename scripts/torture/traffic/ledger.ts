/**
 * What the traffic was promised: every message that was sent, and every answer to it. The verdict compares it with the log.
 */

/** Where a message stands, as its sender knows it. */
export type Fate = 'open' | 'accepted' | 'refused' | 'unknown';

export interface Acknowledgement { readonly messageId: string; readonly position: string; readonly duplicate: boolean }

export class Sent {
  fate: Fate = 'open';
  messageId = '';
  position = '';
  acceptedAt = 0;

  constructor(
    readonly conversation: string,
    readonly text: string,
    readonly key: string | undefined,
    /** The highest position of the conversation that was acknowledged before this message was first sent: it must stand after it. */
    readonly floor: string,
  ) {}
}

/** An answer that no history allows, whatever the log holds. */
export interface Contradiction {
  readonly kind: 'duplicated' | 'wrong';
  readonly conversation: string;
  readonly position: string;
  readonly detail: string;
}

export class Conversation {
  readonly sent: Sent[] = [];
  /** Highest acknowledged position. */
  highest = '';

  constructor(readonly id: string) {}
}

export class Ledger {
  readonly conversations: ReadonlyMap<string, Conversation>;
  readonly contradictions: Contradiction[] = [];
  /** By message id, for followers. */
  readonly byId = new Map<string, Sent>();
  accepted = 0;
  open = 0;
  /** When a message was last given up without knowing whether it was written. */
  lostAt = -Infinity;
  /** Answers by code. */
  readonly codes = new Map<string, number>();

  constructor(ids: readonly string[]) {
    this.conversations = new Map(ids.map((id) => [id, new Conversation(id)]));
  }

  /** A message is about to be sent for the first time. */
  begin(conversation: string, text: string, key: string | undefined): Sent {
    const owner = this.of(conversation);
    const sent = new Sent(conversation, text, key, owner.highest);
    owner.sent.push(sent);
    this.open += 1;
    return sent;
  }

  /** 202 or `accepted`. Any further acknowledgement of the same message must say the same. */
  acknowledge(sent: Sent, { messageId, position, duplicate }: Acknowledgement): void {
    if (sent.fate === 'accepted') {
      if (sent.messageId !== messageId || sent.position !== position) this.contradict('duplicated', sent, `key ${sent.key ?? 'none'} was answered with ${sent.messageId} at ${sent.position} and with ${messageId} at ${position}`);
      return;
    }
    if (duplicate && sent.key === undefined) this.contradict('wrong', sent, 'a message without a key was called a duplicate');
    this.settle(sent, 'accepted');
    Object.assign(sent, { messageId, position, acceptedAt: performance.now() });
    this.accepted += 1;
    this.byId.set(messageId, sent);
    const owner = this.of(sent.conversation);
    if (position > owner.highest) owner.highest = position;
  }

  /** It was said that nothing was written. */
  refuse(sent: Sent): void { this.settle(sent, 'refused'); }

  /** Nobody knows, and it cannot be asked again. */
  lose(sent: Sent): void {
    this.settle(sent, 'unknown');
    this.lostAt = performance.now();
  }

  contradict(kind: Contradiction['kind'], { conversation, position }: Sent, detail: string): void {
    this.contradictions.push({ kind, conversation, position, detail });
  }

  count(code: string): void { this.codes.set(code, (this.codes.get(code) ?? 0) + 1); }

  private settle(sent: Sent, fate: Fate): void {
    if (sent.fate === 'open') this.open -= 1;
    sent.fate = fate;
  }

  private of(conversation: string): Conversation {
    const found = this.conversations.get(conversation);
    if (found === undefined) throw new Error(`conversation ${conversation} is not of this traffic`);
    return found;
  }
}
