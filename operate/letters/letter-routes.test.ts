import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANONYMOUS, type Authenticator } from '../../platform/auth/auth.js';
import { ConfabError } from '../../platform/errors.js';
import { operations, type AskOptions } from '../testing.js';

test('letters are listed, shown with their record, retried once and discarded, over HTTP', async (t) => {
  const { scene, ask } = await operations(t);
  const { id, position } = await scene.deadMessage('c1');
  const junk = await scene.letter('default/c2', { phase: 'decode', originalValue: Buffer.from('junk') });
  const list = await ask('GET', '/v1/admin/dead-letters');
  assert.deepEqual([list.status, (list.body.letters as { id: string }[]).map((each) => each.id).sort(), list.body.more], [200, [id, junk].sort(), false]);
  const shown = await ask('GET', `/v1/admin/dead-letters/${id}`);
  assert.deepEqual([shown.body.position, shown.body.notRetriable, (shown.body.original as { value: { text: string } }).value.text], [position, null, 'hello']);
  const unreadable = await ask('GET', `/v1/admin/dead-letters/${junk}`);
  assert.deepEqual(unreadable.body.original, { key: 'default/c2', undecodable: Buffer.from('junk').toString('base64'), reason: 'CONFAB_RECORD_INVALID' });
  assert.match(String(unreadable.body.notRetriable), /cannot be read/);

  const first = await ask('POST', `/v1/admin/dead-letters/${id}/retry`);
  assert.deepEqual([first.status, first.body.status, first.body.already], [200, 'retried', false]);
  const again = await ask('POST', `/v1/admin/dead-letters/${id}/retry`);
  assert.deepEqual(again.body, { ...first.body, already: true });
  const closed = await ask('GET', `/v1/admin/dead-letters/${id}`);
  assert.deepEqual([closed.body.status, closed.body.retriedAs], ['retried', first.body.position]);
  const codes = async (url: string): Promise<unknown[]> => { const { status, body } = await ask('POST', url); return [status, body.code]; };
  assert.deepEqual(await codes(`/v1/admin/dead-letters/${id}/discard`), [409, 'CONFAB_LETTER_CLOSED']);
  assert.deepEqual(await codes(`/v1/admin/dead-letters/${junk}/retry`), [422, 'CONFAB_LETTER_NOT_RETRIABLE']);
  assert.deepEqual(await codes('/v1/admin/dead-letters/0-999/retry'), [404, 'CONFAB_LETTER_UNKNOWN']);
  assert.deepEqual(await codes('/v1/admin/dead-letters/%2e%2e/discard'), [404, 'CONFAB_ROUTE_UNKNOWN']);
  assert.equal((await ask('GET', '/v1/admin/dead-letters/none')).body.code, 'CONFAB_LETTER_UNKNOWN');
  assert.equal((await ask('POST', `/v1/admin/dead-letters/${junk}/discard`)).body.status, 'discarded');
  assert.equal((await scene.all('messages.v1')).filter(({ value }) => value.retryOf !== null).length, 1);
});

test('many are retried in one request, each with its own result', async (t) => {
  const { scene, ask } = await operations(t);
  const ids = [(await scene.deadMessage('c1')).id, (await scene.deadMessage('c2')).id];
  const { status, body } = await ask('POST', '/v1/admin/dead-letters/retry', { body: { ids: [...ids, '0-999'] } });
  assert.equal(status, 200);
  assert.deepEqual((body.results as Record<string, unknown>[]).map(({ id, status: became, already, code }) => [id, became, already, code]), [
    [ids[0], 'retried', false, undefined], [ids[1], 'retried', false, undefined], ['0-999', undefined, undefined, 'CONFAB_LETTER_UNKNOWN'],
  ]);
  const discarded = await ask('POST', '/v1/admin/dead-letters/discard', { body: { ids } });
  assert.deepEqual((discarded.body.results as { code: string }[]).map(({ code }) => code), ['CONFAB_LETTER_CLOSED', 'CONFAB_LETTER_CLOSED']);
  for (const wrong of [{}, { ids: [] }, { ids: [1] }, { ids: ['1-1'], all: true }, { ids: Array<string>(101).fill('1-1') }]) {
    assert.equal((await ask('POST', '/v1/admin/dead-letters/retry', { body: wrong })).body.code, 'CONFAB_BODY_INVALID');
  }
  assert.equal((await ask('POST', '/v1/admin/dead-letters/retry', { body: { ids }, remoteAddress: '192.0.2.7' })).body.code, 'CONFAB_SCOPE_MISSING');
});

test('a list is filtered by stage, status, time and number; what is wrong in the query is told', async (t) => {
  const { scene, ask } = await operations(t);
  for (let i = 0; i < 3; i += 1) await scene.deadMessage(`c${i}`, { at: Date.UTC(2026, 0, 1 + i) });
  const count = async (query: string): Promise<unknown> => { const { body } = await ask('GET', `/v1/admin/dead-letters?${query}`); return (body.letters as unknown[] | undefined)?.length ?? body.code; };
  assert.equal(await count('stage=intent'), 3);
  assert.equal(await count('stage=dialogue'), 0);
  assert.equal(await count('since=2026-01-02T00:00:00Z'), 2);
  assert.equal(await count('limit=1'), 1);
  assert.equal(await count('status=retried'), 0);
  assert.equal(await count('status=all'), 3);
  for (const wrong of ['since=yesterday', 'limit=0', 'limit=x', 'status=none', 'sort=up']) assert.equal(await count(wrong), 'CONFAB_QUERY_INVALID', wrong);
});

test('operators are clients of this machine without a proxy, or have the scope admin', async (t) => {
  const off = await operations(t);
  assert.equal((await off.ask('GET', '/v1/admin/dead-letters')).status, 200);
  const others: AskOptions[] = [{ remoteAddress: '192.0.2.7' }, { headers: { 'x-forwarded-for': '127.0.0.1' } }, { headers: { forwarded: 'for=127.0.0.1' } }];
  for (const more of others) {
    assert.equal((await off.ask('GET', '/v1/admin/dead-letters', more)).body.code, 'CONFAB_SCOPE_MISSING');
    assert.equal((await off.ask('POST', '/v1/admin/topics/settings.v1/records', { ...more, body: { records: [{ key: 'k', value: null }] } })).body.code, 'CONFAB_SCOPE_MISSING');
  }
  assert.equal((await off.ask('POST', '/v1/admin/dead-letters/0-0/retry', { headers: { origin: 'https://elsewhere.example' } })).body.code, 'CONFAB_ORIGIN_FORBIDDEN');

  const authenticator: Authenticator = {
    required: true,
    authenticate: (token) => (token === undefined ? Promise.reject(new ConfabError('CONFAB_TOKEN_MISSING')) : Promise.resolve({ ...ANONYMOUS, scopes: new Set([token]) })),
  };
  const on = await operations(t, authenticator);
  const as = async (token: string | undefined): Promise<unknown> => {
    const { status, body } = await on.ask('GET', '/v1/admin/dead-letters', { remoteAddress: '192.0.2.7', ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }) });
    return body.code ?? status;
  };
  assert.deepEqual([await as(undefined), await as('agent'), await as('admin')], ['CONFAB_TOKEN_MISSING', 'CONFAB_SCOPE_MISSING', 200]);
});
