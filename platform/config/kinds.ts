/** The kinds of value that settings have. */
import { isIP } from 'node:net';
import { Secret } from './secret.js';
import { Refusal, type Kind } from './setting.js';

const refuse = (why: string): never => { throw new Refusal(why); };

export function text(pattern?: RegExp, form = 'text'): Kind<string> {
  return {
    form,
    parse: (raw) => (pattern && !pattern.test(raw) ? refuse(`must be ${form}`) : raw),
    format: (value) => value,
  };
}

export function integer(least: number, most: number): Kind<number> {
  return {
    form: most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least}` : `a whole number from ${least} to ${most}`,
    parse(raw) {
      const value = Number(raw);
      return /^\d+$/.test(raw) && value >= least && value <= most ? value : refuse(`must be ${this.form}`);
    },
    format: String,
  };
}

export const port = integer(0, 65_535);

export const ratio: Kind<number> = {
  form: 'a number from 0 to 1',
  parse(raw) {
    const value = Number(raw);
    return /^\d*\.?\d+$/.test(raw) && value <= 1 ? value : refuse('must be a number from 0 to 1');
  },
  format: String,
};

export const flag: Kind<boolean> = {
  form: '`true` or `false`',
  parse: (raw) => (/^(true|1)$/i.test(raw) ? true : /^(false|0)$/i.test(raw) ? false : refuse('must be true or false')),
  format: String,
};

export function choice<const V extends string>(...values: V[]): Kind<V> {
  const form = values.map((value) => `\`${value}\``).join(', ');
  return {
    form: `one of ${form}`,
    parse: (raw) => values.find((value) => value === raw) ?? refuse(`must be one of ${values.join(', ')}`),
    format: (value) => value,
  };
}

/** A text with a unit, as the number of the smallest unit. Without a unit only zero, or what `bare` allows. */
function withUnit(form: string, units: Readonly<Record<string, number>>, bare: boolean): Kind<number> {
  const names = Object.keys(units);
  return {
    form,
    parse(raw) {
      const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(raw);
      const unit = match?.[2] === '' ? (bare || Number(match[1]) === 0 ? 1 : undefined) : units[match?.[2] ?? ''];
      if (!match || unit === undefined) return refuse(`must be ${form.replaceAll('`', '')}`);
      const value = Number(match[1]) * unit;
      return Number.isSafeInteger(value) ? value : refuse('must come out as a whole number of the smallest unit');
    },
    format(value) {
      const unit = [...names].reverse().find((name) => value !== 0 && value % (units[name] ?? 1) === 0);
      return unit === undefined ? `${value}` : `${value / (units[unit] ?? 1)}${unit}`;
    },
  };
}

/** Milliseconds. */
export const duration = withUnit('a number with a unit: `ms`, `s`, `m`, `h` or `d`', { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }, false);

/** Bytes. */
export const size = withUnit('a number of bytes, or with a unit: `kB`, `KiB`, `MB`, `MiB`, `GB` or `GiB`',
  { B: 1, kB: 1000, KB: 1000, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }, true);

export function url(...protocols: string[]): Kind<string> {
  const form = `a URL (${protocols.map((protocol) => `${protocol}://`).join(', ')})`;
  return {
    form,
    parse(raw) {
      if (!isUrl(raw, protocols)) return refuse(`must be ${form}`);
      const parsed = new URL(raw);
      return parsed.username === '' && parsed.password === '' ? raw : refuse('must hold no user name or password; they have settings of their own');
    },
    format: (value) => value,
  };
}

/** A URL that may hold a user name and a password: a secret. Shown without them. */
export function secretUrl(...protocols: string[]): Kind<Secret> {
  const form = `a URL (${protocols.map((protocol) => `${protocol}://`).join(', ')})`;
  return {
    form,
    parse: (raw) => (isUrl(raw, protocols) ? new Secret(raw) : refuse(`must be ${form}`)),
    format(value) {
      const parsed = new URL(value.reveal());
      if (parsed.username !== '') parsed.username = '***';
      if (parsed.password !== '') parsed.password = '***';
      return parsed.href;
    },
  };
}

function isUrl(raw: string, protocols: readonly string[]): boolean {
  const parsed = URL.canParse(raw) ? new URL(raw) : undefined;
  return parsed !== undefined && protocols.includes(parsed.protocol.slice(0, -1)) && parsed.hostname !== '';
}

/** An http(s) origin: scheme, host, port, nothing more; or `*`. */
export const origin: Kind<string> = {
  form: 'an origin such as `https://chat.example.com`, or `*`',
  parse: (raw) => (raw === '*' || (URL.canParse(raw) && new URL(raw).origin === raw) ? raw
    : refuse('must hold origins such as https://chat.example.com (no path, no closing slash)')),
  format: (value) => value,
};

/** `host:port`; IPv6 in brackets. */
export const address: Kind<string> = {
  form: '`host:port`',
  parse(raw) {
    const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(raw);
    return match && Number(match[2]) > 0 && Number(match[2]) <= 65_535 ? raw : refuse('must be host:port');
  },
  format: (value) => value,
};

export function list<T>(item: Kind<T>): Kind<readonly T[]> {
  return {
    form: `a comma-separated list, each ${item.form}`,
    parse(raw, io) {
      const items = raw.split(',').map((part) => part.trim()).filter((part) => part !== '');
      return items.length === 0 ? refuse('must not be an empty list') : items.map((part) => item.parse(part, io));
    },
    format: (value) => value.map((part) => item.format(part)).join(','),
  };
}

export function mapping(key: RegExp, value: RegExp, form: string): Kind<ReadonlyMap<string, string>> {
  return {
    form,
    parse(raw) {
      const entries = raw.split(',').map((part) => part.trim()).filter((part) => part !== '').map((part): [string, string] => {
        const cut = part.indexOf('=');
        const pair: [string, string] = [part.slice(0, cut).trim(), part.slice(cut + 1).trim()];
        return cut > 0 && key.test(pair[0]) && value.test(pair[1]) ? pair : refuse(`must be ${form.replaceAll('`', '')}; "${part}" is not`);
      });
      const map = new Map(entries);
      return map.size === entries.length ? map : refuse('names a key twice');
    },
    format: (map) => [...map].map(([name, to]) => `${name}=${to}`).join(','),
  };
}

/** An address, or a CIDR range of addresses. */
export const addressRange: Kind<string> = {
  form: 'an address or a CIDR range such as `10.20.0.0/16`',
  parse(raw) {
    const [ip = '', bits, ...rest] = raw.split('/');
    const version = isIP(ip);
    const fits = version !== 0 && rest.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)));
    return fits ? raw : refuse('must be an address or a CIDR range such as 10.20.0.0/16');
  },
  format: (value) => value,
};

