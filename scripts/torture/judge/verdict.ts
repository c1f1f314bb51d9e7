/**
 * What the traffic was promised against what stands in the log and what followers were told. It knows nothing of the pipeline's
 * means; the product's own audit is a second opinion, not a part of this one.
 */
import type { Contradiction, Sent } from '../traffic/ledger.js';
import { effectFindings, type Books } from './effects.js';
import type { ConversationHistory, History } from './history.js';
import { timerFindings } from './timers.js';
import { versionFindings } from './versions.js';

/** The first three are what must never be; `wrong` is any other disagreement. */
export type FindingKind = 'lost' | 'duplicated' | 'reordered' | 'wrong';

export interface Finding {
  readonly kind: FindingKind;
  readonly conversation: string;
  /** Of the message concerned, or ''. */
  readonly position: string;
  readonly detail: string;
}

export interface Followed {
  readonly name: string;
  /** Conversation → positions of the frames and what they answer, as they came. */
  readonly seen: ReadonlyMap<string, readonly { readonly position: string; readonly inReplyTo: string }[]>;
  readonly unrecovered: ReadonlySet<string>;
}

export interface Evidence {
  /** What was sent, by conversation. */
  readonly sent: ReadonlyMap<string, readonly Sent[]>;
  readonly contradictions: readonly Contradiction[];
  readonly history: History;
  readonly followers: readonly Followed[];
  /** Of the server that bots called. */
  readonly books: Books;
  /** Bot whose versions are known, and what each of them adds to its answer. */
  readonly versions: { readonly botId: string; readonly labels: ReadonlyMap<string, string> };
  /** Timers that were due by then must have come; Unix milliseconds. */
  readonly until: number;
}

export interface Verdict {
  readonly accepted: number;
  /** Of the accepted: those with exactly one outcome. */
  readonly answered: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly wrong: number;
  readonly deadLettered: number;
  /** Messages in the log, those of unknown fate included. */
  readonly inLog: number;
  /** Of them: timers that came. */
  readonly timers: number;
  readonly findings: readonly Finding[];
}

const EMPTY: ConversationHistory = { messages: [], intents: [], replies: [], letters: [], timers: [], tombstones: [], state: undefined };

export function judge({ sent, contradictions, history, followers, books, versions, until }: Evidence): Verdict {
  const judges = [...new Set([...sent.keys(), ...history.conversations.keys()])].map((id) => new Judge(id, sent.get(id) ?? [], history.conversations.get(id) ?? EMPTY, until));
  for (const each of judges) each.judge();
  const findings: Finding[] = [...contradictions, ...judges.flatMap((each) => each.findings), ...effectFindings(history, books), ...versionFindings(history, versions.botId, versions.labels)];
  for (const follower of followers) for (const [id, seen] of follower.seen) findings.push(...followerFindings(follower, id, seen, judges.find((each) => each.id === id)));
  const replies = judges.reduce((sum, each) => sum + each.history.replies.length, 0);
  if (history.counted !== replies) findings.push({ kind: 'wrong', conversation: '', position: '', detail: `analytics counts ${history.counted} of ${replies} replies` });
  const count = (kind: FindingKind): number => findings.filter((each) => each.kind === kind).length;
  const sum = (value: (each: Judge) => number): number => judges.reduce((total, each) => total + value(each), 0);
  return {
    accepted: sum((each) => each.accepted.length), answered: sum((each) => each.answered), lost: count('lost'), duplicated: count('duplicated'), reordered: count('reordered'),
    wrong: count('wrong'), deadLettered: sum((each) => each.history.letters.length), inLog: sum((each) => each.history.messages.length), timers: sum((each) => each.history.messages.filter(({ timer }) => timer !== undefined).length), findings,
  };
}

/** One conversation. */
class Judge {
  readonly findings: Finding[] = [];
  readonly accepted: readonly Sent[];
  answered = 0;

  constructor(readonly id: string, private readonly sent: readonly Sent[], readonly history: ConversationHistory, private readonly until: number) {
    this.accepted = sent.filter(({ fate }) => fate === 'accepted');
  }

  judge(): void {
    this.records();
    this.acknowledged();
    this.outcomes();
    this.chain();
    for (const { kind, position, detail } of timerFindings(this.history, this.until)) this.find(kind, position, detail);
  }

  private find(kind: FindingKind, position: string, detail: string): void { this.findings.push({ kind, conversation: this.id, position, detail }); }

  /** Each record is of a message that was sent and not refused, once. */
  private records(): void {
    const byText = new Map(this.sent.map((each) => [each.text, each]));
    for (const [name, value] of [['text', ({ text }) => text], ['message id', ({ messageId }) => messageId]] as [string, (of: { text: string; messageId: string }) => string][]) {
      const first = new Map<string, string>();
      for (const message of this.history.messages) {
        if (message.timer !== undefined && name === 'text') continue;
        const before = first.get(value(message));
        if (before === undefined) first.set(value(message), message.position);
        else this.find('duplicated', message.position, `${name} ${JSON.stringify(value(message))} stands in messages.v1 at ${before} already`);
      }
    }
    for (const { position, text, messageId, timer } of this.history.messages) {
      // Nobody sends a timer; its own judge looks at it.
      if (timer !== undefined) continue;
      const sent = byText.get(text);
      if (sent === undefined) this.find('wrong', position, `nobody sent ${JSON.stringify(text)}, or it had to be refused`);
      else if (sent.fate === 'refused') this.find('wrong', position, `${JSON.stringify(text)} was refused as not written`);
      else if (sent.fate === 'open') this.find('wrong', position, `${JSON.stringify(text)} stands in the log and was never acknowledged`);
      else if (sent.fate === 'accepted' && sent.messageId !== messageId) this.find('wrong', position, `it was acknowledged as ${sent.messageId} and stands as ${messageId}`);
    }
  }

