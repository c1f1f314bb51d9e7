import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { createJwtAuthenticator } from './jwt.js';
import { ManualClock } from '../clock-manual.js';
import { isCode, type ErrorCode } from '../errors.js';

const SECRET = 'a secret of more than thirty-two bytes';
const OTHER = 'another secret of more than thirty-two bytes';
const clock = (): ManualClock => new ManualClock(Date.UTC(2026, 0, 1));
const NOW = Date.UTC(2026, 0, 1) / 1000;
const good: JWTPayload = { sub: 'alice', iss: 'me', aud: 'confab', exp: NOW + 600, scope: 'messages:write conversations:read', confab: { tenant: 'acme', conversations: ['c1'], bot: 'parcel' } };

const sign = (claims: JWTPayload, secret = SECRET): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret));
const code = (wanted: ErrorCode) => (error: unknown): boolean => isCode(error, wanted);

test('a good token gives its principal', async () => {
  const authenticator = createJwtAuthenticator({ clock: clock(), secrets: [SECRET], audience: 'confab' });
  const principal = await authenticator.authenticate(await sign(good));
  assert.deepEqual(principal, {
    tenant: 'acme', subject: 'alice', scopes: new Set(['messages:write', 'conversations:read']), conversations: new Set(['c1']), bot: 'parcel', expiresAt: (NOW + 600) * 1000,
    tokenId: undefined, issuedAt: undefined,
  });
  const { tokenId, issuedAt } = await authenticator.authenticate(await sign({ ...good, jti: 'j-1', iat: NOW - 60 }));
  assert.deepEqual([tokenId, issuedAt], ['j-1', NOW - 60], 'what it can be revoked by');
});

test('without the claim the tenant is default and no conversation is named', async () => {
  const authenticator = createJwtAuthenticator({ clock: clock(), secrets: [SECRET], audience: 'confab' });
  const principal = await authenticator.authenticate(await sign({ ...good, confab: undefined, scope: undefined }));
  assert.equal(principal.tenant, 'default');
  assert.equal(principal.conversations.size + principal.scopes.size, 0);
});

for (const [name, claims] of Object.entries({
  'no subject': { ...good, sub: undefined }, 'no issuer': { ...good, iss: undefined }, 'no end': { ...good, exp: undefined },
  'another audience': { ...good, aud: 'other' }, 'another issuer': { ...good, iss: 'you' }, 'not yet valid': { ...good, nbf: NOW + 600 },
  'a malformed tenant': { ...good, confab: { tenant: 'A/B' } }, 'a malformed conversation': { ...good, confab: { conversations: ['a/b'] } },
  'more than 20 conversations': { ...good, confab: { conversations: Array.from({ length: 21 }, (_, n) => `c${n}`) } },
  'a malformed bot': { ...good, confab: { bot: '../x' } }, 'a claim of another form': { ...good, confab: 'acme' }, 'a scope of another form': { ...good, scope: ['a'] as unknown as string },
})) {
  test(`a token with ${name} is invalid`, async () => {
    const authenticator = createJwtAuthenticator({ clock: clock(), secrets: [SECRET], audience: 'confab', issuer: 'me' });
    await assert.rejects(authenticator.authenticate(await sign(claims)), code('CONFAB_TOKEN_INVALID'));
  });
}

test('garbage, a foreign signature and an unsigned token are invalid; none is missing', async () => {
  const authenticator = createJwtAuthenticator({ clock: clock(), secrets: [SECRET], audience: 'confab' });
  await assert.rejects(authenticator.authenticate('garbage'), code('CONFAB_TOKEN_INVALID'));
  await assert.rejects(authenticator.authenticate(await sign(good, OTHER)), code('CONFAB_TOKEN_INVALID'));
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(good)).toString('base64url')}.`;
  await assert.rejects(authenticator.authenticate(unsigned), code('CONFAB_TOKEN_INVALID'));
  await assert.rejects(authenticator.authenticate(undefined), code('CONFAB_TOKEN_MISSING'));
});

test('a token is expired by our clock, also when it was remembered', async () => {
  const time = clock();
  const authenticator = createJwtAuthenticator({ clock: time, secrets: [SECRET], audience: 'confab' });
  const token = await sign(good);
  await authenticator.authenticate(token);
  assert.equal(authenticator.known?.(token)?.subject, 'alice');
  await time.advance(606_000);
  assert.equal(authenticator.known?.(token), undefined);
  await assert.rejects(authenticator.authenticate(token), code('CONFAB_TOKEN_EXPIRED'));
});

test('while a secret is replaced tokens of both are taken', async () => {
  const authenticator = createJwtAuthenticator({ clock: clock(), secrets: [OTHER, SECRET], audience: 'confab' });
  assert.equal((await authenticator.authenticate(await sign(good))).subject, 'alice');
  assert.equal((await authenticator.authenticate(await sign(good, OTHER))).subject, 'alice');
});

test('errors carry nothing of the token', async () => {
  const authenticator = createJwtAuthenticator({ clock: clock(), secrets: [SECRET], audience: 'other' });
  const token = await sign(good);
  await assert.rejects(authenticator.authenticate(token), (error: Error) => !`${error.message}${String(error.cause)}`.includes(token.split('.')[2] ?? ''));
});

test('a short secret, none and both are refused', () => {
  const make = (options: object) => (): unknown => createJwtAuthenticator({ clock: clock(), audience: 'confab', ...options });
  assert.throws(make({ secrets: ['short'] }), code('CONFAB_CONFIG_INVALID'));
  assert.throws(make({}), code('CONFAB_CONFIG_INVALID'));
  assert.throws(make({ secrets: [SECRET], jwksUrl: 'http://127.0.0.1/' }), code('CONFAB_CONFIG_INVALID'));
});

test('keys come from a JWKS; a shared secret or the public key as one does not pass', async (t) => {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  let fetches = 0;
  const server = createServer((_request, response) => {
    fetches += 1;
    void exportJWK(publicKey).then((jwk) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [{ ...jwk, kid: 'k1', alg: 'ES256' }] })));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => { server.close(); server.closeAllConnections(); });
  const authenticator = createJwtAuthenticator({ clock: clock(), jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`, audience: 'confab' });
  const token = (kid: string): Promise<string> => new SignJWT(good).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
  assert.equal((await authenticator.authenticate(await token('k1'))).subject, 'alice');
  await assert.rejects(authenticator.authenticate(await sign(good)), code('CONFAB_TOKEN_INVALID'));
  for (let n = 0; n < 5; n += 1) await assert.rejects(authenticator.authenticate(await token(`unknown${n}`)), code('CONFAB_TOKEN_INVALID'));
  assert.ok(fetches <= 2, `an unknown key fetches again, but not each time: ${fetches}`);
});

test('keys that cannot be had are not the fault of the token', async () => {
  const authenticator = createJwtAuthenticator({ clock: clock(), jwksUrl: 'http://127.0.0.1:1/jwks', audience: 'confab' });
  const { privateKey } = await generateKeyPair('ES256');
  const token = await new SignJWT(good).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(privateKey);
  await assert.rejects(authenticator.authenticate(token), code('CONFAB_KEYS_UNAVAILABLE'));
});
