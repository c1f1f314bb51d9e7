/**
 * The story of one conversation, read back from the log: its last messages, and for each what intent found, what was
 * answered or why not, what changed in the state, deliveries and timers. Only the one partition of each topic that the key
 * names is read, from the acceptance of the first message shown, within a budget; nothing is kept, and no group moves.
 */
import type { Clock } from '../platform/clock.js';
import { conversationKey } from '../platform/conversation-key.js';
import type { EventLog, LogRecord } from '../platform/event-log/event-log.js';
import { CLOCK_ALLOWANCE, newestRecords, scanBudget, type ScanBudget } from '../platform/event-log/scan.js';
import type { Codec } from '../schemas/codec.js';
import type { BotReply, DialogueState } from '../schemas/types.js';
import { STORY_TOPICS, type RecordView, type StoryTopic } from './record-view.js';
import { partitionOfKey, storyBounds, unreadable, type StoryTopics, type TopicBounds } from './story-topics.js';
import { hopOf, StoryTracker, type Hop, type TrackerOptions } from './story-tracker.js';

export interface StoryTurn {
  readonly position: string;
  readonly messageId: string | null;
  readonly acceptedAt: string;
  /** Of the BotReply, or `dead_lettered`; null: nothing has come of the message yet. */
  readonly outcome: string | null;
  /** From acceptance to the outcome. */
  readonly tookMs: number | null;
  readonly records: readonly RecordView[];
}

export interface Story {
  readonly tenant: string;
  readonly conversationId: string;
  readonly partition: number;
  /** Oldest first. */
  readonly messages: readonly StoryTurn[];
  /** Records whose message is not in the log any more. */
  readonly others: readonly RecordView[];
  /** There are older messages than these; with `from`: later ones. */
  readonly more: boolean;
  /** The log no longer begins with its first record: older messages may have been removed. */
  readonly trimmed: boolean;
  /** The search ended before it had seen all: its budget was spent. */
  readonly cut: boolean;
  readonly unreadable: readonly StoryTopic[];
}

export interface StoryOptions extends TrackerOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly topics: StoryTopics;
  readonly clock: Clock;
  /** Records of one partition of one topic that are looked at. Default 500,000. */
  readonly maxScan?: number;
  /** For each topic. Default 2000. */
  readonly maxScanMillis?: number;
  readonly signal?: AbortSignal;
}

export interface StoryQuery {
  readonly tenant: string;
  readonly conversationId: string;
  /** Messages. */
  readonly limit: number;
  /** The first messages at or after an offset of messages.v1, instead of the last ones. */
  readonly from?: number;
  /** What is beyond is left out. Default: as it stands now. */
  readonly bounds?: TopicBounds;
}

interface Found { readonly records: readonly LogRecord[]; readonly more: boolean; readonly cut: boolean }

export class StoryReader {
  constructor(private readonly options: StoryOptions) {}

  /** The tracker goes on where the story ends. @throws CONFAB_LOG_UNAVAILABLE and others of EventLog.read */
  async read(query: StoryQuery): Promise<{ story: Story; tracker: StoryTracker }> {
    const { log, topics } = this.options;
    const key = conversationKey(query.tenant, query.conversationId);
    const partition = partitionOfKey(topics, key);
    const bounds = query.bounds ?? await storyBounds(log, topics);
    const messages = await this.messages(key, partition, bounds, query);
    const hops: Hop[] = [];
    for (const record of messages.records) hops.push(await this.hop('messages.v1', partition, record));
    const caused = hops.length === 0
      ? await this.remains(key, partition, bounds, query.limit)
      : await this.caused(key, partition, bounds, hops, query.from !== undefined && messages.more);
    const tracker = new StoryTracker(this.options);
    tracker.began(await this.stateBefore(key, partition, bounds, [...hops, ...caused.hops]));
    const views = inOrder([...hops, ...caused.hops]).map((hop) => tracker.view(hop));
    return {
      tracker,
      story: {
        tenant: query.tenant, conversationId: query.conversationId, partition, ...arrange(views),
        more: messages.more, trimmed: (bounds.get('messages.v1')?.[partition]?.start ?? 0) > 0, cut: messages.cut || caused.cut, unreadable: unreadable(bounds),
      },
    };
  }

