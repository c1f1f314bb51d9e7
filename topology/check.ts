/** Checks that need no log: the declaration, its schemas, and that every two versions of a schema read each other. */
import { ConfabError } from '../platform/errors.js';
import { compatibilityFaults } from '../schemas/compatibility.js';
import { loadSchemas } from '../schemas/schema-set.js';
import { checkTopology, type Topology } from './define.js';

export interface CheckResult {
  readonly topics: number;
  readonly stages: number;
  readonly edges: number;
  readonly schemaVersions: number;
}

/** @throws CONFAB_TOPOLOGY_INVALID, CONFAB_SCHEMA_UNKNOWN, CONFAB_SCHEMA_INCOMPATIBLE */
export function checkAll(topology: Topology): CheckResult {
  checkTopology(topology);
  const schemas = loadSchemas();
  for (const [name, topic] of Object.entries(topology.topics)) {
    const schema = schemas.newest.get(topic.record);
    if (schema?.topic !== name) throw new ConfabError('CONFAB_TOPOLOGY_INVALID', { detail: `topic "${name}": schemas/${name}.avsc does not declare the record ${topic.record}` });
  }
  for (const schema of schemas.newest.values()) {
    if (!Object.hasOwn(topology.topics, schema.topic)) throw new ConfabError('CONFAB_TOPOLOGY_INVALID', { detail: `schemas/${schema.topic}.avsc: there is no topic "${schema.topic}"` });
  }
  const faults = compatibilityFaults(schemas);
  if (faults.length > 0) throw new ConfabError('CONFAB_SCHEMA_INCOMPATIBLE', { detail: faults.join('; ') });
  return {
    topics: Object.keys(topology.topics).length, stages: Object.keys(topology.stages).length, edges: Object.keys(topology.edges).length,
    schemaVersions: schemas.versions.length,
  };
}
