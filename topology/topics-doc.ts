/** Makes docs/topics.md from the topology and the schemas. */
import { ConfabError } from '../platform/errors.js';
import type { NewestSchema } from '../schemas/schema-set.js';
import type { Topology } from './define.js';
import { duration } from './durations.js';
import { mermaid } from './graph.js';
import { topicConfig } from './topic-config.js';

interface FieldNode { name: string; type: unknown; doc?: string; personal?: boolean; default?: unknown }
interface TypeNode { type: unknown; name?: string; doc?: string; fields?: FieldNode[]; items?: unknown; values?: unknown; logicalType?: string }

const KEYS = {
  conversation: '`<tenant>/<conversationId>`', 'conversation+timer': '`<tenant>/<conversationId>`, NUL, timer id; partitioned by the conversation',
  'conversation+node': '`<tenant>/<conversationId>`, NUL, node; of a lease: NUL, node; on the partition of the conversation',
  count: 'minute, bot, channel, intent and input partition; on the partition number of its input', name: 'name', subject: 'data subject', revocation: 'kind, colon, and what is revoked',
} as const;

/** The whole text of docs/topics.md. */
export function topicsDoc(topology: Topology, schemas: ReadonlyMap<string, NewestSchema>): string {
  const parts = [
    '# Topics', '',
    'Made by `npm run generate` from `topology/topology.ts` and `schemas/*.avsc`: do not edit.', '',
    'Values are Avro in the Confluent wire format: 0x00, schema id (4 bytes, big endian), body. Without a registry the ids are those of `schemas/ids.json`; with one the subjects are `<topic>-value`. Full names begin with `CONFAB_PREFIX`.', '',
    '```mermaid', mermaid(topology).trimEnd(), '```', '',
    '| topic | record | kept | purpose |', '| --- | --- | --- | --- |',
    ...Object.entries(topology.topics).map(([name, topic]) => `| [\`${name}\`](#${anchor(name)}) | ${topic.record} | ${topic.cleanup}${topic.retention === undefined ? '' : `, ${duration(topic.retention)}`} | ${topic.purpose} |`),
  ];
  const nested = new Map<string, TypeNode>();
  for (const [name, topic] of Object.entries(topology.topics)) {
    const schema = schemas.get(topic.record);
    if (schema === undefined) throw new ConfabError('CONFAB_TOPOLOGY_INVALID', { detail: `topic "${name}": schemas/${name}.avsc, which declares the record ${topic.record}, is missing` });
    const root = JSON.parse(schema.text) as TypeNode;
    collect(root, nested);
    parts.push(
      '', `## ${name}`, '', root.doc ?? '', '',
      `- Key: ${KEYS[topic.key]}`,
      `- Partitions: ${topic.partitions === 'conversation' ? '`CONFAB_PARTITIONS`, the same for every conversation topic' : topic.partitions}`,
      `- Configuration: ${Object.entries(topicConfig(name, topic, topology, undefined)).map(([entry, value]) => `\`${entry}=${value}\``).join(', ')}`,
      '', ...fieldTable(root),
    );
    nested.delete(topic.record);
  }
  const records = new Set(Object.values(topology.topics).map((topic) => topic.record as string));
  parts.push('', '## Parts of records');
  for (const [name, node] of nested) if (!records.has(name)) parts.push('', `### ${name}`, '', ...(node.doc === undefined ? [] : [node.doc, '']), ...fieldTable(node));
  return `${parts.join('\n')}\n`;
}

const anchor = (heading: string): string => heading.toLowerCase().replace(/[^a-z0-9 -]/g, '').replace(/ /g, '-');

function fieldTable(node: TypeNode): string[] {
  return [
    '| field | type | personal | meaning |', '| --- | --- | --- | --- |',
    ...(node.fields ?? []).map((field) => `| \`${field.name}\` | ${typeText(field.type)} | ${field.personal ? 'yes' : ''} | ${field.doc ?? ''} |`),
  ];
}

function typeText(type: unknown): string {
  if (Array.isArray(type)) return type.filter((member) => member !== 'null').map(typeText).join(' or ') + (type.includes('null') ? ', optional' : '');
  if (typeof type === 'string') return type.split('.').at(-1) ?? type;
  const node = type as TypeNode;
  if (node.logicalType !== undefined) return node.logicalType;
  if (node.type === 'array') return `list of ${typeText(node.items)}`;
  if (node.type === 'map') return `map of ${typeText(node.values)}`;
  return node.name ?? typeText(node.type);
}

function collect(node: unknown, into: Map<string, TypeNode>): void {
  if (Array.isArray(node)) { node.forEach((member) => { collect(member, into); }); return; }
  if (typeof node !== 'object' || node === null) return;
  const { type, name, fields, items, values } = node as TypeNode;
  if (type === 'record' && name !== undefined && !into.has(name)) into.set(name, node as TypeNode);
  for (const inner of [type, items, values, ...(fields ?? []).map((field) => field.type)]) collect(inner, into);
}
