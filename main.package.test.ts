/** @confab/client as a newcomer meets it: packed, installed into an empty folder, and its README followed literally. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { serve } from './composition/protocol/testing.js';
import { packageRoot } from './platform/package-root.js';
import { scratchFolder } from './platform/testing.js';

const run = promisify(execFile);
const root = packageRoot();
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const blocks = [...readFileSync(join(root, 'client/README.md'), 'utf8').matchAll(/```js\n([^]*?)```/g)].map(([, code]) => code ?? '');

/** An empty folder in which the packed package was installed, and `ws` beside it. */
async function newcomer(t: TestContext): Promise<{ folder: string; files: readonly string[] }> {
  const folder = scratchFolder(t);
  const source = join(folder, 'client');
  cpSync(join(root, 'client'), source, { recursive: true, filter: (path) => !/node_modules|client\/dist/.test(path) });
  await run(process.execPath, [tsc, '-p', join(root, 'client/tsconfig.build.json'), '--outDir', join(source, 'dist')]);
  const npm = (args: string[], cwd: string): Promise<{ stdout: string }> => run('npm', [...args, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd });
  const [packed] = JSON.parse((await npm(['pack', '--json'], source)).stdout) as { filename: string; files: { path: string }[] }[];
  const application = join(folder, 'application');
  mkdirSync(application);
  writeFileSync(join(application, 'package.json'), '{"name":"application","private":true,"type":"module"}');
  await npm(['install', join(source, packed?.filename ?? '')], application);
  for (const name of ['ws', '@types/ws', '@types/node', 'undici-types']) {
    mkdirSync(join(application, 'node_modules', name, '..'), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(application, 'node_modules', name));
  }
  return { folder: application, files: (packed?.files ?? []).map(({ path }) => path) };
}

const TYPES = `
import { createClient, ClientError, type Conversation, type Reply, type HistoryEvent } from '@confab/client';
SETUP
const conversation: Conversation = client.conversation('c', { after: 'p' });
conversation.on('reply', (reply: Reply) => reply.quickReplies?.map(({ title, payload }) => title + payload));
conversation.on('outcome', ({ outcome }) => { const all: 'silent' | 'handed_off' | 'dead_lettered' = outcome; return all; });
const off: () => void = conversation.on('error', (error) => error instanceof ClientError && error.code.length + (error.retryAfterMs ?? 0));
client.on('connection', ({ state, retryInMs, reason }) => { const all: 'connecting' | 'open' | 'waiting' | 'closed' = state; return [all, retryInMs?.toFixed(), reason?.code]; });
const accepted: Promise<{ messageId: string; position: string; duplicate: boolean }> = conversation.send({ postback: { payload: 'x' } }, { idempotencyKey: 'k' });
export const text = (event: HistoryEvent): string => (event.type === 'message' ? event.text ?? '' : event.type === 'reply' ? event.text : event.type);
export { off, accepted };
// @ts-expect-error an event that does not exist
conversation.on('replies', () => undefined);
// @ts-expect-error neither text nor postback
void conversation.send({});
// @ts-expect-error both
void conversation.send({ text: 'x', postback: { payload: 'y' } });
// @ts-expect-error a position is text
conversation.read(7);
// @ts-expect-error the URL is needed
createClient({});
`;
const BROWSER = 'const client = createClient({ url: location.origin, WebSocket, fetch, storage: sessionStorage, token: async () => (await fetch("/token")).text() });';
const NODE = 'import Socket from "ws";\nconst client = createClient({ url: "http://127.0.0.1:8080", WebSocket: Socket, fetch, token: "t" });';
const NATIVE = 'declare const AsyncStorage: { getItem(key: string): Promise<string | null>; setItem(key: string, value: string): Promise<void>; removeItem(key: string): Promise<void> };\nconst client = createClient({ url: "https://x", storage: AsyncStorage });';

test('the packed package holds code, types and README, and its README runs as it stands, in Node and as a bundle for a browser', { timeout: 240_000 }, async (t) => {
  const { folder, files } = await newcomer(t);
  assert.ok(files.includes('dist/index.js') && files.includes('dist/index.d.ts') && files.includes('README.md'));
  assert.deepEqual(files.filter((path) => !/^dist\/[a-z]+\.(js|d\.ts)$|^README\.md$|^package\.json$/.test(path)), []);
  assert.deepEqual(readdirSync(join(folder, 'node_modules/@confab')), ['client']);

  const [start = '', page = ''] = blocks;
  const { url } = await serve(t);
  assert.ok(start.includes('http://127.0.0.1:8080'));
  writeFileSync(join(folder, 'start.js'), start.replace('http://127.0.0.1:8080', url));
  const { stdout, stderr } = await run(process.execPath, ['start.js'], { cwd: folder, timeout: 30_000 });
  assert.equal(stderr, '');
  assert.match(stdout, /^accepted as [0-9A-Z]{26}$/m);
  assert.match(stdout, /^Parcel Pal: .+$/m);

  writeFileSync(join(folder, 'page.js'), page);
  const { outputFiles, errors, warnings } = await build({ entryPoints: [join(folder, 'page.js')], bundle: true, minify: true, format: 'esm', platform: 'browser', write: false, logLevel: 'silent' });
  assert.deepEqual([errors, warnings, outputFiles.length], [[], [], 1]);
});

test('its types hold in a browser, in Node and in React Native, and refuse what is wrong', { timeout: 240_000 }, async (t) => {
  const { folder } = await newcomer(t);
  const cases = [
    ['browser', BROWSER, { lib: ['ES2022', 'DOM'], types: [], module: 'ESNext', moduleResolution: 'Bundler' }],
    ['node', NODE, { lib: ['ES2022'], types: ['node', 'ws'], module: 'NodeNext', moduleResolution: 'NodeNext', esModuleInterop: true, skipLibCheck: true }],
    ['native', NATIVE, { lib: ['ES2022'], types: [], module: 'ESNext', moduleResolution: 'Bundler' }],
  ] as const;
  for (const [name, setup, options] of cases) {
    writeFileSync(join(folder, `${name}.ts`), TYPES.replace('SETUP', setup));
    writeFileSync(join(folder, `tsconfig.${name}.json`), JSON.stringify({ compilerOptions: { target: 'ES2022', strict: true, exactOptionalPropertyTypes: true, noEmit: true, ...options }, files: [`${name}.ts`] }));
    const said = await run(process.execPath, [tsc, '-p', `tsconfig.${name}.json`], { cwd: folder }).then(() => '', (error: unknown) => (error as { stdout: string }).stdout);
    assert.equal(said, '', name);
  }
});
