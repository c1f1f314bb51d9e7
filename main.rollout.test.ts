import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runCli } from './cli/program.js';
import { openCodec, openLog, type Base } from './composition/infrastructure.js';
import { outcomes, post, Program } from './composition/testing.js';
import { systemClock } from './platform/clock.js';
import type { Config } from './platform/config.js';
import { silentLogger } from './platform/observability/logger.js';
import { packageRoot } from './platform/package-root.js';
import { systemRandom } from './platform/random.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';

const LIMIT = 60_000;
const SIMPLE = (said: string): string => `format: 1
id: simple
responses: {lost: What?, hello: "${said}", cheap: It is cheap today}
fallback: {say: lost}
intents:
  greet: {examples: [hi, hello, hey, good day, howdy, greetings, good morning]}
flows:
  greeting:
    on: greet
    do:
      - if: flags.sale
        then: [{say: cheap}]
        else: [{say: hello}]
`;

interface Ran { readonly code: number; readonly out: string; readonly err: string }

/** A folder of bots, and `confab` with the settings of the processes. */
class Scene {
  readonly folder: string;
  constructor(t: TestContext, readonly env: Record<string, string>) {
    this.folder = scratchFolder(t);
    cpSync(join(packageRoot(), 'bots'), join(this.folder, 'bots'), { recursive: true });
    rmSync(join(this.folder, 'bots', 'parcel', 'tests'), { recursive: true, force: true });
    this.bot('bots/simple', 'one');
  }

  bot(path: string, said: string): string {
    const folder = join(this.folder, path);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'bot.yaml'), SIMPLE(said));
    return folder;
  }

  settings(more: Record<string, string> = {}): Record<string, string> {
    return { CONFAB_BOTS_DIR: join(this.folder, 'bots'), CONFAB_DATA_DIR: join(this.folder, 'data'), CONFAB_DEFAULT_BOT: 'simple', CONFAB_BOTS_RELOAD: 'false', ...this.env, ...more };
  }

  async confab(url: string, ...argv: string[]): Promise<Ran> {
    let [out, err] = ['', ''];
    const base = (config: Config): Base => ({ config, clock: systemClock, random: systemRandom, logger: silentLogger });
    const code = await runCli(argv, {
      env: { ...this.settings(), CONFAB_URL: url }, stdout: { write: (text) => { out += text; } }, stderr: { write: (text) => { err += text; } }, clock: systemClock, random: systemRandom,
      openLog: (config, mode) => openLog(base(config), { readOnly: mode === 'read' }), openCodec: (config) => openCodec(base(config)),
    });
    return { code, out, err };
  }
}

async function answer(url: string, conversation: string): Promise<string> {
  const { status, body } = await post(url, conversation, 'hello');
  assert.equal(status, 202, JSON.stringify(body));
  await eventually(`${conversation} is answered`, async () => (await outcomes(url, conversation)).includes(body.messageId), LIMIT);
  const page = await (await fetch(`${url}/v1/conversations/${conversation}/events?before=latest&limit=1`)).json() as { events: { text?: string }[] };
  return page.events[0]?.text ?? JSON.stringify(page.events[0]);
}

