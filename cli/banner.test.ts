import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../platform/config.js';
import { banner } from './banner.js';

const text = (env: Record<string, string> = {}, roles: string[] = [], url = 'http://127.0.0.1:8080'): string =>
  banner({ version: '1.2.3', startedAt: Date.UTC(2026, 0, 31, 12, 0, 5, 123), millis: 870, config: loadConfig({ CONFAB_BOTS_DIR: '/home/me/confab/bots', ...env }, { roles }), url, folder: '/home/me/confab' });

test('the whole pipeline in one process', () => {
  assert.equal(text(), `Confab 1.2.3 · started 2026-01-31 12:00:05 UTC · ready after 0.9 s

  chat    http://127.0.0.1:8080/
  API     http://127.0.0.1:8080/v1 (described at http://127.0.0.1:8080/docs)
  data    ./data (to begin afresh: stop, then rm -r ./data)
  bots    ./bots (edit a file, save, ask again: no restart)
  access  authentication is off: whoever works on this machine may read and write every conversation; other machines cannot reach it

Try:
  open http://127.0.0.1:8080/ in a browser and ask "Where is my parcel?"
  npx confab chat
  curl -s http://127.0.0.1:8080/v1/conversations/me/messages -H 'content-type: application/json' -d '{"text":"Where is my parcel?"}'

`);
});

test('another address is named in everything that one may try', () => {
  assert.match(text({}, [], 'http://127.0.0.1:9000'), /\n {2}npx confab chat --url http:\/\/127\.0\.0\.1:9000\n {2}curl -s http:\/\/127\.0\.0\.1:9000\/v1/);
});

test('who may use it: tokens, or whoever reaches an insecure address', () => {
  const jwt = text({ CONFAB_AUTH_SECRET: 'x'.repeat(32) });
  assert.match(jwt, /\n {2}access {2}authentication is on: every request needs a token for "confab"\n/);
  assert.match(jwt, /-H "authorization: Bearer \$CONFAB_TOKEN"/);
  assert.match(text({ CONFAB_AUTH: 'insecure', CONFAB_HTTP_HOST: '0.0.0.0' }), /\n {2}access {2}AUTHENTICATION IS OFF \(CONFAB_AUTH=insecure\): whoever reaches 0\.0\.0\.0:8080 may read and write every conversation\n/);
});

test('a folder with odd characters can be pasted, one elsewhere is shown whole', () => {
  assert.match(text({ CONFAB_DATA_DIR: "/tmp/my da'ta" }), /\n {2}data {4}\/tmp\/my da'ta \(to begin afresh: stop, then rm -r '\/tmp\/my da'\\''ta'\)\n/);
});

test('a process of some roles says less: nobody chats with it', () => {
  assert.equal(text({ CONFAB_KAFKA_BROKERS: 'k:9092', CONFAB_REDIS_URL: 'redis://r' }, ['intent', 'dialogue']), `Confab 1.2.3 · started 2026-01-31 12:00:05 UTC · ready after 0.9 s · intent, dialogue

  health  http://127.0.0.1:8080/health/ready
  log     Kafka at k:9092
  access  authentication is off: whoever works on this machine may read and write every conversation; other machines cannot reach it

`);
});

test('bots are not said to be editable where they are not', () => {
  for (const [name, value] of [['CONFAB_BOTS_RELOAD', 'false'], ['CONFAB_KAFKA_BROKERS', 'k:9092']] as const) assert.doesNotMatch(text({ [name]: value }), /\n {2}bots/);
});
