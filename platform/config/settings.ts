/**
 * Every setting of Confab, by section: the one declaration. `loadConfig` reads it, `docs/config.md` is generated from it.
 * Most connections to other systems are in settings-connections.ts.
 */
import { join } from 'node:path';
import { packageRoot } from '../package-root.js';
import { elasticsearch, kafka, redis, registry } from './settings-connections.js';
import { choice, duration, flag, hidden, integer, list, mapping, origin, port, ratio, size, text, trustProxy, url } from './kinds.js';
import { actions } from './settings-actions.js';
import { model } from './settings-model.js';
import { optional, secret, setting, type Setting } from './setting.js';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const name = text(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and `-`, at most 40');

const http = {
  port: setting('CONFAB_HTTP_PORT', port, { default: 8080, doc: 'Port of the HTTP and WebSocket server. 0 takes a free one.' }),
  host: setting('CONFAB_HTTP_HOST', text(/^[A-Za-z0-9.:_-]+$/, 'a host name or address'), {
    default: '127.0.0.1', example: '0.0.0.0', doc: 'Address to listen on. One that is not loopback needs authentication.',
  }),
  adminPort: optional('CONFAB_ADMIN_PORT', port, {
    example: '9090', doc: 'Port that serves /health and an open /metrics beside the public one. Keep it inside the cluster.',
  }),
  adminHost: optional('CONFAB_ADMIN_HOST', text(/^[A-Za-z0-9.:_-]+$/, 'a host name or address'), { defaultText: 'CONFAB_HTTP_HOST', doc: 'Address of the admin port.' }),
  publicUrl: optional('CONFAB_PUBLIC_URL', url('http', 'https'), {
    example: 'https://chat.example.com', doc: 'URL under which clients reach the server: its host is taken as a valid `Host`, its origin as an allowed one.',
  }),
  allowedOrigins: optional('CONFAB_ALLOWED_ORIGINS', list(origin), {
    defaultText: 'none', example: 'https://www.example.com', doc: "Further origins of browsers that may use HTTP and WebSockets; the server's own origin always may. `*` is refused while authentication is on.",
  }),
  trustProxy: setting('CONFAB_TRUST_PROXY', trustProxy, { default: false, example: '10.0.0.0/8', doc: 'Proxies whose `X-Forwarded-For` gives the client address.' }),
  maxBody: setting('CONFAB_MAX_BODY', size, {
    default: 65_536, doc: 'Largest body of a request and largest frame.', check: (value) => (value < 1024 || value > 1_048_576 ? 'must be from 1KiB to 1MiB' : undefined),
  }),
  startTimeout: setting('CONFAB_START_TIMEOUT', duration, {
    default: 30_000, doc: 'How long a start waits for Kafka, the registry and Redis when they do not answer yet; afterwards the process exits with 1.',
  }),
  drainTimeout: setting('CONFAB_DRAIN_TIMEOUT', duration, {
    default: 25_000, doc: 'Time that a stop may take after SIGTERM; afterwards the process exits with 1.', check: (value) => (value < 100 ? 'must be at least 100ms' : undefined),
  }),
};

const auth = {
  mode: optional('CONFAB_AUTH', choice('jwt', 'off', 'insecure'), {
    defaultText: '`jwt` when a key is set, else `off`', doc: '`jwt`: every request needs a token. `off`: none does, on a loopback address only. `insecure`: none does, on any address.',
  }),
  secret: secret('CONFAB_AUTH_SECRET', hidden, {
    doc: 'Key of HS256 tokens, at least 32 bytes.', check: (value) => (Buffer.byteLength(value.reveal()) < 32 ? 'must have at least 32 bytes (RFC 7518, 3.2)' : undefined),
  }),
  jwksUrl: optional('CONFAB_AUTH_JWKS_URL', url('http', 'https'), { example: 'https://id.example.com/.well-known/jwks.json', doc: 'Public keys of the token issuer.' }),
  issuer: optional('CONFAB_AUTH_ISSUER', text(), { example: 'https://id.example.com/', doc: 'The `iss` that tokens must have.' }),
  audience: setting('CONFAB_AUTH_AUDIENCE', text(), { default: 'confab', doc: 'The `aud` that tokens must have.' }),
  idSecret: secret('CONFAB_ID_SECRET', hidden, {
    doc: 'Key that makes conversation ids of channels from platform user ids, at least 32 bytes. It is no view of the log: keep it.',
    check: (value) => (Buffer.byteLength(value.reveal()) < 32 ? 'must have at least 32 bytes' : undefined),
  }),
};

const pipeline = {
  dataDir: setting('CONFAB_DATA_DIR', text(), { default: './data', doc: 'Folder of the embedded log and of local views.' }),
  botsDir: setting('CONFAB_BOTS_DIR', text(), { default: join(packageRoot(), 'bots'), defaultText: 'the packaged `bots` folder', doc: 'Folder with one sub-folder for each bot.' }),
  botsReload: setting('CONFAB_BOTS_RELOAD', flag, {
    default: true, doc: 'Whether a bot whose files change is read again and used at once, without a restart. Only where one process runs all roles on the embedded log: with Kafka every process must have the same bots.',
  }),
  defaultBot: setting('CONFAB_DEFAULT_BOT', name, { default: 'parcel', doc: 'Bot of conversations for which nothing else names one.' }),
  tenantBots: optional('CONFAB_TENANT_BOTS', mapping(/^[a-z0-9][a-z0-9-]{0,39}$/, /^[a-z0-9][a-z0-9-]{0,39}$/, '`tenant=bot,…`'), {
    example: 'acme=parcel,globex=support', doc: 'Default bot by tenant.',
  }),
  prefix: setting('CONFAB_PREFIX', text(/^[A-Za-z0-9._-]{0,60}$/, 'letters, digits, `.`, `_`, `-`, at most 60'), { default: '', example: 'staging.', doc: 'Put before every topic and group name.' }),
  partitions: setting('CONFAB_PARTITIONS', integer(1, 1000), { default: 24, doc: 'Partitions of the conversation topics. Fixed once the topics exist.' }),
  replicas: optional('CONFAB_REPLICAS', integer(1, 32), { defaultText: "the broker's default", example: '3', doc: 'Copies of each partition on Kafka.' }),
  topologyApply: setting('CONFAB_TOPOLOGY_APPLY', choice('on-start', 'never'), {
    default: 'on-start', doc: '`on-start`: topics that are missing are made when a process starts (nothing that exists is changed). `never`: run `confab topology apply`.',
  }),
};

const delivery = {
  outboxEntries: setting('CONFAB_OUTBOX_ENTRIES', integer(1, 10_000), { default: 200, doc: 'Outcomes of a conversation that the outbox keeps for clients that resume; older ones come from the log.' }),
  outboxTtl: setting('CONFAB_OUTBOX_TTL', duration, { default: 86_400_000, doc: 'How long the outbox keeps a conversation after its last outcome.', check: (value) => (value < 1000 ? 'must be at least 1s' : undefined) }),
  outboxMemory: setting('CONFAB_OUTBOX_MEMORY', size, { default: 64 * 1024 ** 2, doc: 'Memory that the outbox of a single process may take.' }),
  socketQueue: setting('CONFAB_SOCKET_QUEUE', size, { default: 1024 ** 2, doc: 'Bytes that may be under way to one socket, the buffers of the network included. Beyond, its outcomes wait in the outbox until the client has read.', check: (value) => (value < 65_536 ? 'must be at least 64KiB' : undefined) }),
  slowClient: setting('CONFAB_SLOW_CLIENT_TIMEOUT', duration, { default: 30_000, doc: 'A client that reads nothing of what waits for it for so long is closed with 4000, and resumes.', check: (value) => (value < 1000 ? 'must be at least 1s' : undefined) }),
  maxSockets: setting('CONFAB_MAX_SOCKETS', integer(1, 1_000_000), { default: 20_000, doc: 'Sockets that one node takes; further ones are closed with 1013 and come again later, or to another node. Each takes a file of the process.' }),
  maxHandshakes: setting('CONFAB_MAX_HANDSHAKES', integer(16, 100_000), { default: 2_000, doc: 'Handshakes of sockets that may wait for their turn. Those beyond are closed with 1013 and a time to come back.' }),
  presence: setting('CONFAB_PRESENCE', flag, { default: false, doc: 'Whether it is kept who is connected (`presence.v1`, `GET /v1/conversations/{conversationId}/presence`). It costs a record when somebody comes and one when they leave, and memory for those who are connected. Set it alike on all processes of egress.' }),
  presenceLease: setting('CONFAB_PRESENCE_LEASE', duration, { default: 40_000, doc: 'How long the sockets of a node count as connected after its last sign of life. With the default they are gone from the topic within 60 s of its death.', check: (value) => (value < 2000 || value > 3_600_000 ? 'must be from 2s to 1h' : undefined) }),
};

const observability = {
  logLevel: setting('CONFAB_LOG_LEVEL', choice(...LOG_LEVELS), { default: 'info', doc: 'Least level that is logged. Message texts appear at `trace` only.' }),
  logFormat: setting('CONFAB_LOG_FORMAT', choice('auto', 'json', 'text'), { default: 'auto', doc: '`json`: one object a line, for machines. `text`: one readable line. `auto`: text on a terminal, else JSON.' }),
  traceSample: setting('CONFAB_TRACE_SAMPLE', ratio, { default: 0.01, doc: 'Share of messages that are traced, when an exporter is set.' }),
  exporter: optional('OTEL_TRACES_EXPORTER', choice('otlp', 'none'), { defaultText: '`otlp` when an endpoint is set, else `none`', doc: 'Where spans go.' }),
  endpoint: optional('OTEL_EXPORTER_OTLP_ENDPOINT', url('http', 'https'), { example: 'http://localhost:4318', doc: 'OTLP collector; `/v1/traces` is added.' }),
  tracesEndpoint: optional('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', url('http', 'https'), { example: 'http://localhost:4318/v1/traces', doc: 'OTLP collector for traces, the whole URL.' }),
  headers: secret('OTEL_EXPORTER_OTLP_HEADERS', hidden, { doc: 'Headers for the collector, `name=value,…`, percent-encoded.' }),
  protocol: optional('OTEL_EXPORTER_OTLP_PROTOCOL', choice('http/json', 'http/protobuf'), { defaultText: '`http/json`', doc: 'How spans are sent. Both values send JSON over HTTP, which collectors take on the same port; `grpc` is not supported.' }),
  serviceName: setting('OTEL_SERVICE_NAME', text(), { default: 'confab', doc: 'Name of the service in traces.' }),
  sdkDisabled: setting('OTEL_SDK_DISABLED', flag, { default: false, doc: 'Switches tracing off.' }),
};

const client = {
  url: optional('CONFAB_URL', url('http', 'https'), { defaultText: 'the local server', example: 'https://chat.example.com', doc: 'Server that commands such as `confab replay` talk to.' }),
  token: secret('CONFAB_TOKEN', hidden, { doc: 'Token that commands send.' }),
};

/** Every setting, by section. */
export const settings = { http, auth, pipeline, kafka, redis, registry, elasticsearch, delivery, actions, model, observability, client };

/** Headings of the sections in the documentation. */
export const sectionTitles: Record<keyof typeof settings, string> = {
  http: 'Server', auth: 'Identity', pipeline: 'Pipeline', kafka: 'Kafka', redis: 'Redis', registry: 'Schema registry', elasticsearch: 'Elasticsearch',
  delivery: 'Delivery', actions: 'Actions', model: 'Language model', observability: 'Logs and traces', client: 'Commands',
};

export type SectionName = keyof typeof settings;
type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** The values of all settings, by section. */
export type Settings = { readonly [S in SectionName]: { readonly [K in keyof (typeof settings)[S]]: ValueOf<(typeof settings)[S][K]> } };