/** The same story on every log. `url` serves ingress and egress. */
async function story(t: TestContext, scene: Scene, url: string): Promise<void> {
  const ok = (ran: Ran): string => { assert.equal(ran.code, 0, `${ran.out}${ran.err}`); return ran.out; };
  assert.equal(await answer(url, 'before'), 'one');
  const two = scene.bot('two', 'two');
  const first = ok(await scene.confab(url, 'bot', 'deploy', two, '--json'));
  const { version, nodes } = JSON.parse(first) as { version: string; nodes: { state: string }[] };
  assert.ok(nodes.length > 0 && nodes.every(({ state }) => state === 'running'), first);
  assert.equal(await answer(url, 'after'), 'two');
  assert.match(ok(await scene.confab(url, 'bot', 'deploy', two)), /already: nothing was written/);

  ok(await scene.confab(url, 'bot', 'deploy', scene.bot('three', 'three'), '--canary', '50%'));
  const said = await Promise.all(Array.from({ length: 24 }, (_, i) => answer(url, `share-${i}`)));
  assert.deepEqual([...new Set(said)].sort(), ['three', 'two'], 'some conversations get the canary, some do not');
  assert.equal(await answer(url, 'share-0'), said[0], 'and each always the same');
  const shown = JSON.parse(ok(await scene.confab(url, 'bot', 'versions', '--json'))) as { bots: { id: string; versions: { state: string; share: number }[] }[]; nodes: { status: { bots: { id: string; versions: { state: string }[] }[] } }[] };
  assert.deepEqual(shown.bots.map(({ id, versions }) => [id, versions.map(({ state, share }) => `${state} ${share}`)]), [['simple', ['canary 0.5', 'current 0.5']]]);
  for (const { status } of shown.nodes.filter(({ status: { bots } }) => bots.length > 0)) assert.deepEqual(status.bots.find(({ id }) => id === 'simple')?.versions.map(({ state }) => state), ['current', 'canary', 'earlier']);

  assert.match(ok(await scene.confab(url, 'bot', 'promote', 'simple')), /is live/);
  await eventually('all conversations get it', async () => await answer(url, 'share-1') === 'three' && await answer(url, 'share-2') === 'three', LIMIT);
  assert.match(ok(await scene.confab(url, 'bot', 'rollback')), new RegExp(`${version} is live again`));
  await eventually('all are back', async () => await answer(url, 'share-1') === 'two' && await answer(url, 'share-2') === 'two', LIMIT);

  assert.match(ok(await scene.confab(url, 'settings', 'set', 'flags.sale', 'true')), /flags\.sale = true/);
  await eventually('the flag is heard', async () => await answer(url, 'flag') === 'It is cheap today', LIMIT);
  assert.match(ok(await scene.confab(url, 'settings', 'list')), /flags\.sale = true/);
  ok(await scene.confab(url, 'settings', 'unset', 'flags.sale'));
  await eventually('and taken back', async () => await answer(url, 'flag') === 'two', LIMIT);
  assert.equal((await scene.confab(url, 'settings', 'set', 'nothing', '1')).code, 1);

  writeFileSync(join(scene.folder, 'two', 'bot.yaml'), `${SIMPLE('x')}wrong: 1\n`);
  const faulty = await scene.confab(url, 'bot', 'deploy', join(scene.folder, 'two'));
  assert.equal(faulty.code, 1);
  assert.match(faulty.err, /bot\.yaml:\d+:1: error: unknown key/);

  const diff = await scene.confab(url, 'bot', 'diff', '--from', 'start', '--bot', join(scene.folder, 'three'), '--max-changed', '2%', '--html', join(scene.folder, 'diff.html'));
  assert.equal(diff.code, 1, `most turns are changed: ${diff.out}${diff.err}`);
  assert.match(diff.out, /simple [0-9a-f]{16} against recorded: \d+ conversations/);
  assert.match(readFileSync(join(scene.folder, 'diff.html'), 'utf8'), /Turns that differ/);
}

test('embedded: a bot is deployed, tried, promoted and rolled back, and a flag set, without a restart; a start begins with what was deployed', { timeout: 400_000 }, async (t) => {
  const scene = new Scene(t, {});
  const program = await (await Program.start(t, { env: scene.settings() })).ready(LIMIT);
  await story(t, scene, program.url);
  await program.kill('SIGKILL');
  const again = await (await Program.start(t, { env: scene.settings() })).ready(LIMIT);
  assert.equal(await answer(again.url, 'restarted'), 'two');
});

test('Kafka: intent and dialogue on their own processes follow a roll-out, and one that starts later begins with it', { skip: skipWithout('kafka', 'redis'), timeout: 400_000 }, async (t) => {
  const prefix = `t${systemRandom.bytes(5).toString('hex')}.`;
  const scene = new Scene(t, { CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_REDIS_URL: serviceAddress('redis') ?? '', CONFAB_PREFIX: prefix, CONFAB_PARTITIONS: '3' });
  t.after(async () => {
    const { loadConfig } = await import('./platform/config.js');
    const log = await openLog({ config: loadConfig(scene.settings(), { serving: false }), clock: systemClock, random: systemRandom, logger: silentLogger });
    for (const name of (await log.admin.topicNames()).filter((one) => one.startsWith(prefix))) await log.admin.deleteTopic(name);
    await log.close();
  });
  const role = async (name: string, ...roles: string[]): Promise<Program> => (await Program.start(t, { args: ['start', ...roles.flatMap((one) => ['--role', one])], env: scene.settings({ CONFAB_DATA_DIR: join(scene.folder, name) }) })).ready(LIMIT);
  const edge = await role('edge', 'ingress', 'egress');
  await role('intent', 'intent');
  await role('dialogue', 'dialogue');
  await story(t, scene, edge.url);
  const third = await role('late', 'intent', 'dialogue');
  const shown = JSON.parse((await scene.confab(edge.url, 'bot', 'versions', '--json')).out) as { nodes: { status: { pid: number; bots: { id: string; versions: { state: string; version: string }[] }[] } }[] };
  const current = shown.nodes.filter(({ status }) => status.bots.length > 0).map(({ status }) => status.bots.find(({ id }) => id === 'simple')?.versions[0]?.version);
  assert.equal(current.length, 3, JSON.stringify(shown.nodes));
  assert.equal(new Set(current).size, 1, 'who starts later runs the same');
  assert.ok(third.pid > 0);
});
