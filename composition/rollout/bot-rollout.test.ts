import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelsOf } from '../../inspect/bot-diff/models.js';
import { packModels } from '../../operate/rollout/model-parts.js';
import { packFiles } from '../../operate/rollout/pack.js';
import { RolloutLog } from '../../operate/rollout/rollout-log.js';
import { RolloutTable } from '../../operate/rollout/rollout-table.js';
import { ManualClock, settle } from '../../platform/clock-manual.js';
import { MemoryEventLog } from '../../platform/event-log/memory.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { seededRandom } from '../../platform/random.js';
import { scratchFolder } from '../../platform/testing.js';
import { checkFiles, SwappableBots, type Bot } from '../../processors/bot/index.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { BotVersion } from '../../schemas/types.js';
import { BotRollout } from './bot-rollout.js';
import { prepareVersion, type PackedVersion, type PreparedVersion } from './prepare.js';
import { TopicFollow } from './topic-follow.js';

const files = (note: string, body = ''): { file: string; bytes: Buffer }[] => [{ file: 'bot.yaml', bytes: Buffer.from(`format: 1\nid: simple\nresponses: {lost: ${note}}\nfallback: {say: lost}\nintents:\n  hi: {reply: lost, examples: [hi, hello, hey, good day, howdy]}\n${body}`) }];

function compiled(note: string): { bot: Bot; packed: Buffer } {
  const { bot, faults } = checkFiles(files(note));
  assert.ok(bot, JSON.stringify(faults));
  return { bot, packed: packFiles(files(note)) };
}

class Node {
  readonly table = new RolloutTable(true);
  readonly models = new Map<string, Buffer>();
  trained = 0;
  readonly bots: SwappableBots;
  readonly metrics = createMetrics();
  readonly rollout: BotRollout;
  readonly follow: TopicFollow<BotVersion>;
  prepared = 0;
  /** Set: making ready waits for it. */
  gate: Promise<void> = Promise.resolve();
  failing = 0;

  constructor(scene: Scene, file: Bot) {
    const { clock, log } = scene;
    this.bots = new SwappableBots([file]);
    const prepare = async (versions: readonly PackedVersion[]): Promise<readonly PreparedVersion[]> => {
      await this.gate;
      if (this.failing > 0) { this.failing -= 1; throw new Error('killed'); }
      this.prepared += versions.length;
      const cache = { get: (id: string) => this.models.get(id), set: (id: string, bytes: Buffer) => { if (!versions.some(({ models }) => models.length > 0)) this.trained += 1; this.models.set(id, bytes); } };
      return versions.map((one) => prepareVersion(one, cache));
    };
    this.rollout = new BotRollout({ table: this.table, bots: this.bots, prepare, clock, logger: silentLogger, metrics: this.metrics });
    this.follow = new TopicFollow({
      log, clock, codec: createLocalCodec().of('BotVersion'), logger: silentLogger, topic: 'bots.v1', anew: () => { this.rollout.touch(this.table.clear()); },
      take: (records) => { this.rollout.touch(records.flatMap(({ key, value, offset }) => this.table.apply(key, value, offset) ?? [])); },
    });
  }

  async start(): Promise<this> { await this.follow.prime(); await this.rollout.settled(); this.follow.start(); return this; }
  live(): string { return this.rollout.statuses().flatMap(({ versions }) => versions.map(({ version, state }) => `${state}:${version.slice(0, 4)}`)).join(' '); }
}

class Scene {
  readonly clock = new ManualClock();
  readonly log = new MemoryEventLog({ clock: this.clock, random: seededRandom(1) });
  readonly desk = new RolloutLog({ log: this.log, codec: createLocalCodec(), clock: this.clock, prefix: '' });

  static async make(t: { after(run: () => Promise<void>): void }): Promise<Scene> {
    const scene = new Scene();
    await scene.log.admin.createTopic({ name: 'bots.v1', partitions: 1, config: {} });
    t.after(() => scene.log.close());
    return scene;
  }

  async node(t: { after(run: () => Promise<void>): void }, file: Bot): Promise<Node> {
    const node = await new Node(this, file).start();
    t.after(async () => { await node.follow.close(); await node.rollout.close(); });
    return node;
  }

  async run(): Promise<void> {
    await settle();
    await this.clock.advance(2000);
    for (let i = 0; i < 10; i += 1) await settle();
  }

