/** `POST /v1/admin/views/{view}/rebuild`: a view made again by the process that keeps it, a partition a call. */
import type { FastifyInstance } from 'fastify';
import { ConfabError } from '../../platform/errors.js';
import { administrators } from '../../platform/http/admin-access.js';
import { problemResponse } from '../../platform/http/problem.js';
import type { Part, PartChecked, PartRebuilt, RebuildParts } from './view.js';
import { rebuildOf } from './views.js';

interface ViewRoute { Params: { view: string } }
interface RebuildRoute extends ViewRoute { Body: Part & { check?: boolean } }

const integer = { type: 'integer' } as const;
const params = { type: 'object', required: ['view'], properties: { view: { type: 'string', description: 'As `confab rebuild` lists them: state.' } } } as const;
const part = { topic: { type: 'string', maxLength: 200, description: 'Name without prefix, such as dialogue-states.v1.' }, partition: { type: 'integer', minimum: 0 } } as const;
const rebuilt = {
  type: 'object', required: ['topic', 'partition', 'records', 'milliseconds'],
  properties: {
    ...part, records: { ...integer, description: 'Read from the log.' }, milliseconds: integer,
    states: { ...integer, description: 'Written; newer ones that stood there already stayed.' },
    conversations: { ...integer, description: 'With `check`: those that have a state in the log. The next five add up to them.' }, same: integer, newer: integer, missing: integer, behind: integer, different: integer,
    examples: { type: 'array', items: { type: 'string' } }, watermark: { type: 'string', enum: ['whole', 'missing', 'of another log', 'ahead of the log'] },
  },
} as const;

export function rebuildRoutes(app: FastifyInstance, parts: RebuildParts): void {
  const onRequest = administrators(app.confab.authenticator);
  app.get<ViewRoute>('/v1/admin/views/:view', {
    onRequest,
    schema: {
      operationId: 'getViewParts', tags: ['operation'], summary: 'The parts of a view', description: 'Each is rebuilt by itself.', params,
      response: { 200: { description: 'Its parts', type: 'object', required: ['parts'], properties: { parts: { type: 'array', items: { type: 'object', required: ['topic', 'partition'], properties: part } } } }, default: problemResponse },
    },
  }, async (request) => ({ parts: await rebuildOf(request.params.view, parts).parts() }));
  app.post<RebuildRoute>('/v1/admin/views/:view/rebuild', {
    onRequest,
    schema: {
      operationId: 'rebuildView', tags: ['operation'], summary: 'Rebuild a part of a view', description: 'From the log, beside what writes to it: nothing newer is overwritten. With `check` it is compared and nothing is written.', params,
      body: { type: 'object', required: ['topic', 'partition'], additionalProperties: false, properties: { ...part, check: { type: 'boolean' } } },
      response: { 200: { description: 'What was done or found', ...rebuilt }, default: problemResponse },
    },
  }, async (request): Promise<PartRebuilt | PartChecked> => {
    if (app.confab.draining()) throw new ConfabError('CONFAB_DRAINING', { retryAfterMs: 1000 });
    const rebuild = rebuildOf(request.params.view, parts);
    const { topic, partition, check } = request.body;
    const wanted = (await rebuild.parts()).find((each) => each.topic === topic && each.partition === partition);
    if (wanted === undefined) throw new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `The view has no part ${topic.slice(0, 100)} ${partition}.` });
    return check === true ? rebuild.check(wanted) : rebuild.run(wanted);
  });
}
