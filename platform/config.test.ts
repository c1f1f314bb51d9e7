import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { test } from 'node:test';
import { allSettings, configReference, describeConfig, loadConfig, nearest, Secret, type Environment, type LoadOptions } from './config.js';
import { ConfabError } from './errors.js';
import { createLogger } from './observability/logger.js';
import { packageRoot } from './package-root.js';
import { scratchFolder } from './testing.js';

const LONG = 'x'.repeat(32);

function refusal(env: Environment, options?: LoadOptions): ConfabError {
  try { loadConfig(env, options); } catch (error) {
    assert.ok(error instanceof ConfabError, String(error));
    return error;
  }
  return assert.fail('was not refused');
}

test('without any variable the defaults hold, and nothing can be changed', () => {
  const config = loadConfig({ PATH: '/bin' });
  assert.deepEqual([config.http.port, config.http.host, config.auth.mode, config.pipeline.dataDir, config.pipeline.defaultBot, config.pipeline.partitions, config.http.drainTimeout, config.http.maxBody, config.tracing],
    [8080, '127.0.0.1', 'off', './data', 'parcel', 24, 25_000, 65_536, undefined]);
  assert.equal(config.pipeline.botsDir, join(packageRoot(), 'bots'));
  assert.throws(() => { (config.http as { port: number }).port = 1; }, TypeError);
  assert.throws(() => { (config as { roles: unknown }).roles = []; }, TypeError);
});

test('an empty value counts as not set', () => {
  assert.equal(loadConfig({ CONFAB_HTTP_PORT: '' }).http.port, 8080);
});

test('values are typed, with units', () => {
  const config = loadConfig({
    CONFAB_HTTP_PORT: '0', CONFAB_DRAIN_TIMEOUT: '1.5s', CONFAB_MAX_BODY: '128KiB', CONFAB_TENANT_BOTS: 'acme=parcel, globex=support',
    CONFAB_KAFKA_BROKERS: 'a:1, [::1]:2', CONFAB_TRUST_PROXY: 'loopback,10.0.0.0/8', CONFAB_TRACE_SAMPLE: '.5', CONFAB_ALLOWED_ORIGINS: 'https://a.example,http://localhost:3000',
  });
  assert.deepEqual([config.http.port, config.http.drainTimeout, config.http.maxBody, config.kafka.brokers, config.http.trustProxy, config.observability.traceSample, config.http.allowedOrigins, [...config.pipeline.tenantBots ?? []]],
    [0, 1500, 131_072, ['a:1', '[::1]:2'], ['loopback', '10.0.0.0/8'], 0.5, ['https://a.example', 'http://localhost:3000'], [['acme', 'parcel'], ['globex', 'support']]]);
});

test('a wrong value is refused with its name, the value and the rule', () => {
  const wrong: Record<string, string[]> = {
    CONFAB_HTTP_PORT: ['abc', '-1', '65536', '80.5'], CONFAB_DRAIN_TIMEOUT: ['25', '5 weeks', '-1s', '0'], CONFAB_MAX_BODY: ['1', '64XB', '1GiB'], CONFAB_TRACE_SAMPLE: ['1.1', 'all', '.'],
    CONFAB_LOG_LEVEL: ['loud'], CONFAB_KAFKA_BROKERS: ['localhost', 'a:0', ','], CONFAB_PUBLIC_URL: ['chat', 'ftp://x', 'https://user:pass@x'], CONFAB_ALLOWED_ORIGINS: ['https://a.example/', 'a.example'],
    CONFAB_TENANT_BOTS: ['acme', 'Acme=parcel', 'a=b,a=c'], CONFAB_TRUST_PROXY: ['maybe', '10.0.0.0/33'], CONFAB_PREFIX: ['a/b'], CONFAB_KAFKA_TLS: ['yes'],
  };
  for (const [name, values] of Object.entries(wrong)) for (const value of values) {
    const error = refusal({ [name]: value });
    assert.equal(error.code, 'CONFAB_CONFIG_INVALID');
    assert.equal(error.errors?.length, 1, `${name}=${value}`);
    assert.ok(error.detail.startsWith(`${name} is ${JSON.stringify(value)}, but must`) || /names a key twice|hold/.test(error.detail), error.detail);
  }
});

test('all faults come at once', () => {
  const error = refusal({ CONFAB_HTTP_PORT: 'x', CONFAB_LOG_LEVEL: 'loud', CONFAB_HTTP_PROT: '1' });
  assert.deepEqual(error.errors?.map(({ pointer }) => pointer), ['/CONFAB_HTTP_PROT', '/CONFAB_HTTP_PORT', '/CONFAB_LOG_LEVEL']);
  assert.match(error.detail, /\(CONFAB_CONFIG_UNKNOWN\)/);
});

