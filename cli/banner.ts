/** What `confab start` says once it is ready: where it is, what it stands on, who may use it, and what to try. */
import { relative } from 'node:path';
import type { Config } from '../platform/config.js';

export interface BannerFacts {
  readonly version: string;
  /** When the start began, milliseconds since the epoch. */
  readonly startedAt: number;
  /** How long it took until everything was ready. */
  readonly millis: number;
  readonly config: Config;
  /** Where it listens. */
  readonly url: string;
  /** The folder that commands are typed in; paths below it are shown from there. */
  readonly folder: string;
}

const WIDTH = 8;
const DEFAULT_URL = 'http://127.0.0.1:8080';

/** The whole text, with its last line break. */
export function banner(facts: BannerFacts): string {
  const { config, url } = facts;
  const all = config.roles.length === 0;
  const serves = (role: string): boolean => all || config.roles.includes(role);
  const started = new Date(facts.startedAt).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
  const lines = [
    `Confab ${facts.version} · started ${started} · ready after ${(facts.millis / 1000).toFixed(1)} s${all ? '' : ` · ${config.roles.join(', ')}`}`, '',
    ...(serves('ingress') && serves('egress') ? [row('chat', `${url}/`)] : []),
    serves('ingress') || serves('egress') ? row('API', `${url}/v1 (described at ${url}/docs)`) : row('health', `${url}/health/ready`),
    config.kafka.brokers === undefined ? row('data', dataText(config.pipeline.dataDir, facts.folder)) : row('log', `Kafka at ${config.kafka.brokers.join(', ')}`),
    ...(all && config.kafka.brokers === undefined && config.pipeline.botsReload ? [row('bots', `${shown(config.pipeline.botsDir, facts.folder)} (edit a file, save, ask again: no restart)`)] : []),
    row('access', accessText(config)),
    ...(all ? ['', 'Try:', ...attempts(config, url).map((line) => `  ${line}`)] : []),
  ];
  return `${lines.join('\n')}\n\n`;
}

const row = (name: string, text: string): string => `  ${name.padEnd(WIDTH)}${text}`;

function dataText(folder: string, from: string): string {
  const path = shown(folder, from);
  return `${path} (to begin afresh: stop, then rm -r ${quoted(path)})`;
}

function accessText({ auth, http }: Config): string {
  if (auth.mode === 'jwt') return `authentication is on: every request needs a token for "${auth.audience}"`;
  const may = 'may read and write every conversation';
  if (auth.mode === 'insecure') return `AUTHENTICATION IS OFF (CONFAB_AUTH=insecure): whoever reaches ${http.host}:${http.port} ${may}`;
  return `authentication is off: whoever works on this machine ${may}; other machines cannot reach it`;
}

function attempts(config: Config, url: string): string[] {
  const token = config.auth.mode === 'jwt' ? ` -H "authorization: Bearer $CONFAB_TOKEN"` : '';
  return [
    `open ${url}/ in a browser and ask "Where is my parcel?"`,
    `npx confab chat${url === DEFAULT_URL ? '' : ` --url ${url}`}`,
    `curl -s ${url}/v1/conversations/me/messages${token} -H 'content-type: application/json' -d '{"text":"Where is my parcel?"}'`,
  ];
}

/** A path as one would type it from the folder that one stands in. */
function shown(path: string, from: string): string {
  const near = relative(from, path);
  return near === '' ? '.' : near.startsWith('..') ? path : `./${near}`;
}

const quoted = (path: string): string => (/^[\w./@%+=:-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`);
