/**
 * Model: one conversation, a client that is cut off again and again at every possible place and resumes from the last
 * position that it saw, a network that is full, an outbox that forgets, a fan-out that loses, a reader that is killed and reads
 * again. Whatever happens, the client gets each outcome once and in order.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfabError } from '../../platform/errors.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { seededRandom, type Random } from '../../platform/random.js';
import type { Announcement, Fanout, FanoutListener } from '../fanout/fanout.js';
import { Hub } from './hub.js';
import { LogRecovery } from './log-recovery.js';
import { EgressMetrics } from '../metrics.js';
import { OutcomeDecoder } from '../outcomes/outcome-decoder.js';
import { MemoryOutbox } from '../outbox/memory.js';
import { RepliesReader } from '../outcomes/replies-reader.js';
import { Subscription, type Outlet } from './subscription.js';
import { Scene, turns } from '../testing.js';
import { TurnLine } from './turn-line.js';

const KEY = 'default/c1';

/** Loses some announcements, repeats some, and delivers after a while. */
class FaultyFanout implements Fanout {
  readonly kind = 'memory';
  private listener: FanoutListener | undefined;
  private readonly keys = new Set<string>();
  loss = 0;
  constructor(private readonly random: Random) {}
  listen(listener: FanoutListener): void { this.listener = listener; }
  async subscribe(_partition: number, key: string): Promise<void> { await turns(Math.floor(this.random.float() * 3)); this.keys.add(key); }
  unsubscribe(_partition: number, key: string): void { this.keys.delete(key); }
  async announce(_partition: number, list: readonly Announcement[]): Promise<void> {
    await turns(Math.floor(this.random.float() * 3));
    const kept = list.filter(({ key }) => this.keys.has(key) && this.random.float() >= this.loss).flatMap((found) => (this.random.float() < 0.1 ? [found, found] : [found]));
    if (kept.length > 0) this.listener?.announced(kept);
  }
  lapse(): void { this.listener?.lapsed(); }
  async close(): Promise<void> { /* nothing */ }
}

class Client implements Outlet {
  readonly id = 'client';
  open = true;
  readonly errors: ConfabError[] = [];
  readonly got: { type: string; position: string; recovered?: boolean }[] = [];
  cutAfter = Infinity;
  /** The network is full now and then, for a while. */
  private readonly line = new TurnLine({ behind: () => undefined });
  constructor(private readonly random?: Random) {}
  get behind(): boolean { return this.line.full; }
  room(): Promise<void> | undefined { return this.line.room(); }
  turn<T>(work: () => Promise<T>): Promise<T> { return this.line.turn(work); }
  deliver(frame: string): void {
    if (!this.open) return;
    if (this.random !== undefined && this.random.float() < 0.3) {
      this.line.fall();
      void turns(Math.floor(this.random.float() * 12)).then(() => { this.line.rise(); });
    }
    this.got.push(JSON.parse(frame) as Client['got'][number]);
    if (this.got.filter(({ type }) => type !== 'ready').length >= this.cutAfter) this.open = false;
  }
  deliverLossy(frame: string): boolean { this.deliver(frame); return true; }
  error(error: ConfabError): void { this.errors.push(error); }
  get outcomes(): string[] { return this.got.filter(({ type }) => type !== 'ready' && type !== 'recovering').map(({ position }) => position); }
}

/** Writes `count` messages and their outcomes; returns the positions of what a client that follows must get. */
async function converse(scene: Scene, count: number, random: Random): Promise<string[]> {
  const expected: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const position = await scene.accept('c1');
    if (random.float() < 0.5) await scene.answer('other', await scene.accept('other'));
    const dice = random.float();
    const outcome = dice < 0.2 ? await scene.giveUp('c1', position) : await scene.answer('c1', position, dice < 0.4 ? { parts: [], outcome: 'silent' } : dice < 0.5 ? { handoff: { to: 'person', reason: null, transcript: [] } } : {});
    expected.push(outcome);
    if (dice >= 0.4 && dice < 0.5) expected.push(`${position.slice(0, -1)}2`);
    await turns(Math.floor(random.float() * 4));
  }
  return expected;
}