  private async messages(key: string, partition: number, bounds: TopicBounds, { limit, from }: StoryQuery): Promise<Found> {
    const { log, topics } = this.options;
    const topic = topics.fullName('messages.v1');
    const { start, end } = bounds.get('messages.v1')?.[partition] ?? { start: 0, end: 0 };
    const spent = this.budget();
    if (from === undefined) {
      const { records, cut } = await newestRecords(log, { topic, partition, start, end }, limit + 1, (record) => record.key === key, spent);
      return { records: records.slice(-limit), more: records.length > limit, cut: cut && records.length <= limit };
    }
    const records: LogRecord[] = [];
    if (from >= end) return { records, more: false, cut: false };
    for await (const batch of log.read(topic, partition, from, end)) {
      records.push(...batch.records.filter((record) => record.key === key));
      if (records.length > limit) return { records: records.slice(0, limit), more: true, cut: false };
      if (spent(batch.records.length)) return { records, more: false, cut: batch.nextOffset < end };
    }
    return { records, more: false, cut: false };
  }

  /** What the messages caused, from the acceptance of the first one on. */
  private async caused(key: string, partition: number, bounds: TopicBounds, messages: readonly Hop[], later: boolean): Promise<{ hops: Hop[]; cut: boolean }> {
    const hops: Hop[] = [];
    let cut = false;
    const since = messages.reduce((lowest, { record }) => Math.min(lowest, record.timestamp), Infinity);
    const shown = new Set(messages.flatMap(({ position }) => position ?? []));
    const [first = '', last = ''] = [messages[0]?.position, later ? messages.at(-1)?.position : '~'];
    const until = later ? messages.reduce((highest, { record }) => Math.max(highest, record.timestamp), 0) : Infinity;
    for (const topic of CAUSED) {
      const end = bounds.get(topic)?.[partition]?.end ?? 0;
      const open = ONE_A_MESSAGE.has(topic) ? new Set(shown) : undefined;
      const scan = await this.collect(topic, partition, key, { since: since - CLOCK_ALLOWANCE, end, open });
      cut ||= scan.cut;
      for (const hop of scan.hops) {
        if (topic === 'dead-letters.v1' && hop.position !== undefined) shown.delete(hop.position);
        if (hop.position === undefined ? hop.record.timestamp >= since && hop.record.timestamp <= until : hop.position >= first && hop.position <= last) hops.push(hop);
      }
    }
    return { hops, cut };
  }

  /** The newest of each topic, of a conversation whose messages are no longer kept. */
  private async remains(key: string, partition: number, bounds: TopicBounds, limit: number): Promise<{ hops: Hop[]; cut: boolean }> {
    const hops: Hop[] = [];
    let cut = false;
    for (const topic of CAUSED) {
      const within = bounds.get(topic)?.[partition];
      if (within === undefined) continue;
      const scan = await newestRecords(this.options.log, { topic: this.options.topics.fullName(topic), partition, ...within }, limit, (record) => belongs(topic, record.key, key), this.budget());
      for (const record of scan.records) hops.push(await this.hop(topic, partition, record));
      cut ||= scan.cut && scan.records.length < limit;
    }
    return { hops, cut };
  }

  private async collect(topic: StoryTopic, partition: number, key: string, wanted: { since: number; end: number; open: Set<string> | undefined }): Promise<{ hops: Hop[]; cut: boolean }> {
    const { log, topics } = this.options;
    const { open, end } = wanted;
    const hops: Hop[] = [];
    const name = topics.fullName(topic);
    if (end === 0 || open?.size === 0) return { hops, cut: false };
    const from = await log.admin.offsetAt(name, partition, wanted.since);
    if (from >= end) return { hops, cut: false };
    const spent = this.budget();
    for await (const batch of log.read(name, partition, from, end)) {
      for (const record of batch.records) {
        if (!belongs(topic, record.key, key)) continue;
        const hop = await this.hop(topic, partition, record);
        hops.push(hop);
        if (hop.position !== undefined) open?.delete(hop.position);
      }
      if (open?.size === 0) return { hops, cut: false };
      if (spent(batch.records.length)) return { hops, cut: batch.nextOffset < end };
    }
    return { hops, cut: false };
  }

