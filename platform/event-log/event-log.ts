/**
 * Port: the event log. The only truth of the system; everything else is a view of it.
 *
 * A log has topics; a topic has partitions numbered from 0; a partition is a sequence of records with growing offsets.
 * Offsets may have gaps (transaction markers, aborted or compacted records). Readers see committed records only.
 * All methods throw ConfabError with codes of the catalogue; no type of a client library crosses this port.
 * Adapters: memory.ts (tests, simulation), embedded.ts (one machine, durable), kafkajs.ts (Apache Kafka).
 * Contract suite: event-log.contract.ts.
 */
import type { ConfabError } from '../errors.js';

export type Headers = Readonly<Record<string, string>>;

/** A record as it stands in a partition. Buffers are read-only for the receiver and stay valid after the callback. */
export interface LogRecord {
  readonly offset: number;
  readonly key: string | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly headers: Headers | undefined;
}

/** A record to be written. */
export interface NewRecord {
  readonly topic: string;
  /** Without it the partition follows from the key (`partitionOf`). A stage that keeps the key passes the one it read from. */
  readonly partition?: number;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly timestamp: number;
  readonly headers?: Headers;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Records of one partition, in offset order. May be empty when only gaps were passed. */
export interface RecordBatch extends TopicPartition {
  readonly records: readonly LogRecord[];
  /** The first offset not covered by this batch: past the last record and past every gap that is known to follow it. */
  readonly nextOffset: number;
  /** The offset that the next record of the partition will get (Kafka: high watermark), as far as the adapter knows. */
  readonly endOffset: number;
}

export interface CommittedOffset extends TopicPartition {
  /** The next offset to read, or null when the group never committed for this partition. */
  readonly offset: number | null;
  /** Opaque to the log, at most 4,096 bytes; '' when none. */
  readonly metadata: string;
}

export interface OffsetToCommit extends TopicPartition {
  readonly offset: number;
  readonly metadata: string;
}

/** All of it or nothing becomes visible: records and offsets. */
export interface CommitGroup {
  readonly records: readonly NewRecord[];
  readonly offsets: readonly OffsetToCommit[];
}

/** Offsets that records got, in the order of the records that were passed. */
export type AppendedOffsets = readonly number[];

/** Idempotent appends outside of any transaction. */
export interface Appender {
  /**
   * Appends in the order given (within a partition). Resolves once all in-sync replicas (embedded: the disk) have them.
   * Calls may overlap; the adapter gathers them into batches, keeps the order of calls and has one send in flight.
   * A call that is refused writes nothing.
   * @throws CONFAB_LOG_UNAVAILABLE nothing was written; CONFAB_LOG_OUTCOME_UNKNOWN it may have been written (never later
   *   than the topic's message.timestamp.before.max.ms allows); CONFAB_RECORD_TOO_LARGE, CONFAB_TIMESTAMP_REFUSED,
   *   CONFAB_TOPIC_UNKNOWN, CONFAB_LOG_REFUSED, CONFAB_CLOSED: nothing was written.
   */
  append(records: readonly NewRecord[]): Promise<AppendedOffsets>;
  /** Waits for what is under way, then refuses further calls. */
  close(): Promise<void>;
}

export interface GroupOptions {
  /** Full group name, prefix included. */
  readonly group: string;
  /** Full topic names. They have the same number of partitions; the unit of assignment is a partition number over all of them. */
  readonly topics: readonly string[];
  /** Upper bound of one batch handed to `records`. */
  readonly maxBatchBytes?: number;
  readonly maxBatchRecords?: number;
  /** How long records may wait for more to be handed over with them, where that saves the log requests. Default 0. */
  readonly gatherMillis?: number;
  /** How long `revoking` is waited for before the member joins the next generation. Default 500. */
  readonly drainMillis?: number;
}

/** What a member hears. Calls of one member never overlap, except `records`, which is synchronous. */
export interface GroupListener {
  /**
   * The member has joined a generation. Nothing is fetched until `assignment.start`. The next event waits for the promise
   * only as long as the generation lasts; a listener must stop when `assignment.signal` aborts.
   */
  assigned(assignment: Assignment): Promise<void>;
  /** Put the records aside and return at once; pause the partition when there are enough. Only partitions that were started. */
  records(batch: RecordBatch): void;
  /** The generation ends. Commits of it still pass until the promise settles (bounded by `drainMillis`). */
  revoking(): Promise<void>;
  /** The member could not hold its place, or `assigned` failed. It tries again by itself unless `fatal`. */
  failed(error: ConfabError, fatal: boolean): void;
}

/** A member's share for one generation of the group. After the generation every method throws CONFAB_FENCED. */
export interface Assignment {
  readonly generation: number;
  /** Partition numbers, ascending; each stands for that partition of every topic of the group. */
  readonly partitions: readonly number[];
  /** Aborts when the generation ends, after `revoking` has settled. */
  readonly signal: AbortSignal;
  /**
   * Committed offsets for every topic and partition of the assignment.
   * `stable`: waits until no transaction is pending on them. Not stable: answers at once with the last committed ones.
   */
  committed(options: { stable: boolean }): Promise<CommittedOffset[]>;
  /** Ends what another instance left open: its pending transactions are aborted (or completed, if it had decided) before this resolves. */
  fence(instance: string): Promise<void>;
  /** Start of the log and end for every topic and partition of the assignment. `end` counts committed records only. */
  bounds(): Promise<(TopicPartition & { start: number; end: number })[]>;
  /**
   * Starts fetching at the given offsets.
   * @throws CONFAB_OFFSET_OUT_OF_RANGE an offset lies before the start of its partition (by retention): nothing is started
   */
  start(offsets: readonly (TopicPartition & { offset: number })[]): Promise<void>;
  /** Stops handing out records of these partitions; the membership lives on. Idempotent. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /**
   * Writes records and offsets in one transaction, checked against the generation. One call at a time per member.
   * `instance` names the writer for `fence`. Resolves when the commit is decided; record i got offset result[i].
   * @throws CONFAB_FENCED nothing was written; CONFAB_LOG_UNAVAILABLE nothing was written, may be tried again;
   *   CONFAB_RECORD_TOO_LARGE, CONFAB_TIMESTAMP_REFUSED, CONFAB_METADATA_TOO_LARGE nothing was written;
   *   CONFAB_LOG_OUTCOME_UNKNOWN take over anew: `fence(instance)`, then read the stable offsets
   */
  commit(instance: string, group: CommitGroup): Promise<AppendedOffsets>;
}

export interface GroupMember {
  /** Leaves the current generation and joins again; `revoking` is called first. */
  rejoin(): Promise<void>;
  /** Calls `revoking`, leaves the group, closes. */
  close(): Promise<void>;
}

/** Kafka's names and values, e.g. `{'cleanup.policy': 'compact', 'retention.ms': '1209600000'}`; only what was set. */
export type TopicConfig = Readonly<Record<string, string>>;

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly config: TopicConfig;
  /** Copies of each partition; without it what the broker does by itself. Logs of one machine take no notice. */
  readonly replicas?: number;
}

