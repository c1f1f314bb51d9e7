/** Rules between settings, and what follows from several of them. */
import type { ErrorCode } from '../errors.js';
import type { Settings } from './settings.js';

export type AuthMode = 'jwt' | 'off' | 'insecure';

/** Where sampled spans go. */
export interface TraceTarget {
  /** Undefined: the exporter's default, http://localhost:4318/v1/traces. */
  readonly url: string | undefined;
}

/** The settings of a process: checked, typed, frozen. */
export interface Config extends Settings {
  /** Roles of this process; empty: all of them. */
  readonly roles: readonly string[];
  readonly auth: Settings['auth'] & { readonly mode: AuthMode };
  readonly http: Settings['http'] & { readonly adminHost: string };
  /** Names of the settings that the environment gave; the others have their defaults. */
  readonly given: ReadonlySet<string>;
  /** Undefined: nothing is traced and no exporter is loaded. */
  readonly tracing: TraceTarget | undefined;
}

export type Report = (name: string, detail: string, code?: ErrorCode) => void;

/** Roles that share claims, state or outboxes with other processes. */
const SHARING_ROLES = new Set(['ingress', 'dialogue', 'egress']);

/** True for names and addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Reports what does not fit together and settles what follows from several settings. */
export function applyRules(values: Settings, process: { readonly roles: readonly string[]; readonly serving: boolean; readonly given: ReadonlySet<string> }, report: Report): Config {
  const { roles, serving, given } = process;
  const mode = authMode(values);
  kafkaRules(values, report);
  redisRules(values, report);
  httpApiRules(values, report);
  modelRules(values, report);
  if (serving) {
    roleRules(values, roles, report);
    bindRules(values, mode, report);
  }
  return Object.freeze({
    ...values,
    given,
    roles: Object.freeze([...roles]),
    auth: Object.freeze({ ...values.auth, mode }),
    http: Object.freeze({ ...values.http, adminHost: values.http.adminHost ?? values.http.host }),
    tracing: traceTarget(values),
  });
}

function authMode({ auth }: Settings): AuthMode {
  return auth.mode ?? (auth.secret !== undefined || auth.jwksUrl !== undefined ? 'jwt' : 'off');
}

/** A model that is half set up would be found out by people's questions. */
function modelRules({ model }: Settings, report: Report): void {
  if (model.url !== undefined && model.name === undefined) report('CONFAB_MODEL_NAME', 'is needed where CONFAB_MODEL_URL is set');
  if (model.url === undefined && model.name !== undefined) report('CONFAB_MODEL_URL', 'is needed where CONFAB_MODEL_NAME is set');
  if (model.url !== undefined && (new URL(model.url).username !== '' || new URL(model.url).password !== '')) report('CONFAB_MODEL_URL', 'must hold no user or password; the key is CONFAB_MODEL_KEY');
}

function bindRules({ http, auth }: Settings, mode: AuthMode, report: Report): void {
  const keys = auth.secret !== undefined || auth.jwksUrl !== undefined;
  if (mode === 'jwt' && !keys) {
    report('CONFAB_AUTH_SECRET', 'or CONFAB_AUTH_JWKS_URL is missing: CONFAB_AUTH=jwt needs one of them', 'CONFAB_AUTH_REQUIRED');
  }
  if (mode === 'off' && !isLoopback(http.host)) {
    report('CONFAB_AUTH_SECRET', `or CONFAB_AUTH_JWKS_URL is missing: CONFAB_HTTP_HOST=${http.host} is reached from other machines; set one of them, bind to 127.0.0.1, or set CONFAB_AUTH=insecure`, 'CONFAB_AUTH_REQUIRED');
  }
  if (mode === 'insecure' && keys) report('CONFAB_AUTH', 'is insecure, but a key is set: drop one of the two');
  if (auth.secret !== undefined && auth.jwksUrl !== undefined) report('CONFAB_AUTH_JWKS_URL', 'and CONFAB_AUTH_SECRET are both set: drop one of the two');
  if (mode === 'jwt' && http.allowedOrigins?.includes('*')) report('CONFAB_ALLOWED_ORIGINS', 'must not hold * while authentication is on');
  if (http.adminPort !== undefined && http.adminPort !== 0 && http.adminPort === http.port) report('CONFAB_ADMIN_PORT', 'must differ from CONFAB_HTTP_PORT');
}

function roleRules(values: Settings, roles: readonly string[], report: Report): void {
  if (roles.length === 0) return;
  if (values.kafka.brokers === undefined) {
    report('CONFAB_KAFKA_BROKERS', `is missing: --role ${roles.join(' --role ')} needs Kafka, since the embedded log has one writing process`, 'CONFAB_ROLE_NEEDS_KAFKA');
  }
  const sharing = roles.filter((role) => SHARING_ROLES.has(role));
  if (sharing.length > 0 && !hasRedis(values)) {
    report('CONFAB_REDIS_URL', `is missing: the role ${sharing.join(', ')} shares idempotency keys, state or outboxes with other processes through Redis`);
  }
}

