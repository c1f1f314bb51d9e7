import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { packageRoot } from './platform/package-root.js';
import { eventually, scratchFolder } from './platform/testing.js';

interface Run { readonly child: ChildProcess; readonly text: () => string; readonly folder: string; readonly exit: Promise<number | null> }

/** `confab …`, with temporary folders in one of the test. */
function confab(t: TestContext, args: readonly string[], env: Record<string, string> = {}): Run {
  const folder = scratchFolder(t);
  const child = spawn(process.execPath, ['--import', 'tsx', join(packageRoot(), 'main.ts'), ...args], { env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: folder, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => { if (child.exitCode === null) child.kill('SIGKILL'); });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  return { child, text: () => text, folder, exit: once(child, 'close').then(([code]) => code as number | null) };
}

/** Folders of demos; other things may lie there too (the cache of tsx). */
const demoFolders = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('confab-demo-'));

test('the demo kills the pipeline in the middle and proves from the log that nothing was lost', async (t) => {
  const run = confab(t, ['demo', '--conversations', '40', '--concurrency', '20']);
  assert.equal(await run.exit, 0, run.text());
  const said = run.text().replaceAll(/\d+\.\d s/g, 'N s').replaceAll(/\/\S*confab-demo-\w+/g, 'FOLDER').replace(/127\.0\.0\.1:\d+/, 'ADDRESS').replace(/process \d+/, 'process PID')
    .replace(/: \d+ messages were accepted, \d+ of them/, ': N messages were accepted, N of them').replace(/, [\d,]+ requests? sent again, [\d,]+ streams?/, ', N requests sent again, N streams');
  assert.equal(said, `Confab demo: 40 conversations, one kill -9 in the middle, and the proof from the log.

start    the pipeline in one process, with an empty log in FOLDER
         ready after N s on http://ADDRESS
talk     40 people write 388 messages over HTTP and read the answers over WebSockets
kill -9  process PID is gone: N messages were accepted, N of them not answered yet
start    again on the same log: ready after N s; clients come back by themselves and ask for what they missed
         all said after N s: 388 accepted, N requests sent again, N streams opened again
proof    read back from the log, record by record:

  accepted 388 · answered 388 · lost 0 · doubled 0 · reordered 0

Proven in N s. Every message that was accepted has exactly one answer, in order.

To look deeper, keep the log: npm run demo -- --keep
`);
  assert.deepEqual(demoFolders(run.folder), []);
});

test('a kept log can be looked at: the conversation that was under way, and the audit', async (t) => {
  const demo = confab(t, ['demo', '--conversations', '10', '--keep']);
  assert.equal(await demo.exit, 0, demo.text());
  const folder = join(demo.folder, demoFolders(demo.folder)[0] ?? '');
  const id = /npx confab conversation (\S+)/.exec(demo.text())?.[1] ?? '';
  const story = confab(t, ['conversation', id, '--json'], { CONFAB_DATA_DIR: folder });
  assert.equal(await story.exit, 0, story.text());
  const audit = confab(t, ['audit', '--json'], { CONFAB_DATA_DIR: folder });
  assert.equal(await audit.exit, 0, audit.text());
  const report = JSON.parse(audit.text()) as { sound: boolean; accepted: number; answered: number };
  assert.deepEqual([report.sound, report.accepted, report.answered], [true, 97, 97]);
});

test('Ctrl-C ends both processes, removes the folder and exits with 130', async (t) => {
  const run = confab(t, ['demo', '--conversations', '2000', '--concurrency', '4']);
  await eventually('talking', () => run.text().includes('\ntalk '), 60_000);
  const lock = join(run.folder, demoFolders(run.folder)[0] ?? '', 'lock');
  const { pid } = JSON.parse(readFileSync(lock, 'utf8')) as { pid: number };
  run.child.kill('SIGINT');
  assert.equal(await run.exit, 130, run.text());
  assert.match(run.text(), /Interrupted: the process is ended and the folder is removed\.\n$/);
  assert.deepEqual([demoFolders(run.folder), existsSync(`/proc/${pid}/cmdline`)], [[], false]);
});
