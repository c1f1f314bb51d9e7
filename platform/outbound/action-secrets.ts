/**
 * Secrets of actions: named by the bot, held by the operator, each for one host. So a bot that is edited by many can use a
 * token, and can neither read it nor send it to another server.
 */
import { ConfabError } from '../errors.js';

/** The text of CONFAB_ACTION_SECRETS: `{"ORDERS_TOKEN": {"host": "orders.example.com", "value": "…"}}`. */
export class ActionSecrets {
  /** @param read gives the text as it is now: a file may be renewed */
  constructor(private readonly read: () => string | undefined) {}

  /** @throws CONFAB_ACTION_SECRET_MISSING without its value in any text */
  value(name: string, host: string): string {
    const found = this.entries().get(name);
    if (found?.host !== host) throw new ConfabError('CONFAB_ACTION_SECRET_MISSING', { detail: `There is no secret "${name}" for ${host}.` });
    return found.value;
  }

  private text: string | undefined;
  private parsed: ReadonlyMap<string, { readonly host: string; readonly value: string }> = new Map();

  private entries(): ReadonlyMap<string, { readonly host: string; readonly value: string }> {
    const text = this.read();
    if (text !== this.text) { this.parsed = parseActionSecrets(text ?? '{}') ?? this.parsed; this.text = text; }
    return this.parsed;
  }
}

/** Undefined where the text is not of the form. Header values: visible ASCII and blanks. */
export function parseActionSecrets(text: string): ReadonlyMap<string, { readonly host: string; readonly value: string }> | undefined {
  let given: unknown;
  try { given = JSON.parse(text); } catch { return undefined; }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
  const found = new Map<string, { host: string; value: string }>();
  for (const [name, entry] of Object.entries(given)) {
    const { host, value } = (entry ?? {}) as { host?: unknown; value?: unknown };
    if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name) || typeof host !== 'string' || typeof value !== 'string' || !/^[\x20-\x7e]+$/.test(value)) return undefined;
    found.set(name, { host, value });
  }
  return found;
}