async function play(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const scene = await Scene.make(1);
  const { clock, log, topics, codec } = scene;
  const decoder = new OutcomeDecoder(codec, topics, silentLogger);
  const outbox = new MemoryOutbox({ clock, maxEntries: 1 + Math.floor(random.float() * 6) });
  const fanout = new FaultyFanout(random);
  const hub = new Hub({ log, topics, outbox, fanout, recovery: new LogRecovery({ log, topics, decoder }), clock, logger: silentLogger, metrics: new EgressMetrics(createMetrics()) });
  // It commits so seldom that whoever takes over reads everything again.
  const join = async (): Promise<RepliesReader> => {
    const reader = new RepliesReader({ log, topics, group: 'g', instance: 'i', decoder, outbox, fanout, clock, logger: silentLogger, commitMillis: random.float() < 0.5 ? 500 : 1e9, holdMillis: 50 });
    await reader.start();
    return reader;
  };
  let reader = await join();
  const start = `${topics.epoch}-000000000000-00`;
  const expected: string[] = [];
  const seen: string[] = [];
  let [after, client, subscription] = [start, new Client(random), undefined as Subscription | undefined];
  const reconnect = (): void => {
    subscription?.close();
    seen.push(...client.outcomes);
    after = seen[seen.length - 1] ?? start;
    client = new Client(random);
    client.cutAfter = 1 + Math.floor(random.float() * 4);
    subscription = new Subscription(hub, client, KEY, 'c1', 0);
    void subscription.start(after);
  };
  reconnect();
  for (let step = 0; step < 8; step += 1) {
    fanout.loss = random.float() < 0.3 ? 0.5 : 0;
    const writing = converse(scene, 1 + Math.floor(random.float() * 5), random);
    if (random.float() < 0.4) { await turns(Math.floor(random.float() * 6)); reconnect(); }
    expected.push(...await writing);
    if (random.float() < 0.2) outbox.flush();
    if (random.float() < 0.2) { await reader.close(); reader = await join(); }
    if (random.float() < 0.3) await clock.advance(200);
    if (!client.open || random.float() < 0.3) reconnect();
  }
  // At the end everybody is well: whoever is cut off comes back until nothing is missing.
  fanout.loss = 0;
  await turns();
  await clock.advance(6_000);
  fanout.lapse();
  for (let i = 0; i < 200; i += 1) {
    await turns(6);
    await clock.advance(10);
    if (!client.open) reconnect();
    if (seen.length + client.outcomes.length >= expected.length) break;
  }
  await turns();
  const errors = client.errors.map(({ code }) => code);
  await reader.close();
  assert.deepEqual([...seen, ...client.outcomes], expected, `seed ${seed}; ${errors.join(' ')}`);
}

test('whatever is cut, lost, forgotten or repeated: each outcome once and in order, 300 runs', async () => {
  for (let seed = 1; seed <= 300; seed += 1) await play(seed);
});

test('cut off after each outcome and resumed from it, while replies stream in', async () => {
  for (let cut = 1; cut <= 20; cut += 1) {
    const scene = await Scene.make(1);
    const { clock, log, topics, codec } = scene;
    const decoder = new OutcomeDecoder(codec, topics, silentLogger);
    const outbox = new MemoryOutbox({ clock, maxEntries: cut % 2 === 0 ? 2 : 256 });
    const fanout = new FaultyFanout(seededRandom(cut));
    const hub = new Hub({ log, topics, outbox, fanout, recovery: new LogRecovery({ log, topics, decoder }), clock, logger: silentLogger, metrics: new EgressMetrics(createMetrics()) });
    const reader = new RepliesReader({ log, topics, group: 'g', instance: 'i', decoder, outbox, fanout, clock, logger: silentLogger, holdMillis: 0 });
    await reader.start();
    const first = new Client();
    first.cutAfter = cut;
    const start = `${topics.epoch}-000000000000-00`;
    void new Subscription(hub, first, KEY, 'c1', 0).start(start);
    const random = seededRandom(cut);
    const writing = converse(scene, 20, random);
    while (first.open && first.outcomes.length < cut) await turns(1);
    const second = new Client();
    void new Subscription(hub, second, KEY, 'c1', 0).start(first.outcomes[cut - 1]);
    const expected = await writing;
    for (let i = 0; i < 50 && second.outcomes.length < expected.length - cut; i += 1) { await turns(4); await clock.advance(1); }
    assert.deepEqual([...first.outcomes, ...second.outcomes], expected, `cut ${cut}`);
    await reader.close();
  }
});
