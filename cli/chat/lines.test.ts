import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ClientError, type Reply } from '../../client/src/index.js';
import { catalogue, type ConfabError } from '../../platform/errors.js';
import { packageRoot } from '../../platform/package-root.js';
import { toConfab } from '../chat.js';
import { contentOf, outcomeLine, pastLines, replyLines } from './lines.js';

const plain = (_colour: unknown, text: string): string => text;
const reply = (more: Partial<Reply>): Reply => ({ type: 'reply', conversationId: 'c', position: 'p', replyId: 'r', inReplyTo: 'm', author: { type: 'bot', name: 'Pal' }, text: 'Hi', createdAt: '', ...more });

test('a reply shows who speaks, every line of the text, and what may be chosen', () => {
  assert.equal(replyLines(reply({ text: 'One\nTwo', quickReplies: [{ title: 'Yes', payload: 'y' }, { title: 'No', payload: 'n' }] }), plain), 'Pal: One\n  Two\n  1 Yes\n  2 No\n');
  assert.equal(replyLines(reply({ author: { type: 'agent' } }), plain), 'agent: Hi\n');
  assert.equal(replyLines(reply({ author: { type: 'bot' } }), plain), 'Bot: Hi\n');
});

test('no text that comes from elsewhere can move the cursor or hide itself', () => {
  const evil = '\u001b[2J\u009b31m\u202e\rgone';
  const shown = [
    replyLines(reply({ text: evil, author: { type: 'bot', name: `${evil}\n` }, quickReplies: [{ title: `${evil}\n`, payload: 'x' }] }), plain),
    pastLines({ type: 'message', messageId: 'm', conversationId: 'c', position: 'p', author: { type: 'person' }, text: evil, createdAt: '' }, plain),
  ].join('');
  assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  assert.equal(shown.split('\n').length, 4, 'a name or a title stays on its line');
});

test('a number chooses what was offered, and is text where nothing was', () => {
  const choices = [{ title: 'Yes', payload: 'y' }, { title: 'No', payload: 'n' }];
  assert.deepEqual(contentOf('2', choices, 'r'), { postback: { payload: 'n', replyId: 'r' } });
  for (const line of ['3', '0', '02', '1 ', 'yes', '-1', '1.0']) assert.deepEqual(contentOf(line, choices, 'r'), { text: line });
  assert.deepEqual(contentOf('1', [], undefined), { text: '1' });
});

test('what ends without a reply is said where it matters', () => {
  assert.equal(outcomeLine('silent', plain), '');
  assert.match(outcomeLine('handed_off', plain), /person/);
  assert.match(outcomeLine('dead_lettered', plain), /dead-letters/);
});

test('errors of the SDK come out as those of the catalogue, and every code that the SDK makes is in it', () => {
  const made = readdirSync(join(packageRoot(), 'client/src')).filter((name) => !/test/.test(name))
    .flatMap((name) => readFileSync(join(packageRoot(), 'client/src', name), 'utf8').match(/'CONFAB_[A-Z_]+'/g) ?? []).map((code) => code.slice(1, -1));
  assert.ok(made.length > 8);
  for (const code of new Set(made)) assert.ok(Object.hasOwn(catalogue, code), code);
  const known = toConfab(new ClientError('CONFAB_CONVERSATION_FORBIDDEN', 'not yours'), 'http://x') as ConfabError;
  assert.deepEqual([known.code, known.detail], ['CONFAB_CONVERSATION_FORBIDDEN', 'not yours']);
  assert.match((toConfab(new ClientError('CONFAB_SERVER_UNREACHABLE', 'x'), 'http://x') as ConfabError).detail, /^http:\/\/x /);
  assert.equal((toConfab(new ClientError('CONFAB_OF_LATER', 'x'), 'http://x') as ConfabError).code, 'CONFAB_INTERNAL');
  const other = new Error('mine');
  assert.equal(toConfab(other, 'http://x'), other);
});
