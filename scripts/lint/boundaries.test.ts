import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { ESLint, type Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { packageRoot } from '../../platform/package-root.js';

/** The rules of eslint.config.js that hold borders and doors, without those that need types. */
const HELD = ['confab/boundaries', 'no-restricted-imports', 'no-restricted-syntax', 'no-restricted-globals', 'no-restricted-properties'];
const root = packageRoot();
const project = new ESLint({ cwd: root });
const ruled = new Map<string, ESLint>();

async function faults(file: string, code: string): Promise<number> {
  let linter = ruled.get(file);
  if (linter === undefined) {
    const config = await project.calculateConfigForFile(file) as Linter.Config;
    const rules = Object.fromEntries(HELD.flatMap((name) => config.rules?.[name] === undefined ? [] : [[name, config.rules[name]]]));
    linter = new ESLint({ cwd: root, overrideConfigFile: true, overrideConfig: [{ files: ['**/*.ts'], languageOptions: { parser: tseslint.parser }, plugins: config.plugins ?? {}, rules }] });
    ruled.set(file, linter);
  }
  const [result] = await linter.lintText(code, { filePath: join(root, file) });
  return result?.messages.length ?? 0;
}

const FORBIDDEN: readonly (readonly [file: string, target: string])[] = [
  ['platform/x.ts', '../topology/topology.js'], ['platform/http/x.ts', '../../schemas/codec.js'], ['platform/x.ts', '../composition/settings.js'],
  ['schemas/x.ts', '../topology/topology.js'], ['schemas/x.ts', '../platform/redis/redis.js'], ['topology/x.ts', '../processors/stage.js'], ['topology/x.ts', '../platform/http/server.js'],
  ['ingress/acceptance/x.ts', '../../egress/sockets/hub.js'], ['ingress/x.ts', '../processors/runner.js'], ['ingress/x.ts', '../composition/edges.js'],
  ['egress/query/x.ts', '../../ingress/server.js'], ['egress/x.ts', '../processors/runner.js'], ['egress/x.ts', '../cli/start.js'],
  ['processors/runner/x.ts', '../../egress/sockets/hub.js'], ['processors/dialogue/x.ts', '../intent/index.js'], ['processors/dialogue/x.ts', '../runner/window.js'],
  ['processors/dialogue/sub/x.ts', '../../../platform/clock.js'], ['processors/dialogue/x.ts', '../../topology/topology.js'], ['processors/timers/x.ts', '../runner.js'],
  ['processors/bot/x.ts', '../dialogue/index.js'], ['processors/bot/x.ts', '../../platform/redis/redis.js'],
  ['inspect/x.ts', '../processors/bot/index.js'], ['inspect/audit/x.ts', '../../processors/runner.js'], ['inspect/bot-tests/x.ts', '../../operate/json.js'],
  ['cli/x.ts', '../composition/process.js'], ['cli/x.ts', '../processors/runner.js'], ['composition/x.ts', '../cli/start.js'], ['composition/x.ts', '../main.js'], ['scripts/x.ts', '../composition/process.js'],
  ['composition/x.ts', 'kafkajs'], ['main.ts', 'kafkajs'], ['egress/x.ts', 'ioredis'], ['egress/x.ts', 'lmdb'], ['platform/x.ts', 'pino'], ['platform/x.ts', 'prom-client'], ['ingress/x.ts', 'jose'],
  ['ingress/x.ts', 'avsc'], ['ingress/x.ts', '@elastic/elasticsearch'], ['egress/x.ts', '@opentelemetry/api'], ['ingress/x.ts', 'ulid'], ['processors/dialogue/x.ts', 'node:fs'],
];

const ALLOWED: readonly (readonly [file: string, target: string])[] = [
  ['main.ts', './composition/process.js'], ['main.kafka.test.ts', './composition/testing.js'], ['composition/x.ts', '../processors/runner.js'], ['cli/x.ts', '../processors/bot/index.js'], ['inspect/bot-tests/x.ts', '../../processors/topology-driver.js'],
  ['processors/dialogue/x.ts', '../stage.js'], ['processors/dialogue/x.ts', '../../platform/errors.js'], ['processors/dialogue/x.ts', '../bot/index.js'], ['ingress/x.ts', '../schemas/codec.js'],
  ['egress/outbox/redis.ts', 'ioredis'], ['platform/event-log/kafkajs/x.ts', 'kafkajs'], ['schemas/x.ts', '../platform/errors.js'],
];

/** Every form in which one file can reach another. */
const FORMS = [
  (target: string) => `import * as x from '${target}'; void x;`,
  (target: string) => `export * from '${target}';`,
  (target: string) => `export { x } from '${target}';`,
  (target: string) => `export const load = () => import('${target}');`,
];

before(() => faults('platform/x.ts', ''));

test('borders between folders hold, whatever the form of the import', async () => {
  for (const [file, target] of FORBIDDEN) for (const form of FORMS) assert.ok(await faults(file, form(target)) > 0, `${file}: ${form(target)}`);
  for (const [file, target] of ALLOWED) for (const form of FORMS) assert.equal(await faults(file, form(target)), 0, `${file}: ${form(target)}`);
});

test('types cross where values may not, and only there', async () => {
  assert.equal(await faults('topology/x.ts', "import type { Clock } from '../platform/clock.js';"), 0);
  assert.ok(await faults('topology/x.ts', "import { systemClock } from '../platform/clock.js';") > 0);
  assert.ok(await faults('egress/x.ts', "export type X = import('../ingress/server.js').Options;") > 0);
});

test('time and randomness have two doors and no window', async () => {
  for (const code of [
    'export const x = Date.now();', 'export const x = new Date();', 'export const x = Date();', 'const { now } = Date; now();', 'const now = Date.now; now();', 'export const x = performance.now();',
    'export const x = process.hrtime.bigint();', 'setTimeout(() => undefined, 1);', 'setInterval(() => undefined, 1);', 'globalThis.setTimeout(() => undefined, 1);', 'export const x = AbortSignal.timeout(5);',
    "import { setTimeout as wait } from 'node:timers/promises'; void wait;", "import { performance as p } from 'node:perf_hooks'; void p;",
    'export const x = Math.random();', 'const { random } = Math; random();', 'export const x = crypto.randomUUID();', "import { randomBytes as r } from 'node:crypto'; void r;", "import { randomInt } from 'node:crypto'; void randomInt;",
    'export const x = process.env.HOME;',
  ]) for (const file of ['ingress/x.ts', 'processors/intent/x.ts', 'composition/x.ts']) assert.ok(await faults(file, code) > 0, `${file}: ${code}`);
  assert.equal(await faults('platform/clock.ts', 'export const x = Date.now();'), 0);
});
