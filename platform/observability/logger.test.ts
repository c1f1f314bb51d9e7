import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfabError } from '../errors.js';
import { createLogger, messageLogger, type LoggerOptions } from './logger.js';

function rig(level: LoggerOptions['level'] = 'info') {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ level, role: 'intent' }, { write: (line: string) => { lines.push(JSON.parse(line) as Record<string, unknown>); } });
  return { logger, lines };
}

test('a line says when, how bad and who', () => {
  const { logger, lines } = rig();
  logger.warn('careful');
  assert.deepEqual([lines[0]?.level, lines[0]?.role, lines[0]?.msg], ['warn', 'intent', 'careful']);
  assert.match(String(lines[0]?.time), /^\d{4}-\d\d-\d\dT.*Z$/);
});

test('a line about a message carries trace id, conversation and position', () => {
  const { logger, lines } = rig();
  messageLogger(logger, { traceId: 'a'.repeat(32), conversation: 'default/c1', position: 'p', messageId: undefined }).info('x');
  assert.deepEqual([lines[0]?.traceId, lines[0]?.conversation, lines[0]?.position], ['a'.repeat(32), 'default/c1', 'p']);
  assert.ok(!('messageId' in (lines[0] ?? {})));
});

test('what looks like a secret is redacted, wherever a request or client puts it', () => {
  const { logger, lines } = rig();
  logger.info({
    token: 'hush', redis: { password: 'hush' }, kafka: { sasl: { password: 'hush' } },
    req: { headers: { authorization: 'Bearer hush', cookie: 'hush', 'sec-websocket-protocol': 'confab.v1, confab.bearer.hush' } },
  }, 'x');
  assert.doesNotMatch(JSON.stringify(lines), /hush/);
  assert.match(JSON.stringify(lines), /redacted/);
});

test('an error keeps code, stack and cause', () => {
  const { logger, lines } = rig();
  logger.error({ err: new ConfabError('CONFAB_LOG_UNAVAILABLE', { cause: new Error('broker gone') }) }, 'x');
  const err = lines[0]?.err as { code: string; stack: string };
  assert.equal(err.code, 'CONFAB_LOG_UNAVAILABLE');
  assert.match(err.stack, /broker gone/);
});
