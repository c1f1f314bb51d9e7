import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { RevocationLog } from '../operate/revocations/revocation-log.js';
import { revocationKey } from '../platform/auth/revocations.js';
import { ANONYMOUS, type Authenticator } from '../platform/auth/auth.js';
import { systemClock } from '../platform/clock.js';
import { ManualClock, settle } from '../platform/clock-manual.js';
import { loadConfig } from '../platform/config.js';
import { ConfabError } from '../platform/errors.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import type { Component } from '../platform/lifecycle.js';
import { silentLogger } from '../platform/observability/logger.js';
import { createMetrics, type Metrics } from '../platform/observability/metrics.js';
import { seededRandom } from '../platform/random.js';
import { eventually } from '../platform/testing.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { Infrastructure, Role } from './process.js';
import { call, SECRET, token } from './protocol/testing.js';
import { followRevocations } from './revocations.js';
import { serverComponents } from './server.js';

const ann = { kind: 'subject', tenant: 'default', subject: 'ann' } as const;
/** Tokens are subjects; each was issued long ago. */
const plain: Authenticator = { required: true, authenticate: (token = '') => Promise.resolve({ ...ANONYMOUS, subject: token, issuedAt: 0 }) };

interface Scene { readonly clock: ManualClock; readonly log: MemoryEventLog; readonly revocations: RevocationLog; readonly metrics: Metrics; readonly follow: () => Promise<{ authenticator: Authenticator; component: Component }>; readonly bytes: (key: string, value: Buffer) => Promise<void> }

async function scene(t: TestContext): Promise<Scene> {
  const clock = new ManualClock();
  const log = new MemoryEventLog({ clock, random: seededRandom(1) });
  await log.admin.createTopic({ name: 'revocations.v1', partitions: 1, config: {} });
  const codec = createLocalCodec();
  const metrics = createMetrics();
  return {
    clock, log, metrics, revocations: new RevocationLog({ log, codec, clock, prefix: '' }),
    follow: async () => {
      const followed = await followRevocations({ log, codec, clock, metrics, logger: silentLogger, config: loadConfig({}, { serving: false }) }, plain);
      t.after(() => followed.component.stop?.());
      await followed.component.start?.();
      return followed;
    },
    bytes: async (key, value) => { await (await log.appender()).append([{ topic: 'revocations.v1', partition: 0, key, value, timestamp: clock.now() }]); },
  };
}

const refused = (authenticator: Authenticator, token: string): Promise<boolean> => authenticator.authenticate(token).then(() => false, (error: unknown) => error instanceof ConfabError && error.code === 'CONFAB_TOKEN_REVOKED');

async function gauge(metrics: Metrics, name: string): Promise<number> {
  return ((await metrics.getMetricsAsJSON()).find((metric) => metric.name === name)?.values[0] as { value: number } | undefined)?.value ?? NaN;
}

test('what was revoked before a node starts is refused from its first request on, and what is revoked later within a moment', async (t) => {
  const { revocations, follow, clock, metrics } = await scene(t);
  await revocations.revoke({ target: ann }, 'op');
  const { authenticator } = await follow();
  let changes = 0;
  authenticator.revocations?.watch(() => { changes += 1; });
  assert.deepEqual([await refused(authenticator, 'ann'), await refused(authenticator, 'bob')], [true, false]);
  await revocations.revoke({ target: { kind: 'tenant', tenant: 'default' } }, 'op');
  await clock.advance(250);
  assert.deepEqual([await refused(authenticator, 'bob'), changes], [true, 1]);
  assert.equal(await gauge(metrics, 'confab_revocations'), 2);
  assert.equal(await gauge(metrics, 'confab_revoked_refusals_total'), 2);
  for (const target of [ann, { kind: 'tenant', tenant: 'default' } as const]) await revocations.withdraw(target);
  await clock.advance(250);
  assert.equal(await refused(authenticator, 'ann'), false);
});

test('a record that cannot be read refuses all that its key names, until something later is said of it', async (t) => {
  const { revocations, follow, bytes, clock } = await scene(t);
  await revocations.revoke({ target: ann, issuedBefore: -60_000 }, 'op');
  await bytes(revocationKey(ann), Buffer.from('of a later release'));
  const { authenticator } = await follow();
  assert.deepEqual([await refused(authenticator, 'ann'), await refused(authenticator, 'bob')], [true, false]);
  await revocations.withdraw(ann);
  await clock.advance(250);
  assert.equal(await refused(authenticator, 'ann'), false);
});

test('a node that cannot read revocations goes on refusing what it knows, shows how old that is, and is not ready after 30 s', async (t) => {
  const { revocations, follow, log, clock, metrics } = await scene(t);
  await revocations.revoke({ target: ann }, 'op');
  const { authenticator, component } = await follow();
  let away = true;
  const bounds = log.admin.bounds.bind(log.admin);
  log.admin.bounds = (topic) => (away ? Promise.reject(new ConfabError('CONFAB_LOG_UNAVAILABLE')) : bounds(topic));
  await clock.advance(29_000);
  assert.equal(component.ready?.(), true);
  await clock.advance(2_000);
  assert.equal(component.ready?.(), 'revocations of tokens cannot be read');
  assert.ok(await gauge(metrics, 'confab_revocations_age_seconds') >= 30);
  assert.equal(await refused(authenticator, 'ann'), true);
  away = false;
  await clock.advance(250);
  await settle();
  assert.equal(component.ready?.(), true);
  assert.ok(await gauge(metrics, 'confab_revocations_age_seconds') < 1);
});

test('a topic that was made anew lets nobody in that a running node has refused', async (t) => {
  const { revocations, follow, log, clock } = await scene(t);
  await revocations.revoke({ target: ann }, 'op');
  const { authenticator } = await follow();
  await log.admin.deleteTopic('revocations.v1');
  await log.admin.createTopic({ name: 'revocations.v1', partitions: 1, config: {} });
  await clock.advance(250);
  assert.equal(await refused(authenticator, 'ann'), true);
});

test('a process of stages alone follows them too: its metrics are closed to a token that was revoked, before its start or later', async (t) => {
  const { log, revocations } = await scene(t);
  const config = loadConfig({ CONFAB_AUTH_SECRET: SECRET, CONFAB_AUTH_ISSUER: 'tests', CONFAB_HTTP_PORT: '0' });
  await revocations.revoke({ target: ann }, 'op');
  const infrastructure = { log, codec: createLocalCodec(), clock: systemClock, metrics: createMetrics(), logger: silentLogger, random: seededRandom(2), config } as unknown as Infrastructure;
  const server = await serverComponents(infrastructure, new Set<Role>(['analytics']), () => true);
  t.after(async () => { for (const component of server.components) await component.stop?.(); });
  for (const component of server.components) await component.start?.();
  // As from another machine, through a proxy.
  const ask = async (sub: string): Promise<unknown> => {
    const { status, body } = await call(server.url(), '/metrics', { token: await token({ sub, scope: 'metrics:read', issuedAt: 1 }), headers: { 'x-forwarded-for': '192.0.2.1' } });
    return body.code ?? status;
  };
  assert.deepEqual([await ask('ann'), await ask('bob')], ['CONFAB_TOKEN_REVOKED', 200]);
  await revocations.revoke({ target: { kind: 'subject', tenant: 'default', subject: 'bob' } }, 'op');
  await eventually('bob is refused', async () => await ask('bob') === 'CONFAB_TOKEN_REVOKED', 60_000);
});
