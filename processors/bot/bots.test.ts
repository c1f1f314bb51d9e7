import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SwappableBots, type Rollout } from './bots.js';
import { shareOf } from './share.js';
import type { Bot } from './types.js';

const bot = (version: string): Bot => ({ id: 'b', version }) as unknown as Bot;
const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(bot) as [Bot, Bot, Bot, Bot, Bot];
const rollout = (change: Partial<Rollout>): Rollout => ({ current: null, canary: null, earlier: [], ...change });
const names = (bots: SwappableBots): string => bots.versions('b').map(({ version }) => version).join('');

test('what is rolled out goes before the files; at most three versions are live', () => {
  const bots = new SwappableBots([a]);
  assert.equal(names(bots), 'a');
  bots.roll('b', rollout({ current: b }));
  assert.equal(names(bots), 'ba', 'conversations of the files may end with them');
  bots.roll('b', rollout({ current: b, canary: { bot: c, share: 0.5 }, earlier: [d, e] }));
  assert.equal(names(bots), 'bcd');
  bots.replace(e);
  assert.equal(bots.choose('b', 'x')?.version === 'e', false, 'an edited file is not live beside a deployment');
  bots.roll('b', undefined);
  assert.equal(names(bots), 'e');
  assert.deepEqual([bots.choose('c', 'x'), bots.versions('c').length], [undefined, 0]);
});

test('a canary of a bot without files or deployment is for nobody yet', () => {
  const bots = new SwappableBots([]);
  bots.roll('b', rollout({ canary: { bot: c, share: 0.5 } }));
  assert.deepEqual([names(bots), bots.choose('b', 'x')], ['', undefined]);
});

test('each version is prepared once before it is handed out, and one that cannot be is never handed out', () => {
  const bots = new SwappableBots([a]);
  const prepared: string[] = [];
  bots.beforeUse(({ version }) => { assert.ok(!names(bots).includes(version)); if (version === 'd') throw new Error('no'); prepared.push(version); });
  bots.roll('b', rollout({ current: b, canary: { bot: c, share: 1 } }));
  bots.roll('b', rollout({ current: c, earlier: [b] }));
  assert.deepEqual(prepared, ['b', 'c']);
  assert.throws(() => { bots.roll('b', rollout({ current: d })); });
  assert.equal(names(bots), 'cba');
});

test('a share holds that share of the conversations, the same ones everywhere, and keeps them when it grows', () => {
  const ids = Array.from({ length: 5_000 }, (_, i) => `default/c-${i}`);
  const within = (share: number, version: string): Set<string> => new Set(ids.filter((id) => shareOf(id, version) < share));
  for (const share of [0.01, 0.1, 0.5]) assert.ok(Math.abs(within(share, 'a').size / ids.length - share) < 0.02, `${share}: ${within(share, 'a').size}`);
  const [small, large] = [within(0.1, 'a'), within(0.3, 'a')];
  assert.ok([...small].every((id) => large.has(id)));
  const both = [...small].filter((id) => within(0.1, 'other').has(id)).length;
  assert.ok(both > 0 && both < small.size / 3, `another version meets others: ${both} of ${small.size}`);
  assert.equal(shareOf('default/c-1', '0123456789abcdef'), shareOf('default/c-1', '0123456789abcdef'));
  const bots = new SwappableBots([a]);
  bots.roll('b', rollout({ current: b, canary: { bot: c, share: 0.25 } }));
  const met = ids.filter((id) => bots.choose('b', id)?.version === 'c').length;
  assert.ok(Math.abs(met / ids.length - 0.25) < 0.02);
  assert.ok(ids.every((id) => shareOf(id, 'c') < 1));
});
