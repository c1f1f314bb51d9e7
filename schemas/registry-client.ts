/** The registry as the codec needs it: three calls, coded errors, a bound on time, and no storm of look-ups of unknown ids. */
import { COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import type { Clock } from '../platform/clock.js';
import { ConfabError } from '../platform/errors.js';
import type { Logger } from '../platform/observability/logger.js';
import { NO_ANSWER, registryApi, type RegistryApi } from './registry-http.js';

export interface RegistryConnection {
  /** Base of the Confluent API, e.g. `https://registry:8081`. */
  readonly url: string;
  readonly auth?: { readonly username: string; readonly password: string } | { readonly token: string };
  /** PEM texts. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  /** How long one request may take. Default 5 s. */
  readonly timeoutMillis?: number;
}

export interface RegistryDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
}

const LEVEL = COMPATIBILITY.FULL_TRANSITIVE;
/** An id that the registry did not know is asked for again after this long. */
const UNKNOWN_MILLIS = 60_000;
const UNKNOWN_LIMIT = 1_000;

function statusOf(thrown: unknown): number {
  const status = (thrown as { status?: unknown } | null)?.status;
  return typeof status === 'number' ? status : NO_ANSWER;
}

/** The library gives its look-up's 404 a name instead of a status. */
function isNotRegistered(thrown: unknown): boolean {
  return statusOf(thrown) === 404 || (thrown as { name?: unknown } | null)?.name === 'ConfluentSchemaRegistryError';
}

function checkedId(id: unknown): number {
  if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > 0xffff_ffff) throw new Error('the answer holds no schema id');
  return id as number;
}

export class RegistryClient {
  private readonly registry: SchemaRegistry;
  private readonly api: RegistryApi;
  private readonly unknown = new Map<number, number>();
  private readonly dependencies: RegistryDependencies;

  constructor(connection: RegistryConnection, dependencies: RegistryDependencies) {
    this.dependencies = dependencies;
    this.api = registryApi(connection, dependencies.clock);
    this.registry = new SchemaRegistry({ host: connection.url, clientId: 'confab' });
    (this.registry as unknown as { api: RegistryApi }).api = this.api;
  }

  /** The id of this text under the subject; registers it when it is new. @throws CONFAB_REGISTRY_UNAVAILABLE, CONFAB_SCHEMA_INCOMPATIBLE */
  async idOf(subject: string, text: string): Promise<number> {
    try {
      return checkedId(await this.registry.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema: text }));
    } catch (error) {
      if (!isNotRegistered(error)) throw this.translated(error, subject);
    }
    try {
      const compatibility = await this.settleCompatibility(subject);
      return checkedId((await this.registry.register({ type: SchemaType.AVRO, schema: text }, { subject, compatibility })).id);
    } catch (error) {
      throw this.translated(error, subject);
    }
  }

  /** The text of a schema. @throws CONFAB_SCHEMA_UNKNOWN, CONFAB_REGISTRY_UNAVAILABLE, CONFAB_RECORD_INVALID it is no Avro */
  async textOf(id: number): Promise<string> {
    const refused = new ConfabError('CONFAB_SCHEMA_UNKNOWN', { detail: `The registry has no schema with id ${id}.` });
    if ((this.unknown.get(id) ?? -Infinity) > this.dependencies.clock.monotonic()) throw refused;
    try {
      const schema = await this.registry.getSchema(id) as { schema?: (options: { exportAttrs: boolean }) => unknown };
      if (typeof schema.schema !== 'function') throw new ConfabError('CONFAB_RECORD_INVALID', { detail: `Schema id ${id} is not Avro.` });
      return JSON.stringify(schema.schema({ exportAttrs: true }));
    } catch (error) {
      if (error instanceof ConfabError) throw error;
      if (statusOf(error) !== 404) throw this.translated(error, `schema id ${id}`);
      if (this.unknown.size >= UNKNOWN_LIMIT) this.unknown.clear();
      this.unknown.set(id, this.dependencies.clock.monotonic() + UNKNOWN_MILLIS);
      throw refused;
    }
  }

  /** Sets FULL_TRANSITIVE where the registry lets us; the level that then holds. */
  private async settleCompatibility(subject: string): Promise<COMPATIBILITY> {
    const { Subject } = this.api;
    let level: string | undefined;
    try {
      level = String((await Subject.config({ subject })).data().compatibilityLevel).toUpperCase();
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
    if (level === LEVEL) return LEVEL;
    try {
      await Subject.updateConfig({ subject, body: { compatibility: LEVEL } });
      return LEVEL;
    } catch (error) {
      if (statusOf(error) >= 500) throw error;
      this.dependencies.logger.warn({ subject, level, status: statusOf(error) }, `the registry does not let us set ${LEVEL}`);
      return (level ?? LEVEL) as COMPATIBILITY;
    }
  }

  private translated(error: unknown, what: string): ConfabError {
    const status = statusOf(error);
    if (status === 409) return new ConfabError('CONFAB_SCHEMA_INCOMPATIBLE', { detail: `${what}: the registry refuses the schema.`, cause: error });
    const answer = status === NO_ANSWER ? 'no answer' : `status ${status}`;
    return new ConfabError('CONFAB_REGISTRY_UNAVAILABLE', { detail: `${what}: ${answer}.`, retryAfterMs: 1_000, cause: error });
  }
}
