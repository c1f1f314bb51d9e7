/**
 * Roll-outs on real Kafka under traffic, with nodes and the deploying command killed in the middle: the log stays sound, what
 * is in mid-flow goes on by the declared rule, and no node runs a version that was never deployed. One round here;
 * `CONFAB_ROLLOUT_ROUNDS=20 CONFAB_TEST_TIMEOUT=7200000 npm test -- main.kills` is the long form.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runCli } from './cli/program.js';
import { openCodec, openLog, type Base } from './composition/infrastructure.js';
import { outcomes, post, Program } from './composition/testing.js';
import { RolloutLog } from './operate/rollout/rollout-log.js';
import { systemClock } from './platform/clock.js';
import { loadConfig, type Config } from './platform/config.js';
import type { EventLog } from './platform/event-log/event-log.js';
import { silentLogger } from './platform/observability/logger.js';
import { systemRandom } from './platform/random.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';
import { createLocalCodec } from './schemas/codec-local.js';

const ROUNDS = Number(process.env.CONFAB_ROLLOUT_ROUNDS ?? 1);
const LIMIT = 120_000;
const TALKERS = 4;
const IN_MID_FLOW = 3;

/** Every answer tells the name of its version; a form takes two turns. */
const botText = (name: string): string => `format: 1
id: simple
versions: {onChange: finish}
responses: {lost: "lost-${name}", hello: "hello-${name}", size: "size-${name}", done: "done-${name}", again: "again-${name}"}
fallback: {say: lost}
restarted: again
entities: {size: {values: {large: [big], small: [tiny]}}}
slots: {size: {entity: size, ask: size}}
intents:
  greet: {reply: hello, examples: [hi, hello, hey, good day, howdy, greetings, good morning, hello ${name}]}
  order: {examples: [I want to order, order please, a new order, place an order, can I order something]}
flows:
  order: {on: order, do: [{ask: size}, {say: done}]}
`;

interface Ran { readonly code: number; readonly out: string; readonly err: string }

class Scene {
  readonly prefix = `t${systemRandom.bytes(5).toString('hex')}.`;
  readonly folder: string;
  /** Name → version, of all that was ever given to the nodes. */
  readonly names = new Map<string, string>();
  readonly nodes = new Map<string, Program>();
  edge: Program | undefined;
  log!: EventLog;
  desk!: RolloutLog;

  private constructor(private readonly t: TestContext) {
    this.folder = scratchFolder(t);
  }

  static async make(t: TestContext): Promise<Scene> {
    const scene = new Scene(t);
    scene.bot('bots/simple', 'files');
    scene.log = await openLog({ config: loadConfig(scene.env(), { serving: false }), clock: systemClock, random: systemRandom, logger: silentLogger });
    scene.desk = new RolloutLog({ log: scene.log, codec: createLocalCodec(), clock: systemClock, prefix: scene.prefix });
    t.after(async () => {
      for (const name of (await scene.log.admin.topicNames()).filter((one) => one.startsWith(scene.prefix))) await scene.log.admin.deleteTopic(name);
      await scene.log.close();
    });
    scene.edge = await scene.start('edge', 'ingress', 'egress', 'timers', 'analytics');
    for (const name of ['a', 'b', 'c']) scene.nodes.set(name, await scene.start(name, 'intent', 'dialogue'));
    return scene;
  }

  get url(): string { return this.edge?.url ?? ''; }

  env(data = 'operator'): Record<string, string> {
    return {
      CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_REDIS_URL: serviceAddress('redis') ?? '', CONFAB_PREFIX: this.prefix, CONFAB_PARTITIONS: '6', CONFAB_BOTS_DIR: join(this.folder, 'bots'),
      CONFAB_DATA_DIR: join(this.folder, data), CONFAB_DEFAULT_BOT: 'simple', CONFAB_URL: this.url, CONFAB_LOG_LEVEL: 'error',
    };
  }

  bot(path: string, name: string): string {
    mkdirSync(join(this.folder, path), { recursive: true });
    writeFileSync(join(this.folder, path, 'bot.yaml'), botText(name));
    return join(this.folder, path);
  }

  async start(name: string, ...roles: string[]): Promise<Program> {
    return (await Program.start(this.t, { args: ['start', ...roles.flatMap((role) => ['--role', role])], env: this.env(name) })).ready(LIMIT);
  }

