/** Contract suite of the LiveBus port: what every adapter must do. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../testing.js';
import type { LiveBus, LiveFrame } from './live-bus.js';

export interface LiveBusScene {
  readonly bus: LiveBus;
  /** What arrived for a conversation, from the moment when this resolves. */
  readonly hear: (key: string) => Promise<readonly LiveFrame[]>;
}

const POSITION = '0a1b2c3d-000000000042-00';
const frame = (key: string, index: number | null): LiveFrame => ({ key, before: POSITION, index, frame: JSON.stringify({ type: index === null ? 'typing' : 'delta', index, text: 'ü\n#@ ' }) });

export function liveBusContract(name: string, make: (t: TestContext) => Promise<LiveBusScene> | LiveBusScene, options: { skip?: string | false } = {}): void {
  const rule = (sentence: string, body: (scene: LiveBusScene) => Promise<void>): void => {
    test(`${name} live bus: ${sentence}`, { skip: options.skip ?? false }, async (t) => {
      const scene = await make(t);
      try { await body(scene); } finally { await scene.bus.close(); }
    });
  };

  rule('frames of a conversation arrive as they were, in order', async ({ bus, hear }) => {
    const [a, b] = await Promise.all([hear('default/a'), hear('t/b:1.2_3-4')]);
    const sent = [frame('default/a', null), ...Array.from({ length: 200 }, (_, index) => frame('default/a', index))];
    for (const one of sent) { bus.publish(one); bus.publish(frame('t/none', 0)); }
    bus.publish(frame('t/b:1.2_3-4', 7));
    await eventually('all arrived', () => a.length === sent.length && b.length === 1);
    assert.deepEqual(a, sent);
    assert.deepEqual(b, [frame('t/b:1.2_3-4', 7)]);
  });

  rule('it takes any number at once without a word', async ({ bus, hear }) => {
    const heard = await hear('default/a');
    for (let index = 0; index < 5000; index += 1) bus.publish(frame('default/a', index));
    await eventually('a hundred arrived', () => heard.length >= 100);
    assert.deepEqual(heard.slice(0, 100), Array.from({ length: 100 }, (_, index) => frame('default/a', index)));
  });

  rule('closed it says nothing more, and does not throw', async ({ bus, hear }) => {
    const heard = await hear('default/a');
    await bus.close();
    bus.publish(frame('default/a', 0));
    assert.equal(heard.length, 0);
  });
}
