import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revocable, revocationKey, RevocationTable, revoked, type Revocations, type RevocationTarget } from './revocations.js';
import { ANONYMOUS, type Authenticator, type Principal } from './auth.js';
import { ManualClock } from '../clock-manual.js';
import { openSocket, testServer } from '../http/testing.js';
import { authenticated } from '../http/identity.js';
import { socketRoute } from '../http/socket-route.js';
import type { SocketHandler } from '../http/socket-session.js';

const principal = (more: Partial<Principal> = {}): Principal => ({ ...ANONYMOUS, tenant: 'shop', subject: 'ann', tokenId: 't1', issuedAt: 100, ...more });
const table = (clock = new ManualClock()): RevocationTable => new RevocationTable(clock);
const BEFORE_200 = { issuedBefore: 200, until: null };
const TARGETS = {
  token: { kind: 'token', tokenId: 't1' }, subject: { kind: 'subject', tenant: 'shop', subject: 'ann' },
  conversation: { kind: 'conversation', tenant: 'shop', conversationId: 'v:1' }, tenant: { kind: 'tenant', tenant: 'shop' },
} as const satisfies Record<string, RevocationTarget>;

test('each kind refuses its tokens and no others', () => {
  const others: Record<keyof typeof TARGETS, readonly Partial<Principal>[]> = {
    token: [{ tokenId: 't2' }, { tokenId: undefined }], subject: [{ subject: 'bob' }, { tenant: 'else' }],
    conversation: [{ conversations: new Set(['v:2']) }, { conversations: new Set() }, { tenant: 'else' }], tenant: [{ tenant: 'else' }],
  };
  for (const kind of ['token', 'subject', 'conversation', 'tenant'] as const) {
    const rules = table();
    const mine = principal({ conversations: new Set(['v:0', 'v:1']) });
    assert.equal(rules.refuses(mine), false);
    rules.set(revocationKey(TARGETS[kind]), kind === 'token' ? { issuedBefore: null, until: null } : BEFORE_200);
    assert.equal(rules.refuses(mine), true, kind);
    for (const other of others[kind]) assert.equal(rules.refuses({ ...mine, ...other }), false, `${kind} ${JSON.stringify(other)}`);
    rules.set(revocationKey(TARGETS[kind]), undefined);
    assert.equal(rules.refuses(mine), false, `${kind} was taken back`);
  }
});

test('a token that was issued at the time or later holds; one that does not say when counts as older', () => {
  const rules = table();
  rules.set(revocationKey(TARGETS.subject), BEFORE_200);
  assert.deepEqual([199, 199.5, 200, 201, undefined].map((issuedAt) => rules.refuses(principal({ issuedAt }))), [true, true, false, false, true]);
});

test('what is about tokens that have ended refuses nothing more', async () => {
  const clock = new ManualClock();
  const rules = table(clock);
  rules.set(revocationKey(TARGETS.token), { issuedBefore: null, until: clock.now() + 1_000 });
  assert.equal(rules.refuses(principal()), true);
  await clock.advance(1_000);
  assert.equal(rules.refuses(principal()), false);
});

test('keys that name no kind change nothing, and a name that looks like another kind stays its own', () => {
  const rules = table();
  for (const key of ['', 'x', 'tokens:t1', '__proto__']) rules.set(key, BEFORE_200);
  assert.equal(rules.size, 0);
  rules.set(revocationKey({ kind: 'token', tokenId: 'subject:shop/ann' }), { issuedBefore: null, until: null });
  assert.equal(rules.refuses(principal()), false);
});

