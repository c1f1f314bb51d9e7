/** Made by `npm run generate` from schemas/*.avsc: do not edit. Times are milliseconds since the epoch. */

/** Absolute value of one minute, bot, channel, intent and input partition; readers add the partitions. */
export interface AnalyticsCount {
  /** Start of the minute of acceptance. */
  readonly minute: number;
  /** Bot. */
  readonly botId: string;
  /** Channel. */
  readonly channel: string;
  /** Intent, null for none. */
  readonly intent: string | null;
  /** Input partition. */
  readonly partition: number;
  /** BotReplies. */
  readonly replies: number;
  /** Replies by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Acceptance to reply, sum. */
  readonly latencyMillisSum: number;
  /** Acceptance to reply, largest. */
  readonly latencyMillisMax: number;
  /** Counts by upper bound 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000 ms and above. */
  readonly latencyBuckets: readonly (number)[];
}

/** A version of a bot. */
export interface BotVersion {
  /** Bot. */
  readonly botId: string;
  /** Content hash. */
  readonly version: string;
  /** live, canary or retired. */
  readonly status: string;
  /** Share of conversations, 0 to 1. */
  readonly share: number;
  /** The folder, packed. */
  readonly files: Buffer | null;
  /** When it got this status. */
  readonly deployedAt: number | null;
  /** Principal. */
  readonly deployedBy: string | null;
}

/** A record that a stage could not process, whole; or the record that closes one. */
export interface DeadLetter {
  /** open, retried or discarded. */
  readonly status: string;
  /** partition-offset in dead-letters.v1 of the letter that this one closes. */
  readonly closes: string | null;
  /** Position of the message, where it could be read. */
  readonly position: string | null;
  /** Message, where it could be read. */
  readonly messageId: string | null;
  /** Stage that gave up. */
  readonly stage: string;
  /** decode, process or produce. */
  readonly phase: string;
  /** Where the record stands. */
  readonly topic: string;
  /** Where the record stands. */
  readonly partition: number;
  /** Where the record stands. */
  readonly offset: number;
  /** Key of the record. */
  readonly originalKey: Buffer | null;
  /** Value of the record, byte by byte. */
  readonly originalValue: Buffer | null;
  /** Code of the catalogue. */
  readonly errorCode: string;
  /** No message texts. */
  readonly errorMessage: string;
  /** Tries. */
  readonly attempts: number;
  /** When the stage gave up. */
  readonly at: number;
}

/** What became of a reply on its way to the person. */
export interface DeliveryUpdate {
  /** Position of the reply. */
  readonly position: string;
  /** sent, delivered, read, failed or unknown. */
  readonly state: string;
  /** Channel. */
  readonly channel: string;
  /** Id given by the platform. */
  readonly providerId: string | null;
  /** Code when failed. */
  readonly errorCode: string | null;
  /** When it happened. */
  readonly at: number;
}

/** A personal value sealed with the key of its data subject. */
export interface Sealed {
  /** Who the key belongs to. */
  readonly subject: string;
  readonly nonce: Buffer;
  readonly bytes: Buffer;
}

/** Where a conversation stands after the input at `reflects`; at most 64 KiB. */
export interface DialogueState {
  /** Position of the last input. */
  readonly reflects: string;
  /** Position of the last BotReply. */
  readonly prev: string | null;
  /** Bot. */
  readonly botId: string;
  /** Version that the conversation is pinned to. */
  readonly botVersion: string;
  /** A person has taken over. */
  readonly handedOff: boolean;
  /** Inputs seen. */
  readonly turns: number;
  /** State of the interpreter as JSON. */
  readonly data: string | Sealed | null;
  /** The last lines, oldest first, a line each: who (p person, b bot, a agent), a space, what. */
  readonly history: string | Sealed | null;
}

export interface Author {
  /** person, agent, bot or system. */
  readonly type: string;
  /** Display name. */
  readonly name: string | Sealed | null;
}