  /** Each acknowledged message is where the answer said, and after all that was acknowledged before it was sent. */
  private acknowledged(): void {
    const byId = new Map(this.history.messages.map((message) => [message.messageId, message]));
    for (const { messageId, position, floor, text } of this.accepted) {
      const record = byId.get(messageId);
      if (record === undefined) this.find('lost', position, `${messageId} ${JSON.stringify(text)} was acknowledged and is not in messages.v1`);
      else if (record.position !== position) this.find('wrong', position, `${messageId} was acknowledged with this position and stands at ${record.position}`);
      if (position <= floor) this.find('reordered', position, `${messageId} was sent after the acknowledgement of ${floor} and stands before it`);
    }
  }

  /** Each record has one outcome, in the order of the messages. */
  private outcomes(): void {
    const { messages, replies, letters, intents } = this.history;
    const outcomes = new Map<string, number>();
    for (const { position } of [...replies, ...letters]) outcomes.set(position, (outcomes.get(position) ?? 0) + 1);
    const messageAt = new Map(messages.map(({ position, messageId, timer }) => [position, timer === undefined ? messageId : '']));
    for (const { position, messageId } of messages) {
      const count = outcomes.get(position) ?? 0;
      if (count === 0) this.find('lost', position, `${messageId} has no outcome`);
      if (count > 1) this.find('duplicated', position, `${messageId} has ${count} outcomes`);
    }
    this.answered = this.accepted.filter(({ position }) => outcomes.get(position) === 1).length;
    for (const { position, inReplyTo } of replies) if (messageAt.get(position) !== inReplyTo) this.find('wrong', position, `the reply answers ${inReplyTo || 'nothing'}, at its position stands ${messageAt.get(position) ?? 'nothing'}`);
    for (let i = 1; i < replies.length; i += 1) if ((replies[i]?.position ?? '') < (replies[i - 1]?.position ?? '')) this.find('reordered', replies[i]?.position ?? '', `its reply stands after that of ${replies[i - 1]?.position ?? ''}`);
    for (const [i, position] of intents.entries()) if (intents.indexOf(position) < i) this.find('duplicated', position, 'it stands in intents.v1 twice');
    for (const { position, code } of letters) this.find('wrong', position, `it was given up as a dead letter with ${code}, and nothing was wrong with it`);
  }

  /** What a reply and the state say of the past is true. */
  private chain(): void {
    const { replies, state } = this.history;
    let before: string | null = null;
    for (const { position, prev } of replies) {
      if (prev !== before) this.find('wrong', position, `its reply names ${prev ?? 'none'} as the one before, which is ${before ?? 'none'}`);
      before = position;
    }
    const last = replies.at(-1)?.position ?? '';
    if (replies.length > 0 && (state?.turns !== replies.length || state.reflects !== last)) this.find('wrong', last, `the state has ${state?.turns ?? 'no'} turns up to ${state?.reflects ?? 'nothing'}; there are ${replies.length} replies up to ${last}`);
  }

  /** The messages in their order, as a follower must hear of them. */
  get expected(): ConversationHistory['messages'] { return this.history.messages; }
}

function followerFindings({ name, unrecovered }: Followed, id: string, seen: readonly { position: string; inReplyTo: string }[], judge: Judge | undefined): Finding[] {
  const findings: Finding[] = [];
  const find = (kind: FindingKind, position: string, detail: string): void => { findings.push({ kind, conversation: id, position, detail: `follower ${name}: ${detail}` }); };
  if (unrecovered.has(id)) find('lost', '', 'it was told that outcomes can no longer be had');
  // By position: what no message asked for names none.
  const counts = new Map<string, number>();
  const named = new Map<string, string>();
  for (const { position, inReplyTo } of seen) {
    const message = `${position.slice(0, -2)}00`;
    counts.set(message, (counts.get(message) ?? 0) + 1);
    named.set(message, inReplyTo);
  }
  for (const { messageId, position, timer } of judge?.expected ?? []) {
    const count = counts.get(position) ?? 0;
    if (count > 0 && named.get(position) !== (timer === undefined ? messageId : '')) find('wrong', position, `the outcome of ${messageId} names ${named.get(position) ?? ''} as what it answers`);
    if (count === 0) find('lost', position, `no outcome of ${messageId} came`);
    if (count > 1) find('duplicated', position, `the outcome of ${messageId} came ${count} times`);
    counts.delete(position);
  }
  for (const position of counts.keys()) find('wrong', position, `an outcome of ${named.get(position) ?? ''} came, which is no message of the conversation`);
  for (let i = 1; i < seen.length; i += 1) if ((seen[i]?.position ?? '') < (seen[i - 1]?.position ?? '')) find('reordered', seen[i]?.position ?? '', `it came after ${seen[i - 1]?.position ?? ''}`);
  return findings;
}
