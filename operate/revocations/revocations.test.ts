import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { MemoryEventLog } from '../../platform/event-log/memory.js';
import { testServer } from '../../platform/http/testing.js';
import { seededRandom } from '../../platform/random.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { RevocationLog } from './revocation-log.js';
import { revocationRoutes } from './revocation-routes.js';

const T0 = Date.UTC(2026, 0, 1);

async function scene(): Promise<{ clock: ManualClock; log: MemoryEventLog; revocations: RevocationLog; keys: () => Promise<string[]> }> {
  const clock = new ManualClock(T0 + 500);
  const log = new MemoryEventLog({ clock, random: seededRandom(1) });
  await log.admin.createTopic({ name: 'revocations.v1', partitions: 1, config: {} });
  const keys = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { records } of log.read('revocations.v1', 0, 0)) for (const { key, value } of records) found.push(`${key}${value === null ? ' gone' : ''}`);
    return found;
  };
  return { clock, log, keys, revocations: new RevocationLog({ log, codec: createLocalCodec(), clock, prefix: '' }) };
}

test('without a time all that was issued up to the end of this second is revoked', async () => {
  const { revocations } = await scene();
  const { issuedBefore, until, revokedBy, revokedAt } = await revocations.revoke({ target: { kind: 'subject', tenant: 'shop', subject: 'ann' } }, 'op');
  assert.deepEqual([issuedBefore, until, revokedBy, revokedAt], [T0 / 1_000 + 1, null, 'op', T0 + 500]);
});

test('a second revocation never lets in what the first refuses', async () => {
  const { revocations, clock } = await scene();
  const target = { kind: 'subject', tenant: 'shop', subject: 'ann' } as const;
  await revocations.revoke({ target, issuedBefore: T0 + 60_000, until: T0 + 90_000 }, 'op');
  const again = await revocations.revoke({ target, issuedBefore: T0 - 60_000, until: T0 + 70_000, reason: 'late' }, 'op');
  assert.deepEqual([again.issuedBefore, again.until, again.reason], [T0 / 1_000 + 60, T0 + 90_000, 'late']);
  assert.equal((await revocations.revoke({ target }, 'op')).until, null);
  await revocations.withdraw(target);
  assert.deepEqual(await revocations.list(), []);
  await clock.advance(1_000);
  assert.equal((await revocations.revoke({ target }, 'op')).issuedBefore, T0 / 1_000 + 2, 'what was taken back counts no more');
});

test('what is about tokens that have ended is listed no more, and the next revocation takes it away', async () => {
  const { revocations, clock, keys } = await scene();
  await revocations.revoke({ target: { kind: 'token', tokenId: 'old' }, until: T0 + 1_000 }, 'op');
  await clock.advance(1_000);
  assert.deepEqual(await revocations.list(), []);
  await revocations.revoke({ target: { kind: 'token', tokenId: 'new' } }, 'op');
  assert.deepEqual(await keys(), ['token:old', 'token:new', 'token:old gone']);
  assert.deepEqual((await revocations.list()).map(({ value }) => value), ['new']);
});

test('a record that nobody can read keeps nobody from listing, revoking and taking back', async () => {
  const { revocations, log, keys } = await scene();
  await (await log.appender()).append([{ topic: 'revocations.v1', partition: 0, key: 'subject:shop/ann', value: Buffer.from('?'), timestamp: T0 }]);
  assert.deepEqual(await revocations.list(), []);
  await revocations.revoke({ target: { kind: 'token', tokenId: 'a' } }, 'op');
  await revocations.withdraw({ kind: 'subject', tenant: 'shop', subject: 'ann' });
  assert.deepEqual(await keys(), ['subject:shop/ann', 'token:a', 'subject:shop/ann gone']);
});

async function routes(t: TestContext): Promise<{ ask: (method: 'GET' | 'POST', body?: object, url?: string) => Promise<{ status: number; body: Record<string, unknown> }>; keys: () => Promise<string[]> }> {
  const { revocations, clock, keys } = await scene();
  const app = testServer(t, { clock });
  revocationRoutes(app, revocations);
  await app.ready();
  return {
    keys,
    ask: async (method, body, url = '/v1/admin/revocations') => {
      const answer = await app.inject({ method, url, headers: { host: '127.0.0.1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, ...(body === undefined ? {} : { payload: JSON.stringify(body) }) });
      return { status: answer.statusCode, body: answer.json() };
    },
  };
}

test('the route revokes, lists and takes back', async (t) => {
  const { ask, keys } = await routes(t);
  for (const body of [{ tokenId: 'j/1', until: '2026-01-02T00:00:00Z' }, { subject: 'ann', tenant: 'shop', reason: 'left' }, { conversationId: 'v:1' }, { everyToken: true, tenant: 'shop', issuedBefore: '2026-01-01T00:00:00.100Z' }]) {
    assert.equal((await ask('POST', body)).status, 200, JSON.stringify(body));
  }
  assert.deepEqual(await keys(), ['token:j/1', 'subject:shop/ann', 'conversation:default/v:1', 'tenant:shop']);
  const { revocations, total } = (await ask('GET')).body as { revocations: Record<string, unknown>[]; total: number };
  assert.equal(total, 4);
  const at = { revokedBy: 'anonymous', revokedAt: '2026-01-01T00:00:00.500Z' };
  assert.deepEqual(revocations.find(({ kind }) => kind === 'subject'), { kind: 'subject', tenant: 'shop', subject: 'ann', issuedBefore: '2026-01-01T00:00:01.000Z', until: null, reason: 'left', ...at });
  assert.deepEqual(revocations.find(({ kind }) => kind === 'token'), { kind: 'token', tokenId: 'j/1', issuedBefore: null, until: '2026-01-02T00:00:00.000Z', reason: null, ...at });
  assert.equal(revocations.find(({ kind }) => kind === 'tenant')?.issuedBefore, '2026-01-01T00:00:01.000Z', 'tokens tell whole seconds');
  assert.equal(((await ask('GET', undefined, '/v1/admin/revocations?limit=1')).body.revocations as unknown[]).length, 1);
  assert.deepEqual((await ask('POST', { subject: 'ann', tenant: 'shop', withdraw: true })).body, { revocation: null });
  assert.equal((await ask('GET')).body.total, 3);
});

test('what is not clear is refused, and nothing is written', async (t) => {
  const { ask, keys } = await routes(t);
  for (const body of [
    {}, { tenant: 'shop' }, { subject: 'a', tokenId: 'b' }, { subject: '' }, { everyToken: false }, { conversationId: 'a b' }, { subject: 'a', tenant: 'A/b' }, { subject: 'a', until: 'soon' },
    { tokenId: 'a', issuedBefore: '2026-01-01T00:00:00Z' }, { subject: 'a', colour: 'red' }, { subject: 'a\u0000b' }, { subject: 'x'.repeat(257) },
  ]) {
    const { status, body: { code } } = await ask('POST', body);
    assert.deepEqual([status, code], [400, 'CONFAB_BODY_INVALID'], JSON.stringify(body));
  }
  assert.deepEqual(await keys(), []);
});
