/** `POST /v1/admin/topics/{topic}/records`: records made by hand, through the process that owns the embedded log. */
import type { FastifyInstance } from 'fastify';
import { ConfabError } from '../../platform/errors.js';
import { administrators } from '../../platform/http/admin-access.js';
import { problemResponse } from '../../platform/http/problem.js';
import { topology, type TopicName } from '../../topology/topology.js';
import type { Produced, Producer } from './producer.js';
import type { ProduceEntry } from './record-checker.js';

interface ProduceRoute { Params: { topic: string }; Body: { records: ProduceEntry[]; force?: boolean } }

/** A record may be as long as the log takes, and JSON needs more room than Avro. */
const MOST_BYTES = 4 * 1024 * 1024;
export const MOST_RECORDS = 1000;

const body = {
  type: 'object', required: ['records'], additionalProperties: false,
  properties: {
    records: {
      type: 'array', minItems: 1, maxItems: MOST_RECORDS,
      items: {
        type: 'object', required: ['key', 'value'], additionalProperties: false,
        properties: {
          key: { type: 'string', maxLength: 1024, format: 'well-formed' },
          value: { description: 'The record as JSON: unions without wrappers, fields with a default may be left out, bytes in base64; null: a tombstone.' },
          timestamp: { anyOf: [{ type: 'string' }, { type: 'integer' }], description: 'RFC 3339 or milliseconds; by default the present.' },
          headers: { type: 'object', maxProperties: 16, additionalProperties: { type: 'string', maxLength: 1024, format: 'well-formed' } },
        },
      },
    },
    force: { type: 'boolean', description: 'Also into topics that a stage owns, and fields that acceptance settles.' },
  },
} as const;
const response = {
  200: {
    description: 'All of them were written, in this order', type: 'object', required: ['records', 'warnings'],
    properties: {
      records: {
        type: 'array',
        items: { type: 'object', required: ['topic', 'partition', 'offset', 'key'], properties: { topic: { type: 'string' }, partition: { type: 'integer' }, offset: { type: 'integer' }, key: { type: 'string' }, position: { type: 'string', description: 'Of a message.' } } },
      },
      warnings: { type: 'array', items: { type: 'string' } },
    },
  },
  default: problemResponse,
} as const;

export function produceRoutes(app: FastifyInstance, producer: Producer): void {
  app.post<ProduceRoute>('/v1/admin/topics/:topic/records', {
    onRequest: administrators(app.confab.authenticator), bodyLimit: Math.max(MOST_BYTES, app.confab.maxBodyBytes),
    schema: {
      operationId: 'produceRecords', tags: ['operation'], summary: 'Write records to a topic',
      description: 'All are checked before the first is written.',
      params: { type: 'object', required: ['topic'], properties: { topic: { type: 'string', description: 'Name without prefix, such as messages.v1.' } } },
      body, response,
    },
  }, async (request) => {
    if (app.confab.draining()) throw new ConfabError('CONFAB_DRAINING', { retryAfterMs: 1000 });
    const { topic } = request.params;
    if (!Object.hasOwn(topology.topics, topic)) throw new ConfabError('CONFAB_TOPIC_UNKNOWN', { detail: `There is no topic "${topic.slice(0, 100)}" in the topology.` });
    const checked = producer.check(topic as TopicName, request.body.records, request.body.force === true);
    const written: Produced[] = [];
    await producer.write(topic as TopicName, checked, (produced) => { written.push(produced); });
    return { records: written, warnings: checked.warnings };
  });
}