/** Every input of a conversation; the key is tenant/conversationId, the record timestamp its acceptance. */
export interface Message {
  /** text, postback, attachment, edit, reaction, timer, agent, handoff or system. */
  readonly kind: string;
  /** ULID. */
  readonly messageId: string;
  /** The bot that answers, settled at ingress. */
  readonly botId: string;
  /** web, api, or the messaging platform. */
  readonly channel: string;
  /** The account of the channel. */
  readonly accountId: string | null;
  /** Who wrote it. */
  readonly userId: string | Sealed | null;
  /** On whose side it was written. */
  readonly author: Author;
  /** What was written. */
  readonly text: string | Sealed | null;
  /** Payload of a postback, or data of another kind as JSON. */
  readonly payload: string | Sealed | null;
  /** The reply that a postback answers. */
  readonly replyId: string | null;
  /** BCP 47. */
  readonly locale: string | null;
  /** Free attributes of the integration. */
  readonly attributes: Readonly<Record<string, string | Sealed | null>>;
  /** When the sender says it was sent. */
  readonly sentAt: number | null;
  /** SHA-256 of tenant, conversation and key, base64url. */
  readonly idempotencyKeyHash: string | null;
  /** SHA-256 of the canonical body, base64url; with a key only. */
  readonly bodyHash: string | null;
  /** Position in dead-letters.v1 (partition-offset) of which this is the retry. */
  readonly retryOf: string | null;
}

export interface RankedIntent {
  /** Name. */
  readonly intent: string;
  /** 0 to 1. */
  readonly confidence: number;
}

export interface Entity {
  /** Entity name. */
  readonly name: string;
  /** Normalised value. */
  readonly value: string | Sealed | null;
  /** First UTF-16 unit. */
  readonly start: number;
  /** Past the last unit. */
  readonly end: number;
  /** pattern, list, fuzzy, system or learned. */
  readonly source: string;
  /** Kind of a system entity; null for others. */
  readonly type: string | null;
  /** 0 to 1 of a guess (fuzzy, learned); null of what is sure. */
  readonly confidence: number | null;
}

export interface IntentResult {
  /** Bot id. */
  readonly bot: string;
  /** Version of the bot. */
  readonly version: string;
  /** Version of the model: hash of its training data and code. */
  readonly model: string;
  /** The intent, null when none is likely enough. */
  readonly intent: string | null;
  /** 0 to 1. */
  readonly confidence: number;
  /** Best first, at most five. */
  readonly ranking: readonly (RankedIntent)[];
  /** In order of start. */
  readonly entities: readonly (Entity)[];
}

/** What the intent stage found in one message; it carries the message on to the dialogue. */
export interface IntentDetected {
  /** Position of the message. */
  readonly position: string;
  /** The message itself. */
  readonly message: Message;
  /** One for each live version of the bot; empty for what is not text. */
  readonly results: readonly (IntentResult)[];
  /** When the intent stage made it; null in records of before the field was there. */
  readonly detectedAt: number | null;
}

/** Somebody who is connected. */
export interface PresentUser {
  /** Subject of the token. */
  readonly userId: string | Sealed | null;
  /** person, agent or integration, by the scopes of the token. */
  readonly role: string;
  /** Their sockets on this node. */
  readonly sockets: number;
  /** When the first of these came. */
  readonly since: number;
}

/** Who is connected to one egress node in one conversation; a tombstone when nobody is any more. Key: conversation key, NUL, node. With the key NUL, node it is the lease of the node: all its entries in the partition hold until then. */
export interface Presence {
  /** The egress node: ULID of its start. */
  readonly node: string;
  /** Sockets that follow the conversation on this node; 0 in a lease. */
  readonly sockets: number;
  /** When the first of them came; of a lease: when it was renewed. */
  readonly since: number;
  /** It holds until then, or as long as the node's lease, whichever is later. */
  readonly until: number;
  /** At most 32; sockets of others are counted only. */
  readonly users: readonly (PresentUser)[];
}

export interface QuickReply {
  /** Shown. */
  readonly title: string;
  /** Sent back as postback. */
  readonly payload: string;
}

export interface Button {
  /** Shown. */
  readonly title: string;
  /** Opened by a tap. */
  readonly url: string | null;
  /** Sent back as postback; null for a link. */
  readonly payload: string | null;
}

export interface Image {
  /** https. */
  readonly url: string;
  /** What it shows, in words. */
  readonly alt: string;
}

export interface Citation {
  /** Of the source. */
  readonly title: string;
  /** File of the bot's knowledge. */
  readonly source: string;
  /** Where it can be read. */
  readonly url: string | null;
}

export interface ReplyPart {
  /** Plain text. */
  readonly text: string | Sealed | null;
  /** Choices offered. */
  readonly quickReplies: readonly (QuickReply)[];
  /** Stand under the bubble and stay there. */
  readonly buttons: readonly (Button)[];
  /** Shown with the bubble. */
  readonly image: Image | null;
  /** What the text is taken from. */
  readonly citations: readonly (Citation)[];
}