  deploy({ bot, packed }: { bot: Bot; packed: Buffer }, share?: number, models: readonly Buffer[] = []): Promise<unknown> {
    return this.desk.deploy({ botId: bot.id, version: bot.version, files: packed, share, models }, 'me');
  }
}

const [one, two, three] = [compiled('one'), compiled('two'), compiled('three')];
const short = (version: { bot: Bot }): string => version.bot.version.slice(0, 4);

test('a deployment is used within two seconds, a canary stands beside it, and a roll-back ends it', async (t) => {
  const scene = await Scene.make(t);
  const node = await scene.node(t, one.bot);
  assert.equal(node.live(), `current:${short(one)}`);
  await scene.deploy(two, 0.5);
  await scene.run();
  assert.equal(node.live(), `current:${short(one)} canary:${short(two)}`);
  await scene.desk.promote('simple', 'me');
  await scene.run();
  assert.equal(node.live(), `current:${short(two)} earlier:${short(one)}`);
  assert.equal(node.prepared, 1, 'what is ready is not made ready again');
  await scene.deploy(three);
  await scene.run();
  assert.equal(node.bots.versions('simple')[0]?.version, three.bot.version);
  await scene.desk.rollback('simple', undefined, 'me');
  await scene.run();
  assert.equal(node.live(), `current:${short(two)} earlier:${short(one)}`);
  assert.match(await node.metrics.metrics(), new RegExp(`confab_bot_version_info\\{bot="simple",version="${two.bot.version}",state="current"\\} 1`));
});

test('a node that starts has read everything, and one that runs gets to the same', async (t) => {
  const scene = await Scene.make(t);
  const first = await scene.node(t, one.bot);
  await scene.deploy(two);
  await scene.deploy(three, 0.3);
  await scene.run();
  const second = await scene.node(t, one.bot);
  assert.equal(second.live(), first.live());
  assert.deepEqual(Array.from({ length: 50 }, (_, i) => second.bots.choose('simple', `c${i}`)?.version), Array.from({ length: 50 }, (_, i) => first.bots.choose('simple', `c${i}`)?.version), 'every node chooses alike');
});

test('while a version is made ready the one before goes on, and the status says so', async (t) => {
  const scene = await Scene.make(t);
  const node = await scene.node(t, one.bot);
  let open = (): void => undefined;
  node.gate = new Promise((resolve) => { open = resolve; });
  await scene.deploy(two);
  await scene.run();
  assert.equal(node.live(), `current:${short(one)} preparing:${short(two)}`);
  assert.equal(node.bots.choose('simple', 'x')?.version, one.bot.version);
  open();
  await scene.run();
  assert.equal(node.live(), `current:${short(two)} earlier:${short(one)}`);
});

test('a version that cannot be used is refused with its reason, and the one before goes on', async (t) => {
  const scene = await Scene.make(t);
  const node = await scene.node(t, one.bot);
  await scene.deploy(two);
  const wrong = { botId: 'simple', version: '0'.repeat(16), share: undefined };
  const cases: [Buffer, RegExp][] = [[packFiles(files('x', 'wrong: 1\n')), /^bot\.yaml:7:1: unknown key/], [three.packed, /its files are those of the version/], [Buffer.from('nothing'), /not a packed bot/]];
  for (const [packed, reason] of cases) {
    await scene.desk.deploy({ ...wrong, files: packed }, 'me');
    await scene.run();
    const status = node.rollout.statuses()[0]?.versions ?? [];
    assert.equal(node.bots.versions('simple')[0]?.version, two.bot.version);
    assert.match(status.find(({ state }) => state === 'refused')?.reason ?? '', reason);
    await scene.desk.rollback('simple', undefined, 'me');
    await scene.run();
  }
  assert.equal(node.live(), `current:${short(two)} earlier:${short(one)}`);
  assert.match(await node.metrics.metrics(), /confab_bot_versions_refused_total\{bot="simple"\} 3/);
});

test('a process that died while it made a version ready is tried again', async (t) => {
  const scene = await Scene.make(t);
  const node = await scene.node(t, one.bot);
  node.failing = 2;
  await scene.deploy(two);
  for (let i = 0; i < 4; i += 1) await scene.run();
  assert.equal(node.bots.versions('simple')[0]?.version, two.bot.version);
});