  /** kill -9, and the same again. What it does meanwhile goes on. */
  async killing(name: string, meanwhile: () => Promise<unknown>): Promise<void> {
    const node = this.nodes.get(name);
    const [, started] = await Promise.all([meanwhile(), node?.kill('SIGKILL').then(() => this.start(name, 'intent', 'dialogue'))]);
    if (started !== undefined) this.nodes.set(name, started);
  }

  async confab(...argv: string[]): Promise<Ran> {
    let [out, err] = ['', ''];
    const base = (config: Config): Base => ({ config, clock: systemClock, random: systemRandom, logger: silentLogger });
    const code = await runCli(argv, {
      env: this.env(), stdout: { write: (text) => { out += text; } }, stderr: { write: (text) => { err += text; } }, clock: systemClock, random: systemRandom,
      openLog: (config, mode) => openLog(base(config), { readOnly: mode === 'read' }), openCodec: (config) => openCodec(base(config)),
    });
    return { code, out, err };
  }

  /** A step that has to pass, if need be after a node has come back. */
  async done(...argv: string[]): Promise<string> {
    const ran = await this.confab(...argv);
    assert.equal(ran.code, 0, `${argv.join(' ')}: ${ran.out}${ran.err}`);
    return ran.out;
  }

  /** The command is killed as soon as the log shows a part of what it does. */
  async killedDeploy(at: 'models' | 'version', version: string, ...argv: string[]): Promise<void> {
    const command = await Program.start(this.t, { args: ['bot', 'deploy', ...argv], env: this.env('killed') });
    let ended = false;
    void command.exited.then(() => { ended = true; });
    await eventually(`the log shows the ${at}`, async () => {
      const table = await this.desk.table();
      return ended || (at === 'models' ? table.partKeys('simple', version).length > 0 : table.versions('simple').some((one) => one.version === version));
    }, LIMIT);
    await command.kill('SIGKILL');
  }