  /** The state before the first one found: null when there was none, undefined when that cannot be told. */
  private async stateBefore(key: string, partition: number, bounds: TopicBounds, hops: readonly Hop[]): Promise<DialogueState | null | undefined> {
    const topic = 'dialogue-states.v1';
    const first = hops.filter((hop) => hop.topic === topic).sort((a, b) => a.record.offset - b.record.offset)[0];
    const within = bounds.get(topic)?.[partition];
    if (within === undefined) return undefined;
    if (first !== undefined && 'value' in first.decoded && (first.decoded.value as unknown as DialogueState).turns === 1) return null;
    const range = { topic: this.options.topics.fullName(topic), partition, start: within.start, end: first?.record.offset ?? within.end };
    const { records: [record], cut } = await newestRecords(this.options.log, range, 1, (candidate) => candidate.key === key, this.budget());
    if (record === undefined) return cut || within.start > 0 || first !== undefined ? undefined : null;
    const { decoded } = await this.hop(topic, partition, record);
    if (!('value' in decoded)) return 'tombstone' in decoded ? null : undefined;
    const state = decoded.value as unknown as DialogueState;
    // Compaction may have removed some in between: then what changed since is not one message's doing.
    const next = first !== undefined && 'value' in first.decoded ? (first.decoded.value as unknown as DialogueState).turns : state.turns + 1;
    return next === state.turns + 1 ? state : undefined;
  }

  private hop(topic: StoryTopic, partition: number, record: LogRecord): Promise<Hop> {
    return hopOf(this.options.codec, this.options.topics.epoch, topic, partition, record);
  }

  private budget(): ScanBudget {
    const { clock, maxScan = 500_000, maxScanMillis = 2_000, signal } = this.options;
    return scanBudget({ clock, maxRecords: maxScan, maxMillis: maxScanMillis, ...(signal === undefined ? {} : { signal }) });
  }
}

/** What comes of a message. Dead letters first: a message that has one is not waited for in the others. */
const CAUSED: readonly StoryTopic[] = ['dead-letters.v1', ...STORY_TOPICS.filter((topic) => topic !== 'messages.v1' && topic !== 'dead-letters.v1')];
/** Topics that hold one record for each message. */
const ONE_A_MESSAGE: ReadonlySet<StoryTopic> = new Set(['intents.v1', 'replies.v1', 'dialogue-states.v1'] as const);

/** Whether a record of a topic belongs to the conversation of a key: timers have an id behind it. */
export function belongs(topic: StoryTopic, recordKey: string | null, key: string): boolean {
  return topic === 'timers.v1' ? recordKey?.startsWith(`${key}\0`) === true : recordKey === key;
}

const RANK = new Map(STORY_TOPICS.map((topic, rank) => [topic, rank]));

/** By message, then by the order of the hops. Records that name no message stand with the last one accepted at their time. */
export function inOrder(hops: readonly Hop[]): Hop[] {
  const accepted = new Map(hops.flatMap(({ topic, position, record }) => (topic === 'messages.v1' && position !== undefined ? [[record.timestamp, position] as const] : [])));
  const placed = hops.map((hop) => ({ hop, place: hop.position ?? accepted.get(hop.record.timestamp) ?? '~', rank: RANK.get(hop.topic) ?? 0 }));
  placed.sort((a, b) => (a.place !== b.place ? (a.place < b.place ? -1 : 1) : a.rank - b.rank || a.hop.record.offset - b.hop.record.offset));
  return placed.map(({ hop }) => hop);
}

function arrange(views: readonly RecordView[]): Pick<Story, 'messages' | 'others'> {
  const turns = new Map<string, RecordView[]>();
  const others: RecordView[] = [];
  for (const view of views) {
    if (view.topic === 'messages.v1') turns.set(view.position ?? '', [view]);
    else (turns.get(view.position ?? '') ?? others).push(view);
  }
  return { messages: [...turns].map(([position, records]) => turnOf(position, records)), others };
}

function turnOf(position: string, records: readonly RecordView[]): StoryTurn {
  const [message] = records;
  const reply = records.find(({ topic }) => topic === 'replies.v1');
  const letter = records.find(({ topic, value }) => topic === 'dead-letters.v1' && (value as { status?: unknown } | null)?.status === 'open');
  const outcome = reply !== undefined ? String((reply.value as Partial<BotReply> | null)?.outcome ?? 'unreadable') : letter === undefined ? null : 'dead_lettered';
  return {
    position, messageId: message?.messageId ?? null, acceptedAt: message?.acceptedAt ?? '', outcome,
    tookMs: (reply ?? letter)?.sinceAcceptedMs ?? null, records,
  };
}
