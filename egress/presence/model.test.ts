import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../platform/random.js';
import { Scene } from '../testing.js';
import type { Role } from './held.js';
import { entryKey } from './presence-keys.js';
import type { PresenceService } from './presence.js';
import { goneWithin, presenceTimes } from './presence-times.js';
import { mortal, pass, place, presenceNode, saidBy, stoppable } from './testing.js';

interface TestContext { after(run: () => void | Promise<void>): void }

const times = presenceTimes();
const CONVERSATIONS = 6;
const SUBJECTS = ['anna', 'bo', 'cem'];
const RUNS = 60;
const STEPS = 50;

/** A node, and what it really has: sockets by `conversation subject`. */
interface Node {
  readonly name: string;
  readonly service: PresenceService;
  readonly life: ReturnType<typeof mortal>;
  readonly clock: ReturnType<typeof stoppable>;
  readonly truth: Map<string, number>;
  stopped: boolean;
}

/** Nodes over one log, to which everything happens that may. */
class World {
  readonly nodes: Node[] = [];
  private readonly random;
  private made = 0;
  private owners: number[] = [];
  readonly story: string[] = [];

  constructor(private readonly t: TestContext, readonly scene: Scene, seed: number) {
    this.random = seededRandom(seed);
    this.elect();
  }

  below(count: number): number { return Math.floor(this.random.float() * count); }

  async add(slot: number): Promise<void> {
    this.made += 1;
    const name = `n${this.made}`;
    const life = mortal(this.scene.log);
    const clock = stoppable(this.scene);
    const owned = (): number[] => this.owners.flatMap((owner, partition) => (owner === slot ? [partition] : []));
    const service = await presenceNode(this.t, this.scene, name, { log: life.log, clock, owned });
    this.nodes[slot] = { name, service, life, clock, truth: new Map(), stopped: false };
  }

  /** Some partitions may have no owner that knows of presence. */
  private elect(): void { this.owners = Array.from({ length: this.scene.topics.partitions }, () => this.below(4)); }

  async step(): Promise<void> {
    const slot = this.below(this.nodes.length);
    const node = this.nodes[slot];
    assert.ok(node);
    const kind = this.below(16);
    this.story.push(`${kind} ${node.name}`);
    if (kind < 4) this.come(node);
    else if (kind < 7) this.leave(node);
    else if (kind === 7) { node.clock.stop(); node.stopped = true; }
    else if (kind === 8) this.mend(node);
    else if (kind === 9) node.life.dead = true;
    else if (kind === 10) await this.sweepByMistake(node);
    else if (kind === 11) { node.life.dead = true; node.clock.stop(); await this.add(slot); }
    else if (kind === 12 && !node.stopped) { await node.service.close(); await this.add(slot); }
    else if (kind === 13) this.elect();
    else await pass(this.scene, 500 + this.below(30_000));
  }

  private come(node: Node): void {
    if (node.stopped) return;
    const [conversation, subject] = [`c${this.below(CONVERSATIONS)}`, SUBJECTS[this.below(3)] as string];
    node.truth.set(`${conversation} ${subject}`, (node.truth.get(`${conversation} ${subject}`) ?? 0) + 1);
    node.service.came(place(this.scene, conversation), { subject, role: roleOf(subject) });
  }

  private leave(node: Node): void {
    const all = [...node.truth];
    const [name, count] = all[this.below(Math.max(1, all.length))] ?? [];
    if (node.stopped || name === undefined || count === undefined) return;
    const [conversation = '', subject = ''] = name.split(' ');
    if (count === 1) node.truth.delete(name); else node.truth.set(name, count - 1);
    node.service.left(place(this.scene, conversation), { subject, role: roleOf(subject) });
  }

  private async sweepByMistake(node: Node): Promise<void> {
    const { key, partition } = place(this.scene, `c${this.below(CONVERSATIONS)}`);
    await (await this.scene.log.appender()).append([{ topic: 'presence.v1', partition, key: entryKey(key, node.name), value: null, timestamp: this.scene.clock.now() }]);
  }

  mend(node: Node): void {
    node.life.dead = false;
    node.stopped = false;
    node.clock.goOn();
  }

  /** What the topic should say of who is there, `conversation node` → users. */
  truth(): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const { name, truth } of this.nodes) {
      for (const [entry, count] of truth) {
        const [conversation = '', subject = ''] = entry.split(' ');
        const key = `default/${conversation} ${name}`;
        found.set(key, [...found.get(key) ?? [], `${subject} ${count}`].sort());
      }
    }
    return found;
  }
}

const roleOf = (subject: string): Role => (subject === 'bo' ? 'agent' : 'person');
const sorted = <T>(map: Map<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

async function run(t: TestContext, seed: number): Promise<void> {
  const scene = await Scene.make();
  const world = new World(t, scene, seed);
  for (let slot = 0; slot < 3; slot += 1) await world.add(slot);
  for (let i = 0; i < STEPS; i += 1) await world.step();
  for (const node of world.nodes) world.mend(node);
  await pass(scene, goneWithin(times) + 10_000);
  const what = `seed ${seed}: ${world.story.join(', ')}`;
  const said = await saidBy(scene.log);
  const users = new Map([...said.entries].map(([key, entry]) => [key, entry.users.map(({ userId, sockets }) => `${userId as string} ${sockets}`).sort()]));
  assert.deepEqual(sorted(users), sorted(world.truth()), what);
  for (const [key, entry] of said.entries) assert.equal(entry.sockets, entry.users.reduce((sum, { sockets }) => sum + sockets, 0), `${key}, ${what}`);
  const living = new Set(world.nodes.map(({ name }) => name));
  for (const { node } of said.leases.values()) assert.ok(living.has(node), `a lease of ${node}, ${what}`);
  for (const { service } of world.nodes) {
    for (let i = 0; i < CONVERSATIONS; i += 1) {
      const names = (await service.of(place(scene, `c${i}`))).map(({ node }) => `default/c${i} ${node}`).sort();
      assert.deepEqual(names, [...world.truth().keys()].filter((key) => key.startsWith(`default/c${i} `)).sort(), what);
    }
  }
  await pass(scene, 60_000, 1_000);
  assert.equal((await saidBy(scene.log)).changes, said.changes, `quiet, ${what}`);
}

test(`whoever is killed, stopped, cut off or swept by mistake: in the end the topic says who is there, ${RUNS} histories`, async (t) => {
  for (let seed = 1; seed <= RUNS; seed += 1) await run(t, seed);
});
