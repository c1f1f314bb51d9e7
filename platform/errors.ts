/**
 * The one error catalogue: code, HTTP status, whether a repeat can help, title (one line, stable) and what to do.
 * `docs/errors.md` is generated from it; a test compares it with the code both ways.
 */

export interface ErrorEntry {
  /** HTTP status; for errors that never reach HTTP the status that a proxy of them would give. */
  readonly status: number;
  /** A repeat of the same request, later, can succeed. */
  readonly retryable: boolean;
  readonly title: string;
  /** What the reader should do, one or two sentences. */
  readonly help: string;
}

const entry = (status: number, retryable: boolean, title: string, help: string): ErrorEntry => ({ status, retryable, title, help });

export const catalogue = {
  // Requests
  CONFAB_REQUEST_MALFORMED: entry(400, false, 'The bytes are not an HTTP request', 'Send HTTP/1.1 as in RFC 9112.'),
  CONFAB_JSON_INVALID: entry(400, false, 'The body is not valid JSON', 'Send one JSON object in UTF-8.'),
  CONFAB_BODY_INVALID: entry(400, false, 'The body breaks a rule', 'Each entry of `errors` names a field by JSON pointer and the rule it breaks.'),
  CONFAB_CONVERSATION_ID_INVALID: entry(400, false, 'The conversation id is malformed', 'Use 1 to 128 characters of A-Z a-z 0-9 . _ : -'),
  CONFAB_IDEMPOTENCY_KEY_INVALID: entry(400, false, 'The idempotency key is malformed', 'Use 1 to 128 visible ASCII characters.'),
  CONFAB_POSITION_INVALID: entry(400, false, 'The position is malformed', 'Use a position exactly as an answer or frame gave it.'),
  CONFAB_QUERY_INVALID: entry(400, false, 'A query parameter breaks a rule', 'Each entry of `errors` names the parameter.'),
  CONFAB_TOKEN_MISSING: entry(401, false, 'No token was sent', 'Send `Authorization: Bearer <JWT>`, on a browser socket the subprotocol `confab.bearer.<JWT>`.'),
  CONFAB_TOKEN_INVALID: entry(401, false, 'The token is not valid', 'Check signature, issuer, audience and the required claims.'),
  CONFAB_TOKEN_EXPIRED: entry(401, false, 'The token has expired', 'Get a new token and repeat.'),
  CONFAB_TOKEN_REVOKED: entry(401, false, 'The token was revoked', 'Log in again: a token that is issued from now on holds. Operators: `confab revoke list`.'),
  CONFAB_SCOPE_MISSING: entry(403, false, 'The token lacks a scope', 'Ask for a token with the scope that the detail names.'),
  CONFAB_CONVERSATION_FORBIDDEN: entry(403, false, 'The conversation is not open to this token', 'Name it in the claim `confab.conversations`, or use the scope `conversations:all`.'),
  CONFAB_USER_MISMATCH: entry(403, false, 'The user is not the subject of the token', 'Leave `userId` out, or use the scope `integration`.'),
  CONFAB_ORIGIN_FORBIDDEN: entry(403, false, 'The origin is not allowed', 'Add it to CONFAB_ALLOWED_ORIGINS.'),
  CONFAB_HOST_FORBIDDEN: entry(403, false, 'The Host header is not allowed', 'Use a loopback address, or set CONFAB_PUBLIC_URL.'),
  CONFAB_ROUTE_UNKNOWN: entry(404, false, 'There is no such route', 'See GET /openapi.json.'),
  CONFAB_METHOD_NOT_ALLOWED: entry(405, false, 'The route does not take this method', 'Use one of the methods in the header Allow.'),
  CONFAB_REQUEST_TIMEOUT: entry(408, true, 'The request did not arrive in time', 'Send the whole request within 10 seconds.'),
  CONFAB_IDEMPOTENCY_KEY_REUSED: entry(409, false, 'The idempotency key was used for another body', 'Use a new key for a new message.'),
  CONFAB_BODY_TOO_LARGE: entry(413, false, 'The body is too large', 'Stay within CONFAB_MAX_BODY (64 KiB by default).'),
  CONFAB_URI_TOO_LONG: entry(414, false, 'The URI is too long', 'Shorten path and query.'),
  CONFAB_CONTENT_TYPE_UNSUPPORTED: entry(415, false, 'The content type is not supported', 'Send `Content-Type: application/json`.'),
  CONFAB_SUBPROTOCOL_REQUIRED: entry(426, false, 'The WebSocket subprotocol is missing', 'Offer the subprotocol that the route names.'),
  CONFAB_HEADERS_TOO_LARGE: entry(431, false, 'The headers are too large', 'Send less than 16 KiB of headers.'),
  CONFAB_RATE_LIMITED: entry(429, true, 'Too many requests', 'Wait as long as Retry-After says.'),
  CONFAB_KEYS_UNAVAILABLE: entry(503, true, 'The keys that tokens are checked with cannot be had', 'Repeat after Retry-After; operators check CONFAB_AUTH_JWKS_URL.'),
  CONFAB_INTERNAL: entry(500, false, 'An error of the server', 'Report it with the traceId; the server log has the cause.'),
  CONFAB_LOG_UNAVAILABLE: entry(503, true, 'The log cannot be written now', 'Nothing was written. Repeat after Retry-After.'),
  CONFAB_OVERLOADED: entry(503, true, 'The node is at its limit', 'Nothing was written. Repeat after Retry-After.'),
  CONFAB_DRAINING: entry(503, true, 'The node is going away', 'Nothing was written. Repeat at once on another node.'),
  CONFAB_OUTCOME_UNKNOWN: entry(503, true, 'It is not known whether the message was written', 'Repeat with the same idempotency key; without a key a repeat may double the message.'),
  CONFAB_INDEX_REBUILDING: entry(503, true, 'The index of idempotency keys is being rebuilt', 'Repeat after Retry-After; requests without a key go on meanwhile.'),
  CONFAB_PRESENCE_OFF: entry(404, false, 'Presence is switched off', 'Operators set CONFAB_PRESENCE=true on the processes of egress.'),
  CONFAB_VIEW_BEHIND: entry(503, true, 'The view has not reached the wanted position yet', 'Repeat after Retry-After.'),
  // Frames
  CONFAB_FRAME_MALFORMED: entry(400, false, 'The frame is not a JSON object', 'Send one JSON object a text frame.'),
  CONFAB_FRAME_INVALID: entry(400, false, 'The frame breaks a rule', 'The detail names the field and the rule.'),
  CONFAB_FRAME_TOO_LARGE: entry(413, false, 'The frame is too large', 'Stay within CONFAB_MAX_BODY (64 KiB by default).'),
  CONFAB_SUBSCRIPTION_LIMIT: entry(429, false, 'Too many subscriptions on one socket', 'Open another socket.'),
  CONFAB_RECEIPT_INVALID: entry(400, false, 'The client cannot have what it acknowledges', 'Acknowledge positions that came on the subscription, or that it was resumed from; nothing was written.'),
  CONFAB_SLOW_CONSUMER: entry(503, true, 'The client reads too slowly', 'Reconnect and resume from the last position.'),
  // The log
  CONFAB_LOG_OUTCOME_UNKNOWN: entry(503, true, 'A write to the log had no answer', 'It may have been written. The caller decides by reading the log.'),
  CONFAB_FENCED: entry(409, false, 'Another member of the group has taken over', 'Nothing was committed. The process joins again by itself.'),
  CONFAB_RECORD_TOO_LARGE: entry(413, false, 'A record exceeds what the log takes', 'Raise max.message.bytes of the topic, or write less.'),
  CONFAB_TIMESTAMP_REFUSED: entry(409, false, 'The record is older than its topic accepts', 'Nothing was written. Accept the input anew.'),
  CONFAB_TOPIC_UNKNOWN: entry(404, false, 'The topic does not exist', 'Run `confab topology apply`.'),
  CONFAB_TOPIC_EXISTS: entry(409, false, 'The topic exists already', 'Run `confab topology plan` to see what differs.'),
  CONFAB_OFFSET_OUT_OF_RANGE: entry(409, false, 'The committed offset is no longer in the log', 'Retention removed records before the group read them. Raise the retention, then move the group to the start of the log (docs/runbook.md).'),
  CONFAB_CONVERSATION_UNKNOWN: entry(404, false, 'The log holds no such conversation', 'Check id and --tenant. Records are kept as long as the retention of their topics.'),
  CONFAB_PARTITIONS_CHANGED: entry(409, false, 'A topic was given more partitions while it is in use', 'The number is fixed once a topic exists: running processes keep to the old one, no new one starts. Keep the keys where they are, or move the records to a topic that is made anew.'),
  CONFAB_PARTITION_UNKNOWN: entry(404, false, 'The topic has no such partition', 'Compare the partitions with `confab topology plan`.'),
  CONFAB_LOG_LOCKED: entry(409, false, 'Another process writes to the data directory', 'Stop it, or use another CONFAB_DATA_DIR.'),
  CONFAB_LOG_READ_ONLY: entry(409, false, 'The log was opened for reading', 'Send the command to the running process.'),
  CONFAB_DATA_VERSION: entry(409, false, 'The data directory has another format version', 'Use the version of Confab that the detail names, or a new CONFAB_DATA_DIR.'),
  CONFAB_DATA_DIR: entry(500, false, 'The data directory cannot be used', 'Give it room and rights, or use another CONFAB_DATA_DIR.'),
  CONFAB_LOG_REFUSED: entry(403, false, 'The broker refused the request', 'Check the rights of the principal with `confab topology plan`.'),
  CONFAB_CLOSED: entry(503, false, 'The component is closed', 'It is shutting down; nothing was written.'),
  CONFAB_METADATA_TOO_LARGE: entry(413, false, 'The metadata of a committed offset is too large', 'An error of the program: report it.'),
  // Records
  CONFAB_RECORD_INVALID: entry(422, false, 'The bytes are not a record of the topic', 'The record goes to the dead-letter topic; see who writes to the topic.'),
  CONFAB_SCHEMA_UNKNOWN: entry(422, false, 'The schema id is not known', 'Register the schema, or check CONFAB_REGISTRY_URL.'),
  CONFAB_SCHEMA_INCOMPATIBLE: entry(409, false, 'The schema is not compatible with the registered ones', 'Only add optional fields within a major version.'),
  CONFAB_REGISTRY_UNAVAILABLE: entry(503, true, 'The schema registry does not answer', 'Check CONFAB_REGISTRY_URL; the process tries again.'),
  CONFAB_VALUE_INVALID: entry(500, false, 'A value does not fit its schema', 'An error of the program: report it with the detail.'),
  // State
  CONFAB_STATE_UNAVAILABLE: entry(503, true, 'The state store does not answer', 'Processing waits and goes on by itself; check CONFAB_REDIS_URL.'),
  CONFAB_STATE_TOO_LARGE: entry(422, false, 'The state of a conversation exceeds 64 KiB', 'Keep less in the slots of the bot.'),
  CONFAB_REDIS_EVICTS: entry(500, false, 'Redis may evict keys', 'Set maxmemory-policy to noeviction: an evicted state would look like a new conversation.'),
  // Stages
  CONFAB_STAGE_FAILED: entry(500, false, 'A stage failed on a record', 'The record goes to the dead-letter topic; see the cause there.'),
  CONFAB_STAGE_TIMEOUT: entry(504, true, 'A stage did not finish within its budget', 'The record goes to the dead-letter topic.'),
  CONFAB_STAGE_STUCK: entry(503, true, 'A stage makes no progress', 'The process replaces its consumer; see the log for the partition.'),
  // Effects: status of a call that a flow made (docs/actions.md)
  CONFAB_EFFECT_UNAVAILABLE: entry(503, true, 'Nothing here does effects of this kind', 'The flow takes its `onError`. Set up what the kind needs: docs/actions.md.'),
  CONFAB_EFFECT_FAILED: entry(500, false, 'An effect failed in an unforeseen way', 'An error of the program: report it; the log of the process has the cause.'),
  // The language model: status of a question that a flow asked (docs/language-model.md); the fallback is said
  CONFAB_MODEL_UNAVAILABLE: entry(503, true, 'The language model does not answer', 'It failed with a status of 500 or more, or no connection came about. Look at the server behind CONFAB_MODEL_URL.'),
  CONFAB_MODEL_REFUSED: entry(502, false, 'The language model refused the request', 'Check CONFAB_MODEL_URL, CONFAB_MODEL_NAME and CONFAB_MODEL_KEY; the log has the status.'),
  CONFAB_MODEL_BUSY: entry(429, true, 'The language model takes no more requests at the moment', 'Raise the limits of its account or server, or ask it less often.'),
  CONFAB_MODEL_TIMEOUT: entry(504, true, 'The language model did not answer within the latency budget', 'Use a faster model, or raise `latency` in the bot\'s section `model`.'),
  CONFAB_MODEL_CUT: entry(502, true, 'The answer of the language model ended in the middle', 'The connection was lost, or a proxy in between ends long answers.'),
  CONFAB_MODEL_NONSENSE: entry(502, true, 'The language model answered what is no answer', 'It was empty, endless, no text or not what the API promises. Check that CONFAB_MODEL_URL speaks the chat completions API.'),
  CONFAB_MODEL_UNSAFE: entry(502, true, 'The language model answered what must not be said', 'It held a foreign link, markup or its own instructions, and was not shown. Many of them: look for texts that attack the bot.'),
  CONFAB_MODEL_UNGROUNDED: entry(502, true, 'The answer of the language model does not name its source', 'It cited no passage that it was given, and was not shown. Use a model that follows instructions, or set `citations: optional`.'),
  CONFAB_MODEL_NO_ANSWER: entry(404, false, 'The knowledge of the bot has no answer', 'Add to the `knowledge/` folder what people ask for.'),
  CONFAB_MODEL_BUDGET: entry(429, true, 'The tenant has used up its tokens', 'Wait for the next window, or raise CONFAB_MODEL_TENANT_TOKENS or the bot\'s `budget`.'),
  CONFAB_MODEL_OFF: entry(503, false, 'There is no language model here, or the bot does not allow the task', 'Set CONFAB_MODEL_URL and CONFAB_MODEL_NAME, and name the task in the bot\'s section `model`.'),
  CONFAB_KNOWLEDGE_UNAVAILABLE: entry(503, true, 'The knowledge of the bot cannot be searched', 'Elasticsearch does not answer; look at CONFAB_ELASTICSEARCH_URL.'),
  CONFAB_ACTION_HOST_FORBIDDEN: entry(403, false, 'The action names a host that is not allowed', 'Nothing was sent. The operator lists hosts in CONFAB_ACTION_HOSTS; a bot cannot.'),
  CONFAB_ACTION_ADDRESS_FORBIDDEN: entry(403, false, 'The host of the action leads to an address that is not allowed', 'Nothing was sent. Where it is meant to be an inner one, list it in CONFAB_ACTION_PRIVATE_ADDRESSES.'),
  CONFAB_ACTION_REDIRECT_REFUSED: entry(502, false, 'The redirect is not followed', 'Name the last address in the action, or raise its `redirects`.'),
  CONFAB_ACTION_SECRET_MISSING: entry(500, false, 'The action needs a secret that is not there for its host', 'Nothing was sent. Add it to CONFAB_ACTION_SECRETS.'),
  CONFAB_ACTION_INPUT_INVALID: entry(422, false, 'What the action was given does not fit', 'Nothing was sent. The flow should ask for it, or check it, before the step.'),
  CONFAB_ACTION_TIMEOUT: entry(504, true, 'The action did not end in time', 'The other side may have done it: it is asked again with the same key, if at all.'),
  CONFAB_ACTION_UNREACHABLE: entry(502, true, 'The server of the action cannot be reached', 'Check name, network and certificate; the log of the process has the cause at `debug`.'),
  CONFAB_ACTION_REFUSED: entry(502, false, 'The server of the action refuses the request', 'It answered with a 4xx: check the action against its documentation.'),
  CONFAB_ACTION_RATE_LIMITED: entry(502, true, 'The server of the action has too many requests', 'It answered with 429. Lower `concurrency` of the action, or raise the quota there.'),
  CONFAB_ACTION_SERVER_FAILED: entry(502, true, 'The server of the action failed', 'It answered with a 5xx.'),
  CONFAB_ACTION_ANSWER_TOO_LARGE: entry(502, false, 'The answer of the action is too large', 'Ask for less, or raise `maxBytes` of the action.'),
  CONFAB_ACTION_ANSWER_INVALID: entry(502, false, 'The answer of the action is not as declared', 'It is not JSON, or lacks an output, or one has another type or size: compare `output` with what the server sends.'),
  CONFAB_ACTION_RESTING: entry(503, true, 'The action has failed too often and rests', 'Nothing was sent. It is tried again after the rest of its `breaker`.'),
  CONFAB_ACTION_BUSY: entry(503, true, 'Too many calls of the action are under way', 'Nothing was sent. Raise `concurrency` or `queue` of the action if the server takes more.'),
  // What operators do
  CONFAB_LETTER_UNKNOWN: entry(404, false, 'There is no such dead letter', 'Use an id as `confab dead-letters list` prints it; letters are kept for 30 days.'),
  CONFAB_LETTER_CLOSED: entry(409, false, 'The dead letter is closed already', 'Nothing was written; `confab dead-letters show` says when it was retried or discarded.'),
  CONFAB_LETTER_NOT_RETRIABLE: entry(422, false, 'The dead letter cannot be retried', 'The detail says why. Discard it once the cause is mended.'),
  CONFAB_LETTERS_BUSY: entry(503, true, 'Somebody else is at work on the dead letters', 'Nothing was written. Repeat when the other command has ended.'),
  CONFAB_TOPIC_OWNED: entry(409, false, 'A stage owns the topic', 'Records of another writer may break what the stage promises. Force it only when you know that they do not.'),
  CONFAB_VIEW_UNKNOWN: entry(404, false, 'There is no such view', 'Run `confab rebuild` to see the views of the log.'),
  CONFAB_VIEW_HEALS_ITSELF: entry(409, false, 'The view needs no rebuild by hand', 'It comes back by itself; the detail says how.'),
  CONFAB_VIEW_NOT_KEPT: entry(409, false, 'The view is not kept here', 'The detail says where it is.'),
  // Topology, configuration, bots, commands
  CONFAB_TOPOLOGY_INVALID: entry(500, false, 'The topology is wrong', 'The detail names the topic or stage and the rule.'),
  CONFAB_TOPOLOGY_REFUSED: entry(409, false, 'The plan would lose data or break the order of keys', 'Read the plan; allow a single change by the flag that it names.'),
  CONFAB_TOPOLOGY_MISSING: entry(503, false, 'The log lacks a topic of the topology', 'Run `confab topology apply`.'),
  CONFAB_CONFIG_INVALID: entry(500, false, 'A setting is wrong', 'The detail names the setting, the value and the rule. See docs/config.md.'),
  CONFAB_CONFIG_UNKNOWN: entry(500, false, 'A setting is not known', 'The detail names the nearest known one. See docs/config.md.'),
  CONFAB_ROLE_NEEDS_KAFKA: entry(500, false, 'Roles need Kafka', 'Set CONFAB_KAFKA_BROKERS, or start without --role.'),
  CONFAB_AUTH_REQUIRED: entry(500, false, 'Authentication must be set up for this bind', 'Set CONFAB_AUTH_SECRET or CONFAB_AUTH_JWKS_URL, bind to loopback, or set CONFAB_AUTH=insecure.'),
  CONFAB_PORT_TAKEN: entry(500, false, 'The port is taken', 'Stop what listens there, or choose another port: CONFAB_HTTP_PORT=8081, or 0 for any free one.'),
  CONFAB_ADDRESS_REFUSED: entry(500, false, 'The address cannot be listened on', 'Set CONFAB_HTTP_HOST to an address of this machine such as 127.0.0.1, and CONFAB_HTTP_PORT to a port from 1024 on.'),
  CONFAB_BOT_INVALID: entry(422, false, 'The bot is wrong', 'Each entry names file, line and reason. Check with `confab bot check`.'),
  CONFAB_BOT_UNKNOWN: entry(404, false, 'There is no such bot', 'Name a bot of CONFAB_BOTS_DIR.'),
  CONFAB_BOT_NOT_READY: entry(503, true, 'The bot is being made ready', 'Wait: it was deployed a moment ago. `confab bot versions` shows how far each node is.'),
  CONFAB_BOT_TOO_LARGE: entry(413, false, 'The bot is too large to be deployed', 'Packed it may have 900 kB: take knowledge that nobody needs out of the folder.'),
  CONFAB_BOT_PACK_INVALID: entry(422, false, 'The packed bot is damaged', 'Deploy its folder again.'),
  CONFAB_ROLLOUT_REFUSED: entry(409, false, 'The roll-out cannot go on like this', 'The detail says why. `confab bot versions` shows what is live.'),
  CONFAB_SETTING_UNKNOWN: entry(404, false, 'There is no such setting', 'See `confab settings list`; flags begin with `flags.`.'),
  CONFAB_SETTING_INVALID: entry(422, false, 'The value does not fit the setting', 'Use a value of the type that `confab settings list` names.'),
  CONFAB_DATASET_INVALID: entry(422, false, 'The folder of labelled texts is wrong', 'It holds train.tsv and test.tsv, and may hold val.tsv and oos_*.tsv; a line is a text, a tab and its label, in UTF-8.'),
  CONFAB_CLOCK_SKEW: entry(500, false, 'Clocks differ by more than 5 seconds', 'Synchronise the clocks of nodes, brokers and Redis.'),
  CONFAB_SERVER_UNREACHABLE: entry(503, true, 'The server does not answer', 'Start it with `confab start`, or name it with --url or CONFAB_URL.'),
  // The client SDK (client/)
  CONFAB_QUEUE_FULL: entry(503, true, 'Too many messages wait to be accepted', 'Wait until some are accepted, or raise `queueLimit` of createClient.'),
  CONFAB_TOKEN_UNAVAILABLE: entry(503, true, 'The application has no token at the moment', 'The client asks its `token` callback again by itself.'),
  CONFAB_PLATFORM_LACKS: entry(500, false, 'The platform lacks WebSocket or fetch', 'Give one to createClient; in Node before 22 the WebSocket of the package `ws`.'),
  CONFAB_URL_INVALID: entry(400, false, 'The URL of the server is no base URL', 'Give one such as https://chat.example.com.'),
  CONFAB_USAGE: entry(400, false, 'The command line is wrong', 'See the --help of the command.'),
  CONFAB_INPUT_INVALID: entry(400, false, 'The input file is wrong', 'The detail names the line and the reason.'),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof catalogue;

export interface FieldError {
  /** JSON pointer into the input; for a query `/name`. */
  readonly pointer: string;
  readonly detail: string;
}

export interface ErrorOptions {
  /** This occurrence, in words that may be shown to the caller. No secrets, no message texts. */
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

export class ConfabError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryable: boolean;
  readonly title: string;
  readonly detail: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    const found = catalogue[code];
    const detail = options.detail ?? found.help;
    super(`${code}: ${found.title}. ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ConfabError';
    this.code = code;
    this.status = found.status;
    this.retryable = found.retryable;
    this.title = found.title;
    this.detail = detail;
    this.errors = options.errors;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Any thrown value as a ConfabError; never throws. What is not known becomes CONFAB_INTERNAL with the original as cause. */
export function toConfabError(thrown: unknown, fallback: ErrorCode = 'CONFAB_INTERNAL'): ConfabError {
  return thrown instanceof ConfabError ? thrown : new ConfabError(fallback, { cause: thrown });
}

/** True for a ConfabError with one of the codes. */
export function isCode(thrown: unknown, ...codes: ErrorCode[]): thrown is ConfabError {
  return thrown instanceof ConfabError && codes.includes(thrown.code);
}
