/** Rights, where the broker has an authorizer. */
import kafkajs, { type AclEntry } from 'kafkajs';
import type { Acl, AclAdmin } from '../event-log.js';
import type { LazyAdmin } from './admin.js';
import { KafkaCode } from './codes.js';
import { isKafkaCode } from './kafkajs-errors.js';

// A CommonJS module: these names are not seen as exports of their own.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

const RESOURCES: Record<Acl['resource'], number> = {
  topic: AclResourceTypes.TOPIC, group: AclResourceTypes.GROUP, cluster: AclResourceTypes.CLUSTER, 'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
};
const PATTERNS: Record<Acl['pattern'], number> = { literal: ResourcePatternTypes.LITERAL, prefixed: ResourcePatternTypes.PREFIXED };
const OPERATIONS: Record<Acl['operation'], number> = {
  read: AclOperationTypes.READ, write: AclOperationTypes.WRITE, describe: AclOperationTypes.DESCRIBE, create: AclOperationTypes.CREATE, alter: AclOperationTypes.ALTER,
  'alter-configs': AclOperationTypes.ALTER_CONFIGS, 'describe-configs': AclOperationTypes.DESCRIBE_CONFIGS, 'idempotent-write': AclOperationTypes.IDEMPOTENT_WRITE, delete: AclOperationTypes.DELETE,
};

const nameOf = <T extends string>(names: Record<T, number>, value: number): T | undefined =>
  (Object.keys(names) as T[]).find((name) => names[name] === value);

export class KafkaAcls implements AclAdmin {
  constructor(private readonly admin: LazyAdmin) {}

  async available(): Promise<boolean> {
    try {
      await this.list();
      return true;
    } catch (error) {
      if (isKafkaCode((error as Error).cause, KafkaCode.SECURITY_DISABLED)) return false;
      throw error;
    }
  }

  /** Allowing ones of the kinds that the port knows; others are not this program's and stay untouched. */
  async list(): Promise<Acl[]> {
    const { resources } = await this.admin.use('listing rights', (admin) => admin.describeAcls({
      resourceType: AclResourceTypes.ANY, resourcePatternType: ResourcePatternTypes.ANY, operation: AclOperationTypes.ANY, permissionType: AclPermissionTypes.ANY,
    }));
    return resources.flatMap(({ resourceType, resourceName, resourcePatternType, acls }) => acls.flatMap((acl) => {
      const [resource, pattern, operation] = [nameOf(RESOURCES, resourceType), nameOf(PATTERNS, resourcePatternType), nameOf(OPERATIONS, acl.operation)];
      if (!resource || !pattern || !operation || acl.permissionType !== AclPermissionTypes.ALLOW) return [];
      return [{ principal: acl.principal, resource, name: resourceName, pattern, operation, host: acl.host }];
    }));
  }

  async create(acls: readonly Acl[]): Promise<void> {
    if (acls.length === 0) return;
    await this.admin.use('creating rights', (admin) => admin.createAcls({ acl: acls.map(entry) }));
  }

  async remove(acls: readonly Acl[]): Promise<void> {
    if (acls.length === 0) return;
    await this.admin.use('removing rights', (admin) => admin.deleteAcls({ filters: acls.map(entry) }));
  }
}

function entry(acl: Acl): AclEntry {
  return {
    resourceType: RESOURCES[acl.resource], resourceName: acl.name, resourcePatternType: PATTERNS[acl.pattern],
    principal: acl.principal, host: acl.host, operation: OPERATIONS[acl.operation], permissionType: AclPermissionTypes.ALLOW,
  };
}