export interface TranscriptLine {
  /** person, bot or agent. */
  readonly by: string;
  /** The line, cut where it is long. */
  readonly text: string | Sealed | null;
}

export interface Handoff {
  /** person or bot. */
  readonly to: string;
  /** Why. */
  readonly reason: string | null;
  /** The last lines before it, oldest first; only of a handoff to a person. */
  readonly transcript: readonly (TranscriptLine)[];
}

export interface EffectResult {
  /** Idempotency key: position and step. */
  readonly key: string;
  /** http or model. */
  readonly kind: string;
  /** ok or an error code. */
  readonly status: string;
  /** What came back. */
  readonly result: string | Sealed | null;
}

/** The outcome of one message: exactly one for each Message. Parts may be empty. */
export interface BotReply {
  /** Position of the message that it answers (index 00). */
  readonly position: string;
  /** messageId; null when no message asked for it. */
  readonly inReplyTo: string | null;
  /** messageId-index. */
  readonly replyId: string;
  /** Bot. */
  readonly botId: string;
  /** Version of the bot. */
  readonly botVersion: string;
  /** Channel of the conversation. */
  readonly channel: string;
  /** Account of the channel. */
  readonly accountId: string | null;
  /** Intent that was acted on. */
  readonly intent: string | null;
  /** 0 to 1. */
  readonly confidence: number;
  /** answered, fallback, handed_off, silent, ended or timer. */
  readonly outcome: string;
  /** Who answers. */
  readonly author: Author;
  /** Bubbles in order. */
  readonly parts: readonly (ReplyPart)[];
  /** Set when this turn hands the conversation over. */
  readonly handoff: Handoff | null;
  /** Calls made for this turn. */
  readonly effects: readonly (EffectResult)[];
  /** Position of the conversation's previous BotReply; null for the first. */
  readonly prev: string | null;
  /** When the dialogue made it. */
  readonly createdAt: number;
}

/** Tokens that are refused from now on, before they end by themselves. */
export interface Revocation {
  /** token, subject, conversation or tenant. */
  readonly kind: string;
  /** Of the tokens; null for one token by its id. */
  readonly tenant: string | null;
  /** Id of the token (claim jti), subject (sub) or conversation; empty for a whole tenant. */
  readonly value: string;
  /** Seconds since the epoch: tokens issued (iat) before it; null for one token. */
  readonly issuedBefore: number | null;
  /** When the last of these tokens has ended by itself; null: not known, kept for good. */
  readonly until: number | null;
  /** For operators. */
  readonly reason: string | null;
  /** Who revoked them. */
  readonly revokedBy: string;
  /** When. */
  readonly revokedAt: number;
}

/** A flag or setting changed at run time. */
export interface Setting {
  /** JSON. */
  readonly value: string;
  /** Principal. */
  readonly changedBy: string;
  /** When. */
  readonly changedAt: number;
}

/** A timer that is set; a tombstone when fired or cancelled. Key: conversation key, NUL, timer id. */
export interface Timer {
  /** Unique in the conversation: the reminder's name, @, position of the input that set it. Setting it anew makes another. */
  readonly timerId: string;
  /** Bot. */
  readonly botId: string;
  /** When it fires. */
  readonly dueAt: number;
  /** Position of the input that set it. */
  readonly setBy: string;
  /** What the dialogue gets back, JSON. */
  readonly payload: string | Sealed | null;
  /** Channel of the conversation. */
  readonly channel: string;
  /** Account of the channel. */
  readonly accountId: string | null;
  /** Whom it concerns. */
  readonly userId: string | Sealed | null;
  /** BCP 47. */
  readonly locale: string | null;
}

/** Sealing key of a data subject, itself sealed with the master key. */
export interface UserKey {
  /** Data subject. */
  readonly subject: string;
  /** When. */
  readonly createdAt: number;
  /** Key. */
  readonly sealedKey: Buffer;
}

/** Every top-level record by name. */
export interface RecordTypes {
  AnalyticsCount: AnalyticsCount;
  BotVersion: BotVersion;
  DeadLetter: DeadLetter;
  DeliveryUpdate: DeliveryUpdate;
  DialogueState: DialogueState;
  IntentDetected: IntentDetected;
  Message: Message;
  Presence: Presence;
  BotReply: BotReply;
  Revocation: Revocation;
  Setting: Setting;
  Timer: Timer;
  UserKey: UserKey;
}

export type RecordName = keyof RecordTypes;