test('an unknown name is refused with the nearest one; names of tests and benchmarks pass', () => {
  const error = refusal({ CONFAB_HTPP_PORT: '1' });
  assert.equal(error.code, 'CONFAB_CONFIG_UNKNOWN');
  assert.match(error.detail, /nearest setting is CONFAB_HTTP_PORT\./);
  assert.match(refusal({ CONFAB_HTTP_PORT_FILE: '/x' }).detail, /only secrets come from files; set CONFAB_HTTP_PORT/);
  loadConfig({ CONFAB_TEST_REDIS_URL: 'x', CONFAB_BENCH_SECONDS: 'y' });
});

test('a secret comes from a file, without its last line end, and can be read again when it is renewed', (t) => {
  const file = join(scratchFolder(t), 'secret');
  writeFileSync(file, `${LONG}\n`);
  const config = loadConfig({ CONFAB_AUTH_SECRET_FILE: file });
  assert.equal(config.auth.secret?.reveal(), LONG);
  assert.equal(config.auth.mode, 'jwt');
  writeFileSync(file, 'renewed');
  assert.equal(config.auth.secret?.revealFresh(), 'renewed');
  assert.match(refusal({ CONFAB_AUTH_SECRET_FILE: file, CONFAB_AUTH_SECRET: LONG }).detail, /is set twice/);
  assert.match(refusal({ CONFAB_AUTH_SECRET_FILE: '/does/not/exist' }).detail, /cannot be read/);
});

test('every secret may come as NAME_FILE', () => {
  for (const one of allSettings().filter((candidate) => candidate.secret)) {
    const value = /ACTION_SECRETS$/.test(one.name) ? '{}' : /URL$/.test(one.name) ? 'redis://h' : /KEY$/.test(one.name) && !/API/.test(one.name) ? '-----BEGIN PRIVATE KEY-----' : LONG;
    let read = 0;
    try { loadConfig({ [`${one.name}_FILE`]: 'file' }, { io: { readFile: () => { read += 1; return value; } } }); } catch (error) { assert.match((error as Error).message, /is missing|is set, but/); }
    assert.ok(read > 0, one.name);
  }
});

test('a secret is never printed: not in faults, descriptions, logs, strings or JSON', () => {
  const env = { CONFAB_AUTH_SECRET: `${LONG}-hush`, CONFAB_REDIS_URL: 'rediss://me:hush@redis:6379/1', CONFAB_TOKEN: 'hush' };
  const config = loadConfig(env);
  const lines: string[] = [];
  createLogger({ level: 'info' }, { write: (line: string) => { lines.push(line); } }).info({ config, secret: config.auth.secret }, 'started');
  assert.doesNotMatch(`${inspect(config, { depth: 9 })}${JSON.stringify(describeConfig(config))}${lines.join('')}`, /hush/);
  assert.equal(describeConfig(config).find(({ name }) => name === 'CONFAB_REDIS_URL')?.value, 'rediss://***:***@redis:6379/1');
  assert.doesNotMatch(refusal({ CONFAB_AUTH_SECRET: 'hush', CONFAB_REDIS_URL: 'http://hush' }).message, /hush/);
  assert.throws(() => `${new Secret('hush') as unknown as string}`, TypeError);
  assert.throws(() => JSON.stringify(new Secret('hush')), TypeError);
});

test('a role needs Kafka', () => {
  assert.equal(refusal({}, { roles: ['intent'] }).code, 'CONFAB_ROLE_NEEDS_KAFKA');
  const config = loadConfig({ CONFAB_KAFKA_BROKERS: 'k:9092' }, { roles: ['intent', 'analytics'] });
  assert.deepEqual(config.roles, ['intent', 'analytics']);
});

test('a role that shares state needs Redis; everything in one process does not', () => {
  assert.match(refusal({ CONFAB_KAFKA_BROKERS: 'k:9092' }, { roles: ['dialogue'] }).detail, /CONFAB_REDIS_URL is missing: the role dialogue/);
  loadConfig({ CONFAB_KAFKA_BROKERS: 'k:9092', CONFAB_REDIS_CLUSTER_NODES: 'r:6379' }, { roles: ['dialogue'] });
  loadConfig({ CONFAB_KAFKA_BROKERS: 'k:9092' });
});

test('a bind that others reach needs keys, and the refusal names the settings', () => {
  for (const host of ['0.0.0.0', '::', '192.168.1.2', 'chat.example.com']) {
    const error = refusal({ CONFAB_HTTP_HOST: host });
    assert.equal(error.code, 'CONFAB_AUTH_REQUIRED');
    assert.match(error.detail, /CONFAB_AUTH_SECRET or CONFAB_AUTH_JWKS_URL is missing/);
    assert.equal(refusal({ CONFAB_HTTP_HOST: host, CONFAB_AUTH: 'off' }).code, 'CONFAB_AUTH_REQUIRED');
    assert.equal(loadConfig({ CONFAB_HTTP_HOST: host, CONFAB_AUTH: 'insecure' }).auth.mode, 'insecure');
    assert.equal(loadConfig({ CONFAB_HTTP_HOST: host, CONFAB_AUTH_SECRET: LONG }).auth.mode, 'jwt');
  }
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) assert.equal(loadConfig({ CONFAB_HTTP_HOST: host }).auth.mode, 'off');
  assert.equal(refusal({ CONFAB_AUTH: 'jwt' }).code, 'CONFAB_AUTH_REQUIRED');
  assert.equal(loadConfig({ CONFAB_HTTP_HOST: '0.0.0.0' }, { serving: false }).http.host, '0.0.0.0');
});

