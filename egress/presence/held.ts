/**
 * Whose sockets this node has, by conversation, and what of it the topic does not say yet. Counts only: no input or output, no timer.
 * What comes and goes within the times of the debounce, and is as before then, was never a change.
 */
import type { PresenceTimes } from './presence-times.js';

export type Role = 'person' | 'agent' | 'integration';

/** Who opened a socket. */
export interface Who { readonly subject: string; readonly role: Role }

/** A conversation and where it is on the log. */
export interface Place { readonly key: string; readonly partition: number }

export interface HeldUser extends Who {
  readonly since: number;
  sockets: number;
  /** As the topic has it. */
  written: number;
}

/** One conversation. */
export interface Held extends Place {
  readonly since: number;
  readonly users: HeldUser[];
  /** Sockets of those who are too many to be named. */
  others: number;
  othersWritten: number;
  /** Of the newest record, and when it was written; -1: none. */
  offset: number;
  writtenAt: number;
}

/** Counts at one moment, to be marked as written once the log has them. */
export interface Snapshot {
  readonly held: Held;
  readonly sockets: number;
  readonly users: readonly { readonly user: HeldUser; readonly sockets: number }[];
  readonly others: number;
}

/** Named in a record: it must stay small, however many follow one conversation. */
export const MOST_NAMED = 32;
/** Differs from every count: it is to be written whatever it says. */
const UNKNOWN = -1;

export class HeldConversations {
  private readonly all = new Map<string, Held>();
  /** When each change is to be written. */
  private readonly changed = new Map<Held, number>();

  constructor(private readonly times: Pick<PresenceTimes, 'come' | 'leave'>) {}

  /** Conversations with sockets here, and those whose end is not written yet. */
  get size(): number { return this.all.size; }
  /** Changes that wait. */
  get waiting(): number { return this.changed.size; }
  values(): Iterable<Held> { return this.all.values(); }

  came({ key, partition }: Place, { subject, role }: Who, now: number): void {
    let held = this.all.get(key);
    if (held === undefined) {
      held = { key, partition, since: now, users: [], others: 0, othersWritten: 0, offset: -1, writtenAt: 0 };
      this.all.set(key, held);
    }
    const user = held.users.find((one) => one.subject === subject);
    if (user !== undefined) user.sockets += 1;
    else if (held.users.length < MOST_NAMED) held.users.push({ subject, role, since: now, sockets: 1, written: 0 });
    else held.others += 1;
    this.due(held, now + this.times.come);
  }

  left({ key }: Pick<Place, 'key'>, { subject }: Pick<Who, 'subject'>, now: number): void {
    const held = this.all.get(key);
    if (held === undefined) return;
    const user = held.users.find((one) => one.subject === subject && one.sockets > 0);
    if (user !== undefined) user.sockets -= 1;
    else if (held.others > 0) held.others -= 1;
    this.due(held, now + this.times.leave);
  }

  /** Writes it again, whatever the topic says. */
  again(held: Held, now: number): void {
    held.othersWritten = UNKNOWN;
    this.due(held, now);
  }

  allAgain(now: number): void { for (const held of this.all.values()) this.again(held, now); }

  /** A tombstone of an entry was read. True: nobody here meant it, the entry is put back. */
  swept(key: string, offset: number, now: number): boolean {
    const held = this.all.get(key);
    // One that was never written was nobody's to take away.
    if (held === undefined || held.offset < 0 || held.offset >= offset || socketsOf(held) === 0) return false;
    this.again(held, now);
    return true;
  }

  /** At most `most` changes whose time has come. What is as before is none. */
  take(now: number, most: number): Snapshot[] {
    const found: Snapshot[] = [];
    for (const [held, due] of this.changed) {
      if (found.length >= most) break;
      if (due > now) continue;
      this.changed.delete(held);
      if (changedSince(held)) found.push(snapshot(held)); else this.tidy(held);
    }
    return found;
  }

  /** All that the topic has, as if nobody were connected any more. */
  takeAll(): Snapshot[] {
    this.changed.clear();
    return [...this.all.values()].filter(({ offset }) => offset >= 0)
      .map((held) => ({ held, sockets: 0, users: held.users.map((user) => ({ user, sockets: 0 })), others: 0 }));
  }

  written({ held, users, others }: Snapshot, offset: number, now: number): void {
    for (const { user, sockets } of users) user.written = sockets;
    held.othersWritten = others;
    held.offset = Math.max(held.offset, offset);
    held.writtenAt = now;
    this.tidy(held);
  }

  failed({ held }: Snapshot, now: number): void {
    held.othersWritten = UNKNOWN;
    this.due(held, now + this.times.come);
  }

  private due(held: Held, at: number): void {
    const known = this.changed.get(held);
    if (known === undefined || known > at) this.changed.set(held, at);
  }

  private tidy(held: Held): void {
    for (let i = held.users.length - 1; i >= 0; i -= 1) {
      const user = held.users[i];
      if (user?.sockets === 0 && user.written === 0) held.users.splice(i, 1);
    }
    if (held.users.length === 0 && held.others === 0 && held.othersWritten === 0) this.all.delete(held.key);
  }
}

const socketsOf = ({ users, others }: Held): number => users.reduce((sum, { sockets }) => sum + sockets, others);
const changedSince = ({ users, others, othersWritten }: Held): boolean => others !== othersWritten || users.some(({ sockets, written }) => sockets !== written);
const snapshot = (held: Held): Snapshot => (
  { held, sockets: socketsOf(held), users: held.users.map((user) => ({ user, sockets: user.sockets })), others: held.others });
