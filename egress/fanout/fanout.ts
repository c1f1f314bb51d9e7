/**
 * Port: tells the nodes that hold sockets of a conversation what happened in it. At most once and in order per conversation
 * as long as the connection holds: sockets find what is missing by `prev` and read the outbox; after `lapsed` they look by
 * themselves. Adapters: memory.ts (one process), redis.ts (sharded publish and subscribe). Contract suite: fanout.contract.ts.
 */

export interface Announcement {
  /** `<tenant>/<conversationId>`. */
  readonly key: string;
  /** '' for what has no place and is never resumed (typing). */
  readonly position: string;
  /** What came before it in the conversation; null: nothing; undefined: not known. Without a position: who sent it, or what a live frame is before (live-channel.ts). */
  readonly prev: string | null | undefined;
  /** It came after later ones: goes to sockets that are beyond it. */
  readonly late: boolean;
  /** Acceptance time of the message that caused it, milliseconds. */
  readonly timestamp: number;
  readonly frame: string;
}

export interface FanoutListener {
  /** Announcements of conversations that are subscribed, in order per conversation. Synchronous; must not throw. */
  announced(announcements: readonly Announcement[]): void;
  /** Announcements may have been missed. */
  lapsed(): void;
}

export interface Fanout {
  readonly kind: 'memory' | 'redis';
  /** Sets the one listener of this node; call before the first subscribe. */
  listen(listener: FanoutListener): void;
  /** Resolves when everything that is announced from now on arrives. Repeated calls count once. @throws CONFAB_STATE_UNAVAILABLE */
  subscribe(partition: number, key: string): Promise<void>;
  unsubscribe(partition: number, key: string): void;
  /** Announcements of conversations of one partition, in order. @throws CONFAB_STATE_UNAVAILABLE some may have arrived */
  announce(partition: number, announcements: readonly Announcement[]): Promise<void>;
  close(): Promise<void>;
}
