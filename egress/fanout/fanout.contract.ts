/** Contract suite of the Fanout port: what every adapter must do. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { eventually } from '../../platform/testing.js';
import type { Announcement, Fanout } from './fanout.js';

const announcement = (key: string, offset: number, more: Partial<Announcement> = {}): Announcement => ({
  key, position: `e-${offset}-01`, prev: `e-${offset - 1}-01`, late: false, timestamp: 1_700_000_000_000 + offset, frame: `{"text":"ü ${offset}\\n"}`, ...more,
});

class Node {
  readonly got: Announcement[] = [];
  lapses = 0;
  constructor(readonly fanout: Fanout) {
    fanout.listen({ announced: (list) => { this.got.push(...list); }, lapsed: () => { this.lapses += 1; } });
  }
}

/** Runs the suite against the adapter; `make` opens nodes that hear each other. */
export function fanoutContract(name: string, make: (t: TestContext) => Promise<() => Fanout> | (() => Fanout), options: { skip?: string | false } = {}): void {
  const rule = (sentence: string, body: (open: () => Node) => Promise<void>): void => {
    test(`${name} fan-out: ${sentence}`, { skip: options.skip ?? false }, async (t) => {
      const open = await make(t);
      const nodes: Node[] = [];
      try {
        await body(() => { const node = new Node(open()); nodes.push(node); return node; });
      } finally { for (const node of nodes) await node.fanout.close(); }
    });
  };

  rule('a node hears of its conversations only, whole and in order', async (open) => {
    const [a, b, writer] = [open(), open(), open()];
    await Promise.all([a.fanout.subscribe(1, 't/a'), a.fanout.subscribe(1, 't/both'), a.fanout.subscribe(2, 't/c'), b.fanout.subscribe(1, 't/both')]);
    const list = Array.from({ length: 500 }, (_, i) => announcement(['t/a', 't/both', 't/none'][i % 3] ?? '', i));
    await writer.fanout.announce(1, list);
    await writer.fanout.announce(2, [announcement('t/c', 1_000)]);
    await eventually('all arrived', () => a.got.length === 335 && b.got.length === 167);
    const of = (key: string, got: readonly Announcement[]) => got.filter((found) => found.key === key);
    assert.deepEqual(of('t/a', a.got), of('t/a', list));
    assert.deepEqual(of('t/both', a.got), of('t/both', list));
    assert.deepEqual(b.got, of('t/both', list));
    assert.equal(writer.got.length, 0);
  });

  rule('every field arrives as it was sent', async (open) => {
    const node = open();
    await node.fanout.subscribe(0, 'tenant/c:1.2_3-4');
    const list = [
      announcement('tenant/c:1.2_3-4', 1, { prev: null }), announcement('tenant/c:1.2_3-4', 2, { prev: undefined, late: true }),
      announcement('tenant/c:1.2_3-4', 3, { position: '', prev: 'who', frame: '{"type":"typing"}' }),
    ];
    await node.fanout.announce(0, list);
    await eventually('all arrived', () => node.got.length === 3);
    assert.deepEqual(node.got, list);
  });

  rule('what is announced after subscribe resolved arrives, also with many at once', async (open) => {
    const [node, writer] = [open(), open()];
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => node.fanout.subscribe(i % 24, `t/c${i}`)));
    for (let partition = 0; partition < 24; partition += 1) {
      const keys = Array.from({ length: 1_000 }, (_, i) => i).filter((i) => i % 24 === partition);
      await writer.fanout.announce(partition, keys.map((i) => announcement(`t/c${i}`, 1)));
    }
    await eventually('all arrived', () => node.got.length === 1_000);
    assert.equal(new Set(node.got.map(({ key }) => key)).size, 1_000);
  });

  rule('a node hears once of what it announces itself, in order, also when another announces it again', async (open) => {
    const [own, other] = [open(), open()];
    await Promise.all([own.fanout.subscribe(0, 't/a'), other.fanout.subscribe(0, 't/a')]);
    const list = Array.from({ length: 300 }, (_, i) => announcement('t/a', i));
    await own.fanout.announce(0, list);
    await eventually('all arrived', () => own.got.length === 300 && other.got.length === 300);
    await other.fanout.announce(0, list.slice(-1));
    await other.fanout.announce(0, [announcement('t/a', 300)]);
    await eventually('the next arrived', () => own.got.at(-1)?.position === 'e-300-01' && other.got.at(-1)?.position === 'e-300-01');
    assert.deepEqual(own.got, [...list, ...list.slice(-1), announcement('t/a', 300)]);
  });

  rule('after unsubscribe nothing arrives; it can be subscribed again', async (open) => {
    const [node, writer] = [open(), open()];
    await node.fanout.subscribe(0, 't/a');
    await node.fanout.subscribe(0, 't/b');
    node.fanout.unsubscribe(0, 't/a');
    await node.fanout.subscribe(0, 't/c');
    await writer.fanout.announce(0, [announcement('t/a', 1), announcement('t/b', 2)]);
    await eventually('the other arrived', () => node.got.length === 1);
    await node.fanout.subscribe(0, 't/a');
    await writer.fanout.announce(0, [announcement('t/a', 3)]);
    await eventually('it arrived', () => node.got.length === 2);
    assert.deepEqual(node.got.map(({ position }) => position), ['e-2-01', 'e-3-01']);
  });

  rule('a closed node does not disturb the others', async (open) => {
    const [a, b] = [open(), open()];
    await Promise.all([a.fanout.subscribe(0, 't/a'), b.fanout.subscribe(0, 't/a')]);
    await a.fanout.close();
    await b.fanout.announce(0, [announcement('t/a', 1)]);
    await eventually('it arrived', () => b.got.length === 1);
    assert.equal(a.got.length, 0);
  });
}
