/** For tests: README and tutorials do as they say. Each is walked, block by block, in a copy of the tree; blocks.ts explains the directives. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { packageRoot } from '../../platform/package-root.js';
import { systemRandom, ulidMaker } from '../../platform/random.js';
import { systemClock } from '../../platform/clock.js';
import { readWalk, type Walkable } from './blocks.js';
import { copyBase, makeBase } from './copy.js';
import { walk } from './walk.js';

const root = packageRoot();
/** Test file → what it walks. Several files, so that none takes too long on a slow machine; walks.test.ts sees to it that all are here. */
export const GROUPS = {
  bots: ['README.md', 'docs/tutorials/add-an-intent.md', 'docs/tutorials/add-a-bot.md'],
  // Begins with add-a-topic.md.
  stages: ['docs/tutorials/add-a-stage.md'],
  kafka: ['docs/tutorials/move-to-kafka.md', 'docs/tutorials/read-replies-in-python.md'],
} as const;

/** The steps of a document, and what is wrong with it. */
export const readDocument = (path: string): Walkable => readWalk(readFileSync(join(root, path), 'utf8'));

/** What a document may need, with the addresses that it names and where they are here. */
const servers: Readonly<Record<string, { readonly written: string; readonly here: string | undefined }>> = {
  kafka: { written: '127.0.0.1:9092', here: process.env.CONFAB_TEST_KAFKA_BROKERS },
  redis: { written: 'redis://127.0.0.1:6379', here: process.env.CONFAB_TEST_REDIS_URL },
  registry: { written: 'http://127.0.0.1:8085/apis/ccompat/v7', here: process.env.CONFAB_TEST_REGISTRY_URL },
  python: { written: 'python3 -m venv', here: hasPython() ? 'python3 -m venv' : undefined },
};
/** Ports that documents name; each walk gets free ones. */
const PORTS = [8080, 8081, 8082, 8083, 8084];

function hasPython(): boolean {
  try { execFileSync('python3', ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))'], { stdio: 'ignore' }); return true; } catch { return false; }
}

async function freePorts(count: number): Promise<number[]> {
  const holders = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(holders.map((holder) => once(holder, 'listening')));
  const ports = holders.map((holder) => (holder.address() as { port: number }).port);
  await Promise.all(holders.map((holder) => { holder.close(); return once(holder, 'close'); }));
  return ports;
}

/** The variables of this process without settings of Confab and without those of a test run. */
function readersEnvironment(own: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name, value]) => value !== undefined && !/^(CONFAB_|NODE_|npm_|CI$)/.test(name)) as [string, string][];
  return { ...Object.fromEntries(kept), NO_COLOR: '1', NO_UPDATE_NOTIFIER: '1', ...own };
}

/** One test for each document of the group. */
export function walkGroup(name: keyof typeof GROUPS): void {
  let base: ReturnType<typeof makeBase> | undefined;
  before(() => { base = makeBase(); });
  // So that what hangs on the end of the process is done when the runner ends it.
  process.once('SIGTERM', () => { process.exit(143); });
  after(() => { base?.remove(); });
  for (const document of GROUPS[name]) {
    const missing = readDocument(document).needs.find((one) => servers[one]?.here === undefined);
    void test(`${document} does as it says`, { skip: missing === undefined ? false : `${missing} is not there` }, async (t) => {
      const copy = copyBase(base?.folder ?? '');
      t.after(() => { copy.remove(); });
      const ports = await freePorts(PORTS.length);
      const id = ulidMaker(systemClock, systemRandom)().toLowerCase();
      const instead = new Map([
        ...Object.values(servers).map(({ written, here }) => [written, here ?? written] as const),
        ...PORTS.map((port, at) => [String(port), String(ports[at])] as const),
      ]);
      // Topics of other runs may stand on the same broker, and the fewer partitions the sooner they are made.
      const env = readersEnvironment({ CONFAB_HTTP_PORT: String(ports[0]), CONFAB_PREFIX: `walk-${id}.`, CONFAB_PARTITIONS: '4' });
      await walk(document, { folder: copy.folder, scratch: copy.scratch, env, instead });
    });
  }
}