export interface TopicDescription extends TopicSpec {
  /** 32 hex digits; another one when the topic was made anew. */
  readonly id: string;
  /** Copies of each partition; 1 for logs of one machine. */
  readonly replicas: number;
}

export interface LogAdmin {
  /** All topics but internal ones, or those of `names` that exist. */
  topics(names?: readonly string[]): Promise<TopicDescription[]>;
  /** Names alone, of all topics that the principal may see, but internal ones. */
  topicNames(): Promise<string[]>;
  /** @throws CONFAB_TOPIC_EXISTS */
  createTopic(spec: TopicSpec): Promise<void>;
  /** Sets the named entries, leaves others as they are. */
  setTopicConfig(name: string, config: TopicConfig): Promise<void>;
  addPartitions(name: string, total: number): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  /** Start, and end of what is committed, of each partition. */
  bounds(topic: string): Promise<(TopicPartition & { start: number; end: number })[]>;
  /** The first offset whose record is at or after `timestamp`; the end when there is none. */
  offsetAt(topic: string, partition: number, timestamp: number): Promise<number>;
  groups(): Promise<string[]>;
  /** Committed offsets of a group for a topic, without waiting for pending ones. */
  committed(group: string, topic: string): Promise<CommittedOffset[]>;
  /** Moves a group that has no members. */
  setCommitted(group: string, offsets: readonly OffsetToCommit[]): Promise<void>;
}

