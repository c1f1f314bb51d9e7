/** `/v1/admin/bots` and `/v1/admin/settings`: roll-outs and flags, on the process that serves egress. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ConfabError } from '../../platform/errors.js';
import { administrators } from '../../platform/http/admin-access.js';
import { problemResponse } from '../../platform/http/problem.js';
import { MOST_PACKED, unpackFiles } from './pack.js';
import type { NodeBoard } from '../../platform/node-board/node-board.js';
import type { Clock } from '../../platform/clock.js';
import { overviewOf } from './overview.js';
import type { RolloutLog } from './rollout-log.js';

export interface RolloutRoutesOptions {
  readonly rollout: RolloutLog;
  readonly board: NodeBoard;
  readonly clock: Clock;
}

const BASE64_AND_MORE = Math.ceil(MOST_PACKED * 4 / 3) + 4096;
const text = { type: 'string' } as const;
const botId = { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,39}$' } as const;
const version = { type: 'string', pattern: '^[0-9a-f]{16}$' } as const;
const botParams = { type: 'object', required: ['botId'], properties: { botId } } as const;
const said = { type: 'object', required: ['said', 'written'], properties: { said: text, written: { type: 'integer', description: 'Records that were written; 0: it was so already.' } } } as const;
const setting = { type: 'object', required: ['name', 'value', 'changedBy', 'changedAt'], properties: { name: text, value: {}, changedBy: text, changedAt: { type: 'string', format: 'date-time' } } } as const;

export function rolloutRoutes(app: FastifyInstance, options: RolloutRoutesOptions): void {
  const onRequest = administrators(app.confab.authenticator);
  app.get<{ Querystring: { part?: 'nodes' } }>('/v1/admin/bots', {
    onRequest,
    schema: {
      querystring: { type: 'object', properties: { part: { type: 'string', enum: ['nodes'], description: 'Only what the nodes say: the log is not read.' } } },
      operationId: 'listBots', tags: ['operation'], summary: 'Deployed bots, and what each node runs', description: 'Versions on the log, and what every node that follows them says, or why it does not run one.',
      response: { 200: { description: 'Bots and nodes', type: 'object', additionalProperties: true }, default: problemResponse },
    },
  }, async ({ query }) => ({ ...(query.part === 'nodes' ? {} : overviewOf(await options.rollout.table())), nodes: await options.board.list(options.clock.now()) }));
  deployRoute(app, options);
  stepRoutes(app, options);
  settingRoutes(app, options);
}

function deployRoute(app: FastifyInstance, { rollout }: RolloutRoutesOptions): void {
  app.post<{ Body: { botId: string; version: string; files: string; share?: number } }>('/v1/admin/bots', {
    onRequest: administrators(app.confab.authenticator), bodyLimit: Math.max(BASE64_AND_MORE, app.confab.maxBodyBytes),
    schema: {
      operationId: 'deployBot', tags: ['operation'], summary: 'Deploy a bot', description: 'As `confab bot deploy` does, which checks and tests it first. Each node checks it again before it is used.',
      body: {
        type: 'object', required: ['botId', 'version', 'files'], additionalProperties: false,
        properties: { botId, version, files: { type: 'string', description: 'The packed folder, base64.' }, share: { type: 'number', exclusiveMinimum: 0, maximum: 1, description: 'Of new conversations, for a canary.' } },
      },
      response: { 200: { description: 'What it comes to', ...said }, default: problemResponse },
    },
  }, async (request) => {
    notDraining(app);
    const { share, ...body } = request.body;
    const files = Buffer.from(body.files, 'base64');
    unpackFiles(files);
    return rollout.deploy({ botId: body.botId, version: body.version, files, share }, authorOf(request));
  });
}

function stepRoutes(app: FastifyInstance, { rollout }: RolloutRoutesOptions): void {
  const onRequest = administrators(app.confab.authenticator);
  app.post<{ Params: { botId: string } }>('/v1/admin/bots/:botId/promote', {
    onRequest,
    schema: { operationId: 'promoteBot', tags: ['operation'], summary: 'Give the canary all conversations', params: botParams, response: { 200: { description: 'What it comes to', ...said }, default: problemResponse } },
  }, (request) => { notDraining(app); return rollout.promote(request.params.botId, authorOf(request)); });
  app.post<{ Params: { botId: string }; Body: { to?: string } }>('/v1/admin/bots/:botId/rollback', {
    onRequest,
    schema: {
      operationId: 'rollBackBot', tags: ['operation'], summary: 'Take the canary back, or go back to the version before', params: botParams,
      body: { type: 'object', additionalProperties: false, properties: { to: { type: 'string', pattern: '^([0-9a-f]{4,16}|files)$', description: 'Another version that is kept, or `files`.' } } },
      response: { 200: { description: 'What it comes to', ...said }, default: problemResponse },
    },
  }, (request) => { notDraining(app); return rollout.rollback(request.params.botId, request.body.to, authorOf(request)); });
}

function settingRoutes(app: FastifyInstance, { rollout }: RolloutRoutesOptions): void {
  const onRequest = administrators(app.confab.authenticator);
  app.get('/v1/admin/settings', {
    onRequest,
    schema: {
      operationId: 'listSettings', tags: ['operation'], summary: 'Flags and settings that change while nodes run',
      response: { 200: { description: 'Those that are set', type: 'object', required: ['settings'], properties: { settings: { type: 'array', items: setting } } }, default: problemResponse },
    },
  }, async () => ({ settings: (await rollout.settings()).all().map((one) => ({ ...one, changedAt: new Date(one.changedAt).toISOString() })) }));
  app.post<{ Body: { name: string; value?: unknown } }>('/v1/admin/settings', {
    onRequest,
    schema: {
      operationId: 'setSetting', tags: ['operation'], summary: 'Set a flag or setting, or take it back',
      body: { type: 'object', required: ['name', 'value'], additionalProperties: false, properties: { name: { type: 'string', maxLength: 80 }, value: { description: 'true, false, a number or a text; null takes it back.' } } },
      response: { 200: { description: 'It is on the log', type: 'object', required: ['name', 'value'], properties: { name: text, value: {} } }, default: problemResponse },
    },
  }, async (request) => {
    notDraining(app);
    const { name, value } = request.body;
    await rollout.change(name, value, authorOf(request));
    return { name, value };
  });
}

function notDraining(app: FastifyInstance): void {
  if (app.confab.draining()) throw new ConfabError('CONFAB_DRAINING', { retryAfterMs: 1000 });
}

const authorOf = (request: FastifyRequest): string => request.principal?.subject ?? 'local';