function hasRedis({ redis }: Settings): boolean {
  return redis.url !== undefined || redis.sentinels !== undefined || redis.clusterNodes !== undefined;
}

function kafkaRules({ kafka }: Settings, report: Report): void {
  const { saslMechanism: mechanism } = kafka;
  const named: [string, unknown][] = [['CONFAB_KAFKA_CA', kafka.ca], ['CONFAB_KAFKA_CERT', kafka.cert], ['CONFAB_KAFKA_SASL_MECHANISM', mechanism]];
  if (kafka.brokers === undefined) {
    for (const [name, value] of named) if (value !== undefined) report(name, 'is set, but CONFAB_KAFKA_BROKERS is not');
  }
  pair(['CONFAB_KAFKA_CERT', kafka.cert], ['CONFAB_KAFKA_KEY', kafka.key], report);
  const byName = mechanism !== undefined && mechanism !== 'oauthbearer';
  needed('CONFAB_KAFKA_SASL_USERNAME', kafka.saslUsername, byName, `CONFAB_KAFKA_SASL_MECHANISM=${mechanism}`, report);
  needed('CONFAB_KAFKA_SASL_PASSWORD', kafka.saslPassword, byName, `CONFAB_KAFKA_SASL_MECHANISM=${mechanism}`, report);
  needed('CONFAB_KAFKA_SASL_TOKEN', kafka.saslToken, mechanism === 'oauthbearer', 'CONFAB_KAFKA_SASL_MECHANISM=oauthbearer', report);
}

function needed(name: string, value: unknown, wanted: boolean, by: string, report: Report): void {
  if (wanted && value === undefined) report(name, `is missing: ${by} needs it`);
  if (!wanted && value !== undefined) report(name, 'is set, but CONFAB_KAFKA_SASL_MECHANISM does not use it');
}

function pair(one: [string, unknown], other: [string, unknown], report: Report): void {
  if (one[1] !== undefined && other[1] === undefined) report(other[0], `is missing: ${one[0]} needs it`);
  if (other[1] !== undefined && one[1] === undefined) report(one[0], `is missing: ${other[0]} needs it`);
}

function redisRules({ redis }: Settings, report: Report): void {
  const ways: [string, unknown][] = [['CONFAB_REDIS_URL', redis.url], ['CONFAB_REDIS_SENTINELS', redis.sentinels], ['CONFAB_REDIS_CLUSTER_NODES', redis.clusterNodes]];
  const set = ways.filter(([, value]) => value !== undefined).map(([name]) => name);
  if (set.length > 1) report(set[1] ?? '', `and ${set[0]} are both set: there is one Redis; drop one of the two`);
  pair(['CONFAB_REDIS_CERT', redis.cert], ['CONFAB_REDIS_KEY', redis.key], report);
  if (redis.url?.reveal().startsWith('redis:') && redis.ca !== undefined) report('CONFAB_REDIS_CA', 'is set, but CONFAB_REDIS_URL is redis://, without TLS; use rediss://');
}

function httpApiRules({ registry, elasticsearch }: Settings, report: Report): void {
  pair(['CONFAB_REGISTRY_USERNAME', registry.username], ['CONFAB_REGISTRY_PASSWORD', registry.password], report);
  pair(['CONFAB_REGISTRY_CERT', registry.cert], ['CONFAB_REGISTRY_KEY', registry.key], report);
  pair(['CONFAB_ELASTICSEARCH_USERNAME', elasticsearch.username], ['CONFAB_ELASTICSEARCH_PASSWORD', elasticsearch.password], report);
  if (registry.token !== undefined && registry.username !== undefined) report('CONFAB_REGISTRY_TOKEN', 'and CONFAB_REGISTRY_USERNAME are both set: drop one of the two');
  if (elasticsearch.apiKey !== undefined && elasticsearch.username !== undefined) report('CONFAB_ELASTICSEARCH_API_KEY', 'and CONFAB_ELASTICSEARCH_USERNAME are both set: drop one of the two');
}

function traceTarget({ observability: otel }: Settings): TraceTarget | undefined {
  const wanted = otel.exporter ?? (otel.endpoint !== undefined || otel.tracesEndpoint !== undefined ? 'otlp' : 'none');
  if (wanted === 'none' || otel.sdkDisabled) return undefined;
  const base = otel.endpoint?.replace(/\/$/, '');
  return Object.freeze({ url: otel.tracesEndpoint ?? (base === undefined ? undefined : `${base}/v1/traces`) });
}
