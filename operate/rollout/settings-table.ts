/**
 * What settings.v1 may hold, in one table, and what it holds. Flags are named `flags.NAME`; conditions of bots read them
 * under that name. A value that does not fit its type (an older program wrote it, or a hand) counts as not set.
 */
import { ConfabError } from '../../platform/errors.js';
import type { Setting } from '../../schemas/types.js';

export type SettingValue = string | number | boolean;
export type SettingKind = 'flag';

export interface SettingDefinition {
  /** How names of this kind look. */
  readonly form: RegExp;
  readonly name: string;
  readonly about: string;
  /** Why a value is not one; undefined: it is. */
  readonly fault: (value: unknown) => string | undefined;
}

const LONGEST_TEXT = 200;

/** Every kind of setting that changes while nodes run. What is fixed at the start is an environment variable (docs/config.md). */
export const SETTINGS: Readonly<Record<SettingKind, SettingDefinition>> = {
  flag: {
    form: /^flags\.[a-z][a-z0-9_]{0,39}$/, name: 'flags.NAME',
    about: 'A switch or a value that conditions of bots read: true or false, a number, or a text of at most 200 characters.',
    fault: (value) => {
      if (typeof value === 'boolean') return undefined;
      if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'the number must be finite';
      if (typeof value === 'string') return value.length <= LONGEST_TEXT ? undefined : `a text has at most ${LONGEST_TEXT} characters`;
      return 'use true, false, a number or a text';
    },
  },
};

export interface SettingEntry {
  readonly name: string;
  readonly value: SettingValue;
  readonly changedBy: string;
  readonly changedAt: number;
}

/** @throws CONFAB_SETTING_UNKNOWN */
export function settingOf(name: string): SettingDefinition {
  const found = Object.values(SETTINGS).find(({ form }) => form.test(name));
  if (found === undefined) throw new ConfabError('CONFAB_SETTING_UNKNOWN', { detail: `"${name.slice(0, 80)}" is none: there are ${Object.values(SETTINGS).map((one) => one.name).join(', ')} (lower-case letters, digits and _).` });
  return found;
}

/** @throws CONFAB_SETTING_UNKNOWN, CONFAB_SETTING_INVALID */
export function checkSetting(name: string, value: unknown): SettingValue {
  const fault = settingOf(name).fault(value);
  if (fault !== undefined) throw new ConfabError('CONFAB_SETTING_INVALID', { detail: `${name}: ${fault}.` });
  return value as SettingValue;
}

export class SettingsTable {
  private readonly entries = new Map<string, SettingEntry>();
  private set: ReadonlyMap<string, SettingValue> = new Map();

  /** True when something has changed. */
  apply(key: string | null, value: Setting | null): boolean {
    if (key === null) return false;
    const had = this.entries.get(key);
    const entry = value === null ? undefined : entryOf(key, value);
    if (entry === undefined) this.entries.delete(key); else this.entries.set(key, entry);
    if (had?.value === entry?.value) return false;
    this.set = new Map(this.all().filter(({ name }) => name.startsWith('flags.')).map(({ name, value }) => [name.slice('flags.'.length), value]));
    return true;
  }

  /** Forgets everything. */
  clear(): void { this.entries.clear(); this.set = new Map(); }

  /** By name. */
  all(): SettingEntry[] { return [...this.entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1)); }

  /** Flags by the name that follows `flags.`; the same map until one changes. */
  flags(): ReadonlyMap<string, SettingValue> {
    return this.set;
  }
}

function entryOf(name: string, { value, changedBy, changedAt }: Setting): SettingEntry | undefined {
  try {
    return { name, value: checkSetting(name, JSON.parse(value)), changedBy, changedAt };
  } catch {
    return undefined;
  }
}
