/** Settings: environments that somebody mistyped, and files that hold something else. */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { kafkaOptions } from '../composition/kafka-settings.js';
import { redisOptions, registryOptions, topologySettings } from '../composition/settings.js';
import { describeConfig, loadConfig } from '../platform/config.js';
import { allSettings } from '../platform/config/load.js';
import { OriginGuard } from '../platform/http/origin.js';
import { nastyText } from './bytes.js';
import { coded, fuzz, knownCode, refusable } from './harness.js';

const declared = allSettings();
const byName = new Map(declared.map((one) => [one.name, one]));

/** At the end of secrets: what is random may be a word that a message says by itself, this is none. */
const MARK = 'zq7xk9w';

const plausible = fc.oneof(
  fc.constantFrom('0', '1', '8080', '65536', '-1', '1s', '500ms', '2h', '1d', '64KiB', '1GiB', '9999999999999999', '0.5', 'true', 'false', 'on', 'off', 'insecure', 'jwt', 'debug', 'localhost', '127.0.0.1', '0.0.0.0', '::', '[::1]', 'a:1,b:2', 'a:1,,b:2,', 'host:9092', 'http://a', 'https://u:p@h:1/x?y#z', 'http://[', 'redis://h', 'rediss://u:p@h:6379/1', 'a=b,c=d', 'a=b,a=c', '=,=', '10.0.0.0/8,loopback', '::1/129', 'https://a.example,*', 'all', 'none', 'ingress', 'parcel', '-----BEGIN CERTIFICATE-----', '/no/such/file', 'k=v', 'x'.repeat(5000), 'https://a.example/%zz', 'http://xn--', 'plain', 'scram-sha-512', 'on-start', 'check'),
  nastyText, fc.integer().map(String), fc.double().map(String), fc.domain(), fc.webUrl(), fc.ipV6(), fc.tuple(fc.domain(), fc.nat(70_000)).map(([host, port]) => `${host}:${port}`),
);
const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...declared.map((one) => one.name)) },
  { weight: 2, arbitrary: fc.constantFrom(...declared.filter((one) => one.secret).map((one) => `${one.name}_FILE`)) },
  { weight: 1, arbitrary: fc.oneof(nastyText.map((text) => `CONFAB_${text}`), fc.constantFrom('CONFAB_', 'CONFAB__FILE', 'CONFAB_HTTP_PORTS', 'CONFAB_HTTP_PORT_FILE', '__proto__')) },
);
const environment = fc.array(fc.tuple(name, plausible), { maxLength: 8 }).map((entries) => Object.fromEntries(entries));
const roles = fc.array(fc.oneof(fc.constantFrom('ingress', 'intent', 'dialogue', 'egress', 'analytics'), nastyText), { maxLength: 3 });
const CODES = ['CONFAB_CONFIG_INVALID', 'CONFAB_CONFIG_UNKNOWN', 'CONFAB_ROLE_NEEDS_KAFKA', 'CONFAB_AUTH_REQUIRED'];

fuzz('any environment gives settings, or one error with a code that names what is wrong and shows no secret', fc.record({ raw: environment, roles, serving: fc.boolean(), file: fc.option(nastyText), marked: fc.boolean() }), { runs: 3000 }, ({ raw, roles: wanted, serving, file, marked }) => {
  const io = { readFile: (): string => { if (file === null) throw new Error('no such file'); return file; } };
  const isSecret = (key: string): boolean => byName.get(key)?.secret === true;
  const env = Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, marked && isSecret(key) ? value + MARK : value]));
  // Of a URL or a path only a part is secret.
  const hidden = Object.entries(env).every(([key, value]) => !isSecret(key) || !/^(https?|rediss?):|^-----BEGIN|^\//.test(value.trim()));
  try {
    const config = loadConfig(env, { roles: wanted, serving, io });
    // What settings are made into takes whatever was let through.
    const shown = JSON.stringify(describeConfig(config));
    assert.ok(!hidden || !shown.includes(MARK), 'a secret is shown');
    topologySettings(config);
    if (config.kafka.brokers !== undefined) kafkaOptions(config);
    redisOptions(config, 'x');
    registryOptions(config);
    refusable(() => new OriginGuard({ host: config.http.host, authRequired: config.auth.mode === 'jwt', ...(config.http.publicUrl === undefined ? {} : { publicUrl: config.http.publicUrl }), ...(config.http.allowedOrigins === undefined ? {} : { allowedOrigins: config.http.allowedOrigins }) }), 'CONFAB_CONFIG_INVALID');
  } catch (thrown) {
    const error = coded(thrown, ...CODES);
    assert.ok(error.errors !== undefined && error.errors.length > 0 && error.errors.every(({ pointer }) => pointer.startsWith('/')), 'each fault is named');
    assert.ok(!error.message.includes(MARK), 'a secret stands in the message');
  }
});

fuzz('each setting takes or refuses any single value', fc.tuple(fc.constantFrom(...declared), plausible), { runs: 2000 }, ([setting, value]) => {
  try { describeConfig(loadConfig({ [setting.name]: value }, { serving: false, io: { readFile: () => value } })); } catch (error) { assert.ok(knownCode(coded(error, ...CODES).code)); }
});
