/** What a setting is: one declaration from which parsing, type, default, documentation and masking follow. */
import type { Secret } from './secret.js';

/** Why a value is refused: a sentence that goes on from "CONFAB_X". */
export class Refusal extends Error {}

/** How the text of a kind becomes a value. */
export interface Kind<T> {
  /** For the documentation: what the text looks like. */
  readonly form: string;
  /** @throws Refusal */
  parse(text: string, io: SettingIo): T;
  /** The value as a text that `parse` takes again; for `describeConfig` and the documentation. */
  format(value: T): string;
}

/** What parsing may touch outside of the environment. */
export interface SettingIo {
  /** @throws when the file cannot be read */
  readFile(path: string): string;
}

export interface SettingOptions<T> {
  readonly doc: string;
  readonly default?: T;
  /** Stands in the documentation for the default, where that depends on the machine or on other settings. */
  readonly defaultText?: string;
  readonly example?: string;
  /** A rule beyond the kind: the refusal, or undefined. */
  check?(this: void, value: T): string | undefined;
}

export interface Setting<T> {
  /** Name of the environment variable. */
  readonly name: string;
  readonly kind: Kind<unknown>;
  readonly doc: string;
  readonly default: T;
  readonly defaultText: string | undefined;
  readonly example: string | undefined;
  /** Its value is never shown, and it may come as NAME_FILE. */
  readonly secret: boolean;
  readonly check: SettingOptions<unknown>['check'];
}

function make(name: string, kind: Kind<unknown>, options: SettingOptions<unknown>, masked: boolean): Setting<unknown> {
  const { doc, defaultText, example, check } = options;
  return { name, kind, doc, default: options.default, defaultText, example, secret: masked, check };
}

/** A setting with a default: always has a value. */
export function setting<T>(name: string, kind: Kind<T>, options: SettingOptions<NoInfer<T>> & { readonly default: NoInfer<T> }): Setting<T> {
  return make(name, kind, options, false) as Setting<T>;
}

/** A setting that may be absent. */
export function optional<T>(name: string, kind: Kind<T>, options: Omit<SettingOptions<T>, 'default'>): Setting<T | undefined> {
  return make(name, kind, options, false) as Setting<T | undefined>;
}

/** A setting whose value is never shown; it may come as NAME_FILE. May be absent. */
export function secret(name: string, kind: Kind<Secret>, options: Omit<SettingOptions<Secret>, 'default'>): Setting<Secret | undefined> {
  return make(name, kind, options, true) as Setting<Secret | undefined>;
}
