import { defineConfig } from 'eslint/config';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import confab from './scripts/lint/boundaries.js';

const CLOCK = 'Use platform/clock.ts.';
const RANDOM = 'Use platform/random.ts.';

/** Time, timers and randomness come through two doors, so that tests and simulations can hold them. */
const doors = {
  'no-restricted-syntax': ['error',
    { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: CLOCK },
    { selector: "CallExpression[callee.name='Date']", message: CLOCK },
  ],
  'no-restricted-globals': ['error',
    ...['setTimeout', 'setInterval'].map((name) => ({ name, message: CLOCK })),
    { name: 'globalThis', message: 'Name what is meant: the doors to clock and random are held by name.' },
  ],
  'no-restricted-properties': ['error',
    { object: 'Date', property: 'now', message: CLOCK },
    { object: 'performance', property: 'now', message: CLOCK },
    { object: 'process', property: 'hrtime', message: CLOCK },
    { object: 'AbortSignal', property: 'timeout', message: CLOCK },
    { object: 'Math', property: 'random', message: RANDOM },
    { object: 'process', property: 'env', message: 'Settings come from platform/config.ts.' },
    ...['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues'].map((property) => ({ property, message: RANDOM })),
  ],
  'no-restricted-imports': ['error', {
    paths: [
      ...['timers', 'timers/promises', 'perf_hooks'].flatMap((name) => [{ name: `node:${name}`, message: CLOCK }, { name, message: CLOCK }]),
      { name: 'node:crypto', importNames: ['randomUUID', 'randomBytes', 'randomInt', 'randomFill', 'randomFillSync', 'getRandomValues', 'webcrypto'], message: RANDOM },
    ],
  }],
};
const off = (...names) => Object.fromEntries((names.length > 0 ? names : Object.keys(doors)).map((name) => [name, 'off']));

export default defineConfig(
  { ignores: ['eslint.config.js', 'dist/**', 'node_modules/**', 'client/dist/**', 'artefacts/**', 'data/**', '.services/**', 'scripts/lint/*.js', 'web/widget/demo.js'] },
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX, confab },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      'max-lines': ['error', { max: 300, skipComments: true, skipBlankLines: true }],
      'max-lines-per-function': ['error', { max: 50, skipComments: true, skipBlankLines: true }],
      'max-params': ['error', 5],
      'confab/boundaries': 'error',
      ...doors,
      'import-x/no-cycle': 'error',
      'no-console': 'error',
    },
  },
  // The doors themselves.
  { files: ['platform/clock.ts', 'platform/clock-manual.ts', 'platform/random.ts', 'platform/testing.ts', 'client/src/platform.ts'], rules: off() },
  { files: ['main.ts'], rules: off('no-restricted-properties') },
  { files: ['**/*.test.ts', '**/*.contract.ts'], rules: {
    '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', name: ['test', 'describe', 'it', 'suite'], package: 'node:test' }] }],
    'max-lines': 'off', 'max-lines-per-function': 'off', 'no-restricted-properties': 'off',
  } },
  // Pages live in a browser, by its clock. A component is one function of markup: its length says little.
  { files: ['web/**/*.ts', 'web/**/*.tsx'], rules: { ...off(), '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }] } },
  // Tests of whole processes, which live by the real clock.
  { files: ['composition/**/testing.ts', 'main.*.test.ts', 'scripts/**', 'benchmarks/**', 'fuzz/**'], rules: off() },
);
