/** bots.v1 and settings.v1 as operators use them: read whole, then written to. */
import type { Clock } from '../../platform/clock.js';
import { ConfabError, isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Codec, RecordCodec } from '../../schemas/codec.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import type { BotVersion, Setting } from '../../schemas/types.js';
import { topicName } from '../../topology/topology.js';
import { appendOnce, type KeyedRecord } from '../append-once.js';
import { deploySteps, promoteSteps, rollbackSteps, type Deployment, type Step } from './rollout-steps.js';
import { MODEL_STATUS, partKey, RolloutTable, versionKey } from './rollout-table.js';
import { checkSetting, settingOf, SettingsTable } from './settings-table.js';

export interface RolloutLogOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly prefix: string;
}

export interface Written { readonly said: string; readonly written: number }

/** One operator at a time: steps of two at once are in the order of the log, and the later one counts. */
export class RolloutLog {
  constructor(private readonly options: RolloutLogOptions) {}

  async table(): Promise<RolloutTable> {
    const table = new RolloutTable();
    await this.read('bots.v1', this.options.codec.of('BotVersion'), (key, value, offset) => { table.apply(key, value, offset); });
    return table;
  }

  async settings(): Promise<SettingsTable> {
    const table = new SettingsTable();
    await this.read('settings.v1', this.options.codec.of('Setting'), (key, value) => { table.apply(key, value); });
    return table;
  }

  /** @throws CONFAB_ROLLOUT_REFUSED; CONFAB_RECORD_TOO_LARGE; CONFAB_LOG_OUTCOME_UNKNOWN it is not on the log yet, and may come */
  async deploy(deployment: Deployment, by: string): Promise<Written> {
    return this.step((table, author) => deploySteps(table, deployment, author), by, deployment);
  }

  async promote(botId: string, by: string): Promise<Written> {
    return this.step((table, author) => promoteSteps(table, botId, author), by);
  }

  async rollback(botId: string, to: string | undefined, by: string): Promise<Written> {
    return this.step((table, author) => rollbackSteps(table, botId, to, author), by);
  }

  /** null takes the setting back. @throws CONFAB_SETTING_UNKNOWN, CONFAB_SETTING_INVALID */
  async change(name: string, value: unknown, by: string): Promise<void> {
    settingOf(name);
    const record: Setting | null = value === null ? null : { value: JSON.stringify(checkSetting(name, value)), changedBy: by, changedAt: this.options.clock.now() };
    await this.append('settings.v1', [{ key: name, value: record === null ? null : this.options.codec.of('Setting').encode(record) }]);
  }

  private async step(make: (table: RolloutTable, author: { now: number; by: string }) => Step, by: string, deployment?: Deployment): Promise<Written> {
    const author = { now: this.options.clock.now(), by };
    const table = await this.table();
    const { records, said } = make(table, author);
    if (records.length === 0) return { said, written: 0 };
    const codec = this.options.codec.of('BotVersion');
    // Models go first: when a node hears of the version, they are there. Without the version they mean nothing.
    for (const { key, value } of newParts(table, deployment)) await this.append('bots.v1', [{ key, value: codec.encode(value) }]);
    const bytes = records.map((record) => ({ key: versionKey(record.botId, record.version), value: codec.encode(record) }));
    try {
      await this.append('bots.v1', bytes);
    } catch (error) {
      if (!isCode(error, 'CONFAB_LOG_OUTCOME_UNKNOWN') || !await this.stands(records)) throw error;
    }
    for (const botId of new Set(records.filter(({ status }) => status === 'retired').map((one) => one.botId))) if (table.partKeys(botId).length > 0) await this.removeParts(botId);
    return { said, written: records.length };
  }

  /** Of versions that nobody can use any more. What is left behind by a failure here the next step removes. */
  private async removeParts(botId: string): Promise<void> {
    const table = await this.table();
    const used = new Set(table.versions(botId).filter(({ files }) => files !== null).flatMap(({ version }) => table.partKeys(botId, version)));
    const left = table.partKeys(botId).filter((key) => !used.has(key));
    if (left.length > 0) await this.append('bots.v1', left.map((key) => ({ key, value: null }))).catch(() => undefined);
  }

  /** Whether the log has these very records: what was not acknowledged may have been written all the same. */
  private async stands(records: readonly BotVersion[]): Promise<boolean> {
    const table = await this.table();
    return records.every(({ botId, version, status, deployedAt, deployedBy }) => table.versions(botId).some((one) => one.version === version && one.status === status && one.deployedAt === deployedAt && one.deployedBy === deployedBy));
  }

  private append(topic: 'bots.v1' | 'settings.v1', records: readonly KeyedRecord[]): Promise<void> {
    return appendOnce(this.options, topicName(this.options.prefix, topic), records);
  }

  /** Who writes has to understand all that stands there: a record that cannot be read ends the step. */
  private async read<T>(topic: 'bots.v1' | 'settings.v1', codec: RecordCodec<T>, take: (key: string | null, value: T | null, offset: number) => void): Promise<void> {
    const { log, prefix } = this.options;
    const name = topicName(prefix, topic);
    const end = await log.settledEnd(name, 0);
    for await (const { records } of log.read(name, 0, 0, end)) {
      for (const { key, value, offset } of records) take(key, value === null ? null : await this.decoded(codec, value, `${name} 0-${offset}`), offset);
    }
  }

  private async decoded<T>(codec: RecordCodec<T>, value: Buffer, place: string): Promise<T> {
    try {
      return await decodeRecord(codec, value);
    } catch (cause) {
      if (isCode(cause, 'CONFAB_REGISTRY_UNAVAILABLE')) throw cause;
      throw new ConfabError('CONFAB_ROLLOUT_REFUSED', { detail: `${place} cannot be read by this version of the program${isCode(cause, 'CONFAB_SCHEMA_UNKNOWN') ? ': a newer one has written it' : ''}.`, cause });
    }
  }
}

/** Nothing where the version has its models on the log already. */
function newParts(table: RolloutTable, deployment: Deployment | undefined): { key: string; value: BotVersion }[] {
  if (deployment?.models === undefined || table.partKeys(deployment.botId, deployment.version).length === deployment.models.length) return [];
  const { botId, version, models } = deployment;
  return models.map((files, index) => ({ key: partKey(botId, version, index), value: { botId, version: `${version}+${index}`, status: MODEL_STATUS, share: 0, files, deployedAt: null, deployedBy: null } }));
}
