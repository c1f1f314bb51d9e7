import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testIngress, type TestIngress } from '../testing.js';

interface Answer { status: number; headers: Record<string, unknown>; body: Record<string, unknown> }

async function post(ingress: TestIngress, body: unknown, options: { id?: string; token?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const answer = await ingress.app.inject({
    method: 'POST', url: `/v1/conversations/${options.id ?? 'c1'}/messages`,
    headers: { 'content-type': 'application/json', ...(options.token ? { authorization: `Bearer ${options.token}` } : {}), ...options.headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
}

test('a message is answered 202 with its place in the log', async (t) => {
  const ingress = await testIngress(t);
  const answer = await post(ingress, { text: 'hello' });
  assert.equal(answer.status, 202);
  const [message] = await ingress.messages();
  assert.equal(message?.text, 'hello');
  assert.equal(message.key, 'default/c1');
  assert.equal(message.kind, 'text');
  assert.deepEqual(Object.keys(answer.body), ['messageId', 'conversationId', 'position', 'duplicate']);
  assert.equal(answer.body.messageId, message.messageId);
  assert.match(String(answer.body.position), /^[0-9a-f]{8}-000000000000-00$/);
  assert.equal(answer.body.duplicate, false);
});
