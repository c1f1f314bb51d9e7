import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client, Connection, Conversation, HistoryPage, Outgoing, SendOptions } from '../../../client/src/index.js';
import { ChatSession } from './session.js';
import { markOf } from './shown.js';

/** The SDK by hand: what it was asked, and what it tells. */
class FakeClient {
  readonly sent: { content: Outgoing; options: SendOptions | undefined }[] = [];
  readonly asked: unknown[] = [];
  readonly handlers = new Map<string, (event: never) => void>();
  connection: Connection = { state: 'open' };
  history: () => Promise<HistoryPage> = () => Promise.resolve({ events: [], next: null, truncated: false });
  accept: () => Promise<{ messageId: string; position: string; duplicate: boolean }> = () => Promise.resolve({ messageId: 'M1', position: 'p1', duplicate: false });
  /** How the message ends that was left over by an earlier page. */
  left: FakeClient['accept'] = () => new Promise(() => { /* waits */ });
  closed = false;

  tell(event: string, value: object): void { this.handlers.get(event)?.(value as never); }

  readonly on = (event: string, handler: (event: never) => void): (() => void) => {
    this.handlers.set(event, handler);
    return () => { this.handlers.delete(event); };
  };

  conversation(): Conversation {
    return {
      id: 'c', position: undefined, on: this.on, typing: () => { this.asked.push('typing'); }, received: () => { /* not looked at */ }, read: () => { /* not looked at */ },
      unsent: [{ idempotencyKey: 'old', content: { text: 'of before' }, createdAt: 0 }],
      send: (content, options) => {
        if (options?.idempotencyKey === 'old') return this.left();
        this.sent.push({ content, options });
        return this.accept();
      },
      history: (options) => { this.asked.push(options); return this.history(); },
      close: () => { this.closed = true; },
    };
  }
}

function begin(client = new FakeClient(), onReply?: () => void): { client: FakeClient; session: ChatSession } {
  let keys = 0;
  return { client, session: new ChatSession({ client: client as unknown as Client, conversationId: 'c', newKey: () => `k${keys += 1}`, now: () => 0, onReply }) };
}

const settle = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
const marks = (session: ChatSession): string[] => {
  const { conversation } = session.getSnapshot();
  return conversation.entries.flatMap((entry) => (entry.kind === 'said' ? [`${entry.text} ${markOf(conversation, entry)}`] : []));
};

test('what was left unsent is shown at once, and what is said gets a key of its own', async () => {
  const { client, session } = begin();
  session.say('hello');
  assert.deepEqual(marks(session), ['of before sending', 'hello sending']);
  await settle();
  assert.deepEqual(marks(session), ['of before sending', 'hello accepted']);
  assert.deepEqual(client.sent, [{ content: { text: 'hello' }, options: { idempotencyKey: 'k1' } }]);
});

test('a message left unsent that only a page of history tells of stands once and is accepted', async () => {
  const client = new FakeClient();
  let accept: () => void = () => assert.fail('nobody waits for it');
  client.left = () => new Promise((resolve) => { accept = () => { resolve({ messageId: 'M7', position: 'p7', duplicate: true }); }; });
  client.history = () => Promise.resolve({
    events: [{ type: 'message', conversationId: 'c', messageId: 'M7', position: 'p7', author: { type: 'person' }, text: 'of before', createdAt: '2026-01-01T00:00:00Z' }], next: null, truncated: false,
  });
  const { session } = begin(client);
  await settle();
  accept();
  await settle();
  assert.deepEqual(marks(session), ['of before accepted']);
});

test('a message left unsent that the server refuses says so', async () => {
  const client = new FakeClient();
  client.left = () => Promise.reject(Object.assign(new Error(), { code: 'CONFAB_BODY_INVALID' }));
  const { session } = begin(client);
  await settle();
  assert.deepEqual(marks(session), ['of before failed']);
});

test('a failed message is sent again under its first key', async () => {
  const { client, session } = begin();
  client.accept = () => Promise.reject(Object.assign(new Error(), { code: 'CONFAB_RATE_LIMITED' }));
  session.choose({ title: 'Yes', payload: 'yes' }, 'R1');
  await settle();
  assert.match(marks(session).join(), /Yes failed/);
  client.accept = () => Promise.resolve({ messageId: 'M2', position: 'p2', duplicate: true });
  session.retry('k1');
  await settle();
  assert.match(marks(session).join(), /Yes accepted/);
  assert.deepEqual(client.sent.map(({ content, options }) => [content.postback, options?.idempotencyKey]), [[{ payload: 'yes', replyId: 'R1' }, 'k1'], [{ payload: 'yes', replyId: 'R1' }, 'k1']]);
});

test('a history that could not be read is read again when the connection is back', async () => {
  const client = new FakeClient();
  client.history = () => Promise.reject(new Error('away'));
  const { session } = begin(client);
  await settle();
  assert.deepEqual([session.getSnapshot().fault, session.getSnapshot().reading], ['away', undefined]);
  client.history = () => Promise.resolve({ events: [], next: null, truncated: false });
  client.tell('connection', { state: 'open' });
  await settle();
  assert.equal(session.getSnapshot().fault, undefined);
  client.tell('connection', { state: 'open' });
  assert.equal(client.asked.length, 2, 'only while something is missing');
});

test('older pages are read one at a time, as long as there are some', async () => {
  const client = new FakeClient();
  client.history = () => Promise.resolve({ events: [], next: 'p5', truncated: false });
  const { session } = begin(client);
  await settle();
  client.history = () => Promise.resolve({ events: [], next: null, truncated: true });
  const both = [session.readOlder(), session.readOlder()];
  await Promise.all(both);
  await session.readOlder();
  assert.deepEqual(client.asked, [{ before: 'latest', limit: 40 }, { before: 'p5', limit: 40 }]);
  assert.equal(session.getSnapshot().conversation.truncated, true);
});

test('typing of a person is no news, of somebody else it is, until the session ends', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let replies = 0;
  const { client, session } = begin(undefined, () => { replies += 1; });
  client.tell('typing', { type: 'typing', author: { type: 'person' } });
  assert.equal(session.getSnapshot().conversation.typing, undefined);
  client.tell('typing', { type: 'typing', author: { type: 'agent', name: 'Ada' } });
  assert.equal(session.getSnapshot().conversation.typing?.author.name, 'Ada');
  t.mock.timers.tick(6000);
  assert.equal(session.getSnapshot().conversation.typing, undefined);
  client.tell('reply', { type: 'reply', position: 'p', replyId: 'R', inReplyTo: null, author: { type: 'agent' }, text: 'hi', createdAt: '2026-01-01T00:00:00Z' });
  assert.equal(replies, 1);
  session.close();
  assert.deepEqual([client.closed, client.handlers.size], [true, 0]);
});