  /** Sends until it is accepted, under one key. Its id. */
  async say(conversation: string, text: string, key: string): Promise<string> {
    for (;;) {
      this.t.signal.throwIfAborted();
      const answer = await post(this.url, conversation, text, key).catch(() => undefined);
      if (answer?.status === 202) return answer.body.messageId;
      assert.ok(answer === undefined || answer.status === 503, `status ${answer?.status}`);
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  /** What was said to it, once it has an outcome. */
  async ask(conversation: string, text: string): Promise<string> {
    const id = await this.say(conversation, text, `${conversation}-${systemRandom.bytes(6).toString('hex')}`);
    await eventually(`"${text}" in ${conversation} has an outcome`, async () => (await outcomes(this.url, conversation)).includes(id), LIMIT);
    const page = await (await fetch(`${this.url}/v1/conversations/${conversation}/events?before=latest&limit=1`)).json() as { events: { type: string; text?: string }[] };
    return page.events[0]?.text ?? JSON.stringify(page.events[0]);
  }
}

/** People who write one message after the other until they are told to stop. */
function traffic(t: TestContext, scene: Scene): { stop(): Promise<number> } {
  let [stopped, accepted] = [false, 0];
  t.after(() => { stopped = true; });
  const talk = async (n: number): Promise<void> => {
    for (let turn = 0; !stopped; turn += 1) {
      await scene.say(`talk-${n}-${Math.floor(turn / 20)}`, ['hello', 'I want to order', 'big'][turn % 3] ?? '', `${n}-${turn}`);
      accepted += 1;
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  };
  const all = Array.from({ length: TALKERS }, (_, n) => talk(n));
  return { stop: async () => { stopped = true; await Promise.all(all); return accepted; } };
}

/** As every node has to see it: the current one, the canary, earlier ones, and the files; three at most. */
async function liveVersions(scene: Scene): Promise<string[]> {
  const [plan, files] = [(await scene.desk.table()).plan('simple'), scene.names.get('files') ?? ''];
  const all = [plan?.current?.version ?? files, plan?.canary?.version, ...plan?.earlier.map(({ version }) => version) ?? [], files];
  return [...new Set(all.flatMap((one) => one ?? []))].slice(0, 3);
}

interface Shown { readonly nodes: readonly { readonly status: { readonly pid: number; readonly bots: readonly { readonly id: string; readonly versions: readonly { readonly version: string; readonly state: string }[] }[] } }[] }

/** Every node that lives runs what the log says, and nothing else; none ever runs what was not deployed. */
async function agreed(scene: Scene): Promise<void> {
  const known = new Set(scene.names.values());
  await eventually('every node runs what the log says', async () => {
    const { nodes } = JSON.parse(await scene.done('bot', 'versions', '--json')) as Shown;
    for (const { status } of nodes) for (const { version } of status.bots.find(({ id }) => id === 'simple')?.versions ?? []) assert.ok(known.has(version), `unknown version ${version}`);
    const wanted = (await liveVersions(scene)).join();
    return [...scene.nodes.values()].every(({ pid }) => {
      const status = nodes.find((one) => one.status.pid === pid)?.status;
      return status?.bots.find(({ id }) => id === 'simple')?.versions.map(({ version }) => version).join() === wanted;
    });
  }, LIMIT);
}

/** Begins forms, does a step with a node killed in it, and ends the forms: by the rule of the bot, each where it has to. */
async function inMidFlow(scene: Scene, name: string, step: () => Promise<unknown>): Promise<void> {
  const conversations = Array.from({ length: IN_MID_FLOW }, (_, n) => `mid-${name}-${n}`);
  const begun = await Promise.all(conversations.map((one) => scene.ask(one, 'I want to order')));
  for (const said of begun) assert.match(said, /^size-/);
  await step();
  await agreed(scene);
  const live = new Set(await liveVersions(scene));
  await Promise.all(conversations.map(async (one, n) => {
    const own = begun[n]?.slice('size-'.length) ?? '';
    const ended = await scene.ask(one, 'big');
    // "finish": where it began while that is live; of a retired one it moves, and the open question is found again.
    const allowed = live.has(scene.names.get(own) ?? '') ? [own] : [...scene.names.keys()].filter((other) => other !== own);
    assert.ok(allowed.some((other) => ended === `done-${other}`), `${one} began with ${begun[n]} and ended with ${ended}`);
  }));
}

async function round(scene: Scene, n: number): Promise<void> {
  const { loadBot } = await import('./processors/bot/index.js');
  const name = `v${n}`;
  const path = scene.bot(name, name);
  const { version } = await loadBot(path);
  scene.names.set(name, version);
  const victim = (i: number): string => ['a', 'b', 'c'][(n + i) % 3] ?? 'a';
  await inMidFlow(scene, `${n}-canary`, async () => {
    await scene.killedDeploy(n % 2 === 0 ? 'models' : 'version', version, path, '--canary', '10%');
    await scene.killing(victim(0), () => scene.done('bot', 'deploy', path, '--canary', '10%', '--no-wait'));
  });
  await inMidFlow(scene, `${n}-promote`, () => scene.killing(victim(1), () => scene.done('bot', 'promote', 'simple')));
  if (n % 2 === 0) await inMidFlow(scene, `${n}-back`, () => scene.killing(victim(2), () => scene.done('bot', 'rollback', 'simple')));
}

async function judged(scene: Scene): Promise<void> {
  await agreed(scene);
  const codec = createLocalCodec().of('BotReply');
  for (const { partition } of await scene.log.admin.bounds(`${scene.prefix}replies.v1`)) {
    for await (const { records } of scene.log.read(`${scene.prefix}replies.v1`, partition, 0)) {
      for (const { value } of records) for (const { text } of value === null ? [] : codec.decode(value).parts) assert.ok(typeof text === 'string' && scene.names.has(/-(\w+)$/.exec(text)?.[1] ?? ''), `no version says ${JSON.stringify(text)}`);
    }
  }
}

test('Kafka: nodes and the deploying command are killed in the middle of roll-outs under traffic: the log is sound, forms end by their rule, no node is left behind', { skip: skipWithout('kafka', 'redis'), timeout: 400_000 + ROUNDS * 120_000 }, async (t) => {
  const { loadBot } = await import('./processors/bot/index.js');
  const scene = await Scene.make(t);
  scene.names.set('files', (await loadBot(join(scene.folder, 'bots', 'simple'))).version);
  const people = traffic(t, scene);
  for (let n = 0; n < ROUNDS; n += 1) await round(scene, n);
  const accepted = await people.stop();
  assert.ok(accepted > 0);
  await judged(scene);
  let report: { accepted?: number; lost?: number; doubled?: number; reordered?: number; pending?: number } = {};
  await eventually('everything has an outcome', async () => {
    const ran = await scene.confab('audit', '--json', '--patience', '300s');
    report = JSON.parse(ran.out) as typeof report;
    assert.equal(ran.code, 0, ran.out);
    return report.pending === 0;
  }, LIMIT);
  t.diagnostic(`${ROUNDS} rounds, ${accepted} messages of the traffic, ${report.accepted} accepted in all`);
});
