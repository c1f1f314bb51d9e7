/**
 * Who may import whom (docs: CONTRIBUTING.md, "Where things are"), as one ESLint rule. It looks at the file that an import
 * leads to, whatever its form: import, export from, import(), a type import(). Checked by boundaries.test.ts.
 */
import { dirname, relative, resolve, sep } from 'node:path';

/** Client libraries, and the only files that may import them. */
const libraries = {
  kafkajs: /^platform\/event-log\/kafkajs/,
  lmdb: /^(platform|ingress|egress)\/(.*\/)?embedded/,
  ioredis: /^(platform|ingress|egress)\/(.*\/)?redis|\.kafka\.test\.ts$/,
  avsc: /^schemas\//,
  '@kafkajs/confluent-schema-registry': /^schemas\//,
  '@elastic/elasticsearch': /^(platform|egress)\/(.*\/)?elasticsearch/,
  minisearch: /^platform\/knowledge-index\/minisearch/,
  'eventsource-parser': /^platform\/language-model\//,
  'linkify-it': /^processors\/(effects\/model|bot\/entities\/system\/links)/,
  'chrono-node': /^processors\/bot\/entities\/system\/chrono/,
  'libphonenumber-js': /^processors\/bot\/entities\/system\/phones/,
  jose: /^platform\/auth|^composition\/protocol\/testing\.ts$/,
  'prom-client': /^platform\/observability\//,
  pino: /^platform\/observability\//,
  '@opentelemetry': /^platform\/observability\//,
  cockatiel: /^processors\/effects\//,
  ulid: /^platform\/random\.ts$/,
  commander: /^cli\//,
  'cli-progress': /^cli\//,
  yaml: /^processors\/bot\/|^scripts\//,
  re2js: /^processors\/(bot|dialogue)\/|^inspect\/bot-tests\//,
};

const layers = ['platform', 'schemas', 'topology', 'ingress', 'egress', 'processors', 'inspect', 'operate', 'client', 'web', 'cli', 'composition', 'simulation'];

/** Folder → folders beside its own that it may import. */
const allowed = {
  platform: [],
  schemas: ['platform'],
  topology: ['platform', 'schemas'],
  ingress: ['platform', 'schemas', 'topology'],
  egress: ['platform', 'schemas', 'topology'],
  processors: ['platform', 'schemas', 'topology'],
  inspect: ['platform', 'schemas', 'topology', 'processors'],
  operate: ['platform', 'schemas', 'topology'],
  client: [],
  web: ['client'],
  cli: ['platform', 'schemas', 'topology', 'processors', 'inspect', 'operate', 'client'],
  composition: ['platform', 'schemas', 'topology', 'ingress', 'egress', 'processors', 'inspect', 'operate'],
  simulation: ['platform', 'schemas', 'topology', 'ingress', 'egress', 'processors', 'inspect', 'operate'],
};

/** What schemas and topology may use of platform beside its types. */
const BASICS = /^platform\/(errors|package-root)\.ts$/;
/** Of processors: what commands may use. */
const BOT_MODEL = /^processors\/bot\//;
/** Tools of bot authors: they run stages as they are, over a log in memory. */
const FOR_AUTHORS = /^inspect\/bot-[a-z]+\//;
/** What a stage may import beside its own folder. */
const FOR_STAGES = /^(processors\/(stage\.ts|bot\/.*)|schemas\/types\.ts|platform\/(errors|position)\.ts)$/;
const FOR_BOTS = /^(schemas\/types\.ts|platform\/(errors|position)\.ts)$/;

const isTest = (file) => /\.(test|contract)\.ts$|(^|\/)testing\.ts$|^scripts\/|^benchmarks\/|^fuzz\//.test(file);

/** The stage that a file belongs to; runner, bot model and effects are no stages. */
function stageOf(file) {
  const folder = /^processors\/([^/]+)\//.exec(file)?.[1];
  return folder === undefined || folder === 'runner' || folder === 'bot' || folder === 'effects' ? undefined : folder;
}

/** Why `from` may not import the file `to`; undefined when it may. Both as paths from the root. */
function fileFault(from, to, typeOnly) {
  const folder = from.split('/')[0];
  const target = to.split('/')[0];
  // confab.ts is the door in front of it: it looks at the version of Node first.
  if (/^main(\.[a-z]+)*\.ts$/.test(to)) return from === 'confab.ts' ? undefined : 'Nothing imports the composition root.';
  if (target === 'composition') return folder === 'composition' || folder === 'fuzz' || /^main(\.[a-z]+)*\.ts$/.test(from) || (from === 'scripts/generate.ts' && to === 'composition/openapi.ts') ? undefined : 'Only main.ts imports composition/.';
  if (!layers.includes(folder)) return undefined;
  if (target !== folder && layers.includes(target) && !allowed[folder].includes(target)) return `${folder} may not import ${target}.`;
  if (isTest(from)) return undefined;
  if ((folder === 'schemas' || folder === 'topology') && target === 'platform' && !typeOnly && !BASICS.test(to)) return `${folder} takes from platform types, errors and the package root only.`;
  if (folder === 'cli' && target === 'processors' && !BOT_MODEL.test(to)) return 'Commands use the bot model of processors only.';
  if (folder === 'inspect' && target === 'processors' && !FOR_AUTHORS.test(from)) return 'Of inspect only the tools of bot authors use processors.';
  const stage = stageOf(from);
  if (stage !== undefined && !to.startsWith(`processors/${stage}/`) && !FOR_STAGES.test(to)) return 'A stage imports its own folder, stage.ts, the bot model, types of schemas, errors and positions.';
  if (from.startsWith('processors/bot/') && !to.startsWith('processors/bot/') && !FOR_BOTS.test(to)) return 'The bot model imports types of schemas, errors and positions only.';
  return undefined;
}

/** Why `from` may not import a package or a module of Node. */
function packageFault(from, name) {
  if (/^(scripts|benchmarks)\//.test(from)) return undefined;
  const library = Object.keys(libraries).find((one) => name === one || name.startsWith(`${one}/`));
  if (library !== undefined && !libraries[library].test(from)) return `${library} is used in its adapter only.`;
  if (stageOf(from) !== undefined && name.startsWith('node:') && name !== 'node:crypto' && !isTest(from)) return 'A stage does no input or output: it is a pure function.';
  return undefined;
}

const boundaries = {
  meta: { type: 'problem', schema: [] },
  create(context) {
    const root = context.cwd;
    const from = relative(root, context.filename).split(sep).join('/');
    const look = (source, typeOnly = false) => {
      const name = source?.value ?? source?.literal?.value;
      if (typeof name !== 'string') return;
      const message = name.startsWith('.')
        ? fileFault(from, relative(root, resolve(dirname(context.filename), name)).split(sep).join('/').replace(/\.js$/, '.ts'), typeOnly)
        : packageFault(from, name);
      if (message !== undefined) context.report({ node: source, message });
    };
    return {
      ImportDeclaration: (node) => { look(node.source, node.importKind === 'type' || (node.specifiers.length > 0 && node.specifiers.every((one) => one.importKind === 'type'))); },
      ExportNamedDeclaration: (node) => { look(node.source, node.exportKind === 'type'); },
      ExportAllDeclaration: (node) => { look(node.source, node.exportKind === 'type'); },
      ImportExpression: (node) => { look(node.source); },
      TSImportType: (node) => { look(node.source ?? node.argument, true); },
    };
  },
};

export default { rules: { boundaries } };