const PROXY_WORDS = new Set(['loopback', 'linklocal', 'uniquelocal']);

/** Whose `X-Forwarded-For` is believed. */
export const trustProxy: Kind<boolean | number | readonly string[]> = {
  form: '`false`, `true`, a number of hops, or a list of addresses, CIDR ranges, `loopback`, `linklocal`, `uniquelocal`',
  parse(raw) {
    if (raw === 'true' || raw === 'false') return raw === 'true';
    if (/^\d{1,2}$/.test(raw)) return Number(raw);
    return raw.split(',').map((part) => part.trim()).map((part) => {
      const [ip = '', bits] = part.split('/');
      const version = isIP(ip);
      const fits = version !== 0 && (bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128)));
      return PROXY_WORDS.has(part) || fits ? part : refuse(`must be ${this.form.replaceAll('`', '')}`);
    });
  },
  format: (value) => (Array.isArray(value) ? value.join(',') : String(value)),
};

/** A secret text. */
export const hidden: Kind<Secret> = { form: 'text', parse: (raw) => new Secret(raw), format: () => '***' };

const isPem = (raw: string): boolean => raw.trimStart().startsWith('-----BEGIN ');

function pemText(raw: string, io: { readFile(path: string): string }): string {
  if (isPem(raw)) return raw;
  let content: string;
  try { content = io.readFile(raw); } catch { return refuse('must be PEM text or the path of a file that can be read'); }
  return isPem(content) ? content : refuse('names a file that is not PEM');
}

/** Certificates: PEM text or the path of a PEM file. */
export const pem: Kind<string> = { form: 'PEM text or the path of a PEM file', parse: pemText, format: () => '[PEM]' };

/** A private key: PEM text or the path of a PEM file. */
export const pemKey: Kind<Secret> = { form: pem.form, parse: (raw, io) => new Secret(pemText(raw, io)), format: () => '***' };
