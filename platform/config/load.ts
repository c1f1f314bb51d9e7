/** From environment variables to settings: every fault is found before one error is thrown. */
import { readFileSync } from 'node:fs';
import { ConfabError, type ErrorCode } from '../errors.js';
import { nearest } from './nearest.js';
import { applyRules, type Config } from './rules.js';
import { Secret } from './secret.js';
import { Refusal, type Setting, type SettingIo } from './setting.js';
import { settings, type Settings } from './settings.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One wrong setting. */
export interface Fault {
  readonly name: string;
  readonly code: ErrorCode;
  /** A sentence that goes on from the name. */
  readonly detail: string;
}

export interface LoadOptions {
  /** Roles of this process (`--role`); none: all of them in one process. */
  readonly roles?: readonly string[];
  /** False for commands that serve nothing: rules between settings (bind and keys, roles and servers) are left out. Default true. */
  readonly serving?: boolean;
  readonly io?: SettingIo;
}

/** Names that begin so are for tests and benchmarks, not settings of the program. */
const LET_THROUGH = /^CONFAB_(TEST|BENCH)_/;

const systemIo: SettingIo = { readFile: (path) => readFileSync(path, 'utf8') };

/** Every declared setting. */
export function allSettings(): Setting<unknown>[] {
  return Object.values(settings).flatMap((section) => Object.values(section) as Setting<unknown>[]);
}

/**
 * Settings of the process, checked, typed and frozen.
 * @throws CONFAB_CONFIG_INVALID, CONFAB_CONFIG_UNKNOWN, CONFAB_ROLE_NEEDS_KAFKA, CONFAB_AUTH_REQUIRED with all faults in `errors`
 */
export function loadConfig(env: Environment, options: LoadOptions = {}): Config {
  const faults: Fault[] = unknownNames(env);
  const io = options.io ?? systemIo;
  const values = Object.fromEntries(Object.entries(settings).map(([section, declared]) => [
    section,
    Object.freeze(Object.fromEntries(Object.entries(declared as Record<string, Setting<unknown>>).map(([key, one]) => [key, valueOf(one, env, io, faults)]))),
  ])) as unknown as Settings;
  const given = new Set(allSettings().map(({ name }) => name).filter((name) => env[name] || env[`${name}_FILE`]));
  const config = applyRules(values, { roles: options.roles ?? [], serving: options.serving ?? true, given }, (name, detail, code = 'CONFAB_CONFIG_INVALID') => {
    // A setting that could not be read is not said to be missing as well.
    if (!faults.some((fault) => fault.name === name)) faults.push({ name, code, detail });
  });
  if (faults.length > 0) throw configError(faults);
  return config;
}

function valueOf(one: Setting<unknown>, env: Environment, io: SettingIo, faults: Fault[]): unknown {
  const direct = env[one.name] || undefined;
  const file = one.secret ? env[`${one.name}_FILE`] || undefined : undefined;
  const fault = (detail: string): unknown => {
    faults.push({ name: one.name, code: 'CONFAB_CONFIG_INVALID', detail });
    return one.default;
  };
  if (direct !== undefined && file !== undefined) return fault(`is set twice: drop it or ${one.name}_FILE`);
  if (direct === undefined && file === undefined) return freezeList(one.default);
  try {
    const value = file === undefined ? one.kind.parse((direct ?? '').trim(), io) : fromFile(one, file, io);
    const refusal = one.check?.(value);
    return refusal === undefined ? freezeList(value) : fault(`${shown(one, direct)}${refusal}`);
  } catch (error) {
    if (error instanceof Refusal) return fault(`${shown(one, direct)}${error.message}`);
    throw error;
  }
}

function fromFile(one: Setting<unknown>, path: string, io: SettingIo): unknown {
  const read = (): string => {
    let content: string;
    try { content = io.readFile(path); } catch { throw new Refusal(`cannot be read from the file that ${one.name}_FILE names`); }
    const trimmed = content.replace(/\r?\n$/, '');
    if (trimmed === '') throw new Refusal(`is empty in the file that ${one.name}_FILE names`);
    return trimmed;
  };
  const value = one.kind.parse(read(), io);
  return value instanceof Secret ? new Secret(value.reveal(), read) : value;
}

/** The refused value in front of the reason; of a secret nothing. */
function shown(one: Setting<unknown>, raw: string | undefined): string {
  return one.secret || raw === undefined ? '' : `is ${JSON.stringify(raw.length > 60 ? `${raw.slice(0, 60)}…` : raw)}, but `;
}

function freezeList(value: unknown): unknown {
  return Array.isArray(value) ? Object.freeze(value) : value;
}

function unknownNames(env: Environment): Fault[] {
  const declared = allSettings();
  const known = new Set(declared.flatMap((one) => (one.secret ? [one.name, `${one.name}_FILE`] : [one.name])));
  const ours = [...known].filter((name) => name.startsWith('CONFAB_'));
  return Object.keys(env).filter((name) => name.startsWith('CONFAB_') && !known.has(name) && !LET_THROUGH.test(name)).sort().map((name) => {
    const plain = name.endsWith('_FILE') ? name.slice(0, -5) : undefined;
    const detail = plain !== undefined && known.has(plain) ? `is not known: only secrets come from files; set ${plain}` : `is not known; the nearest setting is ${nearest(name, ours) ?? ''}`;
    return { name, code: 'CONFAB_CONFIG_UNKNOWN', detail };
  });
}

/** One error for all faults: with the code of the faults when they share one, else CONFAB_CONFIG_INVALID. */
function configError(faults: readonly Fault[]): ConfabError {
  const codes = new Set(faults.map((fault) => fault.code));
  const [only] = codes;
  const code = codes.size === 1 && only !== undefined ? only : 'CONFAB_CONFIG_INVALID';
  const sentence = (fault: Fault): string => `${fault.name} ${fault.detail}${fault.code === code ? '' : ` (${fault.code})`}.`;
  return new ConfabError(code, {
    detail: faults.map(sentence).join(' '),
    errors: faults.map((fault) => ({ pointer: `/${fault.name}`, detail: sentence(fault) })),
  });
}