test('settings that contradict each other are refused', () => {
  const cases: [Environment, RegExp][] = [
    [{ CONFAB_AUTH_SECRET: LONG, CONFAB_ALLOWED_ORIGINS: '*' }, /CONFAB_ALLOWED_ORIGINS must not hold \*/],
    [{ CONFAB_AUTH_SECRET: 'short' }, /CONFAB_AUTH_SECRET must have at least 32 bytes/],
    [{ CONFAB_AUTH_SECRET: LONG, CONFAB_AUTH: 'insecure' }, /CONFAB_AUTH is insecure, but a key is set/],
    [{ CONFAB_AUTH_SECRET: LONG, CONFAB_AUTH_JWKS_URL: 'https://id' }, /both set/],
    [{ CONFAB_ADMIN_PORT: '8080' }, /CONFAB_ADMIN_PORT must differ/],
    [{ CONFAB_KAFKA_BROKERS: 'k:1', CONFAB_KAFKA_SASL_MECHANISM: 'plain' }, /USERNAME is missing.*PASSWORD is missing/],
    [{ CONFAB_KAFKA_BROKERS: 'k:1', CONFAB_KAFKA_SASL_MECHANISM: 'oauthbearer' }, /TOKEN is missing/],
    [{ CONFAB_KAFKA_BROKERS: 'k:1', CONFAB_KAFKA_SASL_USERNAME: 'me' }, /does not use it/],
    [{ CONFAB_KAFKA_SASL_MECHANISM: 'plain', CONFAB_KAFKA_SASL_USERNAME: 'a', CONFAB_KAFKA_SASL_PASSWORD: 'b' }, /CONFAB_KAFKA_BROKERS is not/],
    [{ CONFAB_KAFKA_BROKERS: 'k:1', CONFAB_KAFKA_CERT: '-----BEGIN CERTIFICATE-----' }, /CONFAB_KAFKA_KEY is missing/],
    [{ CONFAB_KAFKA_BROKERS: 'k:1', CONFAB_KAFKA_CA: '/no/such.pem' }, /PEM text or the path/],
    [{ CONFAB_REDIS_URL: 'redis://a', CONFAB_REDIS_CLUSTER_NODES: 'b:1' }, /both set/],
    [{ CONFAB_REDIS_URL: 'redis://a', CONFAB_REDIS_CA: '-----BEGIN CERTIFICATE-----' }, /use rediss/],
    [{ CONFAB_REGISTRY_USERNAME: 'a' }, /CONFAB_REGISTRY_PASSWORD is missing/],
    [{ CONFAB_ELASTICSEARCH_API_KEY: 'a', CONFAB_ELASTICSEARCH_USERNAME: 'b', CONFAB_ELASTICSEARCH_PASSWORD: 'c' }, /both set/],
  ];
  for (const [env, message] of cases) assert.match(refusal(env).detail, message);
});

test('an exporter is chosen by OTEL variables, none by default', () => {
  const url = (env: Environment): string | undefined => loadConfig(env).tracing?.url;
  assert.equal(url({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/' }), 'http://c:4318/v1/traces');
  assert.equal(url({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/x' }), 'http://c/x');
  assert.deepEqual(loadConfig({ OTEL_TRACES_EXPORTER: 'otlp' }).tracing, { url: undefined });
  assert.equal(loadConfig({ OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' }).tracing, undefined);
  assert.equal(loadConfig({ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' }).tracing, undefined);
});

test('every setting is declared once, with a default that its own rule takes and an example that can be read', () => {
  const names = allSettings().map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const one of allSettings()) {
    assert.match(one.doc, /\.$/, one.name);
    if (one.default !== undefined) {
      assert.equal(one.check?.(one.default), undefined, one.name);
      const text = one.kind.format(one.default);
      assert.deepEqual(one.kind.parse(text, { readFile: () => '' }), one.default, one.name);
    }
    if (one.example !== undefined) one.kind.parse(one.example, { readFile: () => '-----BEGIN CERTIFICATE-----' });
  }
});

test('docs/config.md names every setting', () => {
  const text = readFileSync(join(packageRoot(), 'docs/config.md'), 'utf8');
  assert.equal(text, configReference());
  for (const { name } of allSettings()) assert.ok(text.includes(`\`${name}\``), name);
  assert.ok(!text.includes(packageRoot()));
});

test('the nearest word', () => {
  assert.equal(nearest('replya', ['start', 'replay', 'config']), 'replay');
  assert.equal(nearest('convers', ['config', 'conversation']), 'conversation');
  assert.equal(nearest('x', []), undefined);
});
