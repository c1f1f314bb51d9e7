import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, type Logger } from './logger.js';
import { terminalLog, type TerminalLogOptions } from './terminal-log.js';

function scene(options: Partial<TerminalLogOptions> = {}): { logger: Logger; lines: () => string[] } {
  let text = '';
  const logger = createLogger({ level: 'info' }, terminalLog({ write: (part) => { text += part; }, colour: false, stacks: false, ...options }));
  return { logger, lines: () => text.split('\n').slice(0, -1).map((line) => line.replace(/^\d\d:\d\d:\d\d /, '@ ')) };
}

test('a line has time, level, sentence and fields', () => {
  const { logger, lines } = scene();
  logger.info('hello');
  logger.warn({ stage: 'intent', partitions: 24 }, 'slow');
  logger.error({ err: new Error('no way') }, 'it failed');
  assert.deepEqual(lines(), ['@ hello', '@ warn slow  stage=intent partitions=24', '@ error it failed: no way']);
});

test('what comes from outside moves no cursor and breaks no line', () => {
  const { logger, lines } = scene();
  logger.info({ name: 'a\u001b[2Jb\nc\u202e' }, 'x\r\ny\u009b');
  assert.deepEqual(lines(), ['@ x\\u000d\\u000ay\\u009b  name=a\\u001b[2Jb\\u000ac\\u202e']);
});

test('while it hushes only warnings and worse come through', () => {
  let hush = true;
  const { logger, lines } = scene({ hush: () => hush });
  logger.info('one');
  logger.warn('two');
  hush = false;
  logger.info('three');
  assert.deepEqual(lines(), ['@ warn two', '@ three']);
});

test('stacks and colours only where they are wanted', () => {
  const { logger, lines } = scene({ stacks: true, colour: true });
  logger.error({ err: new Error('no way') }, 'it failed');
  assert.match(lines().join('\n'), /\u001b\[31merror\u001b\[0m it failed: no way\nError: no way\n +at /);
});