/** Tokens are `<subject> <id>`. */
function scene(): { authenticator: Authenticator; rules: RevocationTable; revoke: (target: RevocationTarget) => void } {
  const rules = table();
  const watchers: (() => void)[] = [];
  const revocations: Revocations = { refusal: (one) => (rules.refuses(one) ? revoked() : undefined), watch: (watcher) => { watchers.push(watcher); } };
  const remembered = new Map<string, Principal>();
  const authenticator: Authenticator = {
    required: true, known: (token) => remembered.get(token ?? ''),
    authenticate: (token = '') => {
      const [subject = '', tokenId] = token.split('.');
      const found = principal({ subject, tokenId, conversations: new Set(['c1']), expiresAt: undefined });
      remembered.set(token, found);
      return Promise.resolve(found);
    },
  };
  return { rules, authenticator: revocable(authenticator, revocations), revoke: (target) => { rules.set(revocationKey(target), { issuedBefore: null, until: null }); for (const watcher of watchers) watcher(); } };
}

test('a revoked token is refused by HTTP, also when it was verified before, and by new sockets', async (t) => {
  const { authenticator, revoke } = scene();
  const app = testServer(t, { authenticator });
  app.get('/who', { onRequest: authenticated(authenticator) }, (request) => ({ subject: request.principal?.subject }));
  await app.register((inner, _options, done) => { socketRoute(inner, { url: '/socket', subprotocol: 'confab.v1', open: () => quiet }); done(); });
  await app.ready();
  const ask = (token: string): Promise<{ statusCode: number; json: () => Record<string, unknown> }> => app.inject({ url: '/who', headers: { host: '127.0.0.1', authorization: `Bearer ${token}` } });
  assert.equal((await ask('ann.t1')).statusCode, 200);
  revoke(TARGETS.subject);
  const answer = await ask('ann.t1');
  assert.deepEqual([answer.statusCode, answer.json().code], [401, 'CONFAB_TOKEN_REVOKED']);
  assert.equal((await ask('bob.t2')).statusCode, 200);
  const socket = await openSocket(app, '/socket', 'confab.v1, confab.bearer.ann.t1');
  assert.deepEqual(await socket.closed, { code: 4100, reason: { code: 'CONFAB_TOKEN_REVOKED' } });
});

test('open sockets of a revoked token are closed with 4100, and only those; a renewal by a revoked one closes too', async (t) => {
  const { authenticator, revoke } = scene();
  const app = testServer(t, { authenticator });
  await app.register((inner, _options, done) => { socketRoute(inner, { url: '/socket', subprotocol: 'confab.v1', open: () => quiet }); done(); });
  const open = (token: string): ReturnType<typeof openSocket> => openSocket(app, '/socket', `confab.v1, confab.bearer.${token}`);
  const [first, second, other] = [await open('ann.t1'), await open('ann.t2'), await open('bob.t3')];
  revoke(TARGETS.token);
  assert.deepEqual(await first.closed, { code: 4100, reason: { code: 'CONFAB_TOKEN_REVOKED' } });
  second.send({ type: 'auth', token: 'ann.t1' });
  assert.deepEqual(await second.closed, { code: 4100, reason: { code: 'CONFAB_TOKEN_REVOKED' } });
  other.send({ type: 'auth', token: 'bob.t4' });
  assert.equal((await other.next()).type, 'authenticated');
  revoke({ kind: 'tenant', tenant: 'shop' });
  assert.equal((await other.closed).code, 4100);
});

test('a token that is revoked between the look at it and the acceptance of its socket opens none', async (t) => {
  const { authenticator, revoke } = scene();
  const app = testServer(t, { authenticator });
  // The look at the token is before the upgrade, `before` after it.
  await app.register((inner, _options, done) => { socketRoute(inner, { url: '/socket', subprotocol: 'confab.v1', before: () => { revoke(TARGETS.subject); }, open: () => quiet }); done(); });
  const socket = await openSocket(app, '/socket', 'confab.v1, confab.bearer.ann.t1');
  assert.deepEqual(await socket.closed, { code: 4100, reason: { code: 'CONFAB_TOKEN_REVOKED' } });
});

const quiet: SocketHandler = { frame: () => undefined, closed: () => undefined };
