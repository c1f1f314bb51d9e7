import { defineConfig } from 'eslint/config';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const folders = ['cli', 'egress', 'ingress', 'platform', 'processors', 'schemas', 'topology'];

/** Client libraries, and the only files that may import them. */
const libraries = {
  kafkajs: ['platform/event-log/kafkajs*.ts', 'platform/event-log/kafkajs/**'],
  lmdb: ['platform/**/embedded*.ts', 'platform/event-log/embedded/**', 'ingress/**/embedded*.ts', 'egress/**/embedded*.ts'],
  ioredis: ['platform/redis.ts', 'platform/**/redis*.ts', 'ingress/**/redis*.ts', 'egress/**/redis*.ts'],
  avsc: ['schemas/**'],
  '@kafkajs/confluent-schema-registry': ['schemas/**'],
  '@elastic/elasticsearch': ['platform/elasticsearch.ts', 'egress/**/elasticsearch*.ts'],
  jose: ['platform/auth*.ts', 'platform/auth/**'],
  'prom-client': ['platform/observability/**'],
  pino: ['platform/observability/**'],
};

/** Folder → folders that it may not import. `platform` imports none; the three sides of the log never import each other. */
const forbidden = {
  platform: ['cli', 'egress', 'ingress', 'processors', 'schemas', 'topology'],
  schemas: ['cli', 'egress', 'ingress', 'processors', 'topology'],
  topology: ['cli', 'egress', 'ingress', 'processors'],
  ingress: ['cli', 'egress', 'processors'],
  egress: ['cli', 'ingress', 'processors'],
  processors: ['cli', 'egress', 'ingress'],
  cli: [],
};

const notMain = { group: ['**/main.js'], message: 'Nothing imports the composition root.' };
const libraryPatterns = (allowed) => Object.keys(libraries)
  .filter((name) => !allowed.includes(name))
  .map((name) => ({ group: [name, `${name}/*`], message: `${name} is used in its adapter only.`, allowTypeImports: false }));

const doors = [
  { selector: "CallExpression[callee.object.name='Date'][callee.property.name='now']", message: 'Use platform/clock.ts.' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Use platform/clock.ts.' },
  { selector: "CallExpression[callee.object.name='Math'][callee.property.name='random']", message: 'Use platform/random.ts.' },
  { selector: "CallExpression[callee.object.name='performance'][callee.property.name='now']", message: 'Use platform/clock.ts.' },
  { selector: "CallExpression[callee.name=/^(setTimeout|setInterval|randomUUID|randomBytes)$/]", message: 'Use platform/clock.ts or platform/random.ts.' },
  { selector: "CallExpression[callee.property.name=/^(randomUUID|randomBytes|hrtime)$/]", message: 'Use platform/clock.ts or platform/random.ts.' },
];

function importRules(folder, allowed, extra = []) {
  return ['error', {
    patterns: [
      ...forbidden[folder].map((other) => ({ group: [`**/../${other}/**`, `../${other}/**`], message: `${folder} may not import ${other}.` })),
      notMain, ...libraryPatterns(allowed), ...extra,
    ],
  }];
}

export default defineConfig(
  { ignores: ['eslint.config.js', 'dist/**', 'node_modules/**', 'client/**', 'web/**', 'data/**', '.services/**'] },
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      'max-lines': ['warn', { max: 300, skipComments: true, skipBlankLines: true }],
      'max-params': ['warn', 5],
      'import-x/no-cycle': 'error',
      'no-console': 'error',
    },
  },
  { files: ['**/*.ts'], ignores: ['platform/clock.ts', 'platform/clock-manual.ts', 'platform/random.ts', 'platform/testing.ts', 'composition/testing.ts'], rules: { 'no-restricted-syntax': ['error', ...doors] } },
  ...folders.map((folder) => ({ files: [`${folder}/**/*.ts`], rules: { 'no-restricted-imports': importRules(folder, []) } })),
  ...folders.flatMap((folder) => [...new Set(Object.values(libraries).flat())].filter((file) => file.startsWith(`${folder}/`)).map((file) => ({
    files: [file],
    rules: { 'no-restricted-imports': importRules(folder, Object.keys(libraries).filter((name) => libraries[name].includes(file))) },
  }))),
  ...['intent', 'dialogue', 'analytics'].map((stage) => ({
    files: [`processors/${stage}/**/*.ts`],
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': importRules('processors', [], [
        { group: ['../../platform/*', '../../platform/**', '!../../platform/errors.js', '!../../platform/position.js'], message: 'A stage imports its own folder, stage.ts, the bot model, schemas types, platform/errors.ts and platform/position.ts.' },
        { group: ['../*', '!../stage.js', '!../bot', '!../bot/*', '!../..', '!./*'], message: 'A stage imports its own folder, stage.ts, the bot model, schemas types, platform/errors.ts and platform/position.ts.' },
      ]),
    },
  })),
  { files: ['**/*.test.ts', '**/*.contract.ts'], rules: {
    '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', name: ['test', 'describe', 'it', 'suite'], package: 'node:test' }] }],
    'max-lines': 'off', 'no-restricted-syntax': ['error', ...doors.filter((door) => !door.selector.includes('performance'))],
  } },
  { files: ['composition/testing.ts', 'main.kafka.test.ts'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['scripts/**', 'benchmarks/**', 'eslint.config.js'], rules: { 'no-restricted-syntax': 'off', 'no-restricted-imports': 'off' } },
);
