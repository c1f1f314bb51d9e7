import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { openSocket } from '../../platform/http/testing.js';
import { MemoryLiveBus } from '../../platform/live-bus/memory.js';
import { showLiveFrames } from './live-frames.js';
import { Scene, testNode, turns, type TestNode } from '../testing.js';

async function scene(t: TestContext): Promise<{ scene: Scene; bus: MemoryLiveBus; node: TestNode; delta: (before: string, index: number, text: string) => void }> {
  const made = await Scene.make(1);
  const node = await testNode(t, made);
  const bus = new MemoryLiveBus();
  t.after(showLiveFrames(bus, node.fanout, 1));
  const delta = (before: string, index: number, text: string): void => {
    bus.publish({ key: 'default/c1', before, index, frame: JSON.stringify({ type: 'delta', conversationId: 'c1', replyId: 'r', index, text }) });
  };
  return { scene: made, bus, node, delta };
}

const STREAM = '/v1/conversations/c1/stream';

test('pieces of a reply come before it, and none after it', async (t) => {
  const { scene: made, bus, node, delta } = await scene(t);
  const socket = await openSocket(node.app, STREAM, 'confab.v1');
  await socket.next();
  const asked = await made.accept('c1');
  bus.publish({ key: 'default/c1', before: asked, index: null, frame: '{"type":"typing","conversationId":"c1","author":{"type":"bot"}}' });
  delta(asked, 0, 'Your parcel ');
  delta(asked, 1, 'is on its way.');
  const answered = await made.answer('c1', asked);
  await turns();
  delta(asked, 2, 'late');
  delta(asked, 0, 'late');
  const next = await made.answer('c1', await made.accept('c1'));
  const frames = await Promise.all(Array.from({ length: 5 }, () => socket.next()));
  assert.deepEqual(frames.map((frame) => frame.type === 'delta' ? frame.text : frame.type === 'reply' ? frame.position : frame.type), ['typing', 'Your parcel ', 'is on its way.', answered, next]);
});

test('a run with a gap goes no further until it starts over', async (t) => {
  const { scene: made, node, delta } = await scene(t);
  const asked = await made.accept('c1');
  const socket = await openSocket(node.app, STREAM, 'confab.v1');
  await socket.next();
  await turns();
  for (const [index, text] of [[3, 'came late'], [0, 'a'], [1, 'b'], [3, 'd'], [2, 'c'], [4, 'e'], [0, 'A'], [1, 'B']] as const) delta(asked, index, text);
  const frames = await Promise.all(Array.from({ length: 5 }, () => socket.next()));
  assert.deepEqual(frames.map(({ text }) => text), ['a', 'b', 'c', 'A', 'B']);
});

test('a socket that was cut during a reply gets the reply, once, and no piece of it', async (t) => {
  const { scene: made, node, delta } = await scene(t);
  const socket = await openSocket(node.app, STREAM, 'confab.v1');
  const { position } = await socket.next();
  const asked = await made.accept('c1');
  delta(asked, 0, 'a');
  assert.equal((await socket.next()).text, 'a');
  socket.socket.terminate();
  const again = await openSocket(node.app, `${STREAM}?after=${String(position)}`, 'confab.v1');
  assert.equal((await again.next()).type, 'ready');
  await turns();
  delta(asked, 1, 'b');
  const answered = await made.answer('c1', asked);
  assert.equal((await again.next()).position, answered);
});