test('a bot that only the log has is awaited until it is ready, and unknown after it was taken back', async (t) => {
  const scene = await Scene.make(t);
  const { bot } = checkFiles([{ file: 'bot.yaml', bytes: Buffer.from(files('x')[0]?.bytes.toString().replace('id: simple', 'id: other') ?? '') }]);
  assert.ok(bot);
  const node = await scene.node(t, bot);
  let open = (): void => undefined;
  node.gate = new Promise((resolve) => { open = resolve; });
  await scene.deploy(two);
  await scene.run();
  assert.deepEqual([node.bots.choose('simple', 'x'), node.bots.awaited('simple'), node.bots.awaited('other'), node.bots.awaited('nobody')], [undefined, true, false, false]);
  open();
  await scene.run();
  assert.equal(node.bots.choose('simple', 'x')?.version, two.bot.version);
  await scene.desk.rollback('simple', undefined, 'me');
  await scene.run();
  assert.deepEqual([node.bots.choose('simple', 'x'), node.bots.awaited('simple')], [undefined, false]);
});

test('an append of which nobody knows the outcome is looked up, and is done when the log has it', async (t) => {
  const scene = await Scene.make(t);
  const { ConfabError } = await import('../../platform/errors.js');
  const appender = scene.log.appender.bind(scene.log);
  let written = true;
  scene.log.appender = async () => {
    const real = await appender();
    return { append: async (records) => { if (written) await real.append(records); throw new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN'); }, close: () => real.close() };
  };
  await scene.deploy(two);
  assert.equal((await scene.desk.table()).plan('simple')?.current?.version, two.bot.version);
  written = false;
  await assert.rejects(scene.deploy(three), /CONFAB_LOG_OUTCOME_UNKNOWN|outcome/i);
});

test('a followed topic that is made anew is read from its start', async (t) => {
  const scene = await Scene.make(t);
  const node = await scene.node(t, one.bot);
  await scene.deploy(two);
  await scene.deploy(three);
  await scene.run();
  await scene.log.admin.deleteTopic('bots.v1');
  await scene.run();
  assert.equal(node.bots.versions('simple')[0]?.version, three.bot.version, 'while it is away what was read goes on');
  await scene.log.admin.createTopic({ name: 'bots.v1', partitions: 1, config: {} });
  await scene.deploy(two);
  await scene.run();
  assert.equal(node.bots.versions('simple')[0]?.version, two.bot.version);
});

test('models that come with a version are not trained again, and leave the log with the version', async (t) => {
  const scene = await Scene.make(t);
  const [node, partKeys] = [await scene.node(t, one.bot), async (): Promise<number> => (await scene.desk.table()).partKeys('simple').length];
  const models = packModels(modelsOf(two.bot, scratchFolder(t)));
  assert.equal(models.length, 1);
  await scene.deploy(two, 0.1, models);
  await scene.run();
  assert.deepEqual([node.live(), node.trained, node.models.size], [`current:${short(one)} canary:${short(two)}`, 0, 1]);
  assert.deepEqual([node.table.models('simple', two.bot.version), await partKeys()], [[], 1], 'they are kept in the cache, not in memory');
  await scene.desk.promote('simple', 'me');
  await scene.run();
  assert.equal(await partKeys(), 1);
  // The examples of the next one are the same: its model is there.
  await scene.deploy(three, undefined, [Buffer.from('damaged')]);
  await scene.run();
  assert.deepEqual([node.live(), node.models.size, await partKeys()], [`current:${short(three)} earlier:${short(two)} earlier:${short(one)}`, 1, 2]);
  await scene.desk.rollback('simple', 'files', 'me');
  await scene.run();
  assert.deepEqual([node.live(), await partKeys()], [`current:${short(one)}`, 0]);
});

test('two operators at once: the later record counts, on every node alike, and a step that follows leaves no models behind', async (t) => {
  const scene = await Scene.make(t);
  const [first, second] = [await scene.node(t, one.bot), await scene.node(t, one.bot)];
  const models = packModels(modelsOf(two.bot, scratchFolder(t)));
  await Promise.all([scene.deploy(two, undefined, models), scene.deploy(three, 0.2, models), scene.deploy(two, 0.4, models)]);
  await scene.run();
  const plan = (await scene.desk.table()).plan('simple');
  assert.ok(plan);
  assert.equal(first.live(), second.live());
  assert.equal(first.bots.versions('simple')[0]?.version, plan.current?.version ?? one.bot.version);
  await scene.desk.rollback('simple', 'files', 'me');
  await scene.run();
  assert.deepEqual([first.live(), second.live()], Array.from({ length: 2 }, () => `current:${short(one)}`));
  assert.deepEqual((await scene.desk.table()).partKeys('simple'), []);
});