/** Optional power: rights. Only where the broker has an authorizer. */
export interface AclAdmin {
  /** False when the broker has no authorizer. */
  available(): Promise<boolean>;
  list(): Promise<Acl[]>;
  create(acls: readonly Acl[]): Promise<void>;
  remove(acls: readonly Acl[]): Promise<void>;
}

export interface Acl {
  readonly principal: string;
  readonly resource: 'topic' | 'group' | 'transactional-id' | 'cluster';
  readonly name: string;
  readonly pattern: 'literal' | 'prefixed';
  readonly operation: 'read' | 'write' | 'describe' | 'create' | 'alter' | 'alter-configs' | 'describe-configs' | 'idempotent-write' | 'delete';
  readonly host: string;
}

/**
 * Optional power: claim and append in one transaction, for logs of one process.
 * Where it is missing, acceptance goes through the claim index (ingress/acceptance).
 */
export interface OnceAppender {
  /**
   * Appends each record unless its `once.key` was appended within `once.keepMillis`; then nothing is written and the
   * first result comes back. Atomic and durable like `append`.
   */
  appendOnce(records: readonly { record: NewRecord; once: { key: string; keepMillis: number; note: string } }[]): Promise<readonly OnceResult[]>;
}

export interface OnceResult {
  readonly offset: number;
  /** True when the key was known. `note` is then the first caller's. */
  readonly duplicate: boolean;
  readonly note: string;
}

/** Offsets of one partition. */
export interface ReadRange extends TopicPartition {
  readonly from: number;
  /** Exclusive; default: the end when it was called. */
  readonly to?: number | undefined;
}

/** A log that can look for the records of some keys without making records of all the others. */
export interface KeyedReader {
  /**
   * As `EventLog.read`, without the records of other keys, and in batches that take a process with other work a moment each.
   * `keys` is not changed while it runs.
   */
  readKeys(range: ReadRange, keys: ReadonlySet<string>): AsyncIterable<RecordBatch>;
}

export interface EventLog {
  readonly kind: 'memory' | 'embedded' | 'kafka';
  readonly admin: LogAdmin;
  readonly acls?: AclAdmin;
  readonly once?: OnceAppender;
  readonly keyed?: KeyedReader;
  /** A new appender of its own. */
  appender(): Promise<Appender>;
  /** Joins a group. Resolves once the member is running (not necessarily assigned yet). */
  join(options: GroupOptions, listener: GroupListener): Promise<GroupMember>;
  /**
   * Reads committed records without a group, from `from` up to `to` (exclusive; default: the end when it was called),
   * in batches. Ends when `to` is reached; gaps are skipped. An offset before the start of the log begins at the start.
   */
  read(topic: string, partition: number, from: number, to?: number): AsyncIterable<RecordBatch>;
  /**
   * The end of a partition once nothing below it is undecided: waits for transactions that are open or whose outcome is not
   * visible yet. A reader that must not miss what was committed before reads up to it.
   * @throws CONFAB_LOG_UNAVAILABLE one of them has not ended in time
   */
  settledEnd(topic: string, partition: number): Promise<number>;
  /**
   * Partition counts and ids are cached; this forgets what is known of a topic.
   * @throws CONFAB_TOPIC_UNKNOWN
   */
  topic(name: string): Promise<TopicDescription>;
  /** Largest record (key, value, headers) that every topic of the log takes, in bytes. */
  readonly maxRecordBytes: number;
  /** Resolves when the log answers. @throws CONFAB_LOG_UNAVAILABLE */
  check(): Promise<void>;
  close(): Promise<void>;
}
