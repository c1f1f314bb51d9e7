/** `npm run fuzz -- [--runs 10x|N] [--seed N] [PATH_PART…]`: the fuzz tests alone, with more cases than `npm test` has and a fresh seed. */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { runs: { type: 'string' }, seed: { type: 'string' } } });
const env: NodeJS.ProcessEnv = { CONFAB_TEST_TIMEOUT: '7200000', ...process.env };
if (values.runs !== undefined) env.CONFAB_FUZZ_RUNS = values.runs;
env.CONFAB_FUZZ_SEED = values.seed ?? env.CONFAB_FUZZ_SEED ?? String(randomInt(2 ** 31));
const script = join(dirname(fileURLToPath(import.meta.url)), 'test.ts');
const child = spawn(process.execPath, ['--import', 'tsx', script, ...positionals.length > 0 ? positionals.map((part) => `fuzz/${part}`) : ['fuzz/']], { stdio: 'inherit', env });
const [code] = await once(child, 'exit') as [number | null];
process.exit(code ?? 1);
