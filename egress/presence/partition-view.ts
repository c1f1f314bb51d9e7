/** What presence.v1 says of one partition, from its records in order: entries by conversation, and the leases of nodes. Pure. */
import type { Presence } from '../../schemas/types.js';
import type { Role } from './held.js';
import { entryKey, leaseKey, parsePresenceKey } from './presence-keys.js';

export interface PresentUser {
  /** Undefined where it cannot be read. */
  readonly subject: string | undefined;
  readonly role: Role;
  readonly sockets: number;
  readonly since: number;
}

/** A conversation on one node. */
export interface Entry {
  readonly node: string;
  readonly sockets: number;
  readonly since: number;
  readonly until: number;
  readonly users: readonly PresentUser[];
}

interface NodeSign {
  readonly node: string;
  /** 0: none. */
  lease: number;
  /** Entries of the node. */
  entries: number;
}

export class PartitionView {
  /** Nearly always one node. */
  private readonly entries = new Map<string, readonly Entry[]>();
  /** Nodes that the partition names. One text for each, not one for each record. */
  private readonly nodes = new Map<string, NodeSign>();
  private count = 0;

  get size(): number { return this.count; }

  /** Undefined: what stood under the key is gone. What is no key of the topic is passed over. */
  apply(key: string | null, value: Presence | undefined): void {
    const parsed = parsePresenceKey(key);
    if (parsed === undefined) return;
    const sign = this.sign(parsed.node);
    if (parsed.conversation === '') sign.lease = value?.until ?? 0; else this.entry(parsed.conversation, sign, value);
    if (sign.lease === 0 && sign.entries === 0) this.nodes.delete(sign.node);
  }

  /** Those of a conversation whose nodes live. */
  of(conversation: string, now: number): readonly Entry[] {
    return (this.entries.get(conversation) ?? []).filter((entry) => this.end(entry) > now);
  }

  /** Keys of entries and leases that ended before `before`, but those of one node. */
  ended(before: number, but: string): string[] {
    const dead = [...this.nodes.values()].filter(({ node, lease }) => node !== but && lease < before);
    if (dead.length === 0) return [];
    const names = new Set(dead.map(({ node }) => node));
    const keys: string[] = [];
    for (const [conversation, list] of this.entries) {
      for (const { node, until } of list) if (until < before && names.has(node)) keys.push(entryKey(conversation, node));
    }
    return [...keys, ...dead.filter(({ lease }) => lease > 0).map(({ node }) => leaseKey(node))];
  }

  private end({ node, until }: Entry): number { return Math.max(until, this.nodes.get(node)?.lease ?? 0); }

  private entry(conversation: string, sign: NodeSign, value: Presence | undefined): void {
    const before = this.entries.get(conversation) ?? [];
    const others = before.filter(({ node }) => node !== sign.node);
    const now = value === undefined ? others : [...others, entryOf(sign.node, value)];
    const change = now.length - before.length;
    this.count += change;
    sign.entries += change;
    if (now.length === 0) this.entries.delete(conversation); else this.entries.set(conversation, now);
  }

  private sign(node: string): NodeSign {
    const known = this.nodes.get(node);
    if (known !== undefined) return known;
    const sign = { node, lease: 0, entries: 0 };
    this.nodes.set(node, sign);
    return sign;
  }
}

function entryOf(node: string, { sockets, since, until, users }: Presence): Entry {
  return {
    node, sockets, since, until,
    users: users.map((user) => ({ subject: typeof user.userId === 'string' ? user.userId : undefined, role: user.role === 'agent' || user.role === 'integration' ? user.role : 'person', sockets: user.sockets, since: user.since })),
  };
}
